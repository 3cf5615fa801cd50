// SPDX-License-Identifier: MIT
#include "call/side_reading.hpp"

#include <cstdlib>

#include "call/timing.hpp"

namespace crochet {
namespace {

constinit Atomic<std::uint32_t> readings{0};
constinit Atomic<SideRecord*> kept{nullptr};  // ended while somebody read

void free_record(SideRecord* record) {
  std::free(record->storage);
  delete static_cast<Timing*>(record->timing);
  delete record;
}

void free_all(SideRecord* first) {
  while (first != nullptr) {
    SideRecord* next = first->next;
    free_record(first);
    first = next;
  }
}

SideRecord* last_of(SideRecord* first) {
  while (first->next != nullptr) first = first->next;
  return first;
}

// A chain, from first to last.
void keep(SideRecord* first, SideRecord* last) {
  SideRecord* head = kept.load(relaxed);
  do {
    last->next = head;
    // release: with the exchange of who frees them.
  } while (!kept.compare_exchange_weak(head, first, release, relaxed));
}

}  // namespace

void end_side_record(SideRecord* record) {
  // acquire: with the end of the last reading; what it read happens before the record is freed.
  if (readings.load(acquire) == 0) free_record(record);
  else keep(record, record);
}

SideReading::SideReading(Call& call) {
  readings.fetch_add(1, relaxed);  // released to the ender by the next one
  // acq_rel: with the ender's exchange, and with who installed the record.
  const std::uint64_t field = call.function.fetch_add(0, acq_rel);
  record_ = (field & Call::kSideTag) == 0 ? nullptr : Call::side_record(field);
}

SideReading::~SideReading() {
  // While this reading counts: who begins to read later finds none of what is kept now. acquire: with keep().
  SideRecord* first = kept.exchange(nullptr, acquire);
  std::uint32_t now = readings.load(relaxed);
  do {
    if (now == 0) break;  // a child that was forked, and set up, by a signal handler in the middle of this reading
    // acq_rel: with end_side_record(), and with the other readers whose last one this may be.
  } while (!readings.compare_exchange_weak(now, now - 1, acq_rel, relaxed));
  const bool was_last = now <= 1;
  if (first == nullptr) return;
  if (was_last) free_all(first);
  else keep(first, last_of(first));  // for a later one, at the latest for the next who looks
}

void forget_side_readings() { readings.store(0, relaxed); }

}  // namespace crochet
