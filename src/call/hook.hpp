// SPDX-License-Identifier: MIT
// On-cancel hooks: one pointer in the side record. Whoever exchanges it out owns the hook: the loop to run it, the
// setter that replaces it, or the finisher, to drop its argument. Once closed, no hook is accepted any more.
#pragma once

#include "call/call.hpp"

namespace crochet {

// crochet_deferred_on_cancel(), without the argument's drop on refusal: that is the caller's. fn null: clears.
int set_hook(Call& call, Word generation, crochet_call_fn* fn, void* arg, crochet_drop_fn* drop);

// Takes the hook out for good. Null: none was there, or it was closed before (then *was_closed).
Hook* close_hook(SideRecord& side, bool* was_closed);

void end_hook(Hook* hook);  // drops the argument, frees; null: nothing

}  // namespace crochet
