// SPDX-License-Identifier: MIT
// Who gets what is logged: changed by any thread, copied by the one that writes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/atomic.hpp"
#include "base/mutex.hpp"
#include "crochet.h"
#include "log/sink.hpp"

namespace crochet {

inline constexpr std::size_t kMostSinks = 64;

// The sinks at one moment, a reference to each. let_go() may run drop functions: it is no destructor.
struct SinksOfAMoment {
  LogSink* sinks[kMostSinks];
  std::size_t count = 0;
  std::uint64_t version = 0;

  void let_go();
};

class SinkList {
 public:
  // Takes the reference. CROCHET_ENOSPC: there are kMostSinks already; the reference is the caller's as before.
  int add(LogSink* sink, LogLevel level, std::uint64_t* out_id);
  // Of the beginning: under the one id that all of these share.
  void add_default(LogSink* sink);
  bool remove(std::uint64_t id);

  // Brings `moment` up to date, if it is not.
  void look(SinksOfAMoment* moment);
  bool is_current(const SinksOfAMoment& moment) const { return version_.load(acquire) == moment.version; }

 private:
  Mutex mutex_;
  LogSink* sinks_[kMostSinks] CROCHET_GUARDED_BY(mutex_);
  std::size_t count_ CROCHET_GUARDED_BY(mutex_) = 0;
  std::uint64_t last_id_ CROCHET_GUARDED_BY(mutex_) = CROCHET_LOG_DEFAULT_SINK;
  Atomic<std::uint64_t> version_{1};  // written under mutex_
};

}  // namespace crochet
