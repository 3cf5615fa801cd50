// SPDX-License-Identifier: MIT
// What the C++ header adds: collecting, as in operations.c, by crochet.hpp.
//
//   count-cpp ROUNDS
#include <crochet.hpp>

#include <semaphore.h>

#include <cstdlib>
#include <memory>
#include <new>

#include "instructions/counting.h"

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const int rounds = std::atoi(arguments[1]);
  constexpr int kWarmUp = 5;
  constexpr std::size_t kCalls = 1024;

  crochet::setup();
  sem_t at_gate, gate;  // as in operations.c
  sem_init(&at_gate, 0, 0);
  sem_init(&gate, 0, 0);
  using Result = crochet::eventual_result<void>;
  // Made and destroyed in place: a container's instructions are not the wrapper's.
  std::allocator<Result> memory;
  Result* const results = memory.allocate(kCalls);
  bool counts = false;
  for (int round = -kWarmUp; round < rounds; ++round) {
    counts = round >= 0;
    const auto first = crochet::run([&] {
      sem_post(&at_gate);
      sem_wait(&gate);
      switch_counting_if(counts);
    });
    sem_wait(&at_gate);
    switch_counting_if(counts);
    for (std::size_t i = 0; i < kCalls; ++i) ::new (results + i) Result(crochet::run([] {}));
    switch_counting_if(counts);
    const auto last = crochet::run([&counts] { switch_counting_if(counts); });
    sem_post(&gate);
    last.join();
    switch_counting_if(counts);
    for (std::size_t i = 0; i < kCalls; ++i) {
      results[i].wait();
      results[i].~Result();
    }
    switch_counting_if(counts);
  }
  memory.deallocate(results, kCalls);
}
