// SPDX-License-Identifier: MIT
// The real pool: caches of threads that allocate, free what others allocated, and end; slabs that are made at the same time;
// walks; and slots whose next life begins.
#include "call/pool.hpp"

#include <cstdlib>

#include "call/hot_path.hpp"
#include "call/sight.hpp"
#include "model/control.hpp"
#include "model/names.hpp"
#include "model/scenario.hpp"
#include "model/scenarios/model_world.hpp"

// Slabs come from here, so that they have the same addresses in each execution, and none is left when it ends.
namespace {

constexpr std::size_t kSlab = crochet::Pool::kSlabSize;
constexpr std::size_t kMostSlabs = 6;
char* slab_memory = nullptr;
std::size_t slabs_made = 0;

}  // namespace

extern "C" void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  void* memory = nullptr;
  if (size != kSlab) return posix_memalign(&memory, alignment, size) == 0 ? memory : nullptr;
  if (slab_memory == nullptr) {
    if (posix_memalign(&memory, kSlab, kMostSlabs * kSlab) != 0) return nullptr;
    slab_memory = static_cast<char*>(memory);
  }
  return slabs_made == kMostSlabs ? nullptr : slab_memory + kSlab * slabs_made++;
}

namespace crochet {
namespace {

constexpr std::uint32_t kPerSlab = Pool::kSlotsPerSlabAtMost;

struct PoolUsers {
  Pool::Slabs slabs;
  Pool pool{slabs, sizeof(Call), 0};
  Pool::Cache caches[4];
  bool held[kMostSlabs * kPerSlab] = {};

  PoolUsers() {
    slabs_made = 0;
    model::name(pool, "pool");
    model::name(slabs, "slabs");
  }

  std::size_t number(const Call* call) const {
    const auto offset = static_cast<std::size_t>(reinterpret_cast<const char*>(call) - slab_memory);
    return offset / kSlab * kPerSlab + (offset % kSlab - 64) / sizeof(Call);
  }
  Call* used(Call* call) {
    MODEL_EXPECT(call != nullptr);
    MODEL_EXPECT(!held[number(call)]);
    held[number(call)] = true;
    call->value = this;
    return call;
  }
  Call* allocate(int t) { return used(pool.allocate(caches[t])); }
  Call* allocate_without_cache() { return used(pool.allocate_without_cache()); }
  Call* unused(Call* call) {
    call->value = nullptr;
    held[number(call)] = false;
    return call;
  }
  void free(int t, Call* call) { pool.free(caches[t], unused(call)); }
  void free_without_cache(Call* call) { pool.free_without_cache(unused(call)); }

  // All that were ever made can be allocated again, and no more.
  void expect_all_there(std::size_t made) {
    MODEL_EXPECT(slabs_made * kPerSlab == made);
    for (std::size_t i = 0; i < made; ++i) allocate_without_cache();
    MODEL_EXPECT(slabs_made * kPerSlab == made);
  }
};

// A slab of four slots in two magazines, three threads that want two each: some must wait for others' caches to come back.
MODEL_SCENARIO(pool_three_threads, 3) : PoolUsers {
  pool_three_threads() {
    Call* first = allocate(3);
    free(3, first);
    pool.give_back(caches[3]);
  }
  void thread(int t) {
    Call* a = allocate(t);
    Call* b = t == 0 ? allocate(t) : nullptr;
    free(t, a);
    if (b != nullptr) free(t, b);
    pool.give_back(caches[t]);
  }
  void end() { expect_all_there(slabs_made * kPerSlab); }
};

// A thread ends, and goes on to use calls after that (its thread-local destructors): straight from the depot.
MODEL_SCENARIO(pool_thread_ends_while_others_allocate, 3) : PoolUsers {
  pool_thread_ends_while_others_allocate() { free(0, allocate(0)); }
  void thread(int t) {
    if (t == 0) {
      Call* a = allocate(t);
      pool.give_back(caches[t]);
      free_without_cache(a);
      free_without_cache(allocate_without_cache());
    } else {
      free(t, allocate(t));
      pool.give_back(caches[t]);
    }
  }
  void end() { expect_all_there(slabs_made * kPerSlab); }
};

// What one thread allocates another frees: magazines travel.
MODEL_SCENARIO(pool_one_allocates_another_frees, 2) : PoolUsers {
  Atomic<Call*> passed[3] = {};
  void thread(int t) {
    for (auto& place : passed) {
      if (t == 0) {
        place.store(allocate(t), release);
      } else {
        Call* call = nullptr;
        while (call == nullptr) {
          model::block_until([&place] { return place.peek() != nullptr; });
          call = place.load(acquire);
        }
        free(t, call);
      }
    }
    pool.give_back(caches[t]);
  }
  void end() { expect_all_there(slabs_made * kPerSlab); }
};

// Two threads find the pool empty at the same time; a third walks over whatever there is. A call that happened before the
// walk is found by it.
MODEL_SCENARIO(pool_grows_twice_at_once, 3) : PoolUsers {
  Atomic<Call*> made{nullptr};
  void thread(int t) {
    if (t < 2) {
      Call* call = allocate(t);
      if (t == 0) {
        call->word.store(word::kReference, relaxed);
        made.store(call, release);
      }
      return;
    }
    const Call* before = made.load(acquire);
    bool found = false;
    for (std::size_t i = 0; const Call* call = pool.slot(i); ++i) {
      const Word w = call->word.load(acquire);
      MODEL_EXPECT(word::references(w) == 0 || word::references(w) == 1);
      found |= call == before && word::references(w) == 1;
    }
    MODEL_EXPECT(before == nullptr || found);
  }
  void end() { MODEL_EXPECT(slabs_made == 1 || slabs_made == 2); }
};

// Two are the first to note when a call was seen: there is one place for it, whose life both know of.
MODEL_SCENARIO(pool_notes_what_two_have_seen, 2) : PoolUsers {
  Call* calls[2] = {allocate(0), allocate(0)};
  void thread(int t) {
    pool.first_seen(calls[0])->fetch_add(t + 1, relaxed);
    pool.first_seen(calls[1])->fetch_add(1, relaxed);
  }
  void end() {
    MODEL_EXPECT(pool.first_seen(calls[0])->load(relaxed) == 3);
    MODEL_EXPECT(pool.first_seen(calls[1])->load(relaxed) == 2);
    delete[] pool.first_seen(pool.slot(0));
  }
};

// ---- Lives of a slot: the real transitions over the real pool. ----

struct PoolWorld : model::World {
  PoolUsers users;

  Call* allocate() override { return users.pool.allocate(users.caches[model::this_thread() % 4]); }
  void free(Call* call) override { users.pool.free(users.caches[model::this_thread() % 4], call); }
  Call* slot(std::size_t position) override { return users.pool.slot(position); }
};

// A stale handle is used while its slot begins the next life, in another thread: it is refused, or does nothing to it.
MODEL_SCENARIO(pool_recycles_with_the_next_generation, 3) : PoolWorld {
  Call* call = nullptr;
  Word old = 0;
  bool freed = false;
  Word second = 0;

  pool_recycles_with_the_next_generation() {
    call = allocate();
    old = call->make(1, 0, nullptr, nullptr, 1, 0);
  }
  void look() {
    Sight sight{};
    if (see(*call, &sight)) MODEL_EXPECT(sight.function == nullptr);  // and not a link between magazines
  }
  void thread(int t) {
    if (t == 0) {
      call->refuse();
      MODEL_EXPECT(call->release_handle(old));
      users.pool.give_back(users.caches[t]);
      freed = true;
    } else if (t == 1) {
      model::block_until([this] { return freed; });
      Call* next = allocate();
      for (int i = 0; i < 3 && next != call; ++i) next = allocate();
      if (next != call) return;  // it has not seen the depot's newest magazine
      second = next->make(2, 0, nullptr, nullptr, 1, 0);
      MODEL_EXPECT(second == old + 1);
      MODEL_EXPECT(next->start());
      MODEL_EXPECT(next->settle(second, this, nullptr) == CROCHET_OK);
      MODEL_EXPECT(next->release_deferred(second));
      MODEL_EXPECT(next->release_handle(second));
    } else {
      look();
      // Without a handle of its own a stranger may come between another's look and its destruction (N7): then it is refused.
      if (call->retain(old)) call->release_handle(old);
    }
  }
  void end() {}
};

}  // namespace
}  // namespace crochet
