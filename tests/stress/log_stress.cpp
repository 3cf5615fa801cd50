// SPDX-License-Identifier: MIT
// Threads that log as fast as they can, while sinks come and go, others flush, and the log ends and begins again. What
// was logged must be exactly what was written, dropped and abandoned, and each thread's messages must come in their
// order.
//
//   log_stress [MESSAGES [GENERATIONS]]        after GoogleTest's own arguments
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "api/support/at_once.hpp"
#include "api/support/durations.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"

namespace stress {
namespace {

using contract::kForever;
using contract::kSecond;

long messages = contract::kSanitized ? 100'000 : 1'000'000;
long generations = contract::kSanitized ? 30 : 100;

constexpr int kThreads = 4;

struct Message {
  int thread;
  long number;
};

std::uint64_t counted(const char* name) {
  std::uint64_t count = 0;
  EXPECT_EQ(crochet_log_counter(name, &count), CROCHET_OK);
  return count;
}

std::uint64_t written_dropped_and_abandoned() {
  return counted("messages_written") + counted("messages_dropped") + counted("messages_abandoned");
}

// The sink: counts, and looks whether each thread's numbers grow. Only the log's thread writes here.
struct Received {
  std::uint64_t count = 0;
  std::uint64_t out_of_order = 0;
  long last[kThreads] = {-1, -1, -1, -1};

  static void receive(void* self, const crochet_log_record* record) {
    auto& received = *static_cast<Received*>(self);
    Message message{};
    if (record->message_length != sizeof message) return;  // the library's own
    std::memcpy(&message, record->message, sizeof message);
    ++received.count;
    long& last = received.last[message.thread];
    if (message.number <= last) ++received.out_of_order;
    last = message.number;
  }
};

class LogStress : public testing::Test {
 protected:
  void SetUp() override {
    crochet_log_remove(CROCHET_LOG_DEFAULT_SINK);
    before_ = written_dropped_and_abandoned();
    ASSERT_EQ(crochet_log_add_function(0, Received::receive, &received_, nullptr, &sink_), CROCHET_OK);
  }
  void TearDown() override {
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
    EXPECT_EQ(crochet_log_remove(sink_), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  }

  // Each thread logs its part; every eighth message waits for room.
  void log_from_four_threads() {
    contract::at_once(kThreads, [this](int thread) {
      for (long i = 0; i < messages / kThreads; ++i) {
        const Message message{thread, i};
        const char* const bytes = reinterpret_cast<const char*>(&message);
        const int code = i % 8 == 0
                             ? crochet_log_wait(CROCHET_LOG_ERROR, "stress", bytes, sizeof message, kSecond / 100)
                             : crochet_log(CROCHET_LOG_ERROR, "stress", bytes, sizeof message);
        if (code == CROCHET_OK) ++accepted_;
        else ++refused_;
      }
    });
  }

  void expect_exact(const char* what) {
    std::printf("%s: %llu logged = %llu accepted + %llu dropped; %llu written, %llu abandoned\n", what,
                static_cast<unsigned long long>(accepted_ + refused_), static_cast<unsigned long long>(accepted_),
                static_cast<unsigned long long>(refused_), static_cast<unsigned long long>(received_.count),
                static_cast<unsigned long long>(counted("messages_abandoned")));  // of both tests
    EXPECT_EQ(accepted_ + refused_, static_cast<std::uint64_t>(messages / kThreads * kThreads));
    EXPECT_EQ(written_dropped_and_abandoned() - before_, accepted_ + refused_);
    EXPECT_EQ(received_.out_of_order, 0u);
  }

  Received received_;
  std::atomic<std::uint64_t> accepted_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::uint64_t before_ = 0;
  std::uint64_t sink_ = 0;
};

TEST_F(LogStress, LosesNothingThatItDoesNotCount) {
  std::atomic<bool> done{false};
  std::thread changes([&done] {
    while (!done) {
      std::uint64_t id = 0;
      EXPECT_EQ(crochet_log_add_function(
                    0, [](void*, const crochet_log_record*) {}, nullptr, nullptr, &id),
                CROCHET_OK);
      EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
      EXPECT_EQ(crochet_log_remove(id), CROCHET_OK);
    }
  });
  log_from_four_threads();
  done = true;
  changes.join();
  EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
  expect_exact("at once");
  EXPECT_EQ(received_.count, accepted_);
}

TEST_F(LogStress, LosesNothingWhileTheLogEndsAndBeginsAgain) {
  std::atomic<bool> done{false};
  std::thread restarts([&done] {
    for (long i = 0; i < generations && !done; ++i) {
      EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
      const int code = crochet_shutdown(kSecond);
      EXPECT_TRUE(code == CROCHET_OK || code == CROCHET_ETIMEDOUT) << code;  // the log had no second to write the rest
    }
  });
  log_from_four_threads();
  done = true;
  restarts.join();
  EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
  expect_exact("with restarts");
  EXPECT_GE(received_.count + counted("messages_abandoned"), accepted_);  // one in a sink at the end may be in both
}

}  // namespace
}  // namespace stress

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc > 1) stress::messages = std::atol(argv[1]);
  if (argc > 2) stress::generations = std::atol(argv[2]);
  if (stress::messages <= 0 || stress::generations <= 0) {
    std::fprintf(stderr, "usage: log_stress [MESSAGES [GENERATIONS]]\n");
    return 2;
  }
  return RUN_ALL_TESTS();
}
