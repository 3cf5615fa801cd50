// SPDX-License-Identifier: MIT
// Child processes: crochet_command_... and crochet_process_exit_...
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include <atomic>
#include <csignal>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "api/provokes.hpp"
#include "api/support/blocked_loop.hpp"
#include "api/support/closure.hpp"
#include "api/support/commands.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/host_loop.hpp"
#include "api/support/in_child.hpp"
#include "api/support/owned.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"

// In place of the system's, for the library too.
static std::atomic<int> signalled_by_number{0};
extern "C" int kill(pid_t pid, int number) noexcept {
  if (number != 0) ++signalled_by_number;
  return static_cast<int>(syscall(SYS_kill, pid, number));
}
// All that a pipe holds has come since somebody asked how much that is.
static std::atomic<bool> all_comes_later{false};
extern "C" int ioctl(int descriptor, unsigned long request, ...) noexcept {
  va_list arguments;
  va_start(arguments, request);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  const auto status = static_cast<int>(syscall(SYS_ioctl, descriptor, request, argument));
  if (request == FIONREAD && all_comes_later) *static_cast<int*>(argument) = 0;
  return status;
}
// So many of libuv's timers go off at once.
static std::atomic<int> early_timers{0};
extern "C" int uv_timer_start(uv_timer_t* timer, uv_timer_cb callback, uint64_t ms, uint64_t repeat) {
  static const auto libuvs = reinterpret_cast<decltype(&uv_timer_start)>(dlsym(RTLD_NEXT, "uv_timer_start"));
  if (ms != 0 && early_timers > 0) {
    --early_timers;
    ms = 0;
  }
  return libuvs(timer, callback, ms, repeat);
}

namespace contract {
namespace {

class Process : public WithDefaultLoop {};

// ---- How it ends

TEST_F(Process, TellsWhatItWroteAndItsExitStatus) {
  PROVOKES(crochet_command_new, CROCHET_OK);
  PROVOKES(crochet_command_add_argument, CROCHET_OK);
  PROVOKES(crochet_command_run, CROCHET_OK);
  const OwnedResult result = started(shell("echo out; echo err >&2; exit 3"));
  const crochet_process_exit* process = exit_of(result);
  EXPECT_EQ(crochet_process_exit_status(process), 3);
  EXPECT_EQ(crochet_process_exit_signal(process), 0);
  EXPECT_GT(crochet_process_exit_pid(process), 0);
  EXPECT_EQ(stdout_of(process), "out\n");
  EXPECT_EQ(stderr_of(process), "err\n");
  EXPECT_EQ(crochet_process_exit_stdout_truncated(process), 0);
  EXPECT_EQ(crochet_process_exit_stderr_truncated(process), 0);
  EXPECT_TRUE(is_gone(static_cast<pid_t>(crochet_process_exit_pid(process))));
}

TEST_F(Process, ThatSaysNothingHasNoOutput) {
  const OwnedResult result = started(command("true"));
  const crochet_process_exit* process = exit_of(result);
  EXPECT_EQ(crochet_process_exit_status(process), 0);
  EXPECT_EQ(stdout_of(process), "");
  EXPECT_EQ(stderr_of(process), "");
}

TEST_F(Process, TellsWhichSignalEndedIt) {
  for (const int signal : {SIGKILL, SIGTERM, SIGABRT, SIGSEGV}) {
    const OwnedResult result = started(shell("ulimit -c 0; echo so far; kill -$1 $$", {std::to_string(signal)}));
    const crochet_process_exit* process = exit_of(result);
    EXPECT_EQ(crochet_process_exit_status(process), -1);
    EXPECT_EQ(crochet_process_exit_signal(process), signal);
    EXPECT_EQ(stdout_of(process), "so far\n");
  }
}

TEST_F(Process, ValueMayBeTaken) {
  OwnedResult result = started(shell("echo out"));
  exit_of(result);
  void* value = nullptr;
  crochet_drop_fn* drop = nullptr;
  ASSERT_EQ(crochet_result_take(result.get(), &value, &drop), CROCHET_OK);
  result.reset();
  EXPECT_EQ(stdout_of(static_cast<crochet_process_exit*>(value)), "out\n");
  ASSERT_NE(drop, nullptr);
  drop(value);
}

TEST_F(Process, MayBeForgotten) {
  const Fifo fifo;
  ASSERT_EQ(crochet_command_run(shell("echo ran > $1", {fifo.path()}).get(), nullptr, nullptr), CROCHET_OK);
  EXPECT_EQ(fifo.read(), "ran\n");
}

TEST_F(Process, GoesOnWhenAWaitIsOver) {
  const Fifo fifo;
  const OwnedResult result = started(shell("read line < $1; echo then", {fifo.path()}));
  EXPECT_EQ(crochet_result_wait(result.get(), kMillisecond), CROCHET_ETIMEDOUT);
  fifo.write_line();
  EXPECT_EQ(stdout_of(exit_of(result)), "then\n");
}

// ---- What can't be started

void expect_not_started(const OwnedCommand& command, int code, const std::string& what) {
  const OwnedResult result = started(command);
  ASSERT_EQ(crochet_result_wait(result.get(), kKillTimer), CROCHET_EFAILED);
  const crochet_error* error = crochet_result_error(result.get());
  EXPECT_EQ(crochet_error_code(error), code) << crochet_status_name(crochet_error_code(error));
  EXPECT_EQ(crochet_error_message(error), what + ": " + crochet_status_message(code));
  EXPECT_STREQ(crochet_error_label(error), "crochet_command_run");
  EXPECT_EQ(crochet_result_join(result.get(), kKillTimer), CROCHET_OK);
}

TEST_F(Process, IsNotStartedWithoutAProgram) {
  expect_not_started(command("/no/such/program"), UV_ENOENT, "/no/such/program");
  expect_not_started(command("no-such-program"), UV_ENOENT, "no-such-program");
  expect_not_started(command(""), UV_ENOENT, "");
}

TEST_F(Process, IsNotStartedFromWhatIsNoProgram) {
  expect_not_started(command("/etc/passwd"), UV_EACCES, "/etc/passwd");
  expect_not_started(command("/"), UV_EACCES, "/");
  char path[] = "/tmp/crochet-XXXXXX";
  const int file = mkstemp(path);
  ASSERT_EQ(write(file, "\1\2\3\4", 4), 4);
  fchmod(file, 0700);
  close(file);
  expect_not_started(command(path), UV_EFTYPE, path);
  unlink(path);
}

TEST_F(Process, IsNotStartedWithoutItsDirectory) {
  const OwnedCommand command = contract::command("true");
  ASSERT_EQ(crochet_command_set_directory(command.get(), "/no/such/directory"), CROCHET_OK);
  expect_not_started(command, UV_ENOENT, "the working directory");
  ASSERT_EQ(crochet_command_set_directory(command.get(), "/etc/passwd"), CROCHET_OK);
  expect_not_started(command, UV_ENOTDIR, "the working directory");
}

TEST(ProcessAlone, IsNotStartedWithoutDescriptors) {
  in_child([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    const OwnedCommand plain = command("true");
    const OwnedCommand with_input = command("true");
    ASSERT_EQ(crochet_command_set_input(with_input.get(), "", 0), CROCHET_OK);
    const int next = dup(0);
    close(next);
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    // One after the other can't be had: each is told, and nothing is left behind.
    for (int allowed = 0; allowed < 6; ++allowed) {
      const rlimit limit{static_cast<rlim_t>(next + allowed), before.rlim_max};
      ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
      const OwnedResult result = started(plain);
      const int code = crochet_result_wait(result.get(), kKillTimer);
      if (code == CROCHET_EFAILED) {
        EXPECT_EQ(crochet_error_code(crochet_result_error(result.get())), UV_EMFILE) << allowed;
      } else {
        EXPECT_EQ(code, CROCHET_OK);
        EXPECT_GE(allowed, 5);
      }
      EXPECT_EQ(crochet_result_join(result.get(), kKillTimer), CROCHET_OK);
      OwnedResult other;
      if (allowed == 0) {
        EXPECT_EQ(crochet_command_run(with_input.get(), nullptr, other.out()), UV_EMFILE);
        EXPECT_EQ(other.get(), nullptr);
      }
    }
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_EQ(dup(0), next);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

// ---- What it is given

TEST_F(Process, IsLookedForInThePath) {
  const OwnedResult result = started(command("sh", {"-c", "echo found"}));
  EXPECT_EQ(stdout_of(exit_of(result)), "found\n");
}

TEST_F(Process, GetsItsArgumentsAsTheyAre) {
  PROVOKES(crochet_command_set_arguments, CROCHET_OK);
  const OwnedCommand command = contract::command("printf", {"never"});
  const std::vector<const char*> arguments = {"[%s]", "", "a b", "$HOME", "\"*'", nullptr};
  ASSERT_EQ(crochet_command_set_arguments(command.get(), arguments.data()), CROCHET_OK);
  ASSERT_EQ(crochet_command_add_argument(command.get(), "last"), CROCHET_OK);
  EXPECT_EQ(stdout_of(exit_of(started(command))), "[][a b][$HOME][\"*'][last]");
  ASSERT_EQ(crochet_command_set_arguments(command.get(), nullptr), CROCHET_OK);
  EXPECT_NE(crochet_process_exit_status(exit_of(started(command))), 0);  // printf wants some
}

TEST_F(Process, GetsTheHostsEnvironmentOrItsOwn) {
  PROVOKES(crochet_command_set_environment, CROCHET_OK);
  ASSERT_EQ(setenv("CROCHET_TEST_HOST", "from the host", 1), 0);
  const OwnedCommand command = shell("echo $CROCHET_TEST_HOST,$CROCHET_TEST_OWN");
  EXPECT_EQ(stdout_of(exit_of(started(command))), "from the host,\n");
  const std::vector<const char*> environment = {"CROCHET_TEST_OWN=its own", nullptr};
  ASSERT_EQ(crochet_command_set_environment(command.get(), environment.data()), CROCHET_OK);
  EXPECT_EQ(stdout_of(exit_of(started(command))), ",its own\n");
  ASSERT_EQ(crochet_command_set_environment(command.get(), environment.data() + 1), CROCHET_OK);
  EXPECT_EQ(stdout_of(exit_of(started(command))), ",\n");
  ASSERT_EQ(crochet_command_set_environment(command.get(), nullptr), CROCHET_OK);
  EXPECT_EQ(stdout_of(exit_of(started(command))), "from the host,\n");
}

// It was read on the loop's thread when the child started, while the host's setenv() freed it.
TEST_F(Process, GetsTheEnvironmentAndIsLookedForInThePathOfWhenItWasRun) {
  ASSERT_EQ(setenv("CROCHET_TEST_HOST", "before", 1), 0);
  const std::string path = getenv("PATH");
  OwnedResult result;
  {
    BlockedLoop block;
    result = started(command("sh", {"-c", "echo $CROCHET_TEST_HOST"}));
    ASSERT_EQ(setenv("CROCHET_TEST_HOST", "after", 1), 0);
    ASSERT_EQ(setenv("PATH", "/no/such/directory", 1), 0);
  }
  EXPECT_EQ(stdout_of(exit_of(result)), "before\n");
  expect_not_started(command("sh"), UV_ENOENT, "sh");
  ASSERT_EQ(setenv("PATH", path.c_str(), 1), 0);
}

TEST_F(Process, IsLookedForInThePathLikeAShellsCommand) {
  const std::string path = getenv("PATH");
  char directory[] = "/tmp/crochet-XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  const std::string mine = std::string(directory) + "/crochet-test-program";
  ASSERT_EQ(mkdir(mine.c_str(), 0700), 0);  // no program: it is looked for further on
  ASSERT_EQ(setenv("PATH", (std::string(directory) + ":/no/such/directory").c_str(), 1), 0);
  expect_not_started(command("crochet-test-program"), UV_EACCES, "crochet-test-program");
  ASSERT_EQ(rmdir(mine.c_str()), 0);
  ASSERT_EQ(symlink("/bin/sh", mine.c_str()), 0);
  EXPECT_EQ(crochet_process_exit_status(exit_of(started(command("crochet-test-program", {"-c", "exit 5"})))), 5);
  ASSERT_EQ(setenv("PATH", "/no/such/directory:", 1), 0);  // the empty one is the child's own directory
  const OwnedCommand here = command("crochet-test-program", {"-c", "exit 6"});
  ASSERT_EQ(crochet_command_set_directory(here.get(), directory), CROCHET_OK);
  EXPECT_EQ(crochet_process_exit_status(exit_of(started(here))), 6);
  ASSERT_EQ(unsetenv("PATH"), 0);
  EXPECT_EQ(crochet_process_exit_status(exit_of(started(command("sh", {"-c", "exit 7"})))), 7);
  ASSERT_EQ(setenv("PATH", path.c_str(), 1), 0);
  unlink(mine.c_str());
  rmdir(directory);
}

TEST_F(Process, GetsTheHostsDirectoryOrItsOwn) {
  PROVOKES(crochet_command_set_directory, CROCHET_OK);
  char* const host = realpath(".", nullptr);
  const OwnedCommand command = contract::command("pwd", {"-P"});
  EXPECT_EQ(stdout_of(exit_of(started(command))), std::string(host) + "\n");
  ASSERT_EQ(crochet_command_set_directory(command.get(), "/"), CROCHET_OK);
  EXPECT_EQ(stdout_of(exit_of(started(command))), "/\n");
  ASSERT_EQ(crochet_command_set_directory(command.get(), nullptr), CROCHET_OK);
  EXPECT_EQ(stdout_of(exit_of(started(command))), std::string(host) + "\n");
  std::free(host);

  const OwnedCommand relative = contract::command("./sh", {"-c", "echo relative"});
  ASSERT_EQ(crochet_command_set_directory(relative.get(), "/bin"), CROCHET_OK);
  EXPECT_EQ(stdout_of(exit_of(started(relative))), "relative\n");
}

TEST_F(Process, ReadsNothingUnlessItIsGivenSomething) {
  PROVOKES(crochet_command_set_input, CROCHET_OK);
  const OwnedCommand command = contract::command("cat");
  EXPECT_EQ(stdout_of(exit_of(started(command))), "");
  const std::string bytes("a\0b\n", 4);
  ASSERT_EQ(crochet_command_set_input(command.get(), bytes.data(), bytes.size()), CROCHET_OK);
  EXPECT_EQ(stdout_of(exit_of(started(command))), bytes);
  EXPECT_EQ(stdout_of(exit_of(started(command))), bytes);  // from the beginning
  EXPECT_EQ(crochet_command_set_input(command.get(), bytes.data(), SIZE_MAX), CROCHET_ENOMEM)
      << "no object is that long";
  EXPECT_EQ(stdout_of(exit_of(started(command))), bytes) << "the former ones stay";
  ASSERT_EQ(crochet_command_set_input(command.get(), "", 0), CROCHET_OK);
  EXPECT_EQ(stdout_of(exit_of(started(command))), "");
  ASSERT_EQ(crochet_command_set_input(command.get(), nullptr, 0), CROCHET_OK);
  EXPECT_EQ(stdout_of(exit_of(started(command))), "");
}

std::string many_bytes(std::size_t count) {
  std::string bytes;
  bytes.reserve(count);
  for (std::size_t i = 0; i < count; ++i) bytes.push_back(static_cast<char>(i * 7 + i / 251));
  return bytes;
}

TEST_F(Process, EchoesALargeInput) {
  const OwnedCommand command = contract::command("cat");
  const std::string bytes = many_bytes(1 << 20);
  ASSERT_EQ(crochet_command_set_input(command.get(), bytes.data(), bytes.size()), CROCHET_OK);
  const OwnedResult result = started(command);
  const crochet_process_exit* process = exit_of(result);
  EXPECT_TRUE(stdout_of(process) == bytes);
  EXPECT_EQ(crochet_process_exit_stdout_truncated(process), 0);
}

TEST_F(Process, NeedNotReadItsInput) {
  const OwnedCommand command = shell("exec 0<&-; exit 4");
  const std::string bytes = many_bytes(1 << 20);
  ASSERT_EQ(crochet_command_set_input(command.get(), bytes.data(), bytes.size()), CROCHET_OK);
  EXPECT_EQ(crochet_process_exit_status(exit_of(started(command))), 4);
}

TEST(ProcessAlone, RefusesAnInputThatTheHostMayNotWrite) {
  in_child([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    const rlimit limit{1000, RLIM_INFINITY};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    const OwnedCommand command = contract::command("cat");
    const std::string bytes = many_bytes(1001);
    OwnedResult result;
    ASSERT_EQ(crochet_command_set_input(command.get(), bytes.data(), bytes.size()), CROCHET_OK);
    EXPECT_EQ(crochet_command_run(command.get(), nullptr, result.out()), UV_EFBIG);
    ASSERT_EQ(crochet_command_set_input(command.get(), bytes.data(), 1000), CROCHET_OK);
    EXPECT_EQ(stdout_of(exit_of(started(command))), bytes.substr(0, 1000));
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

TEST_F(Process, HasNoDescriptorButTheThree) {
  constexpr int kHosts = 50;
  ASSERT_EQ(dup2(STDIN_FILENO, kHosts), kHosts);  // without O_CLOEXEC
  const OwnedResult result =
      started(shell("for i in 0 1 2 3 4 5 6 7 8 9 50; do [ -e /proc/$$/fd/$i ] && echo $i; done"));
  EXPECT_EQ(stdout_of(exit_of(result)), "0\n1\n2\n");
  close(kHosts);
}

std::ptrdiff_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return std::distance(begin(all), end(all));
}

TEST_F(Process, LeavesNoDescriptorWhenItsResultIsThere) {
  EXPECT_EQ(crochet_result_join(started(command("true")).get(), kKillTimer), CROCHET_OK);
  const std::ptrdiff_t before = open_descriptors();
  const OwnedCommand cat = contract::command("cat");
  ASSERT_EQ(crochet_command_set_input(cat.get(), "in", 2), CROCHET_OK);
  for (int i = 0; i < 20; ++i) {
    const OwnedResult result = started(cat);
    exit_of(result);
    EXPECT_EQ(open_descriptors(), before);
  }
}

// On the loop's thread, before libuv has let go of the handles.
TEST_F(Process, HasClosedItsDescriptorsWhenItIsSettled) {
  struct Look {
    uv_check_t check{};
    OwnedResult result;
    crochet_deferred* seen = nullptr;
    std::ptrdiff_t open_when_settled = 0;
  } look;
  EXPECT_EQ(crochet_result_join(started(command("true")).get(), kKillTimer), CROCHET_OK);
  const std::ptrdiff_t before = open_descriptors();
  OwnedResult looked;
  ASSERT_EQ(run(
                nullptr,
                [&look](crochet_deferred* deferred) {
                  look.seen = crochet_deferred_retain(deferred);
                  look.result = started(command("true"));
                  uv_check_init(crochet_current_uv(), &look.check);
                  look.check.data = &look;
                  uv_check_start(&look.check, [](uv_check_t* check) {
                    auto* it = static_cast<Look*>(check->data);
                    if (crochet_result_status(it->result.get()) == CROCHET_EPENDING) return;
                    it->open_when_settled = open_descriptors();
                    uv_close(reinterpret_cast<uv_handle_t*>(check), [](uv_handle_t* closed) {
                      crochet_deferred* const seen = static_cast<Look*>(closed->data)->seen;
                      crochet_resolve(seen, nullptr, nullptr);  // from here on `look` may be gone
                      crochet_deferred_release(seen);
                    });
                  });
                },
                looked.out()),
            CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(looked.get(), kKillTimer), CROCHET_OK);
  EXPECT_EQ(look.open_when_settled, before);
}

TEST_F(Process, HasNoSignalBlockedOrIgnored) {
  ASSERT_NE(std::signal(SIGPIPE, SIG_IGN), SIG_ERR);
  const OwnedResult result = started(command("grep", {"-E", "SigBlk|SigIgn", "/proc/self/status"}));
  const std::string lines = stdout_of(exit_of(result));
  EXPECT_NE(lines.find("SigBlk:\t0000000000000000\n"), std::string::npos) << lines;
  // The C library has its own two ignored, until it needs them.
  const std::size_t ignored = lines.find("SigIgn:\t");
  ASSERT_NE(ignored, std::string::npos);
  EXPECT_EQ(std::stoull(lines.substr(ignored + 8), nullptr, 16) & ~0x180000000ULL, 0U) << lines;
  std::signal(SIGPIPE, SIG_DFL);
}

TEST(ProcessAlone, WorksWhereTheHostHasClosedItsOwnStandardDescriptors) {
  in_child([] {
    const int standard_error = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    // The next ones that anybody opens are these.
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) close(descriptor);
    {
      const OwnedCommand command = shell("cat; echo err >&2");
      ASSERT_EQ(crochet_command_set_input(command.get(), "in", 2), CROCHET_OK);
      const OwnedResult result = started(command);
      const crochet_process_exit* process = exit_of(result);
      EXPECT_EQ(stdout_of(process), "in");
      EXPECT_EQ(stderr_of(process), "err\n");
    }
    EXPECT_EQ(dup2(standard_error, STDERR_FILENO), STDERR_FILENO);
  });
}

TEST_F(Process, IsOfTheCommandAsItWasWhenItWasRun) {
  const Fifo fifo;
  OwnedCommand command = shell("read line < $1; echo $2", {fifo.path(), "first"});
  const OwnedResult first = started(command);
  const std::vector<const char*> arguments = {"-c", "echo second", nullptr};
  ASSERT_EQ(crochet_command_set_arguments(command.get(), arguments.data()), CROCHET_OK);
  const OwnedResult second = started(command);
  command.reset();
  EXPECT_EQ(stdout_of(exit_of(second)), "second\n");
  fifo.write_line();
  EXPECT_EQ(stdout_of(exit_of(first)), "first\n");
}

// ---- Its output

TEST_F(Process, OutputBeyondTheLimitIsThrownAway) {
  PROVOKES(crochet_command_set_output_limit, CROCHET_OK);
  const OwnedCommand command = shell("head -c 3000000 /dev/zero; echo all written >&2");
  {
    const OwnedResult result = started(command);
    const crochet_process_exit* process = exit_of(result);
    EXPECT_EQ(stdout_of(process).size(), std::size_t{1} << 20);
    EXPECT_EQ(crochet_process_exit_stdout_truncated(process), 1);
    EXPECT_EQ(stderr_of(process), "all written\n");
    EXPECT_EQ(crochet_process_exit_stderr_truncated(process), 0);
  }
  for (const std::size_t limit : {std::size_t{0}, std::size_t{5}, std::size_t{2999999}}) {
    ASSERT_EQ(crochet_command_set_output_limit(command.get(), limit), CROCHET_OK);
    const OwnedResult result = started(command);
    EXPECT_EQ(stdout_of(exit_of(result)).size(), limit);
    EXPECT_EQ(crochet_process_exit_stdout_truncated(exit_of(result)), 1);
  }
  ASSERT_EQ(crochet_command_set_output_limit(command.get(), 3000000), CROCHET_OK);
  const OwnedResult result = started(command);
  EXPECT_EQ(stdout_of(exit_of(result)).size(), 3000000U);
  EXPECT_EQ(crochet_process_exit_stdout_truncated(exit_of(result)), 0);
}

TEST_F(Process, WritesToBothWithoutGettingStuck) {
  const OwnedResult result =
      started(shell("i=0; while [ $i -lt 300 ]; do printf '%1000d' $i; printf '%1000d' $i >&2; i=$((i+1)); done"));
  const crochet_process_exit* process = exit_of(result);
  EXPECT_EQ(stdout_of(process).size(), 300'000U);
  EXPECT_TRUE(stdout_of(process) == stderr_of(process));
}

TEST_F(Process, MayCloseItsOutputLongBeforeItEnds) {
  const Fifo fifo;
  const OwnedResult result = started(shell("exec >&- 2>&-; read line < $1; exit 6", {fifo.path()}));
  fifo.write_line();
  EXPECT_EQ(crochet_process_exit_status(exit_of(result)), 6);
}

// ---- Somebody else holds its pipes

// Leaves somebody behind who waits for a line, and tells so.
struct Parent {
  Fifo line;
  Fifo told;
  OwnedCommand command =
      shell("(read line < $1; echo late) & echo early; echo > $2; exit 5", {line.path(), told.path()});
  OwnedResult result;

  explicit Parent(std::int64_t linger_ns) {
    EXPECT_EQ(crochet_command_set_linger(command.get(), linger_ns), CROCHET_OK);
    result = started(command);
    told.read();
  }
};

TEST_F(Process, IsNotHeldUpByWhomItLeavesBehind) {
  PROVOKES(crochet_command_set_linger, CROCHET_OK);
  for (const std::int64_t linger : {std::int64_t{0}, 5 * kMillisecond}) {
    const Parent parent(linger);
    const crochet_process_exit* process = exit_of(parent.result);
    EXPECT_EQ(crochet_process_exit_status(process), 5);
    EXPECT_EQ(stdout_of(process), "early\n");
    EXPECT_EQ(crochet_process_exit_stdout_truncated(process), 1);
    EXPECT_EQ(crochet_process_exit_stderr_truncated(process), 1);
    EXPECT_EQ(crochet_result_join(parent.result.get(), kKillTimer), CROCHET_OK);
    parent.line.write_line();
  }
}

TEST_F(Process, LingersNoLessWhenATimerGoesOffTooEarly) {
  const Fifo line;
  const OwnedCommand command = shell("(read line < $1; echo late) & echo early", {line.path()});
  ASSERT_EQ(crochet_command_set_linger(command.get(), kKillTimer), CROCHET_OK);
  early_timers = 3;
  const OwnedResult result = started(command);
  while (early_timers > 0) std::this_thread::yield();
  line.write_line();
  EXPECT_EQ(stdout_of(exit_of(result)), "early\nlate\n");
}

// It has written all that before the loop looks: more than is read at once, less than a pipe holds.
constexpr std::size_t kMuch = 20'000;

OwnedResult with_much_to_read_at_its_end(const std::string& script, const std::string& path = "") {
  const Fifo told, line;
  const OwnedCommand command = shell("exec 2>&-; echo $$ > $1; read line < $2; head -c 20000 /dev/zero; " + script,
                                     {told.path(), line.path(), path});
  EXPECT_EQ(crochet_command_set_linger(command.get(), 0), CROCHET_OK);
  OwnedResult result = started(command);
  const pid_t pid = told.read_pid();
  const BlockedLoop block;
  line.write_line();
  siginfo_t info{};
  EXPECT_EQ(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  return result;
}

TEST_F(Process, WhatItHasWrittenWhenItEndsIsReadToTheEnd) {
  const OwnedResult result = with_much_to_read_at_its_end("exit 5");
  EXPECT_EQ(stdout_of(exit_of(result)).size(), kMuch);
  EXPECT_EQ(crochet_process_exit_stdout_truncated(exit_of(result)), 0);
  EXPECT_EQ(crochet_process_exit_stderr_truncated(exit_of(result)), 0);
}

TEST_F(Process, OfWhomItLeavesBehindIsReadWhatIsThereAndNoMore) {
  for (const bool more_comes : {false, true}) {
    SCOPED_TRACE(more_comes);
    const Fifo end;
    all_comes_later = more_comes;
    const OwnedResult result = with_much_to_read_at_its_end("(read line < $3) & exit 5", end.path());
    const std::size_t length = stdout_of(exit_of(result)).size();
    all_comes_later = false;
    EXPECT_EQ(length < kMuch, more_comes) << length;
    EXPECT_EQ(crochet_process_exit_stdout_truncated(exit_of(result)), 1);
    end.write_line();
  }
}

TEST_F(Process, IsNotHeldUpByWhomItLeavesBehindWritingForEver) {
  const OwnedCommand command = shell("yes & exit 5");
  ASSERT_EQ(crochet_command_set_linger(command.get(), 0), CROCHET_OK);
  ASSERT_EQ(crochet_command_set_output_limit(command.get(), 10), CROCHET_OK);
  const OwnedResult result = started(command);
  const crochet_process_exit* process = exit_of(result);
  EXPECT_EQ(crochet_process_exit_status(process), 5);
  EXPECT_EQ(crochet_process_exit_stdout_truncated(process), 1);
}

TEST_F(Process, WaitsForWhomItLeavesBehindIfThatIsAskedFor) {
  const Parent parent(kForever);
  EXPECT_EQ(crochet_result_wait(parent.result.get(), 5 * kMillisecond), CROCHET_ETIMEDOUT);
  parent.line.write_line();
  const crochet_process_exit* process = exit_of(parent.result);
  EXPECT_EQ(crochet_process_exit_status(process), 5);
  EXPECT_EQ(stdout_of(process), "early\nlate\n");
  EXPECT_EQ(crochet_process_exit_stdout_truncated(process), 0);
}

TEST_F(Process, CancelEndsTheWaitForWhomItLeavesBehind) {
  const Parent parent(kForever);
  EXPECT_EQ(crochet_result_wait(parent.result.get(), 5 * kMillisecond), CROCHET_ETIMEDOUT);
  ASSERT_EQ(crochet_result_cancel(parent.result.get(), nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(parent.result.get(), kKillTimer), CROCHET_ECANCELED);
  EXPECT_EQ(crochet_result_join(parent.result.get(), kKillTimer), CROCHET_OK);
  parent.line.write_line();
}

// ---- Cancelled

// Tells its number by the first pipe, and ends when it gets a line by the second.
struct Waiting {
  Fifo told;
  Fifo line;
  OwnedCommand command;

  explicit Waiting(const std::string& before)
      : command(shell(before + "; echo $$ > $1; read line < $2", {told.path(), line.path()})) {}
};

int cancelled(const OwnedResult& result) {
  EXPECT_EQ(crochet_result_cancel(result.get(), nullptr), CROCHET_OK);
  const int code = crochet_result_wait(result.get(), kKillTimer);
  EXPECT_EQ(crochet_result_join(result.get(), kKillTimer), CROCHET_OK);
  return code;
}

TEST_F(Process, CancelTerminatesIt) {
  PROVOKES(crochet_command_set_kill_after, CROCHET_OK);
  Waiting waiting("true");
  ASSERT_EQ(crochet_command_set_kill_after(waiting.command.get(), kForever), CROCHET_OK);
  const OwnedResult result = started(waiting.command);
  const pid_t pid = waiting.told.read_pid();
  ASSERT_EQ(crochet_result_cancel(result.get(), nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(result.get(), kKillTimer), CROCHET_ECANCELED);
  EXPECT_TRUE(is_gone(pid));
  EXPECT_EQ(crochet_result_join(result.get(), kKillTimer), CROCHET_OK);
}

TEST_F(Process, CancelKillsItWhenItDoesNotObey) {
  for (const std::int64_t kill_after : {std::int64_t{0}, 5 * kMillisecond}) {
    Waiting waiting("trap '' TERM");
    ASSERT_EQ(crochet_command_set_kill_after(waiting.command.get(), kill_after), CROCHET_OK);
    const OwnedResult result = started(waiting.command);
    const pid_t pid = waiting.told.read_pid();
    EXPECT_EQ(cancelled(result), CROCHET_ECANCELED);
    EXPECT_TRUE(is_gone(pid));
  }
}

TEST_F(Process, CancelWaitsForItWhenItMayNotBeKilled) {
  Waiting waiting("trap '' TERM");
  ASSERT_EQ(crochet_command_set_kill_after(waiting.command.get(), kForever), CROCHET_OK);
  const OwnedResult result = started(waiting.command);
  const pid_t pid = waiting.told.read_pid();
  ASSERT_EQ(crochet_result_cancel(result.get(), nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(result.get(), 5 * kMillisecond), CROCHET_ETIMEDOUT);
  EXPECT_FALSE(is_gone(pid));
  waiting.line.write_line();
  EXPECT_EQ(crochet_result_wait(result.get(), kKillTimer), CROCHET_ECANCELED);
  EXPECT_TRUE(is_gone(pid));
}

TEST_F(Process, IsNotStartedWhenItWasCancelledBefore) {
  OwnedResult result;
  ASSERT_EQ(on_loop(nullptr,
                    [&] {
                      result = started(shell("exit 0"));
                      int outcome = CROCHET_CANCEL_NONE;
                      EXPECT_EQ(crochet_result_cancel(result.get(), &outcome), CROCHET_OK);
                      EXPECT_EQ(outcome, CROCHET_CANCEL_NOT_RUN);
                    }),
            CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(result.get(), kKillTimer), CROCHET_ECANCELED);
}

// ---- Stopped

void stop_while_it_runs(const std::string& before, std::int64_t grace_ns) {
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  Waiting waiting(before);
  ASSERT_EQ(crochet_command_set_kill_after(waiting.command.get(), kForever), CROCHET_OK);
  const OwnedResult result = started(waiting.command, loop.get());
  const pid_t pid = waiting.told.read_pid();
  EXPECT_EQ(crochet_loop_stop(loop.get(), grace_ns), CROCHET_OK);
  EXPECT_TRUE(is_gone(pid));
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_ESTOPPED);
  EXPECT_EQ(crochet_result_join(result.get(), 0), CROCHET_OK);
}

TEST(ProcessAtStop, IsTerminated) { stop_while_it_runs("true", kKillTimer); }
TEST(ProcessAtStop, IsKilledWhenTheGraceIsOver) { stop_while_it_runs("trap '' TERM", 5 * kMillisecond); }
TEST(ProcessAtStop, IsKilledAtOnceWithoutGrace) { stop_while_it_runs("trap '' TERM", 0); }

// Each of them must be scheduled once more to be gone.
TEST(ProcessAtStop, ManyBusyOnesAreKilled) {
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  std::vector<OwnedResult> results;
  for (int i = 0; i < 20; ++i)
    results.push_back(started(shell("ulimit -t 10; trap '' TERM; while :; do :; done"), loop.get()));
  ASSERT_EQ(on_loop(loop.get(), [] {}), CROCHET_OK);
  EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  for (const OwnedResult& result : results) {
    EXPECT_EQ(crochet_result_status(result.get()), CROCHET_ESTOPPED);
    EXPECT_EQ(crochet_result_join(result.get(), 0), CROCHET_OK);
  }
}

// ---- Other loops, many at once

TEST_F(Process, ManyAtOnce) {
  std::vector<OwnedResult> results;
  for (int i = 0; i < 100; ++i) {
    const OwnedCommand command = shell("cat; echo $1 >&2; exit $1", {std::to_string(i)});
    const std::string input(static_cast<std::size_t>(i) * 100, 'x');
    ASSERT_EQ(crochet_command_set_input(command.get(), input.data(), input.size()), CROCHET_OK);
    results.push_back(started(command));
  }
  for (int i = 0; i < 100; ++i) {
    const crochet_process_exit* process = exit_of(results[static_cast<std::size_t>(i)]);
    EXPECT_EQ(crochet_process_exit_status(process), i);
    EXPECT_EQ(stdout_of(process).size(), static_cast<std::size_t>(i) * 100);
    EXPECT_EQ(stderr_of(process), std::to_string(i) + "\n");
  }
}

TEST(ProcessElsewhere, RunsOnAFurtherLoop) {
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  EXPECT_EQ(stdout_of(exit_of(started(shell("echo further"), loop.get()))), "further\n");
  EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
}

TEST(ProcessElsewhere, RunsOnALoopThatTheHostRuns) {
  HostLoop host;
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_adopt(host.uv(), nullptr, loop.out()), CROCHET_OK);
  const OwnedResult result = started(shell("echo adopted"), loop.get());
  while (crochet_result_status(result.get()) == CROCHET_EPENDING) host.run(UV_RUN_ONCE);
  EXPECT_EQ(stdout_of(static_cast<crochet_process_exit*>(crochet_result_value(result.get()))), "adopted\n");
  EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_EINPROGRESS);
  EXPECT_EQ(host.run(), 0);
  EXPECT_EQ(host.close(), 0);
}

TEST(ProcessElsewhere, IsKilledWhenALoopThatTheHostRunsIsReleased) {
  HostLoop host;
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_adopt(host.uv(), nullptr, loop.out()), CROCHET_OK);
  const OwnedResult result = started(shell("trap '' TERM; exec sleep 60"), loop.get());
  host.run(UV_RUN_NOWAIT);
  EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_EINPROGRESS);
  EXPECT_EQ(host.run(), 0);
  EXPECT_EQ(host.close(), 0);
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_ESTOPPED);
  std::uint64_t held = 7;
  EXPECT_EQ(crochet_loop_counter(loop.get(), "calls_held", &held), CROCHET_OK);
  EXPECT_EQ(held, 0U);
}

// ---- Hosts that see to SIGCHLD themselves, and systems without descriptors of processes

TEST(ProcessAlone, HasNoStatusWhereTheHostTakesThatOfEveryChild) {
  in_child([] {
    ASSERT_NE(std::signal(SIGCHLD, SIG_IGN), SIG_ERR);
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    {
      const OwnedResult result = started(shell("echo out; exit 3"));
      const crochet_process_exit* process = exit_of(result);
      EXPECT_EQ(crochet_process_exit_status(process), -1);
      EXPECT_EQ(crochet_process_exit_signal(process), 0);
      EXPECT_EQ(stdout_of(process), "out\n");
    }
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

// The number of a child that the host has reaped may be a stranger's by now.
TEST_F(Process, IsNotSignalledByItsNumberWhenTheHostHasReapedIt) {
  if (const int descriptor = static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)); descriptor < 0) {
    GTEST_SKIP() << "there are no descriptors of processes";
  } else {
    close(descriptor);
  }
  Waiting waiting("true");
  const OwnedResult result = started(waiting.command);
  const pid_t pid = waiting.told.read_pid();
  {
    BlockedLoop block;  // it does not see the end
    waiting.line.write_line();
    EXPECT_EQ(waitpid(pid, nullptr, 0), pid);
    ASSERT_EQ(crochet_result_cancel(result.get(), nullptr), CROCHET_OK);
    signalled_by_number = 0;
  }
  EXPECT_EQ(crochet_result_wait(result.get(), kKillTimer), CROCHET_ECANCELED);
  EXPECT_EQ(signalled_by_number, 0);
}

// As Linux before 5.3 answers: from now on there is no pidfd_open() in this process.
void forget_pidfd_open() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{sizeof program / sizeof *program, program};
  ASSERT_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ASSERT_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0), 0);
  ASSERT_EQ(syscall(SYS_pidfd_open, getpid(), 0), -1);
}

TEST(ProcessAlone, WorksWithoutDescriptorsOfProcesses) {
  in_child([] {
    forget_pidfd_open();
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_process_exit_status(exit_of(started(shell("exit 3")))), 3);
    Waiting waiting("trap '' TERM");
    ASSERT_EQ(crochet_command_set_kill_after(waiting.command.get(), 5 * kMillisecond), CROCHET_OK);
    const OwnedResult result = started(waiting.command);
    const pid_t pid = waiting.told.read_pid();
    EXPECT_EQ(cancelled(result), CROCHET_ECANCELED);
    EXPECT_TRUE(is_gone(pid));
    stop_while_it_runs("trap '' TERM", 0);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

// Nor may that of one that has ended be.
TEST(ProcessAlone, ThatHasEndedIsNotKilledByItsNumberWhenTheThreadOfItsLoopEnds) {
  SKIP_UNDER_THREAD_SANITIZER("does not know pthread_exit through C++ frames");
  in_child([] {
    forget_pidfd_open();
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    OwnedLoop loop;
    ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    const Fifo told, line;
    const OwnedCommand command = shell("(read line < $2) & echo $$ > $1", {told.path(), line.path()});
    ASSERT_EQ(crochet_command_set_linger(command.get(), kForever), CROCHET_OK);
    const OwnedResult result = started(command, loop.get());
    const pid_t pid = told.read_pid();
    while (!is_gone(pid)) std::this_thread::yield();
    EXPECT_EQ(on_loop(loop.get(), [] {}), CROCHET_OK);  // by then it knows that, too
    signalled_by_number = 0;
    OwnedResult last;
    ASSERT_EQ(run(
                  loop.get(), [](crochet_deferred*) { pthread_exit(nullptr); }, last.out()),
              CROCHET_OK);
    EXPECT_EQ(crochet_result_wait(result.get(), kKillTimer), CROCHET_ESTOPPED);
    EXPECT_EQ(signalled_by_number, 0);
    line.write_line();
  });
}

// ---- Refused

TEST(Command, RefusesBadTimes) {
  PROVOKES(crochet_command_set_kill_after, CROCHET_EINVAL);
  PROVOKES(crochet_command_set_linger, CROCHET_EINVAL);
  const OwnedCommand command = contract::command("true");
  EXPECT_EQ(crochet_command_set_kill_after(command.get(), -2), CROCHET_EINVAL);
  EXPECT_EQ(crochet_command_set_linger(command.get(), -2), CROCHET_EINVAL);
}

TEST(Command, RefusesNull) {
  PROVOKES(crochet_command_new, CROCHET_EINVAL);
  PROVOKES(crochet_command_set_arguments, CROCHET_EINVAL);
  PROVOKES(crochet_command_add_argument, CROCHET_EINVAL);
  PROVOKES(crochet_command_set_environment, CROCHET_EINVAL);
  PROVOKES(crochet_command_set_directory, CROCHET_EINVAL);
  PROVOKES(crochet_command_set_output_limit, CROCHET_EINVAL);
  OwnedCommand command;
  EXPECT_EQ(crochet_command_new(nullptr, command.out()), CROCHET_EINVAL);
  EXPECT_EQ(command.get(), nullptr);
  EXPECT_EQ(crochet_command_new("true", nullptr), CROCHET_EINVAL);
  EXPECT_EQ(crochet_command_set_arguments(nullptr, nullptr), CROCHET_EINVAL);
  EXPECT_EQ(crochet_command_add_argument(nullptr, "x"), CROCHET_EINVAL);
  EXPECT_EQ(crochet_command_add_argument(contract::command("true").get(), nullptr), CROCHET_EINVAL);
  EXPECT_EQ(crochet_command_set_environment(nullptr, nullptr), CROCHET_EINVAL);
  EXPECT_EQ(crochet_command_set_directory(nullptr, nullptr), CROCHET_EINVAL);
  EXPECT_EQ(crochet_command_set_output_limit(nullptr, 0), CROCHET_EINVAL);
  crochet_command_free(nullptr);
}

TEST(Command, RefusesWhatIsNone) {
  static std::max_align_t somewhere[64];
  auto* const none = reinterpret_cast<crochet_command*>(&somewhere);
  OwnedResult result;
  EXPECT_EQ(crochet_command_add_argument(none, "x"), CROCHET_EINVAL);
  EXPECT_EQ(crochet_command_run(none, nullptr, result.out()), CROCHET_EINVAL);
  crochet_command_free(none);
}

TEST(Command, RefusesALengthWithoutBytes) {
  PROVOKES(crochet_command_set_input, CROCHET_EINVAL);
  EXPECT_EQ(crochet_command_set_input(command("true").get(), nullptr, 1), CROCHET_EINVAL);
}

TEST(ProcessExit, OfNullIsNothing) {
  EXPECT_EQ(crochet_process_exit_status(nullptr), -1);
  EXPECT_EQ(crochet_process_exit_signal(nullptr), 0);
  EXPECT_EQ(crochet_process_exit_pid(nullptr), -1);
  EXPECT_EQ(crochet_process_exit_stdout_truncated(nullptr), 0);
  EXPECT_EQ(crochet_process_exit_stderr_truncated(nullptr), 0);
  EXPECT_EQ(stdout_of(nullptr), "");
  EXPECT_EQ(stderr_of(nullptr), "");
  EXPECT_STREQ(crochet_process_exit_stdout(nullptr, nullptr), "");
}

}  // namespace
}  // namespace contract
