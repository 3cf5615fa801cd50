// SPDX-License-Identifier: MIT
// The ring of the log: no record is lost, torn or taken twice, each producer's come in their order, what finds no room
// is told, and a writer that sleeps for ever is woken. Few places, so that the laps go round.
#include "model/scenario.hpp"
#include "model/scenarios/log_writer.hpp"

namespace crochet {
namespace {

using model::LogWriter;

template <std::uint32_t kPlaces, int kProducers, int kEach>
struct Logging {
  static constexpr int kWriter = kProducers;

  LogWriter<kPlaces, kProducers, kEach> log;

  void thread(int t) {
    if (t == kWriter) return log.write_all();
    for (int i = 0; i < kEach; ++i) log.log(t);
  }
  void end() { log.expect_each_told_once(); }
};

MODEL_SCENARIO(log_one_producer_one_place, 2) : Logging<1, 1, 4> {};

MODEL_SCENARIO(log_one_producer_two_places, 2) : Logging<2, 1, 5> {};

MODEL_SCENARIO(log_two_producers_one_place, 3) : Logging<1, 2, 2> {};

MODEL_SCENARIO(log_two_producers_two_places, 3) : Logging<2, 2, 2> {};

MODEL_SCENARIO(log_three_producers_two_places, 4) : Logging<2, 3, 1> {};

// A sleep of the writer has a deadline, which may pass while somebody wakes it.
MODEL_SCENARIO(log_writer_that_wakes_by_itself, 3) : Logging<1, 2, 2> {
  log_writer_that_wakes_by_itself() { log.wakes_by_itself = 1; }
};

MODEL_SCENARIO(log_compare_exchanges_that_fail_for_nothing, 3) : Logging<2, 2, 1> {
  log_compare_exchanges_that_fail_for_nothing() { model::allow_weak_cas_failures(2); }
};

MODEL_SCENARIO(log_parks_that_end_for_nothing, 3) : Logging<1, 2, 1> {
  log_parks_that_end_for_nothing() { model::allow_spurious_wakeups(1); }
};

// As many as there are places: nobody is refused.
MODEL_SCENARIO(log_refuses_nobody_while_there_is_room, 3) : Logging<2, 2, 1> {
  log_refuses_nobody_while_there_is_room() { model::allow_weak_cas_failures(1); }
  void end() {
    Logging::end();
    MODEL_EXPECT(log.lost() == 0);
  }
};

// The ring is full before they come, and nothing comes after: the losses are the last there is to tell.
MODEL_SCENARIO(log_gap_that_no_record_follows, 3) : Logging<1, 3, 1> {
  log_gap_that_no_record_follows() { log.log(2); }
  void thread(int t) { t == 2 ? log.write_all() : void(log.log(t)); }
};

// A producer is kept from its work between claim and publishing, until another is through. The writer waits for it.
MODEL_SCENARIO(log_producer_stuck_between_claim_and_publishing, 3) : Logging<2, 2, 1> {
  bool other_is_through = false;

  void thread(int t) {
    if (t == kWriter) return log.write_all();
    if (t == 1) {
      MODEL_EXPECT(log.log(t));
      other_is_through = true;
      return;
    }
    MODEL_EXPECT(log.offer(t, [this] { model::block_until([this] { return other_is_through; }); }));
  }
};

// There is one place, and it is the stuck one's: the other loses.
MODEL_SCENARIO(log_producer_stuck_in_the_only_place, 3) : Logging<1, 2, 2> {
  bool is_stuck = false;
  bool other_is_through = false;

  void thread(int t) {
    if (t == kWriter) return log.write_all();
    if (t == 1) {
      model::block_until([this] { return is_stuck; });
      for (int i = 0; i < 2; ++i) MODEL_EXPECT(!log.log(t));
      other_is_through = true;
      return;
    }
    MODEL_EXPECT(log.offer(t, [this] {
      is_stuck = true;
      model::block_until([this] { return other_is_through; });
    }));
    log.log(t);
  }
};

}  // namespace
}  // namespace crochet
