// SPDX-License-Identifier: MIT
// Plain<T>: an ordinary field, each use of which is checked for data races. Not a scheduling point: where there is no
// race, the order that the atomics make decides what is read.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include "model/birth.hpp"
#include "model/clock.hpp"
#include "model/lifetimes.hpp"

namespace crochet::model {

// The last write, and the last read of each thread since.
class PlainBase {
 protected:
  constexpr PlainBase() noexcept : birth_(Birth::here()), written_at_(birth_.tick), written_by_(birth_.thread) {}

  // True when the object has static storage and is used for the first time in this execution: it starts afresh.
  bool enter_read() const;
  bool enter_write() const;

 private:
  bool bind() const;

  Birth birth_;
  mutable std::uint32_t bound_to_ = 0;
  mutable Tick written_at_;
  mutable std::uint8_t written_by_;
  mutable VectorClock reads_;
  mutable PieceCache piece_;
};

template <class T>
class Plain : private PlainBase {
 public:
  constexpr Plain() : value_(), initial_() {}
  // Explicit, so that in `choice ? plain : value` only one way leads to a common type; nullptr has no other.
  constexpr explicit Plain(T value) : value_(value), initial_(std::move(value)) {}
  constexpr Plain(std::nullptr_t) requires std::is_pointer_v<T> : Plain(T{}) {}  // NOLINT: implicit
  Plain(const Plain& other) : Plain(other.get()) {}

  Plain& operator=(T value) {
    reference() = std::move(value);
    return *this;
  }
  Plain& operator=(const Plain& other) { return *this = other.get(); }

  operator T() const { return get(); }  // NOLINT: implicit, as T is
  T operator->() const requires std::is_pointer_v<T> { return get(); }

  Plain& operator+=(const T& operand) { return *this = static_cast<T>(get() + operand); }
  Plain& operator-=(const T& operand) { return *this = static_cast<T>(get() - operand); }
  Plain& operator|=(const T& operand) { return *this = static_cast<T>(get() | operand); }
  Plain& operator&=(const T& operand) { return *this = static_cast<T>(get() & operand); }
  Plain& operator++() { return *this = static_cast<T>(get() + 1); }
  Plain& operator--() { return *this = static_cast<T>(get() - 1); }
  T operator++(int) {
    T old = get();
    *this = static_cast<T>(old + 1);
    return old;
  }
  T operator--(int) {
    T old = get();
    *this = static_cast<T>(old - 1);
    return old;
  }

 private:
  T get() const {
    if (enter_read()) value_ = initial_;
    return value_;
  }
  T& reference() {
    enter_write();
    return value_;
  }

  mutable T value_;
  T initial_;
};

}  // namespace crochet::model
