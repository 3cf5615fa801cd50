// SPDX-License-Identifier: MIT
// Scenarios: the log, with and without a loop, and what CROCHET_LOG asks for.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "faults/scenarios/scenario.hpp"

namespace faults {
namespace {

// A file in a folder that is removed with all that is in it.
class Scratch {
 public:
  Scratch() { MUST(mkdtemp(folder_) != nullptr); }
  ~Scratch() {
    for (const char* name : {"/x.log", "/x.1.log", "/x.2.log"}) std::remove((std::string(folder_) + name).c_str());
    rmdir(folder_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string file() const { return std::string(folder_) + "/x.log"; }

 private:
  char folder_[32] = "/tmp/faults-log-XXXXXX";
};

void sink(void*, const crochet_log_record*) {}

void write_some() {
  for (int i = 0; i < 4; ++i) CALL(crochet_log, CROCHET_LOG_ERROR, "faults", "a message", std::size_t{9});
  CALL(crochet_logf, CROCHET_LOG_WARNING, static_cast<const char*>(nullptr), "number %d", 4);
  CALL(crochet_log_wait, CROCHET_LOG_ERROR, "faults", "another one", std::size_t{11}, CROCHET_FOREVER);
  CALL(crochet_log_flush, CROCHET_FOREVER);
}

void log(const Armed& armed) {
  const Scratch scratch;
  armed.begin();
  CALL(crochet_log_set_level, CROCHET_LOG_INFO);
  CALL(crochet_log_level);
  CALL(crochet_log_enabled, CROCHET_LOG_INFO);
  std::uint64_t ids[5] = {};
  CALL(crochet_log_add_function, CROCHET_LOG_TRACE, sink, token(), drop_token, &ids[0]);
  CALL(crochet_log_add_file, CROCHET_LOG_TRACE, scratch.file().c_str(), 150u, 2u, &ids[1]);
  CALL(crochet_log_add_file, CROCHET_LOG_TRACE, scratch.file().c_str(), 0u, 0u, &ids[2]);
  CALL(crochet_log_add_stderr, CROCHET_LOG_TRACE, &ids[3]);
  CALL(crochet_log_add_syslog, CROCHET_LOG_CRITICAL, "faults", 0, &ids[4]);
  write_some();
  for (const std::uint64_t id : ids) {
    if (id != 0) CALL(crochet_log_remove, id);
  }
  std::uint64_t count = 0;
  CALL(crochet_log_counter, "messages_written", &count);
  CALL(crochet_log_counter_name, 0u);
  CALL(crochet_shutdown, CROCHET_SECOND);
  armed.end();
  MUST(CALL(crochet_log_set_level, CROCHET_LOG_WARNING) == CROCHET_OK);
  CALL(crochet_log_flush, CROCHET_FOREVER);
  // The thread of a log without a loop ends with the next stop of a last loop.
  set_up();
  shut_down();
}

void log_by_environment(const Armed& armed) {
  const Scratch scratch;
  setenv("CROCHET_LOG", ("debug,stderr,syslog:faults,file:" + scratch.file()).c_str(), 1);
  armed.begin();
  CALL(crochet_setup, nullptr);
  write_some();
  CALL(crochet_shutdown, CROCHET_SECOND);
  armed.end();
  set_up();
  shut_down();
}

}  // namespace

const Scenario kLog[] = {{"log", log}, {"log_by_environment", log_by_environment}, {nullptr, nullptr}};

}  // namespace faults
