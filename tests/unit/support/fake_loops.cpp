// SPDX-License-Identifier: MIT
#include "unit/support/fake_loops.hpp"

#include "call/hot_path.hpp"
#include "call/post.hpp"

namespace crochet {

FakeLoops& FakeLoops::get() {
  static FakeLoops loops;
  return loops;
}

void FakeLoops::reset() {
  const std::lock_guard lock(mutex_);
  accepts_ = true;
  on_post_ = nullptr;
  posted_.clear();
  posted_to_.clear();
  looks_ = 0;
  cancelled_ = 0;
  not_run_ = 0;
}

std::vector<Call*> FakeLoops::posted() {
  const std::lock_guard lock(mutex_);
  return posted_;
}

std::vector<std::uint32_t> FakeLoops::posted_to() {
  const std::lock_guard lock(mutex_);
  return posted_to_;
}

int FakeLoops::asked_to_look_for_hooks() {
  const std::lock_guard lock(mutex_);
  return looks_;
}

bool FakeLoops::post(std::uint32_t loop_id, Call* call) {
  if (const auto body = on_post_) body(*call);  // a copy: it may put another one in its place
  if (!accepts_) return false;
  const std::lock_guard lock(mutex_);
  posted_.push_back(call);
  posted_to_.push_back(loop_id);
  return true;
}

void FakeLoops::count(NeverRan why) { ++(why == NeverRan::kCancelled ? cancelled_ : not_run_); }

void FakeLoops::look_for_hooks() {
  const std::lock_guard lock(mutex_);
  ++looks_;
}

void process(Call& call) {
  if (is_message(call.word.load(acquire))) {
    call.deliver_cancel_message();
  } else if (call.start()) {
    call.run();
  } else {
    call.release_reference();
  }
}

bool post_to_loop(std::uint32_t loop_id, Call* call) { return FakeLoops::get().post(loop_id, call); }

void look_for_hooks_again(std::uint32_t) { FakeLoops::get().look_for_hooks(); }

void count_never_ran(std::uint32_t, NeverRan why) { FakeLoops::get().count(why); }

void count_unobserved(std::uint32_t) {}

}  // namespace crochet
