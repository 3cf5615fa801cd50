// SPDX-License-Identifier: MIT
// A host that exit_test runs to its end. Its static objects are destroyed after the library's exit handler, as they
// were made before it was registered; what they expect and do not find they say on stderr, and spoil the exit status.
//
//   exit_host            uses the library, returns 46 from main
//   exit_host stuck      returns 46 while a callback is stuck for ever
//   exit_host late       uses the library for the first time in a static destructor
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "api/support/closure.hpp"
#include "api/support/gate.hpp"
#include "crochet.h"

namespace {

constexpr int kStatus = 46;
std::string mode;  // destroyed last

void must(const char* what, bool holds) {
  if (holds) return;
  std::fprintf(stderr, "not as it must be: %s\n", what);
  _exit(1);
}

void count(void* counter) { ++*static_cast<int*>(counter); }

void everything_is_refused() {
  int drops = 0;
  crochet_result* result = nullptr;
  crochet_deferred* deferred = nullptr;
  crochet_call* call = nullptr;
  must("crochet_run", crochet_run(nullptr, contract::resolve_null, &drops, count, &result) == CROCHET_ESTOPPED);
  must("crochet_wait_for", crochet_wait_for(nullptr, contract::resolve_null, &drops, count, contract::kForever,
                                            nullptr) == CROCHET_ESTOPPED);
  must("crochet_deferred_new", crochet_deferred_new(nullptr, &drops, count, &deferred, nullptr) == CROCHET_ESTOPPED);
  must("crochet_call_new", crochet_call_new(nullptr, 8, &call) == CROCHET_ESTOPPED);
  must("crochet_setup", crochet_setup(nullptr) == CROCHET_ESTOPPED);
  must("crochet_shutdown", crochet_shutdown(0) == CROCHET_OK);
  must("three drops", drops == 3);
}

struct DestroyedLate {
  crochet_result* ready = nullptr;
  crochet_result* pending = nullptr;
  crochet_deferred* deferred = nullptr;

  ~DestroyedLate() {
    if (mode == "late") {
      must("a first setup", crochet_setup(nullptr) == CROCHET_OK);
      must("a first call", contract::on_loop(nullptr, [] {}) == CROCHET_OK);
      return;  // and the library's own handler, registered just now, still comes
    }
    everything_is_refused();
    must("an old value", crochet_result_wait(ready, contract::kForever) == CROCHET_OK);
    must("what was pending", crochet_result_wait(pending, contract::kForever) == CROCHET_ESTOPPED);
    must("a late settle", crochet_resolve(deferred, nullptr, nullptr) == CROCHET_EALREADY);
    crochet_deferred_release(deferred);
    must("a join", crochet_result_join(pending, contract::kForever) == CROCHET_OK);
    crochet_result_release(pending);
    crochet_result_release(ready);
  }
} destroyed_late;

// After all exit handlers and static objects.
__attribute__((destructor)) void at_the_very_end() {
  if (destroyed_late.ready != nullptr) everything_is_refused();
}

contract::Gate stuck;

[[noreturn]] void stick(crochet_deferred*, void*) {
  stuck.open();
  for (;;) pause();
}

}  // namespace

int main(int count, char** words) {
  if (count > 1) mode = words[1];
  if (mode == "late") return kStatus;
  must("setup", crochet_setup(nullptr) == CROCHET_OK);
  must("a call", crochet_wait_for(nullptr, contract::resolve_null, nullptr, nullptr, contract::kForever,
                                  &destroyed_late.ready) == CROCHET_OK);
  must("a deferred", crochet_deferred_new(nullptr, nullptr, nullptr, &destroyed_late.deferred,
                                          &destroyed_late.pending) == CROCHET_OK);
  if (mode == "stuck") {
    must("a stuck call", crochet_run(nullptr, stick, nullptr, nullptr, nullptr) == CROCHET_OK);
    stuck.wait();
  }
  return kStatus;
}
