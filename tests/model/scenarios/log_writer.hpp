// SPDX-License-Identifier: MIT
// What surrounds the real LogRing: producers that remember what they offered, and a writer that remembers what it took.
// Its steps are those of src/log/bridge.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "log/ring.hpp"
#include "model/control.hpp"
#include "model/names.hpp"

namespace crochet::model {

// Plain fields: who reads one while another writes it is found.
struct LogRecord {
  Plain<int> producer{0};
  Plain<int> number{0};
  Plain<std::uint32_t> lost{0};
};

template <std::uint32_t kPlaces, int kProducers, int kEach>
class LogWriter {
 public:
  using Ring = LogRing<LogRecord, kPlaces>;
  using Taken = typename Ring::Taken;
  using Waited = typename Ring::Waited;
  struct Line {
    int producer = 0;
    int number = 0;
    std::uint32_t lost = 0;
  };

  LogWriter() { name(ring, "ring"); }

  Ring ring;
  bool publishes = false;   // says what is written
  int wakes_by_itself = 0;  // so often a sleep of the writer has a deadline

  // ---- Producers.

  // filling(): what happens between the claim and the publishing.
  template <class Filling>
  bool offer(int producer, Filling filling) {
    const int number = offered_[producer];
    const bool accepted = ring.offer([&](LogRecord& record, std::uint32_t lost) {
      record.producer = producer;
      filling();
      record.number = number;
      record.lost = lost;
    });
    if (!accepted) return false;
    ++offered_[producer];
    accepted_[producer][number] = true;
    return true;
  }
  bool offer(int producer) {
    return offer(producer, [] {});
  }
  bool log(int producer) {
    if (offer(producer)) return true;
    ++offered_[producer];
    ++lost_;
    ring.count_lost();
    return false;
  }
  void log_patiently(int producer) {
    while (!offer(producer)) MODEL_EXPECT(ring.wait_for_room(Deadline::never(), always) == Waited::kDone);
  }
  void flush() { MODEL_EXPECT(ring.wait_until_written(Deadline::never(), always) == Waited::kDone); }
  // By the producer, or by who has heard of its records: it has happened, and is seen.
  void expect_written(int producer) {
    for (int n = 0; n < offered_[producer]; ++n) {
      if (accepted_[producer][n]) MODEL_EXPECT(written_[producer][n]);
    }
  }

  // ---- The writer.

  void write_all() {
    for (drain(); !all_told(); drain()) sleep(always);
  }
  void drain() {
    Line line;
    for (;;) {
      switch (take(&line)) {
        case Taken::kRecord:
          write(line);
          if (publishes && ring.is_somebody_waiting()) ring.publish_written();
          break;
        case Taken::kBeingWritten:
          if (publishes && ring.is_somebody_waiting()) ring.publish_written();
          nap();
          break;
        case Taken::kNothing:
          take_lost();
          if (publishes) ring.publish_written();
          return;
      }
    }
  }
  void nap() {
    yield();
    ring.nap(1);
  }
  template <class MaySleep>
  void sleep(MaySleep may_sleep) {
    const bool alone = wakes_by_itself == 0;
    if (!alone) --wakes_by_itself;
    ring.sleep(alone ? Deadline::never() : Deadline::at(1000), may_sleep);
  }
  Taken take(Line* line) {
    const Taken taken = ring.take([&](const LogRecord& record) {
      *line = {record.producer, record.number, record.lost};
    });
    if (taken != Taken::kRecord) return taken;
    MODEL_EXPECT(line->number >= next_[line->producer]);  // once each, in their producer's order
    next_[line->producer] = line->number + 1;
    ++taken_;
    told_ += static_cast<int>(line->lost);
    return taken;
  }
  void take_lost() { told_ += static_cast<int>(ring.take_lost()); }
  void write(const Line& line) { written_[line.producer][line.number] = true; }

  // All that is ever offered was taken, or its loss was told.
  bool all_told() const { return taken_ + told_ == kProducers * kEach; }
  int taken() const { return taken_; }
  int lost() const { return lost_; }

  // ---- After all.

  void expect_each_told_once() {
    for (int p = 0; p < kProducers; ++p) {
      for (int n = 0; n < kEach; ++n) MODEL_EXPECT(written_[p][n] == accepted_[p][n]);
    }
    MODEL_EXPECT(told_ == lost_);
    MODEL_EXPECT(all_told());
  }

  static bool always() { return true; }

 private:
  Plain<bool> written_[std::size_t{kProducers}][std::size_t{kEach}];  // the sink
  bool accepted_[std::size_t{kProducers}][std::size_t{kEach}] = {};
  int offered_[std::size_t{kProducers}] = {};
  int next_[std::size_t{kProducers}] = {};
  int taken_ = 0;
  int lost_ = 0;
  int told_ = 0;
};

}  // namespace crochet::model
