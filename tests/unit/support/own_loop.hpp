// SPDX-License-Identifier: MIT
// A loop of the table's, started or adopted without a runtime, and calls made on it from closures.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <utility>

#include "api/support/durations.hpp"
#include "api/support/gate.hpp"
#include "call/waiting.hpp"
#include "loop/loop.hpp"
#include "loop/loop_table.hpp"
#include "unit/support/inside_loop.hpp"
#include "unit/support/made_call.hpp"

namespace crochet {

inline std::uint32_t handles_of(Loop& loop) { return static_cast<std::uint32_t>(references_of(loop).load()); }

// Is the block unused again?
inline bool recycled(Loop& loop) {
  loop.recycle();
  return loop.state() == Loop::State::kUnused;
}

inline Deadline no_alarm() { return Deadline::never(); }

// A block of the table's, not born yet.
struct AnyLoop {
  Loop* loop = nullptr;
  std::uint32_t id = 0;

  Loop::Birth take(Loop::Alarm* alarm) {
    loop = loop_table::take_unused(&id);
    return {id, 1, alarm};
  }
};

// With a thread of its own.
class OwnLoop {
 public:
  explicit OwnLoop(Loop::Alarm* alarm = no_alarm, const crochet_options& options = {}) {
    const Loop::Birth birth = any_.take(alarm);
    const int status = any_.loop->start(birth, options);
    EXPECT_EQ(status, 0);
    running_ = status == 0;
  }
  OwnLoop(const OwnLoop&) = delete;
  OwnLoop& operator=(const OwnLoop&) = delete;
  ~OwnLoop() {
    if (!running_) return;
    any_.loop->request_stop(0);
    if (!abandoned_) any_.loop->wait_until_ended(Deadline::after(contract::kKillTimer));
    any_.loop->join_thread();
    any_.loop->recycle();
  }
  Loop* operator->() const { return any_.loop; }
  Loop& operator*() const { return *any_.loop; }
  std::uint32_t id() const { return any_.id; }
  // It was left behind: the test sees to its thread.
  void is_left_behind() { abandoned_ = true; }

 private:
  AnyLoop any_;
  bool running_ = false;
  bool abandoned_ = false;
};

// A closure as a call's function and argument.
struct Work {
  std::function<void(crochet_deferred*)> body;

  static void run(crochet_deferred* deferred, void* arg) { static_cast<Work*>(arg)->body(deferred); }
  static void drop(void* arg) { delete static_cast<Work*>(arg); }
};

inline MadeCall make_on(std::uint32_t loop_id, std::function<void(crochet_deferred*)> body, Word handles = 1,
                        Word flags = 0) {
  Call* call = allocate_call();
  auto* work = new Work{std::move(body)};
  return {call, call->make(loop_id, Call::plain_field(Work::run), work, Work::drop, handles, flags)};
}

// Posted; the caller holds the handle.
inline MadeCall post(Loop& loop, std::function<void(crochet_deferred*)> body) {
  const MadeCall call = make_on(loop.id(), std::move(body));
  EXPECT_TRUE(loop.post(call.call));
  return call;
}

// Posted and forgotten.
inline bool post_and_forget(Loop& loop, std::function<void()> body) {
  const MadeCall call = make_on(
      loop.id(), [body = std::move(body)](crochet_deferred*) { body(); }, 0, word::kForgotten);
  if (loop.post(call.call)) return true;
  call->refuse();
  return false;
}

inline int wait_settled(const MadeCall& call) {
  return wait_for_call(*call.call, call.generation, Until::kSettled, contract::kKillTimer, false);
}
inline int wait_finished(const MadeCall& call) {
  return wait_for_call(*call.call, call.generation, Until::kFinished, contract::kKillTimer, false);
}

// Runs `body` on the loop's thread and returns when it is done.
inline void on_loop(Loop& loop, const std::function<void()>& body) {
  const MadeCall call = post(loop, [&body](crochet_deferred* deferred) {
    body();
    settle_by(deferred);
  });
  EXPECT_EQ(wait_finished(call), CROCHET_OK);
  call->observe(call.generation);
  call.release();
}

// The loop's thread stands still at a gate until it is let go.
class Blocker {
 public:
  explicit Blocker(Loop& loop) {
    EXPECT_TRUE(post_and_forget(loop, [this] {
      entered_.open();
      leave_.wait();
    }));
    entered_.wait();
  }
  void let_go() { leave_.open(); }

 private:
  contract::Gate entered_, leave_;
};

}  // namespace crochet
