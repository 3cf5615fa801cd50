// SPDX-License-Identifier: MIT
// Abuse with the host's own on a loop, and with the host's own loop: rows B12 and B13.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <sstream>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "abuse/own_process.hpp"
#include "api/support/asleep.hpp"
#include "api/support/at_once.hpp"
#include "api/support/closure.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/gate.hpp"
#include "api/support/host_loop.hpp"
#include "api/support/log_capture.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"

namespace contract {
namespace {

// ---- B12: what the host has left open on a loop of the library's

// The lines of a log in which `word` occurs.
std::vector<std::string> lines_with(const std::string& text, const std::string& word) {
  std::vector<std::string> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.find(word) != std::string::npos) found.push_back(line);
  }
  return found;
}

// One kind of handle: made and used on the loop's thread; still in use when the loop has ended.
struct LeftOpen {
  virtual ~LeftOpen() = default;
  virtual uv_handle_t* handle() = 0;
  virtual void start(uv_loop_t* uv) = 0;
  virtual void expect_untouched() {}
};

template <typename Handle>
struct LeftOpenAs : LeftOpen {
  Handle uv_handle{};
  uv_handle_t* handle() override { return reinterpret_cast<uv_handle_t*>(&uv_handle); }
};

struct OpenTimer : LeftOpenAs<uv_timer_t> {
  void start(uv_loop_t* uv) override {
    EXPECT_EQ(uv_timer_init(uv, &uv_handle), 0);
    EXPECT_EQ(uv_timer_start(
                  &uv_handle, [](uv_timer_t*) {}, 3'600'000, 0),
              0);
  }
};

sockaddr_in any_loopback_port() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

struct OpenTcp : LeftOpenAs<uv_tcp_t> {
  void start(uv_loop_t* uv) override {
    const sockaddr_in address = any_loopback_port();
    EXPECT_EQ(uv_tcp_init(uv, &uv_handle), 0);
    EXPECT_EQ(uv_tcp_bind(&uv_handle, reinterpret_cast<const sockaddr*>(&address), 0), 0);
    EXPECT_EQ(uv_listen(reinterpret_cast<uv_stream_t*>(&uv_handle), 4, [](uv_stream_t*, int) {}), 0);
  }
  void expect_untouched() override {
    sockaddr_in address{};
    int size = sizeof address;
    EXPECT_EQ(uv_tcp_getsockname(&uv_handle, reinterpret_cast<sockaddr*>(&address), &size), 0);
    const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);  // it still listens
    close(client);
  }
};

struct OpenUdp : LeftOpenAs<uv_udp_t> {
  void start(uv_loop_t* uv) override {
    const sockaddr_in address = any_loopback_port();
    EXPECT_EQ(uv_udp_init(uv, &uv_handle), 0);
    EXPECT_EQ(uv_udp_bind(&uv_handle, reinterpret_cast<const sockaddr*>(&address), 0), 0);
    const auto room = [](uv_handle_t*, std::size_t, uv_buf_t* buffer) { *buffer = uv_buf_init(nullptr, 0); };
    EXPECT_EQ(
        uv_udp_recv_start(&uv_handle, room, [](uv_udp_t*, ssize_t, const uv_buf_t*, const sockaddr*, unsigned) {}), 0);
  }
  void expect_untouched() override {
    sockaddr_in address{};
    int size = sizeof address;
    EXPECT_EQ(uv_udp_getsockname(&uv_handle, reinterpret_cast<sockaddr*>(&address), &size), 0);
    EXPECT_NE(address.sin_port, 0);
  }
};

struct OpenPipe : LeftOpenAs<uv_pipe_t> {
  std::array<int, 2> ends{-1, -1};

  ~OpenPipe() override { close(ends[1]); }
  void start(uv_loop_t* uv) override {
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    EXPECT_EQ(uv_pipe_init(uv, &uv_handle, 0), 0);
    EXPECT_EQ(uv_pipe_open(&uv_handle, ends[0]), 0);
  }
  void expect_untouched() override { EXPECT_EQ(write(ends[1], "!", 1), 1); }  // there is somebody to read it
};

struct OpenProcess : LeftOpenAs<uv_process_t> {
  void start(uv_loop_t* uv) override {
    std::string program = "/bin/sleep";
    std::string argument = "3600";
    std::array<char*, 3> arguments{program.data(), argument.data(), nullptr};
    uv_process_options_t options{};
    options.file = program.c_str();
    options.args = arguments.data();
    options.exit_cb = [](uv_process_t*, std::int64_t, int) {};
    EXPECT_EQ(uv_spawn(uv, &uv_handle, &options), 0);
  }
  void expect_untouched() override {
    const pid_t pid = uv_process_get_pid(&uv_handle);
    EXPECT_EQ(kill(pid, SIGKILL), 0);
    EXPECT_EQ(exit_status(pid), kKilled + SIGKILL);  // until now it ran
  }
};

// Stops a loop on which `kinds` are in use, looks at them, and then does what their owner may do with them.
void are_left_as_they_are(const std::vector<LeftOpen*>& kinds) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  uv_loop_t* uv = nullptr;
  ASSERT_EQ(on_loop(nullptr,
                    [&] {
                      uv = crochet_current_uv();
                      for (LeftOpen* kind : kinds) kind->start(uv);
                    }),
            CROCHET_OK);
  Pending pending;
  std::thread waiter([&pending] { EXPECT_EQ(crochet_result_wait(pending.result.get(), kForever), CROCHET_ESTOPPED); });
  const std::size_t threads_without = names_in("/proc/self/task").size() - 3;  // it, the waiter, the log
  LogCapture log;
  EXPECT_EQ(crochet_shutdown(0), CROCHET_EBUSY);
  const std::string text = log.stop();
  waiter.join();
  expect_no_thread_but(threads_without);
  const std::vector<std::string> lines = lines_with(text, "left as they are");
  ASSERT_EQ(lines.size(), 1u) << text;
  for (LeftOpen* kind : kinds) {
    EXPECT_NE(lines[0].find(uv_handle_type_name(uv_handle_get_type(kind->handle()))), std::string::npos) << lines[0];
    EXPECT_EQ(uv_is_closing(kind->handle()), 0);
    kind->expect_untouched();
  }
  for (LeftOpen* kind : kinds) uv_close(kind->handle(), nullptr);
  EXPECT_EQ(uv_run(uv, UV_RUN_DEFAULT), 0);
  EXPECT_EQ(uv_loop_close(uv), 0);
}

template <typename... Kinds>
void left_open_are_left_as_they_are() {
  in_own_process([] {
    std::tuple<Kinds...> kinds;
    std::apply([](auto&... kind) { are_left_as_they_are({&kind...}); }, kinds);
  });
}

TEST(AbuseB12, AnOpenTimerIsNamedAndLeftToItsOwner) { left_open_are_left_as_they_are<OpenTimer>(); }
TEST(AbuseB12, AnOpenTcpSocketIsNamedAndLeftToItsOwner) { left_open_are_left_as_they_are<OpenTcp>(); }
TEST(AbuseB12, AnOpenUdpSocketIsNamedAndLeftToItsOwner) { left_open_are_left_as_they_are<OpenUdp>(); }
TEST(AbuseB12, AnOpenPipeIsNamedAndLeftToItsOwner) { left_open_are_left_as_they_are<OpenPipe>(); }
TEST(AbuseB12, AnOpenProcessIsNamedAndLeftToItsOwner) { left_open_are_left_as_they_are<OpenProcess>(); }
TEST(AbuseB12, AllKindsTogetherAreNamedInOneLine) {
  left_open_are_left_as_they_are<OpenTimer, OpenTcp, OpenUdp, OpenPipe, OpenProcess>();
}

// A read of an empty pipe in libuv's only pool thread, and behind it the question for an address.
struct InFlight {
  std::array<int, 2> ends{-1, -1};
  std::array<char, 1> byte{};
  uv_fs_t read{};
  uv_getaddrinfo_t address{};
  std::atomic<int> called_back{0};

  void start(uv_loop_t* uv) {
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    read.data = address.data = this;
    const uv_buf_t buffer = uv_buf_init(byte.data(), 1);
    EXPECT_EQ(uv_fs_read(uv, &read, ends[0], &buffer, 1, -1,
                         [](uv_fs_t* request) {
                           EXPECT_EQ(uv_fs_get_result(request), 1);
                           ++static_cast<InFlight*>(request->data)->called_back;
                           uv_fs_req_cleanup(request);
                         }),
              0);
    EXPECT_EQ(uv_getaddrinfo(
                  uv, &address,
                  [](uv_getaddrinfo_t* request, int, addrinfo* found) {
                    ++static_cast<InFlight*>(request->data)->called_back;
                    uv_freeaddrinfo(found);
                  },
                  "127.0.0.1", nullptr, nullptr),
              0);
  }
};

TEST(AbuseB12, RequestsInFlightAreNamedAndComeBackToTheirOwner) {
  in_child([] {  // no look at threads and descriptors: libuv's pool is libuv's
    ASSERT_EQ(setenv("UV_THREADPOOL_SIZE", "1", 1), 0);
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    InFlight requests;
    uv_loop_t* uv = nullptr;
    ASSERT_EQ(on_loop(nullptr, [&] { requests.start(uv = crochet_current_uv()); }), CROCHET_OK);
    Pending pending;
    LogCapture log;
    EXPECT_EQ(crochet_shutdown(0), CROCHET_EBUSY);
    const std::string text = log.stop();
    EXPECT_EQ(crochet_result_status(pending.result.get()), CROCHET_ESTOPPED);
    const std::vector<std::string> lines = lines_with(text, "left as they are");
    ASSERT_EQ(lines.size(), 1u) << text;
    EXPECT_NE(lines[0].find("request"), std::string::npos) << lines[0];
    EXPECT_EQ(requests.called_back, 0);
    EXPECT_EQ(write(requests.ends[1], "!", 1), 1);
    EXPECT_EQ(uv_run(uv, UV_RUN_DEFAULT), 0);
    EXPECT_EQ(requests.called_back, 2);
    EXPECT_EQ(uv_loop_close(uv), 0);
    EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

// ---- B13: a loop that the host runs, or does not

// A thread that adopts a loop of its own, does `body` with it, and closes it, which must succeed then.
class HostThread {
 public:
  explicit HostThread(std::function<void(HostLoop&)> body, const crochet_options* options = nullptr) {
    thread_ = std::thread([this, body = std::move(body), options] {
      HostLoop host;
      EXPECT_EQ(crochet_no_setup(host.uv(), options), CROCHET_OK);
      adopted_.open();
      body(host);
      EXPECT_EQ(crochet_current_loop(), nullptr);
      EXPECT_EQ(host.close(), 0);
    });
    adopted_.wait();
  }
  HostThread(const HostThread&) = delete;
  HostThread& operator=(const HostThread&) = delete;
  ~HostThread() { thread_.join(); }

 private:
  Gate adopted_;
  std::thread thread_;
};

// The documented way out, asked for by whichever thread: the loop's own does it.
void release_by_call() {
  EXPECT_EQ(crochet_run(
                nullptr,
                [](crochet_deferred* deferred, void*) {
                  EXPECT_EQ(crochet_shutdown(0), CROCHET_EINPROGRESS);
                  crochet_resolve(deferred, nullptr, nullptr);
                },
                nullptr, nullptr, nullptr),
            CROCHET_OK);
}

// Several threads that each make calls and wait for every one, so that the loop sleeps and is woken again and again.
void call_from_many_threads() {
  std::atomic<int> run{0};
  const int calls = kSanitized ? 100 : 1000;
  at_once(4, [&run](int) {
    for (int i = 0; i < calls; ++i) EXPECT_EQ(on_loop(nullptr, [&run] { ++run; }), CROCHET_OK);
  });
  EXPECT_EQ(run, 4 * calls);
}

TEST(AbuseB13, WaitsForALoopThatIsNeverRunTimeOutAndOneLineSaysSo) {
  in_own_process([] {
    Gate run_it;
    HostThread host([&run_it](HostLoop& loop) {
      run_it.wait();
      EXPECT_EQ(loop.run(), 0);
    });
    DropCounter drops;
    OwnedResult queued;
    ASSERT_EQ(crochet_run(nullptr, resolve_null, drops.pointer(), DropCounter::drop, queued.out()), CROCHET_OK);
    std::thread waiter([&queued] { EXPECT_EQ(crochet_result_wait(queued.get(), kForever), CROCHET_ESTOPPED); });
    LogCapture log;
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(crochet_result_wait(queued.get(), kMillisecond), CROCHET_ETIMEDOUT);
      EXPECT_EQ(crochet_result_join(queued.get(), kMillisecond), CROCHET_ETIMEDOUT);
      EXPECT_EQ(crochet_wait_for(nullptr, resolve_null, drops.pointer(), DropCounter::drop, kMillisecond, nullptr),
                CROCHET_ETIMEDOUT);
    }
    const std::string waiting = log.stop();
    EXPECT_EQ(LogCapture::occurrences(waiting, "nobody has run"), 1) << waiting;
    EXPECT_EQ(LogCapture::occurrences(waiting, "\n"), 1) << waiting;
    LogCapture log_of_shutdown;
    EXPECT_EQ(crochet_shutdown(0), CROCHET_ETIMEDOUT);
    const std::string stopping = log_of_shutdown.stop();
    EXPECT_EQ(LogCapture::occurrences(stopping, "nobody runs it"), 1) << stopping;
    waiter.join();
    EXPECT_EQ(drops.count(), 4);
    run_it.open();  // at last: it ends, and can be closed
  });
}

TEST(AbuseB13, ALoopThatIsRunAndStoppedAndRunAgainRunsWhatWasQueuedMeanwhile) {
  in_own_process([] {
    constexpr int kRounds = 50;
    struct Round {
      Gate stopped, run_again;
    };
    std::array<Round, kRounds> rounds;
    HostThread host([&rounds](HostLoop& loop) {
      for (Round& round : rounds) {
        EXPECT_NE(loop.run(), 0);  // stopped with something alive
        round.stopped.open();
        round.run_again.wait();
      }
      EXPECT_EQ(loop.run(), 0);
    });
    for (Round& round : rounds) {
      EXPECT_EQ(on_loop(nullptr, [] { uv_stop(crochet_current_uv()); }), CROCHET_OK);
      round.stopped.wait();
      OwnedResult queued;
      EXPECT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, queued.out()), CROCHET_OK);
      EXPECT_EQ(crochet_result_wait(queued.get(), 0), CROCHET_ETIMEDOUT);
      round.run_again.open();
      EXPECT_EQ(crochet_result_wait(queued.get(), kForever), CROCHET_OK);
    }
    release_by_call();
  });
}

TEST(AbuseB13, UvStopInEveryCallLosesNone) {
  in_own_process([] {
    HostThread host([](HostLoop& loop) {
      while (loop.run() != 0) continue;
    });
    at_once(4, [](int) {
      for (int i = 0; i < 100; ++i) EXPECT_EQ(on_loop(nullptr, [] { uv_stop(crochet_current_uv()); }), CROCHET_OK);
    });
    release_by_call();
  });
}

TEST(AbuseB13, RunNowaitServesCallsAndEndsWithTheRelease) {
  in_own_process([] {
    HostThread host([](HostLoop& loop) {
      while (loop.run(UV_RUN_NOWAIT) != 0) sched_yield();
    });
    call_from_many_threads();
    release_by_call();
  });
}

TEST(AbuseB13, RunOnceServesCallsAndEndsWithTheRelease) {
  in_own_process([] {
    HostThread host([](HostLoop& loop) {
      while (loop.run(UV_RUN_ONCE) != 0) continue;
    });
    call_from_many_threads();
    release_by_call();
  });
}

// The host's loop is epoll's; libuv's is served when its backend descriptor says so, or its time-out is over (which is
// 0 as long as libuv has not told its backend what it waits for).
void embed(HostLoop& loop) {
  const int host = epoll_create1(EPOLL_CLOEXEC);
  epoll_event wanted{};
  wanted.events = EPOLLIN;
  EXPECT_EQ(epoll_ctl(host, EPOLL_CTL_ADD, uv_backend_fd(loop.uv()), &wanted), 0);
  do {
    epoll_event event{};
    EXPECT_GE(epoll_wait(host, &event, 1, uv_backend_timeout(loop.uv())), 0);
  } while (loop.run(UV_RUN_NOWAIT) != 0);
  close(host);
}

TEST(AbuseB13, EmbeddedByItsBackendDescriptorItIsWokenByEveryCall) {
  in_own_process([] {
    HostThread host(embed);
    call_from_many_threads();
    release_by_call();
  });
}

// The first wait after the adoption comes before the first uv_run().
TEST(AbuseB13, EmbeddedItIsWokenByTheFirstCallToo) {
  in_own_process([] {
    Gate adopted;
    pid_t host_id = 0;
    uv_timer_t keeps_alive;
    std::thread host([&] {
      HostLoop loop;
      EXPECT_EQ(uv_timer_init(loop.uv(), &keeps_alive), 0);
      EXPECT_EQ(uv_timer_start(
                    &keeps_alive, [](uv_timer_t*) {}, 3'600'000, 0),
                0);
      EXPECT_NE(loop.run(UV_RUN_NOWAIT), 0);  // in use already: the backend knows what to wait for
      host_id = gettid();
      EXPECT_EQ(crochet_no_setup(loop.uv(), nullptr), CROCHET_OK);
      adopted.open();
      embed(loop);
      EXPECT_EQ(loop.close(), 0);
    });
    adopted.wait();
    until_asleep(host_id);
    EXPECT_EQ(on_loop(nullptr, [&] { uv_close(reinterpret_cast<uv_handle_t*>(&keeps_alive), nullptr); }), CROCHET_OK);
    release_by_call();
    host.join();
  });
}

TEST(AbuseB13, EmbeddedItServesTheHostsTimersAndCallsThatRunForLong) {
  in_own_process([] {
    struct Timer {
      uv_timer_t uv;
      int fired = 0;
    } timer;
    HostThread host([&timer](HostLoop& loop) {
      timer.uv.data = &timer;
      EXPECT_EQ(uv_timer_init(loop.uv(), &timer.uv), 0);
      EXPECT_EQ(uv_timer_start(
                    &timer.uv, [](uv_timer_t* t) { ++static_cast<Timer*>(t->data)->fired; }, 1, 1),
                0);
      embed(loop);
    });
    int fired = 0;
    while (fired < 10) {
      // More than one turn of the loop is given to calls: the rest must not wait for somebody to wake it.
      std::vector<OwnedResult> results(50);
      for (OwnedResult& result : results) {
        EXPECT_EQ(run(
                      nullptr,
                      [](crochet_deferred* deferred) {
                        const std::uint64_t until = uv_hrtime() + 100'000;
                        while (uv_hrtime() < until) continue;
                        crochet_resolve(deferred, nullptr, nullptr);
                      },
                      result.out()),
                  CROCHET_OK);
      }
      for (OwnedResult& result : results) EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_OK);
      EXPECT_EQ(on_loop(nullptr, [&] { fired = timer.fired; }), CROCHET_OK);
    }
    EXPECT_EQ(on_loop(nullptr, [&timer] { uv_close(reinterpret_cast<uv_handle_t*>(&timer.uv), nullptr); }), CROCHET_OK);
    release_by_call();
  });
}

TEST(AbuseB13, NotKeptAliveItRunsCallsOnlyWhenSomethingElseIsAlive) {
  in_own_process([] {
    OwnedOptions options;
    ASSERT_EQ(crochet_options_new(options.out()), CROCHET_OK);
    ASSERT_EQ(crochet_options_set_keep_alive(options.get(), 0), CROCHET_OK);
    Gate queued, returned, looked, released;
    HostThread host(
        [&](HostLoop& loop) {
          queued.wait();
          EXPECT_EQ(loop.run(), 0);  // at once: nothing is alive
          returned.open();
          looked.wait();
          uv_timer_t timer;
          EXPECT_EQ(uv_timer_init(loop.uv(), &timer), 0);
          timer.data = &released;
          EXPECT_EQ(uv_timer_start(
                        &timer,
                        [](uv_timer_t* t) {
                          if (!static_cast<Gate*>(t->data)->is_open()) return;
                          uv_close(reinterpret_cast<uv_handle_t*>(t), nullptr);
                        },
                        1, 1),
                    0);
          EXPECT_EQ(loop.run(), 0);  // until the timer is closed
          OwnedResult too_late;
          EXPECT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, too_late.out()), CROCHET_OK);
          EXPECT_EQ(crochet_shutdown(0), CROCHET_EINPROGRESS);
          EXPECT_EQ(crochet_result_status(too_late.get()), CROCHET_ESTOPPED);
          EXPECT_EQ(loop.run(), 0);
        },
        options.get());
    OwnedResult result;
    ASSERT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, result.out()), CROCHET_OK);
    queued.open();
    returned.wait();
    EXPECT_EQ(crochet_result_wait(result.get(), kMillisecond), CROCHET_ETIMEDOUT);
    looked.open();
    EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_OK);
    call_from_many_threads();
    released.open();
  });
}

TEST(AbuseB13, ClosingItIsRefusedBeforeTheReleaseAndWorksAfterwards) {
  in_own_process([] {
    HostLoop host;
    for (const bool by_shutdown : {false, true}) {
      OwnedLoop loop;
      if (by_shutdown) {
        ASSERT_EQ(crochet_no_setup(host.uv(), nullptr), CROCHET_OK);
      } else {
        ASSERT_EQ(crochet_loop_adopt(host.uv(), nullptr, loop.out()), CROCHET_OK);
      }
      EXPECT_EQ(host.close(), UV_EBUSY);
      EXPECT_NE(host.run(UV_RUN_NOWAIT), 0);
      EXPECT_EQ(host.close(), UV_EBUSY);
      EXPECT_EQ(by_shutdown ? crochet_shutdown(kSecond) : crochet_loop_stop(loop.get(), kSecond), CROCHET_EINPROGRESS);
      EXPECT_EQ(host.close(), UV_EBUSY);  // asked for only
      EXPECT_EQ(host.run(), 0);
    }
    EXPECT_EQ(host.close(), 0);
  });
}

TEST(AbuseB13, AnotherThreadsShutdownReleasesItWhileItRuns) {
  in_own_process([] {
    HostThread host([](HostLoop& loop) { EXPECT_EQ(loop.run(), 0); });
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
    EXPECT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, nullptr), CROCHET_ESTOPPED);
  });
}

TEST(AbuseB13, TheHostsHandlesOutliveTheRelease) {
  in_own_process([] {
    struct Timer {
      uv_timer_t uv;
      int left = 3;
    } timer;
    HostThread host([&timer](HostLoop& loop) {
      timer.uv.data = &timer;
      EXPECT_EQ(uv_timer_init(loop.uv(), &timer.uv), 0);
      EXPECT_EQ(uv_timer_start(
                    &timer.uv,
                    [](uv_timer_t* t) {
                      if (crochet_current_loop() != nullptr) return;  // not released yet
                      if (--static_cast<Timer*>(t->data)->left == 0) {
                        uv_close(reinterpret_cast<uv_handle_t*>(t), nullptr);
                      }
                    },
                    1, 1),
                0);
      EXPECT_EQ(loop.run(), 0);
    });
    release_by_call();
  });
}

}  // namespace
}  // namespace contract
