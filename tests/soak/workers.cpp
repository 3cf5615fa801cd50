// SPDX-License-Identifier: MIT
#include "soak/workers.hpp"

#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <shared_mutex>
#include <utility>
#include <vector>

#include "api/support/sanitizers.hpp"

extern char** environ;

namespace soak {
namespace {

constexpr unsigned kChildSeconds = 100;

void resolve_null(crochet_deferred* deferred, void*) { crochet_resolve(deferred, nullptr, nullptr); }

int exit_status(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

// A further loop for a round, which a shutdown may stop at any time. Null: the process was shutting down.
class OwnLoop {
 public:
  OwnLoop() {
    const int code = crochet_loop_new(nullptr, &loop_);
    if (code != CROCHET_OK) failed("loop_new: %s", crochet_status_name(code));
  }
  ~OwnLoop() {
    const int code = crochet_loop_stop(loop_, CROCHET_SECOND);
    if (code != CROCHET_OK) failed("loop_stop: %s", crochet_status_name(code));
    crochet_loop_release(loop_);
  }
  OwnLoop(const OwnLoop&) = delete;
  OwnLoop& operator=(const OwnLoop&) = delete;
  crochet_loop* get() const { return loop_; }

 private:
  crochet_loop* loop_ = nullptr;
};

// A look-up that runs can't be stopped: a stop with too short a grace leaves it behind, says CROCHET_EBUSY, and means
// it. So there is none while the process is shut down.
std::shared_mutex looking_up;

}  // namespace

void restart(Accounts& accounts, DefaultLoops& loops, Random& random) {
  // A pause in which calls are made; nobody is waited for.
  std::this_thread::sleep_for(std::chrono::milliseconds(random() % 100));
  std::unique_lock no_look_up(looking_up);
  const int stopped = crochet_shutdown(random() % 2 == 0 ? 0 : CROCHET_SECOND);
  no_look_up.unlock();
  if (stopped != CROCHET_OK) failed("shutdown: %s", crochet_status_name(stopped));
  if (random() % 4 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(random() % 4));
  const int started = crochet_setup(nullptr);
  if (started != CROCHET_OK) return failed("setup: %s", crochet_status_name(started));
  loops.hold_current(accounts);
  add(accounts.restarts);
}

namespace {

int in_child(crochet_result* from_before, bool afresh) {
  alarm(kChildSeconds);
  if (crochet_run(nullptr, &resolve_null, nullptr, nullptr, nullptr) != CROCHET_EFORKED) return 1;
  if (from_before != nullptr && crochet_result_wait(from_before, CROCHET_FOREVER) != CROCHET_EFORKED) return 2;
  crochet_result_release(from_before);
  if (crochet_shutdown(0) != CROCHET_EFORKED) return 3;
  if (!afresh) return 0;
  if (crochet_setup(nullptr) != CROCHET_OK) return 4;
  if (crochet_wait_for(nullptr, &resolve_null, nullptr, nullptr, CROCHET_FOREVER, nullptr) != CROCHET_OK) return 5;
  return crochet_shutdown(CROCHET_SECOND) == CROCHET_OK ? 0 : 6;
}

}  // namespace

void fork_child(Accounts& accounts, Random& random) {
  OwnLoop loop;
  crochet_deferred* deferred = nullptr;
  crochet_result* result = nullptr;
  const int code = crochet_deferred_new(loop.get(), nullptr, nullptr, &deferred, &result);
  if (code != CROCHET_OK && code != CROCHET_ESTOPPED) failed("deferred_new: %s", crochet_status_name(code));
  // A sanitizer's allocator or its threads can't go on in a child that was forked beside busy threads.
  const bool afresh = random() % 4 == 0 && !contract::kSanitized;
  const pid_t pid = fork();
  if (pid == 0) _exit(in_child(result, afresh));
  const int status = pid < 0 ? -1 : exit_status(pid);
  if (status != 0) failed("a forked child ended with %d", status);
  crochet_deferred_release(deferred);
  crochet_result_release(result);
  add(accounts.forks);
}

void unload_in_child(Accounts& accounts, const std::string& program) {
  char* arguments[] = {const_cast<char*>(program.c_str()), nullptr};
  pid_t pid = 0;
  if (posix_spawn(&pid, program.c_str(), nullptr, nullptr, arguments, environ) != 0)
    return failed("%s can't be run", program.c_str());
  const int status = exit_status(pid);
  if (status != 0) failed("loading and unloading ended with %d", status);
  add(accounts.unloads);
}

void adopt(Accounts& accounts, Random& random) {
  uv_loop_t uv;
  if (uv_loop_init(&uv) != 0) return failed("uv_loop_init");
  crochet_loop* loop = nullptr;
  const int code = crochet_loop_adopt(&uv, nullptr, &loop);
  if (code != CROCHET_OK) failed("loop_adopt: %s", crochet_status_name(code));
  // Another thread makes calls to it, while this one runs it.
  std::atomic<int> run{0};
  int accepted = 0;
  std::thread caller([&run, loop, &accepted, calls = 20 + random() % 50] {
    const auto count = [](crochet_deferred* deferred, void* counter) {
      static_cast<std::atomic<int>*>(counter)->fetch_add(1, std::memory_order_relaxed);
      crochet_resolve(deferred, nullptr, nullptr);
    };
    for (std::uint64_t i = 0; i < calls; ++i) {
      accepted += crochet_run(loop, count, &run, nullptr, nullptr) == CROCHET_OK ? 1 : 0;
    }
    const auto stop = [](crochet_deferred*, void* it) { (void)crochet_loop_stop(static_cast<crochet_loop*>(it), 0); };
    (void)crochet_run(loop, stop, loop, nullptr, nullptr);  // or a shutdown has come first
  });
  while (uv_run(&uv, UV_RUN_DEFAULT) != 0) {
  }
  caller.join();
  std::uint64_t not_run = 0;
  crochet_loop_counter(loop, "calls_not_run", &not_run);
  if (run > accepted || run + static_cast<int>(not_run) < accepted) {
    failed("an adopted loop ran %d of %d calls, and %d were not run", run.load(), accepted, static_cast<int>(not_run));
  }
  const int closed = uv_loop_close(&uv);
  if (closed != 0) failed("uv_loop_close: %s", uv_err_name(closed));
  crochet_loop_release(loop);
  add(accounts.adoptions);
}

void complete(Accounts& accounts, Random& random) {
  OwnLoop loop;
  crochet_completion_queue* queue = nullptr;
  if (crochet_completion_queue_new(&queue) != CROCHET_OK) return failed("completion_queue_new");
  std::vector<crochet_deferred*> deferreds;
  std::uint64_t watched = 0;
  const std::uint64_t count = 50 + random() % 100;
  for (std::uint64_t i = 0; i < count; ++i) {
    crochet_deferred* deferred = nullptr;
    crochet_result* result = nullptr;
    if (crochet_deferred_new(loop.get(), nullptr, nullptr, &deferred, &result) != CROCHET_OK) continue;  // shut down
    if (crochet_completion_queue_watch(queue, result, i) == CROCHET_OK) ++watched;
    else failed("a result can't be watched");
    deferreds.push_back(deferred);
    crochet_result_release(result);
  }
  std::thread settler([&deferreds] {
    for (std::size_t i = 0; i < deferreds.size(); ++i) {
      if (i % 3 != 0) crochet_resolve(deferreds[i], nullptr, nullptr);
      crochet_deferred_release(deferreds[i]);  // or it is broken
    }
  });
  std::vector<int> seen(count, 0);
  for (std::uint64_t i = 0; i < watched; ++i) {
    crochet_result* result = nullptr;
    std::uint64_t tag = 0;
    const int code = crochet_completion_queue_next(queue, CROCHET_FOREVER, &result, &tag);
    if (code != CROCHET_OK) failed("next: %s", crochet_status_name(code));
    else if (++seen[tag] != 1) failed("handed out twice");
    (void)crochet_result_error(result);
    crochet_result_release(result);
  }
  settler.join();
  crochet_result* more = nullptr;
  if (crochet_completion_queue_next(queue, 0, &more, nullptr) != CROCHET_ETIMEDOUT)
    failed("more was handed out than watched");
  crochet_completion_queue_release(queue);
  add(accounts.completions, static_cast<long>(watched));
}

void recur(Accounts& accounts, Random& random) {
  OwnLoop loop;
  struct Recurrence {
    std::atomic<int> rounds{0};
    std::atomic<int> drops{0};
  } recurrence;
  const auto round = [](crochet_deferred* deferred, void* it, std::uint64_t) {
    static_cast<Recurrence*>(it)->rounds.fetch_add(1, std::memory_order_relaxed);
    crochet_resolve(deferred, nullptr, nullptr);
  };
  const auto drop = [](void* it) { static_cast<Recurrence*>(it)->drops.fetch_add(1, std::memory_order_release); };
  crochet_result* result = nullptr;
  const int code = crochet_every(loop.get(), 0, static_cast<std::int64_t>(random() % 3) * 500'000, round, &recurrence,
                                 drop, &result);
  if (code != CROCHET_OK && code != CROCHET_ESTOPPED) failed("every: %s", crochet_status_name(code));
  if (code == CROCHET_OK) {
    // Until some rounds have been, or a shutdown ends it.
    while (recurrence.rounds.load(std::memory_order_relaxed) < 10 &&
           crochet_result_wait(result, 1'000'000) == CROCHET_ETIMEDOUT) {
    }
    crochet_result_cancel(result, nullptr);
    const int ended = crochet_result_wait(result, CROCHET_FOREVER);
    if (ended != CROCHET_ECANCELED && ended != CROCHET_ESTOPPED)
      failed("a recurring call ended with %s", crochet_status_name(ended));
    crochet_result_join(result, CROCHET_FOREVER);
    crochet_result_release(result);
  }
  while (recurrence.drops.load(std::memory_order_acquire) == 0) std::this_thread::yield();
  if (recurrence.drops != 1) failed("the argument of a recurring call was dropped %d times", recurrence.drops.load());
  add(accounts.recurrences, recurrence.rounds);
}

namespace {

void run_command(crochet_loop* loop, Random& random) {
  const std::string input(static_cast<std::size_t>(random() % 5000), 'x');
  crochet_command* command = nullptr;
  if (crochet_command_new(random() % 2 == 0 ? "cat" : "true", &command) != CROCHET_OK) return failed("command_new");
  crochet_command_set_input(command, input.data(), input.size());
  crochet_result* child = nullptr;
  const int ran = crochet_command_run(command, loop, &child);
  crochet_command_free(command);
  if (ran != CROCHET_OK && ran != CROCHET_ESTOPPED) failed("command_run: %s", crochet_status_name(ran));
  if (ran != CROCHET_OK) return;
  if (random() % 8 == 0) crochet_result_cancel(child, nullptr);
  const int code = crochet_result_wait(child, CROCHET_FOREVER);
  if (code == CROCHET_OK) {
    const auto* exit = static_cast<const crochet_process_exit*>(crochet_result_value(child));
    const int status = crochet_process_exit_status(exit);
    if (status != 0 && crochet_process_exit_signal(exit) == 0) failed("a child ended with %d", status);
  } else if (code != CROCHET_ESTOPPED && code != CROCHET_ECANCELED) {
    failed("a child: %s: %s", crochet_status_name(code), crochet_error_message(crochet_result_error(child)));
  }
  crochet_result_release(child);
}

void look_up(crochet_loop* loop) {
  const std::shared_lock here(looking_up);
  crochet_result* result = nullptr;
  const int asked = crochet_getaddrinfo(loop, "localhost", "80", 0, SOCK_STREAM, 0, 0, &result);
  if (asked != CROCHET_OK && asked != CROCHET_ESTOPPED) failed("getaddrinfo: %s", crochet_status_name(asked));
  if (asked != CROCHET_OK) return;
  const int code = crochet_result_wait(result, CROCHET_FOREVER);
  const auto* addresses = static_cast<const crochet_addresses*>(crochet_result_value(result));
  if (code != CROCHET_OK || crochet_addresses_count(addresses) == 0) failed("localhost: %s", crochet_status_name(code));
  (void)crochet_result_join(result, CROCHET_FOREVER);
  crochet_result_release(result);
}

}  // namespace

void operate(Accounts& accounts, Random& random) {
  const OwnLoop loop;
  // libuv closes descriptors by system calls that the thread sanitizer does not see: to it a pipe of another thread
  // that gets the same number looks like a race.
  if (!contract::kThreadSanitizer) run_command(loop.get(), random);
  look_up(loop.get());
  add(accounts.operations, 2);
}

void log_lines(Accounts& accounts, Random& random) {
  long logged = 0;
  for (std::uint64_t i = random() % 200; i > 0; --i) {
    const int code = crochet_logf(CROCHET_LOG_WARNING, "soak", "line %d of a storm", static_cast<int>(i));
    if (code == CROCHET_OK) ++logged;
    else if (code != CROCHET_ENOSPC) failed("log: %s", crochet_status_name(code));
  }
  add(accounts.log_lines, logged);
  std::this_thread::sleep_for(std::chrono::milliseconds(5));  // it is not what is soaked: it may rest
}

}  // namespace soak
