// SPDX-License-Identifier: MIT
// The alias for mutexes of what the model checker runs, too.
#pragma once

#ifdef CROCHET_MODEL
#include "model/mutex.hpp"
#else
#include <mutex>
#endif

namespace crochet {

#ifdef CROCHET_MODEL
using Mutex = model::Mutex;
#else
using Mutex = std::mutex;
#endif

}  // namespace crochet
