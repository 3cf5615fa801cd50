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

// A thread that has ended its cache (its thread-local destructors may still call us) or could not get one works on the
// depots.
constinit thread_local bool t_without_cache = false;

void end_thread_cache(void* cache) {
  t_without_cache = true;
  t_cache = nullptr;
  auto* self = static_cast<ThreadCache*>(cache);
  for (std::size_t i = 0; i < kPools; ++i) pools[i].give_back(self->of[i]);
  delete self;
}

// pthread_once and no static of the function: a fork in the middle of the former is made good in the child.
pthread_once_t thread_end_once = PTHREAD_ONCE_INIT;
pthread_key_t thread_end_key;
bool has_thread_end_key = false;

ThreadCache* make_thread_cache() {
  pthread_once(&thread_end_once,
               [] { has_thread_end_key = pthread_key_create(&thread_end_key, &end_thread_cache) == 0; });
  if (t_without_cache || !has_thread_end_key) return nullptr;
  auto* cache = new (std::nothrow) ThreadCache;
  if (cache == nullptr) return nullptr;
  if (pthread_setspecific(thread_end_key, cache) != 0) {
    delete cache;
    return nullptr;
  }
  return t_cache = cache;
}

ThreadCache* thread_cache() { return t_cache != nullptr ? t_cache : make_thread_cache(); }

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
  ThreadCache* cache = thread_cache();
  return cache != nullptr ? pools[number].allocate(cache->of[number]) : pools[number].allocate_without_cache();
}

}  // namespace

constinit thread_local ThreadCache* t_cache = nullptr;

Call* allocate_call_slowly() { return allocate_from(0); }

Call* allocate_call_with_storage(std::size_t storage_size) {
  const std::size_t fitting = pool_for(storage_size);
  const bool external = fitting == kPools;
  Call* call = allocate_from(external ? 0 : fitting);
  if (call == nullptr || storage_size == 0) return call;
  if (!external) {
    std::memset(static_cast<void*>(call + 1), 0, storage_size);
  } else if (!add_external_storage(call, storage_size)) {
    call->end_side();
    free_call(call);
    return nullptr;
  }
  return call;
}

void free_call_slowly(Call* call) {
  const std::uint32_t number = Pool::number_of(call);
  if (ThreadCache* cache = thread_cache()) {
    pools[number].free(cache->of[number], call);
  } else {
    pools[number].free_without_cache(call);
  }
}

void* call_storage(const Call* call) {
  if (Pool::number_of(call) != 0) return const_cast<Call*>(call + 1);
  const SideRecord* side = call->side();
  return side == nullptr ? nullptr : static_cast<void*>(side->storage);
}

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
