// SPDX-License-Identifier: MIT
// A wait that counts when it runs out of time; and says why, once per loop, when nobody runs the adopted loop.
#pragma once

#include "call/waiting.hpp"
#include "capi/entry.hpp"
#include "loop/loop_table.hpp"

namespace crochet {

inline int wait_with_warning(const Target& target, Until until, std::int64_t timeout_ns, bool end_on_signal) {
  const std::uint32_t id = target.call->loop.load(relaxed);
  Loop* loop = loop_table::block(id);
  const std::uint32_t rounds = loop == nullptr ? 0 : loop->rounds();
  Spin* spin = loop == nullptr ? nullptr : &loop->wait_spin();
  const int code = wait_for_call(*target.call, target.generation, until, timeout_ns, end_on_signal, spin);
  if (code != CROCHET_ETIMEDOUT || timeout_ns == 0 || loop == nullptr) return code;
  loop->count(id, Counter::kWaitsTimedOut, 1);
  if (loop->is_adopted() && loop->rounds() == rounds) loop->warn_that_nobody_runs_it();
  return code;
}

}  // namespace crochet
