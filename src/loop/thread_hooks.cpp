// SPDX-License-Identifier: MIT
#include "loop/thread_hooks.hpp"

#include <exception>
#include <memory>

#include "base/forced_unwind.hpp"
#include "call/call.hpp"
#include "log/drop.hpp"
#include "log/log.hpp"

namespace crochet {

CROCHET_CATCHES_FORCED_UNWIND int ThreadHooksRef::run(crochet_thread_fn* fn) const {
  try {
    return fn(hooks_->arg);
  } catch (abi::__forced_unwind&) {
    throw;
  } catch (const std::exception& e) {
    log(LogLevel::kError, "a thread hook threw: %s", e.what());
  } catch (...) {
    log(LogLevel::kError, "a thread hook threw");
  }
  return CROCHET_EFAILED;
}

int ThreadHooksRef::run_first() const {
  if (hooks_ == nullptr || hooks_->first == nullptr) return CROCHET_OK;
  const int code = run(hooks_->first);
  return code > 0 ? CROCHET_EFAILED : code;
}

void ThreadHooksRef::run_last() const {
  if (hooks_ != nullptr && hooks_->last != nullptr) run(hooks_->last);
}

void ThreadHooksRef::let_go() {
  // acq_rel: what every user did with the argument happens before its drop.
  if (hooks_->references.fetch_sub(1, acq_rel) != 1) return;
  const std::unique_ptr<ThreadHooks> last(hooks_);
  if (last->drop != nullptr) run_drop(last->drop, last->arg);
}

}  // namespace crochet
