// SPDX-License-Identifier: MIT
// Results under numbers that may leave the process: put once, taken back once, bounded in count and time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <unordered_map>

#include "base/deadline.hpp"
#include "base/mutex.hpp"
#include "call/call.hpp"

namespace crochet {

class Stash {
 public:
  // The stash holds one reference of `call`, which passes to it on success. `*expires_first`: of all that is stashed it
  // is the first to expire (somebody has to call expire() when its time is over).
  int put(Call* call, Word generation, std::uint64_t type, std::uint64_t* out_uid, bool* expires_first);
  // On success the reference passes to the caller.
  int take(std::uint64_t uid, std::uint64_t type, Call** out_call, Word* out_generation);
  void set_limits(std::uint32_t capacity, std::int64_t time_to_live_ns);

  bool expires();  // does anything in it expire?
  // Drops what has expired; when does the next one? Runs drop functions.
  Deadline expire();
  // Drops everything. How many there were.
  std::size_t clear();

 private:
  using Expiries = std::multimap<std::int64_t, std::uint64_t>;  // when -> uid
  struct Entry {
    Call* call;
    Word generation;
    std::uint64_t type;
    Expiries::iterator expiry;  // end(): never
  };

  Mutex mutex_;  // no user code runs under it
  std::unordered_map<std::uint64_t, Entry> entries_ CROCHET_GUARDED_BY(mutex_);
  Expiries expiries_ CROCHET_GUARDED_BY(mutex_);
  std::size_t capacity_ CROCHET_GUARDED_BY(mutex_) = 65536;
  std::int64_t time_to_live_ns_ CROCHET_GUARDED_BY(mutex_) = kForever;
};

}  // namespace crochet
