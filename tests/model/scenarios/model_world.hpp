// SPDX-License-Identifier: MIT
// What surrounds the real sources of src/call in a scenario: slots for calls, loops to post to, a log, and things whose
// drop is counted. A scenario derives from World:
//
//   MODEL_SCENARIO(some_sentence, 2) : World {
//     Thing arg{"arg"};
//     void thread(int t) { ... }
//     void end() { expect_nothing_left(); }
//   };
//
// Side records and hooks come from the checker's heap, so that use after free and leaks are reported.
#pragma once

#include <cstddef>
#include <cstdint>

#include "call/call.hpp"
#include "model/clock.hpp"

namespace crochet::model {

// An argument, a value, a payload: given to the library once, dropped once. Its use and its drop race when the library
// does not order them.
class Thing {
 public:
  explicit Thing(const char* name);

  // What is handed to the library together with &Thing::drop. From now on a drop is expected.
  void* give();
  // Fails when it was dropped, or races with who made or drops it.
  void use() const;
  bool dropped() const { return drops_ != 0; }  // a ghost: true before others may know
  void expect_dropped() const;                  // fails also when the drop is not ordered before this
  // After a successful take: it is the scenario's, and nobody must drop it.
  void keep() { kept_ = true; }
  void expect_settled_up() const;  // given: dropped once, or kept; not given: never dropped

  static void drop(void* thing);
  static Thing& at(void* thing) { return *static_cast<Thing*>(thing); }

 private:
  const char* name_;
  Plain<int> content_{0};
  bool given_ = false;
  bool kept_ = false;
  int drops_ = 0;
};

// Base of the scenarios that use calls. The one that exists serves allocate_call, free_call, first_seen, CallWalk,
// post_to_loop, look_for_hooks_again and log.
class World {
 public:
  static constexpr std::size_t kMostSlots = 6;

  explicit World(std::size_t slots = 4);
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  virtual ~World() = default;

  // ---- To be replaced by who brings the real ones.

  virtual Call* allocate();                                // null: no slot is free. The lowest free slot
  virtual void free(Call* call);                           // ordered before the slot's next allocation, as a pool does
  virtual Call* slot(std::size_t position);                // for walks; null: the end
  virtual Atomic<std::int64_t>* first_seen(const Call* call);
  virtual bool post(std::uint32_t loop_id, Call* call);    // refuses
  virtual void look_for_hooks(std::uint32_t loop_id);      // nothing

  // ---- For end().

  void expect_nothing_left() const;  // every call was freed
  int frees() const { return frees_; }
  int logged() const { return logged_; }  // lines in the log

  static World& present();
  void note_log() { ++logged_; }

 private:
  struct Slot {
    Call call;
    Atomic<std::int64_t> first_seen{0};
    bool used = false;
    VectorClock freed;  // what the one who freed it knew
  };

  const std::size_t count_;
  Slot slots_[kMostSlots];
  int frees_ = 0;
  int logged_ = 0;
};

}  // namespace crochet::model
