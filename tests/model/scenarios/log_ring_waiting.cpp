// SPDX-License-Identifier: MIT
// Waiting at the ring of the log: for room, and for what is written. Nobody waits for ever, nobody goes on too early.
#include "model/scenario.hpp"
#include "model/scenarios/log_writer.hpp"

namespace crochet {
namespace {

using model::LogWriter;

// ---- For room.

template <std::uint32_t kPlaces, int kProducers, int kEach>
struct Patient {
  LogWriter<kPlaces, kProducers, kEach> log;

  void thread(int t) {
    if (t == kProducers) return log.write_all();
    for (int i = 0; i < kEach; ++i) log.log_patiently(t);
  }
  void end() {
    log.expect_each_told_once();
    MODEL_EXPECT(log.taken() == kProducers * kEach);
  }
};

MODEL_SCENARIO(log_waits_for_the_only_place, 2) : Patient<1, 1, 3> {};

MODEL_SCENARIO(log_waits_for_one_of_two_places, 2) : Patient<2, 1, 4> {};

MODEL_SCENARIO(log_two_wait_for_the_only_place, 3) : Patient<1, 2, 2> {};

MODEL_SCENARIO(log_three_wait_for_the_only_place, 4) : Patient<1, 3, 1> {};

MODEL_SCENARIO(log_two_wait_for_one_of_two_places, 3) : Patient<2, 2, 2> {};

// One waits, the other is refused and goes on.
MODEL_SCENARIO(log_waits_while_another_loses, 3) : Patient<1, 2, 2> {
  void thread(int t) {
    if (t != 1) return Patient::thread(t);
    for (int i = 0; i < 2; ++i) log.log(t);
  }
  void end() { log.expect_each_told_once(); }
};

// The place is freed, or the wait is given up: who comes back for nothing is asked, who has timed out is told.
MODEL_SCENARIO(log_gives_up_waiting_for_room, 2) {
  using Writer = LogWriter<1, 1, 2>;
  Writer log;

  log_gives_up_waiting_for_room() { model::allow_spurious_wakeups(1); }
  void thread(int t) {
    if (t == 1) return log.write_all();
    log.log(0);
    bool asked = false;
    const auto waited = log.ring.wait_for_room(Deadline::at(1000), [&] { return !(asked = true); });
    MODEL_EXPECT(asked == (waited != Writer::Waited::kDone));
    const bool accepted = log.log(0);
    if (waited == Writer::Waited::kDone) MODEL_EXPECT(accepted);
  }
  void end() { log.expect_each_told_once(); }
};

// ---- For what is written.

template <std::uint32_t kPlaces, int kProducers, int kEach>
struct Flushing {
  LogWriter<kPlaces, kProducers, kEach> log;

  Flushing() { log.publishes = true; }
  void thread(int t) {
    if (t == kProducers) return log.write_all();
    for (int i = 0; i < kEach; ++i) log.log(t);
    log.flush();
    log.expect_written(t);
    log.flush();
  }
  void end() { log.expect_each_told_once(); }
};

MODEL_SCENARIO(log_flushes_one_record, 2) : Flushing<2, 1, 1> {};

MODEL_SCENARIO(log_flushes_several_laps, 2) : Flushing<1, 1, 3> {};

MODEL_SCENARIO(log_two_flush, 3) : Flushing<2, 2, 1> {};

MODEL_SCENARIO(log_two_flush_two_records_each, 3) : Flushing<2, 2, 2> {};

// Who flushes has logged nothing, but has heard that another has. The writer may sleep by then.
MODEL_SCENARIO(log_flushes_what_another_logged, 3) : Flushing<1, 1, 2> {
  Atomic<int> logged{0};

  void thread(int t) {
    if (t == 2) return log.write_all();
    if (t == 0) {
      for (int i = 0; i < 2; ++i) {
        log.log(0);
        logged.fetch_add(1, release);
      }
      return;
    }
    if (logged.load(acquire) < 2) return;
    log.flush();
    log.expect_written(0);
    MODEL_EXPECT(log.ring.is_all_written());
  }
};

// Another is stuck in the middle of a later record, and nobody who flushes waits for it.
MODEL_SCENARIO(log_flushes_in_front_of_a_stuck_producer, 3) : Flushing<2, 2, 1> {
  bool is_flushed = false;

  void thread(int t) {
    if (t == 2) return log.write_all();
    if (t == 0) {
      log.log(0);
      log.flush();
      log.expect_written(0);
      is_flushed = true;
      return;
    }
    while (!is_flushed && !log.ring.is_somebody_waiting()) model::yield();
    MODEL_EXPECT(log.offer(1, [this] { model::block_until([this] { return is_flushed; }); }));
  }
};

// It is all written, or it is not known yet; and what is said to be written, happened.
MODEL_SCENARIO(log_asks_whether_all_is_written, 2) : Flushing<2, 1, 2> {
  void thread(int t) {
    if (t == 1) return log.write_all();
    for (int i = 0; i < 2; ++i) {
      log.log(0);
      if (log.ring.is_all_written()) log.expect_written(0);
    }
  }
  void end() {
    Flushing::end();
    MODEL_EXPECT(log.ring.is_all_written());
  }
};

}  // namespace
}  // namespace crochet
