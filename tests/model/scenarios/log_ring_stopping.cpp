// SPDX-License-Identifier: MIT
// The writer of the log comes to its end, or is replaced by another: nothing is lost by that, and nothing written twice.
#include "model/mutex.hpp"
#include "model/scenario.hpp"
#include "model/scenarios/log_writer.hpp"

namespace crochet {
namespace {

using model::LogWriter;

// ---- Stop: the flag, then wake(). Who logs is taken notice of, or notices that nobody writes any more.

template <int kProducers>
struct Stopping {
  LogWriter<2, kProducers, 2> log;
  Atomic<bool> stop{false};
  Atomic<bool> is_running{true};
  bool noticed = false;

  Stopping() {
    model::name(stop, "stop");
    model::name(is_running, "is running");
  }
  void ask_to_stop() {
    stop.store(true, release);
    log.ring.wake();
  }
  void log_and_look(int t) {
    log.log(t);
    if (!is_running.load(relaxed)) noticed = true;
  }
  void write_until_stopped() {
    for (;;) {
      log.drain();
      if (stop.load(acquire) && has_ended()) return;
      log.sleep([this] { return !stop.load(relaxed); });  // the wake-up publishes it
    }
  }
  bool has_ended() {
    is_running.store(false, release);
    log.ring.wake();  // for its read-modify-write
    if (log.ring.is_all_taken()) return true;
    is_running.store(true, release);
    return false;
  }
  // Who started another writer would find the rest.
  void end() {
    if (!log.ring.is_all_taken()) MODEL_EXPECT(noticed);
    log.drain();
    log.expect_each_told_once();
  }
};

MODEL_SCENARIO(log_stops_after_its_records, 2) : Stopping<1> {
  void thread(int t) {
    if (t == 1) return write_until_stopped();
    log.log(0);
    log.log(0);
    ask_to_stop();
  }
  void end() {
    MODEL_EXPECT(log.taken() == 2);
    Stopping::end();
  }
};

// What the stopper has heard of is written.
MODEL_SCENARIO(log_stops_under_a_producer, 3) : Stopping<1> {
  Atomic<int> logged{0};
  int heard = 0;

  void thread(int t) {
    if (t == 2) return write_until_stopped();
    if (t == 1) {
      heard = logged.load(acquire);
      return ask_to_stop();
    }
    for (int i = 0; i < 2; ++i) {
      log_and_look(0);
      logged.fetch_add(1, release);
    }
  }
  void end() {
    MODEL_EXPECT(log.taken() >= heard);
    Stopping::end();
  }
};

MODEL_SCENARIO(log_stopped_by_two, 3) : Stopping<2> {
  void thread(int t) {
    if (t == 2) return write_until_stopped();
    log_and_look(t);
    ask_to_stop();
    log_and_look(t);
  }
};

// ---- A writer is replaced: it is asked to end, and another takes over, under a mutex, without waiting for that. It may be
// in a sink then, or on its way to sleep, and finds out later. As LogBridge::end() and take_over().

template <std::uint32_t kPlaces, int kEach>
struct Replacing {
  using Log = LogWriter<kPlaces, 1, kEach>;
  Log log;
  model::Mutex mutex;
  Plain<int> writer{1};  // guarded by mutex
  Atomic<bool> first_shall_end{false};
  bool second_is_through = false;
  bool gets_stuck = false;

  Replacing() {
    model::name(mutex, "mutex");
    model::name(writer, "writer");
    model::name(first_shall_end, "first shall end");
  }
  // change(): with the ring, when it is still t's. False: it is not.
  template <class Change>
  bool as_writer(int t, Change change) {
    mutex.lock();
    const bool is_still = writer == t;
    if (is_still) change();
    mutex.unlock();
    return is_still;
  }
  void write_all(int t) {
    using Taken = typename Log::Taken;
    Taken taken = Taken::kNothing;
    typename Log::Line line;
    const auto take = [&] {
      taken = log.take(&line);
      if (taken == Taken::kNothing) log.take_lost();
    };
    while (as_writer(t, take)) {
      if (taken == Taken::kRecord) {
        write(t, line);
      } else if (taken == Taken::kBeingWritten) {
        log.nap();
      } else {
        if (shall_end(t) || log.all_told()) return end_as_writer(t);
        if (!as_writer(t, [this] { log.ring.publish_written(); })) return;
        log.sleep([this, t] { return !shall_end(t); });  // nobody's writer any more, maybe: look_idle()
      }
    }
  }
  bool shall_end(int t) { return t == 1 && first_shall_end.load(acquire); }
  // What comes from here on is left to the other. Wakes, as has_ended() does: one that was replaced may sleep still.
  void end_as_writer(int t) {
    as_writer(t, [this] {
      log.ring.wake();
      log.ring.publish_written();
    });
  }
  void write(int t, const typename Log::Line& line) {
    if (t == 1 && gets_stuck) model::block_until([this] { return second_is_through; });
    log.write(line);
    const bool publishes = log.ring.is_somebody_waiting();
    as_writer(t, [this, publishes] {
      if (publishes) log.ring.publish_written();
    });
  }
  // Whatever the first is about.
  void second_takes_over() {
    first_shall_end.store(true, release);
    log.ring.wake();
    as_writer(1, [this] { writer = 2; });
  }
  void thread(int t) {
    if (t == 0) {
      for (int i = 0; i < kEach; ++i) log.log(0);
      log.flush();
    } else if (t == 1) {
      write_all(1);
    } else {
      second_takes_over();
      write_all(2);
      second_is_through = true;
    }
  }
  void end() { log.expect_each_told_once(); }
};

MODEL_SCENARIO(log_writer_is_replaced_one_place, 3) : Replacing<1, 3> {};

MODEL_SCENARIO(log_writer_is_replaced_two_places, 3) : Replacing<2, 3> {};

// The first is stuck in its sink until the other has written all the rest: nobody who flushes waits for it.
MODEL_SCENARIO(log_writer_stuck_for_long_is_replaced, 3) : Replacing<2, 3> {
  log_writer_stuck_for_long_is_replaced() { gets_stuck = true; }
};

// The ring is full before, and the last there is to tell is a loss: it comes while one goes to sleep in earnest, and the
// one before it is on its way there still.
MODEL_SCENARIO(log_gap_while_a_writer_is_replaced, 3) : Replacing<1, 2> {
  log_gap_while_a_writer_is_replaced() { log.log(0); }
  void thread(int t) { t == 0 ? void(log.log(0)) : Replacing::thread(t); }
};

}  // namespace
}  // namespace crochet
