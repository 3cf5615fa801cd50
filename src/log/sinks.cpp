// SPDX-License-Identifier: MIT
#include "log/sinks.hpp"

#include <algorithm>

namespace crochet {

void SinksOfAMoment::let_go() {
  while (count != 0) sinks[--count]->release();  // first taken off: it may end this thread
  version = 0;
}

int SinkList::add(LogSink* sink, LogLevel level, std::uint64_t* out_id) {
  const Locked locked(mutex_);
  if (count_ == kMostSinks) return CROCHET_ENOSPC;
  sink->id = ++last_id_;
  sink->level = level;
  *out_id = sink->id;
  sinks_[count_++] = sink;
  version_.fetch_add(1, release);
  return CROCHET_OK;
}

void SinkList::add_default(LogSink* sink) {
  {
    const Locked locked(mutex_);
    if (count_ < kMostSinks) {
      sink->id = CROCHET_LOG_DEFAULT_SINK;
      sinks_[count_++] = sink;
      version_.fetch_add(1, release);
      return;
    }
  }
  sink->release();
}

bool SinkList::remove(std::uint64_t id) {
  SinksOfAMoment removed;
  {
    const Locked locked(mutex_);
    const auto end = sinks_ + count_;
    const auto stay = std::stable_partition(sinks_, end, [id](LogSink* sink) { return sink->id != id; });
    removed.count = static_cast<std::size_t>(end - stay);
    std::copy(stay, end, removed.sinks);
    count_ -= removed.count;
    if (removed.count != 0) version_.fetch_add(1, release);
  }
  const bool found = removed.count != 0;
  removed.let_go();
  return found;
}

void SinkList::look(SinksOfAMoment* moment) {
  if (is_current(*moment)) return;
  moment->let_go();
  const Locked locked(mutex_);
  std::copy_n(sinks_, count_, moment->sinks);
  moment->count = count_;
  moment->version = version_.load(relaxed);
  for (std::size_t i = 0; i < count_; ++i) moment->sinks[i]->retain();
}

}  // namespace crochet
