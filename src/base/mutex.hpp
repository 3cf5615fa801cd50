// SPDX-License-Identifier: MIT
// Mutexes, and what they guard: clang refuses code that reaches for guarded data without the lock (-Wthread-safety).
//
//   Mutex mutex_;
//   int count_ CROCHET_GUARDED_BY(mutex_) = 0;
//   void add() CROCHET_UNDER(mutex_);              // the caller has it
//   { const Locked locked(mutex_);  add(); }
#pragma once

#ifdef CROCHET_MODEL
#include "model/mutex.hpp"
#else
#include <mutex>
#endif

#ifdef __clang__
#define CROCHET_THREAD_SAFETY(attribute) __attribute__((attribute))
#else
#define CROCHET_THREAD_SAFETY(attribute)
#endif
#define CROCHET_GUARDED_BY(mutex) CROCHET_THREAD_SAFETY(guarded_by(mutex))
#define CROCHET_UNDER(mutex) CROCHET_THREAD_SAFETY(requires_capability(mutex))

namespace crochet {

class CROCHET_THREAD_SAFETY(capability("mutex")) Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

 private:
  friend class Locked;
#ifdef CROCHET_MODEL
  model::Mutex mutex_;
#else
  std::mutex mutex_;
#endif
};

// The only way to lock one. Nobody holds two.
class [[nodiscard]] CROCHET_THREAD_SAFETY(scoped_lockable) Locked {
 public:
  explicit Locked(Mutex& mutex) CROCHET_THREAD_SAFETY(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.mutex_.lock();
  }
  ~Locked() CROCHET_THREAD_SAFETY(release_capability()) { mutex_.mutex_.unlock(); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace crochet
