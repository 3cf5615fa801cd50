// SPDX-License-Identifier: MIT
#include "runtime/stash.hpp"

#include <sys/random.h>

#include <cerrno>
#include <limits>
#include <new>

#include "call/hot_path.hpp"

namespace crochet {
namespace {

// In 1..2^63-1, from the system's random source. 0: there is none.
std::uint64_t random_uid() {
  std::uint64_t uid = 0;
  while (uid == 0) {
    const ssize_t got = getrandom(&uid, sizeof uid, 0);
    if (got < 0 && errno != EINTR) return 0;
    if (got != static_cast<ssize_t>(sizeof uid)) uid = 0;
    uid &= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  }
  return uid;
}

}  // namespace

int Stash::put(Call* call, Word generation, std::uint64_t type, std::uint64_t* out_uid, bool* expires_first) {
  *expires_first = false;
  const Locked locked(mutex_);
  if (entries_.size() >= capacity_) return CROCHET_ENOSPC;
  const std::uint64_t uid = random_uid();
  if (uid == 0) return CROCHET_ENOMEM;
  try {
    // Two equal ones in a row of 2^63 do not happen; if they do, this one is refused like any lack of room.
    const auto [place, is_new] = entries_.try_emplace(uid, Entry{call, generation, type, expiries_.end()});
    if (!is_new) return CROCHET_ENOSPC;
    if (time_to_live_ns_ != kForever) {
      try {
        place->second.expiry = expiries_.emplace(Deadline::after(time_to_live_ns_).ns(), uid);
      } catch (...) {
        entries_.erase(place);
        throw;
      }
      *expires_first = place->second.expiry == expiries_.begin();
    }
  } catch (const std::bad_alloc&) {
    return CROCHET_ENOMEM;
  }
  *out_uid = uid;
  return CROCHET_OK;
}

int Stash::take(std::uint64_t uid, std::uint64_t type, Call** out_call, Word* out_generation) {
  const Locked locked(mutex_);
  const auto place = entries_.find(uid);
  if (place == entries_.end()) return CROCHET_ENOENT;
  const Entry entry = place->second;
  // Its time may be over although nobody has come yet to drop it.
  if (entry.expiry != expiries_.end() && Deadline::at(entry.expiry->first).passed()) return CROCHET_ENOENT;
  if (entry.type != type) return CROCHET_ETYPE;
  if (entry.expiry != expiries_.end()) expiries_.erase(entry.expiry);
  entries_.erase(place);
  *out_call = entry.call;
  *out_generation = entry.generation;
  return CROCHET_OK;
}

void Stash::set_limits(std::uint32_t capacity, std::int64_t time_to_live_ns) {
  const Locked locked(mutex_);
  capacity_ = capacity;
  time_to_live_ns_ = time_to_live_ns;
}

bool Stash::expires() {
  const Locked locked(mutex_);
  return !expiries_.empty();
}

Deadline Stash::expire() {
  for (;;) {
    Entry expired{};
    {
      const Locked locked(mutex_);
      if (expiries_.empty()) return Deadline::never();
      const auto first = expiries_.begin();
      if (!Deadline::at(first->first).passed()) return Deadline::at(first->first);
      const auto place = entries_.find(first->second);
      expired = place->second;
      entries_.erase(place);
      expiries_.erase(first);
    }
    expired.call->release_handle(expired.generation);
  }
}

std::size_t Stash::clear() {
  std::unordered_map<std::uint64_t, Entry> dropped;
  {
    const Locked locked(mutex_);
    dropped.swap(entries_);
    expiries_.clear();
  }
  for (const auto& [uid, entry] : dropped) entry.call->release_handle(entry.generation);
  return dropped.size();
}

}  // namespace crochet
