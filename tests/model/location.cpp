// SPDX-License-Identifier: MIT
#include "model/location.hpp"

#include "model/names.hpp"

namespace crochet::model {

Locations locations;

namespace {

bool sequential(std::memory_order order) noexcept { return order == std::memory_order_seq_cst; }

bool acquires(std::memory_order order) noexcept {
  return order != std::memory_order_relaxed && order != std::memory_order_release;
}

bool releases(std::memory_order order) noexcept {
  return order == std::memory_order_release || order == std::memory_order_acq_rel || sequential(order);
}

// What all seq_cst fences of the present execution have in common.
struct {
  std::uint32_t execution = 0;
  VectorClock clock;
} fences;

}  // namespace

void Location::start(std::uint64_t value, const Birth& birth) {
  count_ = 1;
  newest_sequential_ = 0;
  bucket = {};
  parked = 0;
  birth_ = birth;
  for (std::uint8_t& reads : stale_reads_) reads = 0;
  stores_[0].value = value;
  stores_[0].released = {};
  stores_[0].sightings.clear();
  stores_[0].sightings.add(birth.thread, birth.tick);
  stores_[0].modified = false;
}

int Location::oldest_visible(const VectorClock& clock) const noexcept {
  int index = count_ - 1;
  while (index > 0 && !stores_[index].sightings.any_known_to(clock)) --index;
  return index;
}

int Location::oldest_visible(bool sequential) const noexcept {
  const int oldest = oldest_visible(execution.clock());
  return sequential && oldest < newest_sequential_ ? newest_sequential_ : oldest;
}

int Location::oldest_readable(bool sequential) const noexcept {
  const int oldest = oldest_visible(sequential);
  if (oldest == count_ - 1) return oldest;
  const int me = execution.thread();
  return stores_[oldest].sightings.by(me) && stale_reads_[me] >= kPatience ? oldest + 1 : oldest;
}

int Location::choose_to_load(std::memory_order order) {
  const int newest = count_ - 1;
  return newest - execution.choose(newest - oldest_readable(sequential(order)) + 1);
}

int Location::choose_under(const VectorClock& lock) {
  VectorClock clock = execution.clock();
  clock.join(lock);
  const int newest = count_ - 1;
  return newest - execution.choose(newest - oldest_visible(clock) + 1);
}

int Location::choose_to_modify(std::memory_order order) {
  int candidates[kMaxStores];
  int count = 0;
  const int oldest = oldest_visible(sequential(order));
  for (int i = count_ - 1; i >= oldest; --i) {
    if (!stores_[i].modified) candidates[count++] = i;
  }
  return candidates[execution.choose(count)];
}

int Location::choose_to_compare(std::uint64_t expected, bool sequential) {
  int candidates[kMaxStores];
  int count = 0;
  const int oldest = oldest_readable(sequential);
  for (int i = count_ - 1; i >= oldest; --i) {
    if (stores_[i].value != expected || !stores_[i].modified) candidates[count++] = i;
  }
  return candidates[execution.choose(count)];
}

void Location::see(int index) noexcept {
  const int me = execution.thread();
  Sightings& sightings = stores_[index].sightings;
  if (!sightings.by(me)) {
    sightings.add(me, execution.clock().of(me));
    stale_reads_[me] = 0;
  } else if (behind(index) > 0) {
    ++stale_reads_[me];
  }
}

void Location::read(int index, std::memory_order order) {
  see(index);
  const VectorClock& released = stores_[index].released;
  execution.to_acquire().join(released);
  if (acquires(order)) execution.clock().join(released);
}

void Location::write(std::uint64_t value, std::memory_order order) {
  if (count_ == kMaxStores) make_room();
  // Directly above index i, unless a read-modify-write sits there already.
  int candidates[kMaxStores];
  int count = 0;
  const int oldest = oldest_visible(sequential(order));
  for (int i = count_ - 1; i >= oldest; --i) {
    if (!stores_[i].modified) candidates[count++] = i;
  }
  insert(candidates[execution.choose(count)] + 1, value, order, nullptr);
}

void Location::write_after(int index, std::uint64_t value, std::memory_order order) {
  if (count_ == kMaxStores) {
    const int from_newest = behind(index);
    make_room();
    index = count_ - 1 - from_newest;
  }
  stores_[index].modified = true;
  const VectorClock sequence = stores_[index].released;  // a release sequence goes on through it
  insert(index + 1, value, order, &sequence);
}

void Location::insert(int index, std::uint64_t value, std::memory_order order, const VectorClock* sequence) {
  for (int i = count_; i > index; --i) stores_[i] = stores_[i - 1];
  ++count_;
  if (newest_sequential_ >= index) ++newest_sequential_;
  if (sequential(order)) newest_sequential_ = index;

  const int me = execution.thread();
  Store& store = stores_[index];
  store.value = value;
  store.modified = false;
  store.sightings.clear();
  store.sightings.add(me, execution.clock().of(me));
  stale_reads_[me] = 0;
  store.released = releases(order) ? execution.clock() : execution.fenced();
  if (sequence != nullptr) store.released.join(*sequence);
  if (releases(order)) execution.publish();
}

// Forgets the stores that no thread can read any more.
void Location::make_room() {
  int oldest = count_ - 1;
  for (int t = 0; t <= kMain; ++t) {
    if (!execution.may_still_read(t)) continue;
    const int visible = oldest_visible(execution.clock_of(t));
    if (visible < oldest) oldest = visible;
  }
  if (oldest == 0) execution.fail("more than %d visible stores to one atomic", kMaxStores);
  for (int i = oldest; i < count_; ++i) stores_[i - oldest] = stores_[i];
  count_ -= oldest;
  newest_sequential_ = newest_sequential_ < oldest ? 0 : newest_sequential_ - oldest;
}

Location& Locations::make(std::uint64_t value, const Birth& birth) {
  if (used_ == all_.size()) all_.push_back(std::make_unique<Location>());
  Location& location = *all_[used_++];
  location.start(value, birth);
  return location;
}

void fence(std::memory_order order) {
  execution.point();
  execution.note({}, "fence");
  if (acquires(order)) execution.clock().join(execution.to_acquire());
  if (sequential(order)) {
    if (fences.execution != execution.number()) fences = {execution.number(), {}};
    execution.clock().join(fences.clock);
    fences.clock = execution.clock();
  }
  if (releases(order)) {
    execution.fenced() = execution.clock();
    execution.publish();
  }
}

}  // namespace crochet::model
