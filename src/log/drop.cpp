// SPDX-License-Identifier: MIT
#include "log/drop.hpp"

#include <exception>

#include "base/forced_unwind.hpp"
#include "log/log.hpp"

namespace crochet {

CROCHET_CATCHES_FORCED_UNWIND void run_drop(crochet_drop_fn* drop, void* pointer) {
  try {
    drop(pointer);
  } catch (abi::__forced_unwind&) {
    throw;
  } catch (const std::exception& e) {
    log(LogLevel::kError, "a drop function threw: %s", e.what());
  } catch (...) {
    log(LogLevel::kError, "a drop function threw");
  }
}

}  // namespace crochet
