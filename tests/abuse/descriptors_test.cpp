// SPDX-License-Identifier: MIT
// Row E3: a host closes every descriptor that it does not know.
//
// The library looks whether its wake-up descriptor is still what it was, each time before it writes there. What it
// can't keep from happening: a loop's thread that wakes by itself (a timer) before anybody calls polls on a closed
// descriptor, and libuv aborts.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>
#include <uv.h>

#include <cstdlib>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "abuse/own_process.hpp"
#include "api/support/asleep.hpp"
#include "api/support/closure.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/log_capture.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"

namespace contract {
namespace {

// Everything but 0-2, and the one that the log is captured in; then files of the host's own get those numbers.
class Strangers {
 public:
  explicit Strangers(const std::set<std::string>& known) {
    std::set<int> theirs;
    for (const std::string& name : names_in("/proc/self/fd")) {
      if (known.count(name) == 0) theirs.insert(std::atoi(name.c_str()));
    }
    // Upwards, so the end of a pipe that is polled first: else closing the other one would wake the loop.
    for (const int descriptor : theirs) close(descriptor);
    for (int i = 0; i < 64; ++i) files_.push_back(memfd_create("stranger", MFD_CLOEXEC));
  }
  ~Strangers() {
    for (const int file : files_) {
      EXPECT_EQ(lseek(file, 0, SEEK_END), 0) << "somebody wrote into it";
      close(file);
    }
  }

 private:
  std::vector<int> files_;
};

class AbuseE3 : public testing::Test {
 protected:
  void SetUp() override { SKIP_UNDER_THREAD_SANITIZER("keeps descriptors of its own"); }
};

TEST_F(AbuseE3, ClosedDescriptorsAreNoticedBeforeTheNextWakeUp) {
  in_own_process(
      [] {
        LogCapture log;
        const std::set<std::string> known = names_in("/proc/self/fd");
        ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
        pid_t thread = 0;
        ASSERT_EQ(on_loop(nullptr, [&thread] { thread = gettid(); }), CROCHET_OK);
        DropCounter drops;
        Pending pending(nullptr, drops.pointer(), DropCounter::drop);
        std::thread waiter([&] { EXPECT_EQ(crochet_result_wait(pending.result.get(), kForever), CROCHET_ESTOPPED); });
        until_asleep(thread);
        {
          const Strangers strangers(known);
          OwnedResult result;
          EXPECT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, result.out()), CROCHET_OK);
          EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_ESTOPPED);
          EXPECT_EQ(crochet_error_code(crochet_result_error(result.get())), CROCHET_ENOTRUN);
          waiter.join();
          EXPECT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, nullptr), CROCHET_ESTOPPED);
        }
        EXPECT_EQ(crochet_result_join(pending.result.get(), kForever), CROCHET_ESTOPPED);
        pending.deferred.reset();
        EXPECT_EQ(drops.count(), 1);
        const std::string& text = log.stop();
        EXPECT_EQ(LogCapture::occurrences(text, "\n"), 1) << text;
        EXPECT_EQ(LogCapture::occurrences(text, "descriptors were closed"), 1) << text;
        ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK) << "a new loop";
        EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
        EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK) << "the dead one was reported before";
      },
      Leaves::kStuckThread);
}

TEST_F(AbuseE3, AStopNoticesThemToo) {
  in_own_process(
      [] {
        LogCapture log;
        const std::set<std::string> known = names_in("/proc/self/fd");
        OwnedLoop loop;
        ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
        pid_t thread = 0;
        ASSERT_EQ(on_loop(loop.get(), [&thread] { thread = gettid(); }), CROCHET_OK);
        Pending pending(loop.get());
        until_asleep(thread);
        const Strangers strangers(known);
        EXPECT_EQ(crochet_loop_stop(loop.get(), kSecond), CROCHET_ETIMEDOUT);
        EXPECT_EQ(crochet_result_status(pending.result.get()), CROCHET_ESTOPPED);
        EXPECT_EQ(crochet_loop_stop(loop.get(), kSecond), CROCHET_ETIMEDOUT);
      },
      Leaves::kStuckThread);
}

TEST_F(AbuseE3, AThreadThatWakesByItselfLaterEnds) {
  in_own_process(
      [] {
        LogCapture log;
        const std::set<std::string> known = names_in("/proc/self/fd");
        const std::size_t threads = names_in("/proc/self/task").size() + 1;  // the log's
        ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
        static uv_timer_t timer;
        pid_t thread = 0;
        ASSERT_EQ(on_loop(nullptr,
                          [&thread] {
                            thread = gettid();
                            uv_timer_init(crochet_current_uv(), &timer);
                            uv_timer_start(
                                &timer, [](uv_timer_t*) {}, 1000, 0);
                          }),
                  CROCHET_OK);
        until_asleep(thread);
        const Strangers strangers(known);
        EXPECT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, nullptr), CROCHET_OK);
        expect_no_thread_but(threads);
      },
      Leaves::kStuckThread);
}

}  // namespace
}  // namespace contract
