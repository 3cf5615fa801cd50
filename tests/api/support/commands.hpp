// SPDX-License-Identifier: MIT
// Commands for tests: shell scripts, what came of them, and named pipes by which a test and a child wait for each
// other.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <string>

#include "api/support/durations.hpp"
#include "api/support/owned.hpp"
#include "crochet.h"

namespace contract {

using OwnedCommand = Owned<crochet_command, crochet_command_free>;

inline OwnedCommand command(const char* file, std::initializer_list<const char*> arguments = {}) {
  OwnedCommand made;
  EXPECT_EQ(crochet_command_new(file, made.out()), CROCHET_OK);
  for (const char* argument : arguments) EXPECT_EQ(crochet_command_add_argument(made.get(), argument), CROCHET_OK);
  return made;
}

// Further arguments are $1, $2...
inline OwnedCommand shell(const std::string& script, std::initializer_list<std::string> arguments = {}) {
  OwnedCommand made = command("/bin/sh", {"-c", script.c_str(), "sh"});
  for (const std::string& argument : arguments) {
    EXPECT_EQ(crochet_command_add_argument(made.get(), argument.c_str()), CROCHET_OK);
  }
  return made;
}

inline OwnedResult started(const OwnedCommand& command, crochet_loop* loop = nullptr) {
  OwnedResult result;
  EXPECT_EQ(crochet_command_run(command.get(), loop, result.out()), CROCHET_OK);
  return result;
}

inline crochet_process_exit* exit_of(const OwnedResult& result) {
  EXPECT_EQ(crochet_result_wait(result.get(), kKillTimer), CROCHET_OK)
      << crochet_error_message(crochet_result_error(result.get()));
  return static_cast<crochet_process_exit*>(crochet_result_value(result.get()));
}

inline std::string stdout_of(const crochet_process_exit* process) {
  size_t length = 0;
  const char* bytes = crochet_process_exit_stdout(process, &length);
  EXPECT_EQ(bytes[length], '\0');
  return {bytes, length};
}
inline std::string stderr_of(const crochet_process_exit* process) {
  size_t length = 0;
  const char* bytes = crochet_process_exit_stderr(process, &length);
  EXPECT_EQ(bytes[length], '\0');
  return {bytes, length};
}

// It is neither there nor a zombie.
inline bool is_gone(pid_t pid) { return kill(pid, 0) != 0 && errno == ESRCH; }

// A named pipe of the test's. Opening it waits for the other side, as long as that takes.
class Fifo {
 public:
  Fifo() {
    std::strcpy(directory_, "/tmp/crochet-XXXXXX");
    EXPECT_NE(mkdtemp(directory_), nullptr);
    path_ = std::string(directory_) + "/fifo";
    EXPECT_EQ(mkfifo(path_.c_str(), 0600), 0);
  }
  Fifo(const Fifo&) = delete;
  Fifo& operator=(const Fifo&) = delete;
  ~Fifo() {
    unlink(path_.c_str());
    rmdir(directory_);
  }

  const std::string& path() const { return path_; }

  // All that a child writes into it.
  std::string read() const {
    std::string text;
    const int descriptor = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    EXPECT_GE(descriptor, 0);
    char bytes[256];
    for (ssize_t count; (count = ::read(descriptor, bytes, sizeof bytes)) > 0;) {
      text.append(bytes, static_cast<std::size_t>(count));
    }
    close(descriptor);
    return text;
  }
  pid_t read_pid() const { return static_cast<pid_t>(std::atol(read().c_str())); }
  // Lets a child go on that waits for a line.
  void write_line() const {
    const int descriptor = open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    EXPECT_EQ(write(descriptor, "\n", 1), 1);
    close(descriptor);
  }

 private:
  char directory_[32];
  std::string path_;
};

}  // namespace contract
