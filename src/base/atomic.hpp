// SPDX-License-Identifier: MIT
// The one alias for everything that threads share: production code, or the model checker's instrumented twin.
//
// Atomic<T>  an atomic; every operation spells its memory order.
// Plain<T>   a field that is shared but never accessed concurrently: ownership is handed over through an Atomic.
//            Here it is T itself; under the model checker every access is checked for data races.
#pragma once

#include <atomic>
#include <cstdint>

#ifdef CROCHET_MODEL
#include "model/atomic.hpp"
#endif

namespace crochet {

#ifdef CROCHET_MODEL
template <class T>
using Atomic = model::Atomic<T>;
template <class T>
using Plain = model::Plain<T>;
#else
template <class T>
using Atomic = std::atomic<T>;
template <class T>
using Plain = T;
// Calls, queues and the log live in 64-bit words, on 32-bit machines too. With a lock below them a fork or a signal in
// the middle of an access would hang, and nobody could sleep on half of one.
static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "crochet needs a machine that has 64-bit atomics");
#endif

inline constexpr std::memory_order relaxed = std::memory_order_relaxed;
inline constexpr std::memory_order acquire = std::memory_order_acquire;
inline constexpr std::memory_order release = std::memory_order_release;
inline constexpr std::memory_order acq_rel = std::memory_order_acq_rel;

}  // namespace crochet
