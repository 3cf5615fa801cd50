// SPDX-License-Identifier: MIT
#include "model/scenarios/model_descriptor.hpp"

#include "base/event_descriptor.hpp"

namespace crochet {
namespace {

// An eventfd: the kernel takes a lock to read and to write it.
Atomic<int> raised{0};

}  // namespace

namespace model {

bool is_raised() { return raised.peek() != 0; }

}  // namespace model

int EventDescriptor::open() noexcept {
  number_.store(0, release);
  return 0;
}

void EventDescriptor::close() noexcept { number_.store(-1, relaxed); }

void EventDescriptor::raise() noexcept {
  if (is_open()) raised.fetch_or(1, acq_rel);
}

void EventDescriptor::lower() noexcept {
  if (is_open()) raised.exchange(0, acq_rel);
}

}  // namespace crochet
