// SPDX-License-Identifier: MIT
// Atomic<T>: std::atomic's operations for integers, enums and pointers, each a scheduling point that sees any store the
// memory model lets it see. There are no default orders.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

#include "model/birth.hpp"
#include "model/execution.hpp"
#include "model/lifetimes.hpp"
#include "model/location.hpp"
#include "model/names.hpp"
#include "model/plain.hpp"
#include "model/where.hpp"

namespace crochet::model {

template <class T>
std::uint64_t to_bits(T value) noexcept {
  static_assert(std::is_integral_v<T> || std::is_enum_v<T> || std::is_pointer_v<T>);
  if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<std::uintptr_t>(value);
  } else {
    return static_cast<std::uint64_t>(value);
  }
}

template <class T>
T from_bits(std::uint64_t bits) noexcept {
  if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<T>(static_cast<std::uintptr_t>(bits));
  } else {
    return static_cast<T>(bits);
  }
}

// The part of an atomic that does not depend on its type: its place in the present execution.
class AtomicBase {
 public:
  AtomicBase(const AtomicBase&) = delete;
  AtomicBase& operator=(const AtomicBase&) = delete;

  // The location without an operation: for the checker itself.
  Location& location() const {
    if (bound_to_ != execution.number()) bind();
    return *location_;
  }

 protected:
  constexpr explicit AtomicBase(std::uint64_t initial) noexcept : initial_(initial), birth_(Birth::here()) {}

  // What every operation begins with.
  Location& enter() const {
    execution.point();
    Location& here = location();
    lifetimes.touch(piece_, this, true);
    if (!here.known_to_be_born()) fail_unborn();
    return here;
  }

  void note_load(std::memory_order order, int index, Where where) const;
  void note_store(std::memory_order order, std::uint64_t value, Where where) const;
  void note_modify(const char* operation, std::memory_order order, int index, std::uint64_t value, Where where) const;
  void note_failed_compare(std::uint64_t expected, int index, Where where) const;

 private:
  void bind() const;
  [[noreturn]] void fail_unborn() const;

  std::uint64_t initial_;
  mutable Location* location_ = nullptr;
  mutable std::uint32_t bound_to_ = 0;  // the execution that location_ belongs to
  Birth birth_;
  mutable PieceCache piece_;
};

template <class T>
class Atomic : public AtomicBase {
 public:
  static constexpr bool is_always_lock_free = true;

  constexpr Atomic() noexcept : AtomicBase(0) {}
  constexpr Atomic(T initial) noexcept : AtomicBase(initial_bits(initial)) {}  // NOLINT: implicit, as std::atomic's

  T load(std::memory_order order, Where where = Where::here()) const {
    Location& here = enter();
    const int index = here.choose_to_load(order);
    if (execution.tracing()) note_load(order, index, where);
    here.read(index, order);
    return from_bits<T>(here.value(index));
  }

  void store(T value, std::memory_order order, Where where = Where::here()) {
    Location& here = enter();
    if (execution.tracing()) note_store(order, to_bits(value), where);
    here.write(to_bits(value), order);
  }

  T exchange(T value, std::memory_order order, Where where = Where::here()) {
    return modify("exchange", order, where, [value](T) { return value; });
  }

  bool compare_exchange_strong(T& expected, T desired, std::memory_order success, std::memory_order failure,
                               Where where = Where::here()) {
    Location& here = enter();
    const bool sequential = success == std::memory_order_seq_cst || failure == std::memory_order_seq_cst;
    const int index = here.choose_to_compare(to_bits(expected), sequential);
    if (here.value(index) != to_bits(expected)) return compare_failed(here, index, expected, failure, where);
    if (execution.tracing()) note_modify("compare_exchange", success, index, to_bits(desired), where);
    here.read(index, success);
    here.write_after(index, to_bits(desired), success);
    return true;
  }

  bool compare_exchange_strong(T& expected, T desired, std::memory_order order, Where where = Where::here()) {
    return compare_exchange_strong(expected, desired, order, failure_order(order), where);
  }

  bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure,
                             Where where = Where::here()) {
    if (execution.allowances.weak_cas_failures > 0 && execution.choose(2) == 1) {
      --execution.allowances.weak_cas_failures;
      Location& here = enter();
      return compare_failed(here, here.choose_to_load(failure), expected, failure, where);
    }
    return compare_exchange_strong(expected, desired, success, failure, where);
  }

  bool compare_exchange_weak(T& expected, T desired, std::memory_order order, Where where = Where::here()) {
    return compare_exchange_weak(expected, desired, order, failure_order(order), where);
  }

  T fetch_add(T operand, std::memory_order order, Where where = Where::here()) requires std::is_integral_v<T> {
    return modify("fetch_add", order, where,
                  [operand](T old) { return from_bits<T>(to_bits(old) + to_bits(operand)); });
  }
  T fetch_sub(T operand, std::memory_order order, Where where = Where::here()) requires std::is_integral_v<T> {
    return modify("fetch_sub", order, where,
                  [operand](T old) { return from_bits<T>(to_bits(old) - to_bits(operand)); });
  }
  T fetch_or(T operand, std::memory_order order, Where where = Where::here()) requires std::is_integral_v<T> {
    return modify("fetch_or", order, where, [operand](T old) { return from_bits<T>(to_bits(old) | to_bits(operand)); });
  }
  T fetch_and(T operand, std::memory_order order, Where where = Where::here()) requires std::is_integral_v<T> {
    return modify("fetch_and", order, where,
                  [operand](T old) { return from_bits<T>(to_bits(old) & to_bits(operand)); });
  }
  T fetch_xor(T operand, std::memory_order order, Where where = Where::here()) requires std::is_integral_v<T> {
    return modify("fetch_xor", order, where,
                  [operand](T old) { return from_bits<T>(to_bits(old) ^ to_bits(operand)); });
  }

  // For scenarios, not for the library: the newest value, without being an operation. What a kernel object would know.
  T peek() const { return from_bits<T>(location().newest()); }

 private:
  static constexpr std::uint64_t initial_bits(T value) noexcept {
    if constexpr (std::is_pointer_v<T>) {
      // A constant expression can't turn an address into a number; null is the only constant anybody needs.
      return value == nullptr ? 0 : to_bits(value);
    } else {
      return static_cast<std::uint64_t>(value);
    }
  }

  static constexpr std::memory_order failure_order(std::memory_order order) noexcept {
    if (order == std::memory_order_acq_rel) return std::memory_order_acquire;
    return order == std::memory_order_release ? std::memory_order_relaxed : order;
  }

  template <class Change>
  T modify(const char* operation, std::memory_order order, Where where, Change change) {
    Location& here = enter();
    const int index = here.choose_to_modify(order);
    const T old = from_bits<T>(here.value(index));
    const std::uint64_t changed = to_bits(static_cast<T>(change(old)));
    if (execution.tracing()) note_modify(operation, order, index, changed, where);
    here.read(index, order);
    here.write_after(index, changed, order);
    return old;
  }

  bool compare_failed(Location& here, int index, T& expected, std::memory_order failure, Where where) {
    if (execution.tracing()) note_failed_compare(to_bits(expected), index, where);
    here.read(index, failure);
    expected = from_bits<T>(here.value(index));
    return false;
  }
};

}  // namespace crochet::model
