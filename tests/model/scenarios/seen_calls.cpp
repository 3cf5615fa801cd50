// SPDX-License-Identifier: MIT
// Strangers look at calls that go on and end: what a look tells is of one life, and of when that was first seen; and it
// disturbs nobody.
#include "call/sight.hpp"

#include <cstring>

#include "call/handle.hpp"
#include "call/side_reading.hpp"
#include "model/scenarios/calls_and_loops.hpp"

namespace crochet {
namespace {

using model::CallLoop;
using model::TestCall;

struct Looking : model::CallsWorld {
  explicit Looking(std::size_t slots = 1) : CallsWorld(CallLoop::Wakes::kAtOnce, slots) {}

  TestCall a{"a"};
  TestCall b{"b"};  // the next life of the slot, of another loop, with another function
  std::int64_t begun[2] = {};

  static void function_a(crochet_deferred* /*deferred*/, void* /*arg*/) {}
  static void function_b(crochet_deferred* /*deferred*/, void* /*arg*/) {}

  void begin(TestCall& call, Word handles, Word flags = 0) {
    const bool is_a = &call == &a;
    call.call = allocate_call();
    begun[is_a ? 0 : 1] = monotonic_ns();
    call.generation = call.call->make(is_a ? one.id : two.id, Call::plain_field(is_a ? &function_a : &function_b),
                                      call.give(), &model::Thing::drop, handles, flags, Call::From::kHand);
  }
  void begin_labelled(TestCall& call) {
    begin(call, 1);
    call.call->need_side()->label.store("a label", relaxed);
  }
  void begin_prepared(TestCall& call) {
    call.call = allocate_call();
    call.call->set_function(&function_b);
    begun[1] = monotonic_ns();
    call.generation = call.call->make_prepared(two.id, call.give(), &model::Thing::drop, 1, 0, Call::From::kHand);
  }
  void finish(TestCall& call) {
    MODEL_EXPECT(call.resolve());
    call.release_deferred();
    call.release();
  }

  // Since when, or 0: it was gone.
  std::int64_t look() {
    Call& call = *slot(0);
    Sight sight{};
    if (!see(call, &sight)) return 0;
    const bool is_a = word::generation(sight.word) == 0;
    MODEL_EXPECT(sight.first_seen > begun[is_a ? 0 : 1]);  // never that of the life before
    MODEL_EXPECT(sight.first_seen < monotonic_ns());
    MODEL_EXPECT(sight.loop == (is_a ? one.id : two.id));
    MODEL_EXPECT(sight.function == (is_a ? &function_a : &function_b));
    MODEL_EXPECT(sight.label == nullptr || (is_a && std::strcmp(sight.label, "a label") == 0));
    MODEL_EXPECT(sight.deferreds <= 1);
    return sight.first_seen;
  }
};

// Both are told, and the same is told from then on.
MODEL_SCENARIO(seen_by_two_at_once, 2) : Looking {
  std::int64_t told[2] = {};
  seen_by_two_at_once() { begin(a, 1); }
  void thread(int t) {
    told[t] = look();
    MODEL_EXPECT(told[t] != 0);
  }
  void end() {
    const std::int64_t now = look();
    MODEL_EXPECT(now == told[0] || now == told[1]);
    MODEL_EXPECT(look() == now);
    finish(a);
    expect_gone({&a});
  }
};

// It settles, its last reference goes, and the slot begins another life, which is seen as well.
struct SeenOverTwoLives : Looking {
  void live_on() {
    finish(a);
    begin(b, 1);
  }
  void end() {
    MODEL_EXPECT(look() != 0);
    finish(b);
    { const SideReading last(*slot(0)); }  // what was kept goes with it
    expect_gone({&a, &b});
  }
};

MODEL_SCENARIO(seen_over_two_lives, 2) : SeenOverTwoLives {
  seen_over_two_lives() { begin(a, 1); }
  void thread(int t) {
    if (t == 1) return live_on();
    look();
    look();
  }
};

MODEL_SCENARIO(seen_over_two_lives_by_two, 3) : SeenOverTwoLives {
  seen_over_two_lives_by_two() { begin(a, 1); }
  void thread(int t) {
    if (t == 0) live_on();
    look();
    if (t == 1) look();
  }
};

// The time of the first life stands there when the second begins, which was prepared.
MODEL_SCENARIO(seen_again_after_a_life_that_was_seen, 2) : SeenOverTwoLives {
  seen_again_after_a_life_that_was_seen() {
    begin(a, 1);
    look();
  }
  void thread(int t) {
    if (t == 0) return void(look());
    finish(a);
    begin_prepared(b);
  }
};

// The first life has a side record, the second has none.
MODEL_SCENARIO(seen_with_a_label, 2) : SeenOverTwoLives {
  seen_with_a_label() {
    begin_labelled(a);
    look();
  }
  void thread(int t) {
    if (t == 0) look();
    else live_on();
  }
};

// Its loop's thread is busy with it, and it ends.
MODEL_SCENARIO(seen_by_its_name, 2) : Looking {
  seen_by_its_name() { begin_labelled(a); }
  void thread(int t) {
    if (t == 1) return finish(a);
    crochet_call_fn* fn = nullptr;
    const char* label = nullptr;
    see_name(*slot(0), &fn, &label);
    MODEL_EXPECT(fn == nullptr ? label == nullptr : fn == &function_a && std::strcmp(label, "a label") == 0);
  }
  void end() {
    { const SideReading last(*slot(0)); }
    expect_gone({&a});
  }
};

// The settler and the holder of the handle are two: each may end the call, under a look.
MODEL_SCENARIO(seen_while_it_settles_and_is_released, 3) : Looking {
  seen_while_it_settles_and_is_released() { begin(a, 1); }
  void thread(int t) {
    if (t == 0) {
      look();
    } else if (t == 1) {
      MODEL_EXPECT(a.resolve());
      a.release_deferred();
    } else {
      a.release();
    }
  }
  void end() { expect_gone({&a}); }
};

// The mark lies in the half that waiters park on.
MODEL_SCENARIO(seen_while_somebody_waits, 3) : Looking {
  seen_while_somebody_waits() { begin(a, 1); }
  void thread(int t) {
    if (t == 0) {
      see_all();
    } else if (t == 1) {
      MODEL_EXPECT(a.resolve());
      a.release_deferred();
    } else {
      MODEL_EXPECT(a.wait() == CROCHET_OK);
      a.release();
    }
  }
  void end() { expect_gone({&a}); }
};

// Nobody settles it and nobody waits: giving its only deferred up ends it at once, unless it is marked meanwhile.
MODEL_SCENARIO(seen_while_it_breaks, 2) : Looking {
  seen_while_it_breaks() {
    a.call = allocate_call();
    a.generation = a.call->make(one.id, Call::plain_field(&function_a), nullptr, nullptr, 0, word::kForgotten,
                                Call::From::kHand);
  }
  void thread(int t) {
    if (t == 0) see_all();
    else a.release_deferred();
  }
  void end() { expect_gone({}); }
};

}  // namespace
}  // namespace crochet
