// SPDX-License-Identifier: MIT
// A soak: everything the library does, at once, for as long as is asked for, beside processes that take CPU and memory.
// Every few seconds all stand still, and every account must close.
//
//   soak [--seconds N] [--interval N] [--seed N] [--csv FILE] [--unload PROGRAM] [--burden N]
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "api/support/sanitizers.hpp"
#include "soak/accounts.hpp"
#include "soak/callers.hpp"
#include "soak/crew.hpp"
#include "soak/sample.hpp"
#include "soak/workers.hpp"

namespace soak {
namespace {

using std::chrono::seconds;

struct Options {
  long seconds = 15;
  long interval = 1;
  std::uint64_t seed = 20261127;
  long burden = 1;
  std::string unload;
  std::FILE* csv = nullptr;
};

constexpr int kCallers = 4;
constexpr seconds kPatience{contract::kSanitized ? 300 : 60};

// A process that takes a CPU and memory, beginning with nothing of ours. It ends with us.
pid_t start_burden() {
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);
  constexpr std::size_t kSize = std::size_t{128} << 20;
  auto* const memory = static_cast<volatile unsigned char*>(std::malloc(kSize));
  for (std::size_t at = 0; memory != nullptr; at = (at + 4096) % kSize)
    memory[at] = static_cast<unsigned char>(at + memory[(at * 7) % kSize]);
  _exit(0);
}

// Counts what reaches it, and takes its time: a disk that is slow.
struct SlowSink {
  std::atomic<std::uint64_t> lines{0};
  static void write(void* self, const crochet_log_record* record) {
    auto* it = static_cast<SlowSink*>(self);
    // Where messages are missing a line says so, which is itself no message.
    if (std::strstr(record->message, "missing here") != nullptr) return;
    if (it->lines.fetch_add(1, std::memory_order_relaxed) % 16 == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
};

class Soak {
 public:
  explicit Soak(const Options& options) : options_(options) {}

  void run() {
    crochet_log_remove(CROCHET_LOG_DEFAULT_SINK);
    if (crochet_log_add_function(CROCHET_LOG_TRACE, &SlowSink::write, &sink_, nullptr, nullptr) != CROCHET_OK)
      return failed("no sink");
    if (crochet_setup(nullptr) != CROCHET_OK) return failed("no loop");
    loops_.hold_current(accounts_);
    if (options_.csv != nullptr) print_head(options_.csv);
    start_crew();
    const auto begin = std::chrono::steady_clock::now();
    const auto passed_seconds = [begin] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    };
    bool goes_on = true;
    while (goes_on && passed_seconds() < static_cast<double>(options_.seconds)) {
      std::this_thread::sleep_for(seconds(options_.interval));
      goes_on = checkpoint(passed_seconds());
    }
    if (!goes_on) give_up();
    crew_.end();
    end();
  }

 private:
  void start_crew() {
    std::uint64_t seed = options_.seed;
    for (int i = 0; i < kCallers; ++i) {
      crew_.add("caller " + std::to_string(i), ++seed, [this](Random& random) { make_batch(accounts_, random); });
    }
    crew_.add("restarter", ++seed, [this](Random& random) { restart(accounts_, loops_, random); });
    crew_.add("forker", ++seed, [this](Random& random) { fork_child(accounts_, random); });
    crew_.add("adopter", ++seed, [this](Random& random) { adopt(accounts_, random); });
    crew_.add("completer", ++seed, [this](Random& random) { complete(accounts_, random); });
    crew_.add("recurrer", ++seed, [this](Random& random) { recur(accounts_, random); });
    crew_.add("operator", ++seed, [this](Random& random) { operate(accounts_, random); });
    crew_.add("logger", ++seed, [this](Random& random) { log_lines(accounts_, random); });
    if (!options_.unload.empty()) {
      crew_.add("unloader", ++seed, [this](Random&) { unload_in_child(accounts_, options_.unload); });
    }
  }

  // False: somebody is stuck.
  bool checkpoint(double now) {
    if (!crew_.stand_still(kPatience)) return false;
    crew_.check_progress();
    loops_.check(accounts_);
    if (crochet_log_flush(60 * CROCHET_SECOND) == CROCHET_OK) passed();
    else failed("the log does not come to its end");
    const Sample sample = Sample::now(now);
    // Every message that was kept went through the one sink there is; one that was abandoned may have been in it.
    const std::uint64_t lines = sink_.lines.load();
    if (lines >= sample.log_written && lines <= sample.log_written + sample.log_abandoned) passed();
    else
      failed("%ld lines were written, and the sink got %ld", static_cast<long>(sample.log_written),
             static_cast<long>(lines));
    samples_.push_back(sample);
    print(sample, accounts_, options_.csv);
    crew_.go_on();
    return true;
  }

  // Who is stuck can't be joined: what goes on, and out.
  [[noreturn]] static void give_up() {
    const auto write = [](void*, const char* bytes, std::size_t length) {
      std::fwrite(bytes, 1, length, stderr);
      return 0;
    };
    crochet_dump(nullptr, CROCHET_DUMP_TEXT, write, nullptr);
    std::printf("%ld passed, %ld failed\n", passes(), failures());
    std::fflush(nullptr);
    _exit(1);
  }

  void end() {
    const int code = crochet_shutdown(CROCHET_SECOND);
    if (code == CROCHET_OK) passed();
    else failed("the last shutdown: %s", crochet_status_name(code));
    loops_.check(accounts_);
    loops_.release_all();
    std::string listed;
    const auto write = [](void* text, const char* more, std::size_t length) {
      static_cast<std::string*>(text)->append(more, length);
      return 0;
    };
    crochet_dump(nullptr, CROCHET_DUMP_JSON, write, &listed);
    if (listed.find("\"totals\":{\"all\":0,") != std::string::npos) passed();
    else failed("something is left: %s", listed.c_str());
    std::printf(
        "%ld restarts, %ld forks, %ld programs that load and unload, %ld adopted loops, %ld completions, %ld "
        "recurrences, "
        "%ld operations, %ld hooks, %ld lines logged\n",
        accounts_.restarts.load(), accounts_.forks.load(), accounts_.unloads.load(), accounts_.adoptions.load(),
        accounts_.completions.load(), accounts_.recurrences.load(), accounts_.operations.load(), accounts_.hooks.load(),
        accounts_.log_lines.load());
    check_flat(samples_);
  }

  const Options& options_;
  Accounts accounts_;
  DefaultLoops loops_;
  SlowSink sink_;
  Crew crew_;
  std::vector<Sample> samples_;
};

bool parse(int argc, char** argv, Options* options) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--seconds") options->seconds = std::atol(argv[i + 1]);
    else if (name == "--interval") options->interval = std::atol(argv[i + 1]);
    else if (name == "--seed") options->seed = std::strtoull(argv[i + 1], nullptr, 10);
    else if (name == "--burden") options->burden = std::atol(argv[i + 1]);
    else if (name == "--unload") options->unload = argv[i + 1];
    else if (name == "--csv") options->csv = std::fopen(argv[i + 1], "we");
    else return false;
    if (name == "--csv" && options->csv == nullptr) return false;
  }
  return argc % 2 == 1 && options->seconds > 0 && options->interval > 0;
}

}  // namespace
}  // namespace soak

int main(int argc, char** argv) {
  soak::Options options;
  if (!soak::parse(argc, argv, &options)) {
    std::fprintf(stderr,
                 "usage: soak [--seconds N] [--interval N] [--seed N] [--csv FILE] [--unload PROGRAM] [--burden N]\n");
    return 2;
  }
  std::vector<pid_t> burdens;
  for (long i = 0; i < options.burden; ++i) burdens.push_back(soak::start_burden());
  std::printf("seed %llu, %ld seconds\n", static_cast<unsigned long long>(options.seed), options.seconds);
  soak::Soak(options).run();
  for (const pid_t burden : burdens) {
    kill(burden, SIGKILL);
    waitpid(burden, nullptr, 0);
  }
  std::printf("%ld passed, %ld failed\n", soak::passes(), soak::failures());
  return soak::failures() == 0 && soak::passes() > 0 ? 0 : 1;
}
