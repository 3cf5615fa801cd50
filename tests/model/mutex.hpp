// SPDX-License-Identifier: MIT
// A mutex with std::mutex's interface, whose lock is a scheduling point and can deadlock.
#pragma once

#include "model/birth.hpp"
#include "model/clock.hpp"
#include "model/where.hpp"

namespace crochet::model {

class Mutex {
 public:
  constexpr Mutex() noexcept : birth_(Birth::here()) {}
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock(Where where = Where::here());
  bool try_lock(Where where = Where::here());
  void unlock(Where where = Where::here());

 private:
  void bind();
  void take(Where where);

  Birth birth_;
  std::uint32_t bound_to_ = 0;
  int owner_ = -1;
  VectorClock clock_;  // of the last unlock
};

}  // namespace crochet::model
