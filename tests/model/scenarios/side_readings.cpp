// SPDX-License-Identifier: MIT
// Side records that are read by strangers while their calls end: nothing is used after it was freed, and nothing is kept
// when nobody reads any more.
#include "call/side_reading.hpp"

#include "call/hot_path.hpp"
#include "model/control.hpp"
#include "model/names.hpp"
#include "model/scenario.hpp"
#include "model/scenarios/model_world.hpp"

namespace crochet {
namespace {

constexpr const char* kLabels[] = {"of the first", "of the second"};

struct Reading : model::World {
  static constexpr std::uint32_t kLoop = 1;

  explicit Reading(std::size_t slots = 1) : World(slots) {}

  // With a side record from the start, as a prepared call; or from when it runs, as one that is watched.
  struct Life {
    Call* call = nullptr;
    Word generation = 0;
  };
  Life prepare_and_make(const char* label) {
    Call* call = allocate_call();
    call->need_side()->label.store(label, relaxed);
    call->set_function(nullptr);
    return {call, call->make_prepared(kLoop, nullptr, nullptr, 1, word::kHasMore, Call::From::kHand)};
  }
  Life make_and_need(const char* label) {
    Call* call = allocate_call();
    const Word generation = call->make(kLoop, 0, nullptr, nullptr, 1, 0, Call::From::kHand);
    call->need_side()->label.store(label, relaxed);
    return {call, generation};
  }
  static void end_life(const Life& life) {
    MODEL_EXPECT(life.call->settle(life.generation, nullptr, nullptr) == CROCHET_OK);
    MODEL_EXPECT(life.call->release_deferred(life.generation));
    MODEL_EXPECT(life.call->release_handle(life.generation));
  }
  static void read(Call* call) {
    const SideReading reading(*call);
    if (reading.record() == nullptr) return;
    const char* label = reading.record()->label.load(relaxed);
    MODEL_EXPECT(label == nullptr || label == kLabels[0] || label == kLabels[1]);
  }
  // What was kept goes with the next reading at the latest.
  void end() {
    read(slot(0));
    expect_nothing_left();
  }
};

MODEL_SCENARIO(side_reading_while_the_call_ends, 2) : Reading {
  Life a = make_and_need(kLabels[0]);
  void thread(int t) {
    if (t == 0) read(a.call);
    else end_life(a);
  }
};

MODEL_SCENARIO(side_reading_by_two_of_two, 4) : Reading {
  side_reading_by_two_of_two() : Reading(2) {}
  Life a = make_and_need(kLabels[0]);
  Life b = make_and_need(kLabels[1]);
  void thread(int t) {
    if (t == 0) {
      read(a.call);
      read(b.call);
    } else if (t == 1) {
      read(b.call);
    } else {
      end_life(t == 2 ? a : b);
    }
  }
};

// Two are kept in a row, by who ends them and by readers that are not the last.
MODEL_SCENARIO(side_reading_keeps_two, 3) : Reading {
  side_reading_keeps_two() : Reading(2) {}
  Life a = make_and_need(kLabels[0]);
  Life b = make_and_need(kLabels[1]);
  void thread(int t) {
    if (t < 2) return read(t == 0 ? a.call : b.call);
    end_life(a);
    end_life(b);
  }
};

// A stranger comes by a slot that is about to be used: the record is there before the call is made.
MODEL_SCENARIO(side_reading_of_a_call_that_is_prepared, 2) : Reading {
  void thread(int t) {
    if (t == 0) read(slot(0));
    else end_life(prepare_and_make(kLabels[0]));
  }
};

// The call ends, and its slot has another record: one is read, or the other, or none.
MODEL_SCENARIO(side_reading_over_two_lives, 3) : Reading {
  Life a = make_and_need(kLabels[0]);
  void thread(int t) {
    if (t < 2) return read(slot(0));
    end_life(a);
    end_life(prepare_and_make(kLabels[1]));
  }
};

// Who needs the record first races with who reads, and with the end.
MODEL_SCENARIO(side_reading_while_it_is_made, 3) : Reading {
  Life a;
  side_reading_while_it_is_made() {
    a.call = allocate_call();
    a.generation = a.call->make(kLoop, 0, nullptr, nullptr, 1, 0, Call::From::kHand);
  }
  void thread(int t) {
    if (t == 0) {
      read(a.call);
    } else if (t == 1) {
      a.call->need_side()->label.store(kLabels[0], relaxed);
      MODEL_EXPECT(a.call->release_handle(a.generation));
    } else {
      MODEL_EXPECT(a.call->settle(a.generation, nullptr, nullptr) == CROCHET_OK);
      MODEL_EXPECT(a.call->release_deferred(a.generation));
    }
  }
};

}  // namespace
}  // namespace crochet
