// SPDX-License-Identifier: MIT
// Scenarios: what the checker runs, and the list of all that a program contains.
//
//   MODEL_SCENARIO(message_passing, 2) {
//     Atomic<bool> ready{false};
//     Plain<int> message{0};
//     void thread(int t) { ... }   // t is 0 or 1
//     void end() { ... }           // after both have finished
//   };
//
// Each execution has a fresh object. It must be deterministic: no real time, no randomness, no order by address.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

#include "model/clock.hpp"

namespace crochet::model {

struct Scenario {
  const char* name;
  int threads;
  std::size_t (*size)();
  std::size_t (*alignment)();
  void (*construct)(void* memory);
  void (*thread)(void* memory, int index);
  void (*end)(void* memory);
  void (*destroy)(void* memory);
};

template <class S>
Scenario scenario_of(const char* name, int threads) {
  return {name,
          threads,
          [] { return sizeof(S); },
          [] { return alignof(S); },
          [](void* memory) { ::new (memory) S; },
          [](void* memory, int index) { static_cast<S*>(memory)->thread(index); },
          [](void* memory) { static_cast<S*>(memory)->end(); },
          [](void* memory) { static_cast<S*>(memory)->~S(); }};
}

// All that were registered, in the order of their files and lines.
std::vector<Scenario>& scenarios();

struct Registration {
  explicit Registration(const Scenario& scenario) { scenarios().push_back(scenario); }
};

}  // namespace crochet::model

// In front of the body of a struct; to be used at namespace scope.
#define MODEL_SCENARIO(name, threads)                                               \
  static_assert((threads) >= 1 && (threads) <= ::crochet::model::kMaxThreads);      \
  struct name;                                                                      \
  [[maybe_unused]] static const ::crochet::model::Registration name##_registration( \
      ::crochet::model::scenario_of<name>(#name, threads));                         \
  struct name
