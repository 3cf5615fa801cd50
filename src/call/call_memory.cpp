// SPDX-License-Identifier: MIT
#include "call/call_memory.hpp"

#include <pthread.h>

#include <cstdlib>
#include <cstring>
#include <new>

#include "call/pool.hpp"

namespace crochet {
namespace {

constexpr std::uint32_t slot_size(std::uint32_t storage) { return static_cast<std::uint32_t>(sizeof(Call)) + storage; }

// Storage beyond the largest class is malloc's, and hangs off the side record.
constexpr std::size_t kStorage[] = {0, 64, 192, 448};
constinit Pool::Slabs slabs[kPools];
constinit Pool pools[kPools] = {{slabs[0], slot_size(0), 0},
                                {slabs[1], slot_size(64), 1},
                                {slabs[2], slot_size(192), 2},
                                {slabs[3], slot_size(448), 3}};

// The thread's caches of the pools with storage; what the key's destructor is called with.
struct OtherCaches {
  Pool::Cache of[kPools];  // the first is not used
};

// A thread that has ended its caches (its thread-local destructors may still call us) or could not get them works on
// the depots.
constinit thread_local OtherCaches* t_others = nullptr;
constinit thread_local bool t_without_caches = false;

void end_caches(void* others) {
  t_without_caches = true;
  t_others = nullptr;
  pools[0].give_back(t_plain_calls);
  t_plain_calls.loaded = kNoMagazine;
  auto* self = static_cast<OtherCaches*>(others);
  for (std::size_t i = 1; i < kPools; ++i) pools[i].give_back(self->of[i]);
  delete self;
}

// pthread_once and no static of the function: a fork in the middle of the former is made good in the child.
pthread_once_t thread_end_once = PTHREAD_ONCE_INIT;
pthread_key_t thread_end_key;
bool has_thread_end_key = false;

bool make_caches() {
  pthread_once(&thread_end_once, [] { has_thread_end_key = pthread_key_create(&thread_end_key, &end_caches) == 0; });
  if (t_without_caches || !has_thread_end_key) return false;
  auto* others = new (std::nothrow) OtherCaches;
  if (others == nullptr) return false;
  if (pthread_setspecific(thread_end_key, others) != 0) {
    delete others;
    return false;
  }
  t_others = others;
  t_plain_calls.loaded = {};
  return true;
}

// Null: this thread has none.
Pool::Cache* cache_for(std::size_t number) {
  if (t_others == nullptr && !make_caches()) return nullptr;
  return number == 0 ? &t_plain_calls : &t_others->of[number];
}

std::size_t pool_for(std::size_t storage_size) {
  std::size_t i = 0;
  while (i < kPools && kStorage[i] < storage_size) ++i;
  return i;
}

bool add_external_storage(Call* call, std::size_t size) {
  SideRecord* side = call->need_side();
  if (side == nullptr) return false;
  side->storage = std::calloc(1, size);
  return side->storage != nullptr;
}

Call* allocate_from(std::size_t number) {
  Pool::Cache* cache = cache_for(number);
  return cache != nullptr ? pools[number].allocate(*cache) : pools[number].allocate_without_cache();
}

}  // namespace

constinit thread_local Pool::Cache t_plain_calls{kNoMagazine, {}};

Call* allocate_call() { return allocate_from(0); }

Call* allocate_call_with_storage(std::size_t storage_size) {
  const std::size_t fitting = pool_for(storage_size);
  const bool external = fitting == kPools;
  Call* call = allocate_from(external ? 0 : fitting);
  if (call == nullptr || storage_size == 0) return call;
  if (!external) {
    std::memset(static_cast<void*>(call + 1), 0, storage_size);
    call->word.store(call->word.load(relaxed) | word::kHasMore, relaxed);  // nobody else looks at it: R = 0
  } else if (!add_external_storage(call, storage_size)) {
    call->end_side();
    free_call(call);
    return nullptr;
  }
  return call;
}

void free_call(Call* call) {
  const std::uint32_t number = Pool::number_of(call);
  if (Pool::Cache* cache = cache_for(number)) {
    pools[number].free(*cache, call);
  } else {
    pools[number].free_without_cache(call);
  }
}

void* call_storage(const Call* call) {
  if (Pool::number_of(call) != 0) return const_cast<Call*>(call + 1);
  const SideRecord* side = call->side();
  return side == nullptr ? nullptr : static_cast<void*>(side->storage);
}

Atomic<std::int64_t>* first_seen(const Call* call) { return pools[Pool::number_of(call)].first_seen(call); }

Call* CallWalk::next() {
  while (pool_ < kPools) {
    if (Call* call = pools[pool_].slot(position_)) {
      ++position_;
      return call;
    }
    ++pool_;
    position_ = 0;
  }
  return nullptr;
}

}  // namespace crochet
