// SPDX-License-Identifier: MIT
// What calls of a stress test are to do, drawn at random.
#pragma once

#include <array>

#include "stress/caller.hpp"

namespace stress {

inline Plan plain(Random&) { return Plan{}; }

// At once by this thread, soon by another, later, or not at all.
inline void cancel_somehow(Plan& plan, Random& random) {
  plan.cancel_myself = random() % 8 == 0;
  plan.cancel_by_helper = random() % 4 == 0;
  plan.cancel_late = random() % 4 == 0;
}

inline Plan plain_or_cancelled(Random& random) {
  Plan plan;
  plan.producer = random() % 2 == 0 ? Producer::kResolves : Producer::kRejects;
  cancel_somehow(plan, random);
  return plan;
}

inline Plan settled_elsewhere(Random& random) {
  Plan plan;
  if (random() % 4 == 0) {
    plan.producer = Producer::kUntilCancelled;
    plan.hook = Hook::kSettles;
    plan.cancel_late = true;
    return plan;
  }
  constexpr std::array kProducers = {Producer::kSettlesLater, Producer::kSettlesLaterTwice, Producer::kReleasesLater};
  plan.producer = kProducers[random() % kProducers.size()];
  constexpr std::array kHooks = {Hook::kNone, Hook::kSettles, Hook::kIgnores};
  plan.hook = kHooks[random() % kHooks.size()];
  cancel_somehow(plan, random);
  return plan;
}

inline Plan anything(Random& random) {
  Plan plan = settled_elsewhere(random);
  if (random() % 2 == 0) {
    constexpr std::array kProducers = {Producer::kResolves, Producer::kRejects, Producer::kLeaves, Producer::kThrows};
    plan.producer = kProducers[random() % kProducers.size()];
  }
  plan.interrupt = random() % 4 == 0;
  plan.take_by_two = random() % 4 == 0;
  plan.stash = random() % 8 == 0;
  plan.followed = random() % 4 == 0;
  plan.prepared = random() % 4 == 0;
  plan.forget = random() % 8 == 0;
  if (plan.forget) {  // a rejection that nobody can look at would be logged
    constexpr std::array kProducers = {Producer::kResolves, Producer::kLeaves, Producer::kSettlesLater,
                                       Producer::kReleasesLater};
    plan.producer = kProducers[random() % kProducers.size()];
  }
  return plan;
}

}  // namespace stress
