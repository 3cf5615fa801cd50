// SPDX-License-Identifier: MIT
// A descriptor that others poll: readable while it is raised. It stands for a state, so raising twice is raising once.
#pragma once

#include "base/atomic.hpp"
#include "base/descriptor_identity.hpp"

namespace crochet {

class EventDescriptor {
 public:
  EventDescriptor() = default;
  EventDescriptor(const EventDescriptor&) = delete;
  EventDescriptor& operator=(const EventDescriptor&) = delete;

  // 0, or the system's code, negative. Low at first. One thread at a time, and before close().
  int open() noexcept;
  void close() noexcept;  // nobody uses it any more
  // acquire: with open(), for the identity.
  bool is_open() const { return number_.load(acquire) >= 0; }
  int number() const { return number_.load(acquire); }  // negative: not open

  // Any thread, and nothing happens while it is not open. Also when the host closed it, and has something else there.
  // Keep errno.
  void raise() noexcept;
  void lower() noexcept;

 private:
  Atomic<int> number_{-1};
  DescriptorIdentity identity_;  // fixed by open()
};

}  // namespace crochet
