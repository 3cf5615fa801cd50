// SPDX-License-Identifier: MIT
#include "loop/loop_table.hpp"

#include <cstdlib>
#include <new>

#include "call/post.hpp"

namespace crochet {
namespace loop_table {

constinit Atomic<Loop*> places[kPlaces] = {};

namespace {

// One use later; the place is kept, whatever the block's last id was (0: never used).
std::uint32_t next_id(std::uint32_t id, std::uint32_t place) { return ((id & ~(kPlaces - 1)) + kPlaces) | place; }

}  // namespace

Loop* take_unused(std::uint32_t* out_id) {
  for (std::uint32_t place = 1; place < kPlaces; ++place) {
    Loop* loop = places[place].load(acquire);
    if (loop == nullptr) {
      loop = new (std::nothrow) Loop;
      if (loop == nullptr) return nullptr;
      *out_id = place;
      places[place].store(loop, release);
      return loop;
    }
    if (loop->state() == Loop::State::kUnused) {
      *out_id = next_id(loop->id(), place);
      return loop;
    }
  }
  return nullptr;
}

void leave_to_parent() {
  for_each([](Loop& loop) { loop.leave_to_parent(); });
}

}  // namespace loop_table

bool post_to_loop(std::uint32_t loop_id, Call* call) {
  Loop* loop = loop_table::block(loop_id);
  return loop != nullptr && loop->post(call);
}

void look_for_hooks_again(std::uint32_t loop_id) {
  if (Loop* loop = loop_table::block(loop_id)) loop->look_for_hooks_again();
}

void count_never_ran(std::uint32_t loop_id, NeverRan why) {
  Loop* loop = loop_table::block(loop_id);
  if (loop != nullptr) loop->count(loop_id, why == NeverRan::kCancelled ? Counter::kCancelled : Counter::kNotRun, 1);
}

void count_unobserved(std::uint32_t loop_id) {
  if (Loop* loop = loop_table::block(loop_id)) loop->count(loop_id, Counter::kUnobserved, 1);
}

}  // namespace crochet
