// SPDX-License-Identifier: MIT
// Which loop a call goes to.
#pragma once

#include <cstdint>

#include "capi/entry.hpp"
#include "loop/loop_handle.hpp"
#include "loop/loop_table.hpp"
#include "runtime/runtime.hpp"

namespace crochet {

struct Destination {
  Loop* loop;
  std::uint32_t id;  // read once: the block may serve another loop by the time the call gets there
};

inline int no_default_loop() {
  if (process_is_forked()) return CROCHET_EFORKED;
  return Runtime::was_shut_down() || !process_is_live() ? CROCHET_ESTOPPED : CROCHET_ENOTSETUP;
}

// Where a call goes in the common way. False: nowhere, or not in that way; find_destination() knows.
inline bool find_plain_destination(crochet_loop* handle, Destination* out) {
  if (handle == nullptr) {
    out->id = Runtime::plain_default_id();
    if (out->id == 0) return false;
    out->loop = Runtime::default_block();
    return true;
  }
  if (process_is_forked()) return false;
  const LoopTarget target = target_of(handle);
  if (!target.alive() || target.loop->is_special()) return false;
  *out = {target.loop, target.loop->id()};
  return true;
}

// handle null: the default loop.
inline int find_destination(crochet_loop* handle, Destination* out) {
  if (handle == nullptr) {
    out->id = Runtime::default_id();
    if (out->id == 0) return no_default_loop();
    out->loop = Runtime::default_block();
    return CROCHET_OK;
  }
  if (process_is_forked()) return CROCHET_EFORKED;
  const LoopTarget target = target_of(handle);
  if (!target.alive() && !target.is_here()) return CROCHET_EINVAL;
  if (target.loop->is_parents()) return CROCHET_EFORKED;
  *out = {target.loop, target.loop->id()};
  return CROCHET_OK;
}

// A made call that its loop did not accept: settles it, which drops its argument. It is in none of the loop's counts.
inline void refuse_made(Loop& loop, Call* call) {
  const std::uint32_t id = call->loop.load(relaxed);
  if (!call->refuse()) loop.count(id, Counter::kNotRun, -1);  // the stopping loop found it first, and counted it
}

}  // namespace crochet
