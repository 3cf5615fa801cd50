// SPDX-License-Identifier: MIT
#include "call/pool.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

namespace crochet {

Call* Pool::slot_in(Slab* slab, std::uint32_t i) const {
  return reinterpret_cast<Call*>(reinterpret_cast<char*>(slab + 1) + std::size_t{i} * slot_size_);
}

Call* Pool::allocate(Cache& cache) {
  if (cache.loaded.top == nullptr) {
    std::swap(cache.loaded, cache.spare);
    if (cache.loaded.top == nullptr) {
      cache.loaded = take_magazine();
      if (cache.loaded.top == nullptr) return nullptr;
    }
  }
  return pop(cache.loaded);
}

void Pool::free(Cache& cache, Call* call) {
  if (cache.loaded.room == 0) {
    if (cache.spare.top != nullptr) give_magazine(cache.spare);
    cache.spare = std::exchange(cache.loaded, Magazine{});
  }
  push(cache.loaded, call);
}

void Pool::give_back(Cache& cache) {
  if (cache.loaded.top != nullptr) give_magazine(std::exchange(cache.loaded, Magazine{}));
  if (cache.spare.top != nullptr) give_magazine(std::exchange(cache.spare, Magazine{}));
}

Call* Pool::allocate_without_cache() {
  Magazine magazine = take_magazine();
  if (magazine.top == nullptr) return nullptr;
  Call* call = pop(magazine);
  if (magazine.top != nullptr) give_magazine(magazine);
  return call;
}

void Pool::free_without_cache(Call* call) {
  Magazine one;
  push(one, call);
  give_magazine(one);
}

Pool::Magazine Pool::take_magazine() {
  do {
    const auto taken = depot_.pop(*this);
    if (taken.first != 0) return {at(taken.first), static_cast<std::int32_t>(kMagazineSize - taken.count)};
  } while (grow());
  return {};
}

void Pool::give_magazine(Magazine magazine) { depot_.push(*this, {index_of(magazine.top), magazine.count()}); }

bool Pool::grow() {
  auto* memory = static_cast<char*>(std::aligned_alloc(kSlabSize, kSlabSize));
  if (memory == nullptr) return false;
  auto* slab = new (memory) Slab{number_, 0, {}};
  for (std::uint32_t i = 0; i < slots_per_slab(); ++i) new (slot_in(slab, i)) Call;
  if (!publish(slab)) {
    std::free(memory);
    return false;
  }

  Magazine magazine;
  for (std::uint32_t i = slots_per_slab(); i-- > 0;) {
    push(magazine, slot_in(slab, i));
    if (magazine.room == 0 || i == 0) give_magazine(std::exchange(magazine, Magazine{}));
  }
  return true;
}

bool Pool::publish(Slab* slab) {
  // No gaps: the first place that is empty is the end for a walk. acquire and release on the hint, so that who starts
  // there happens after all publications before it, and so does a walk that finds one of its calls.
  for (slab->number = first_empty_.load(acquire); slab->number < kMostSlabs; ++slab->number) {
    Slab* expected = nullptr;
    // release: who finds the slab here, or an index into it in the depot, sees its slots made.
    if (!slabs_.at[slab->number].compare_exchange_strong(expected, slab, acq_rel, relaxed)) continue;
    first_empty_.store(slab->number + 1, release);  // a hint: it may fall back, never run ahead
    return true;
  }
  return false;
}

std::uint32_t Pool::slots_per_slab() const {
  return std::min(kSlotsPerSlabAtMost, static_cast<std::uint32_t>((kSlabSize - sizeof(Slab)) / slot_size_));
}

std::uint32_t Pool::index_of(const Call* call) const {
  Slab* slab = Slab::of(call);
  const auto offset = reinterpret_cast<std::uintptr_t>(call) - reinterpret_cast<std::uintptr_t>(slab + 1);
  return slab->number * slots_per_slab() + static_cast<std::uint32_t>(offset / slot_size_) + 1;
}

Atomic<std::int64_t>* Pool::first_seen(const Call* call) {
  Slab* slab = Slab::of(call);
  // acquire: with the release below.
  Atomic<std::int64_t>* all = slab->first_seen.load(acquire);
  if (all == nullptr) {
    // cppcheck-suppress leakReturnValNotUsed  ; the initialiser is taken for a statement of its own
    auto* made = new (std::nothrow) Atomic<std::int64_t>[slots_per_slab()] {};
    if (made == nullptr) return nullptr;
    if (slab->first_seen.compare_exchange_strong(all, made, release, acquire)) all = made;
    else delete[] made;
  }
  return &all[(index_of(call) - 1) % slots_per_slab()];
}

Call* Pool::at(std::uint32_t index) const {
  // relaxed: the depot's acquire has seen the slab published.
  return slot_in(slabs_.at[(index - 1) / slots_per_slab()].load(relaxed), (index - 1) % slots_per_slab());
}

Atomic<std::uint64_t>& Pool::link(std::uint32_t index) { return at(index)->function; }

Call* Pool::slot(std::size_t position) const {
  const std::size_t number = position / slots_per_slab();
  if (number >= kMostSlabs) return nullptr;
  // acquire: with publish()'s release.
  Slab* slab = slabs_.at[number].load(acquire);
  return slab == nullptr ? nullptr : slot_in(slab, static_cast<std::uint32_t>(position % slots_per_slab()));
}

}  // namespace crochet
