// SPDX-License-Identifier: MIT
#include "model/scenarios/model_world.hpp"

#include <cstdlib>
#include <new>

#include "base/status.hpp"
#include "call/call_memory.hpp"
#include "call/post.hpp"
#include "log/log.hpp"
#include "model/control.hpp"
#include "model/heap.hpp"
#include "model/lifetimes.hpp"
#include "model/names.hpp"

namespace crochet::model {
namespace {

World* the_world = nullptr;

constexpr int kAlive = 1;
constexpr int kDropped = 2;

}  // namespace

// ---- Things ----

Thing::Thing(const char* name) : name_(name) { model::name(content_, name); }

void* Thing::give() {
  if (given_) execution.fail("%s: given twice", name_);
  given_ = true;
  content_ = kAlive;
  return this;
}

void Thing::use() const {
  if (content_ != kAlive) execution.fail("%s: used after it was dropped", name_);
}

void Thing::expect_dropped() const {
  if (content_ != kDropped) execution.fail("%s: not dropped yet", name_);
}

void Thing::drop(void* thing) {
  Thing& self = at(thing);
  if (++self.drops_ > 1) execution.fail("%s: dropped twice", self.name_);
  if (!self.given_ || self.kept_) execution.fail("%s: dropped, but it is not the library's", self.name_);
  self.content_ = kDropped;
}

void Thing::expect_settled_up() const {
  if (given_ && !kept_ && drops_ != 1) execution.fail("%s: never dropped", name_);
}

// ---- The world ----

World::World(std::size_t slots) : count_(slots) {
  the_world = this;
  static constexpr const char* kNames[kMostSlots] = {"call 0", "call 1", "call 2", "call 3", "call 4", "call 5"};
  for (std::size_t i = 0; i < count_; ++i) {
    name(slots_[i].call, kNames[i]);
    name(slots_[i].first_seen, "first seen");
  }
}

World& World::present() { return *the_world; }

Call* World::allocate() {
  for (std::size_t i = 0; i < count_; ++i) {
    Slot& slot = slots_[i];
    if (slot.used) continue;
    slot.used = true;
    execution.clock().join(slot.freed);
    born(&slot.call, sizeof(Call), "a call", Memory::kTypeStable);
    return &slot.call;
  }
  return nullptr;
}

void World::free(Call* call) {
  for (Slot& slot : slots_) {
    if (&slot.call != call) continue;
    if (!slot.used) execution.fail("a call was freed twice");
    died(call);
    slot.used = false;
    slot.freed = execution.clock();
    execution.publish();
    ++frees_;
    return;
  }
  execution.fail("freed: not a call of this world");
}

Call* World::slot(std::size_t position) { return position < count_ ? &slots_[position].call : nullptr; }

Atomic<std::int64_t>* World::first_seen(const Call* call) {
  for (Slot& slot : slots_) {
    if (&slot.call == call) return &slot.first_seen;
  }
  return nullptr;
}

bool World::post(std::uint32_t /*loop_id*/, Call* /*call*/) { return false; }

void World::look_for_hooks(std::uint32_t /*loop_id*/) {}

void World::expect_nothing_left() const {
  for (const Slot& slot : slots_) {
    if (slot.used) execution.fail("a call was never freed");
    // N5, but for what a stale wait may leave.
    const Word w = slot.call.word.peek() & ~(word::kWaiters | word::kJoiners);
    if (w != word::unused(word::generation(w))) execution.fail("the word of a call that is free was changed");
  }
}

}  // namespace crochet::model

// ---- What src/call asks of others ----

namespace crochet {

Call* allocate_call() { return model::World::present().allocate(); }

void free_call(Call* call) { model::World::present().free(call); }

Call* CallWalk::next() { return pool_ != 0 ? nullptr : model::World::present().slot(position_++); }

bool post_to_loop(std::uint32_t loop_id, Call* call) { return model::World::present().post(loop_id, call); }

void look_for_hooks_again(std::uint32_t loop_id) { model::World::present().look_for_hooks(loop_id); }

void count_never_ran(std::uint32_t /*loop_id*/, NeverRan /*why*/) {}

void count_unobserved(std::uint32_t /*loop_id*/) {}

Atomic<std::int64_t>* first_seen(const Call* call) { return model::World::present().first_seen(call); }

void log(LogLevel level, const char* /*format*/, ...) noexcept {
  if (level > LogLevel::kDebug) model::World::present().note_log();
}

const char* status_name(int /*status*/) noexcept { return "status"; }

const char* status_message(int /*status*/) noexcept { return "a status"; }

}  // namespace crochet

// ---- Memory ----
//
// The library's `new (std::nothrow)` inside an execution is the checker's memory; everything else is malloc's.

namespace {

const char* heap_begin = nullptr;
const char* heap_end = nullptr;

bool is_the_checkers(const void* memory) {
  const char* at = static_cast<const char*>(memory);
  return heap_begin <= at && at < heap_end;
}

void give_back(void* memory) {
  if (memory == nullptr) return;
  if (is_the_checkers(memory)) crochet::model::deallocate(memory);
  else std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) {
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}

void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  using crochet::model::Execution;
  using crochet::model::execution;
  if (execution.number() == Execution::kNone) return std::malloc(size);
  void* const memory = crochet::model::allocate(size, "a record of a call");
  const char* const at = static_cast<const char*>(memory);
  if (heap_begin == nullptr || at < heap_begin) heap_begin = at;
  if (at + size > heap_end) heap_end = at + size;
  return memory;
}

void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept { return operator new(size, tag); }

// The checker's is aligned for everything up to a cache line.
void* operator new(std::size_t size, std::align_val_t align, const std::nothrow_t& tag) noexcept {
  using crochet::model::Execution;
  using crochet::model::execution;
  if (execution.number() != Execution::kNone) return operator new(size, tag);
  return std::aligned_alloc(static_cast<std::size_t>(align), size);
}

void operator delete(void* memory, std::align_val_t /*align*/) noexcept { give_back(memory); }

void operator delete(void* memory, std::size_t /*size*/, std::align_val_t /*align*/) noexcept { give_back(memory); }

void operator delete(void* memory) noexcept { give_back(memory); }

void operator delete[](void* memory) noexcept { give_back(memory); }

void operator delete[](void* memory, std::size_t /*size*/) noexcept { give_back(memory); }

void operator delete(void* memory, std::size_t /*size*/) noexcept { give_back(memory); }
