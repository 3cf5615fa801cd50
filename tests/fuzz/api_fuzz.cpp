// SPDX-License-Identifier: MIT
// Fuzz target: sequences of operations on the public functions, against a model of what must come out.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "crochet.h"
#include "fuzz/api/session.hpp"
#include "fuzz/support/story.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

fuzz::Loops make_loops() {
  // What was logged is nobody's matter here; and a process that was set up once answers as any later one does.
  (void)crochet_log_remove(CROCHET_LOG_DEFAULT_SINK);
  if (crochet_setup(nullptr) != CROCHET_OK || crochet_shutdown(0) != CROCHET_OK) std::abort();
  fuzz::Loops loops;
  for (auto& loop : loops) loop = std::make_unique<fuzz::SteppedLoop>();
  return loops;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static fuzz::Loops& loops = *new fuzz::Loops(make_loops());  // never ended: its threads are the process's
  if (size < 4 || size > 4096) return 0;
  fuzz::begin_story();
  fuzz::Session(fuzz::Bytes(data, size), loops).play();
  return 0;
}
