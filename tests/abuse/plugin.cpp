// SPDX-License-Identifier: MIT
// A plugin: a shared object that is linked with the library and that unload_test loads and unloads. Its host knows
// nothing of the library.
#include "api/support/durations.hpp"
#include "api/support/owned.hpp"
#include "crochet.h"

namespace {

crochet_loop* own_loop = nullptr;
int* told = nullptr;

void resolve_null(crochet_deferred* deferred, void*) { crochet_resolve(deferred, nullptr, nullptr); }

// A call of the plugin's own function. It is joined, not only waited for: a function that has settled its call may not
// have returned yet, and its code is about to go.
int call_and_join(crochet_loop* loop) {
  contract::OwnedResult result;
  const int status = crochet_run(loop, resolve_null, nullptr, nullptr, result.out());
  return status != CROCHET_OK ? status : crochet_result_join(result.get(), contract::kForever);
}

// Runs inside dlclose().
__attribute__((destructor)) void unload() {
  if (own_loop == nullptr) return;
  *told = crochet_loop_stop(own_loop, contract::kSecond);
  crochet_loop_release(own_loop);
}

}  // namespace

extern "C" {

// Starts the default loop, uses it, and leaves it to live.
int plugin_use();
int plugin_use() {
  const int status = crochet_setup(nullptr);
  return status != CROCHET_OK ? status : call_and_join(nullptr);
}

// Starts a loop that is stopped when the plugin is unloaded; then *code tells how that went.
int plugin_use_own_loop(int* code);
int plugin_use_own_loop(int* code) {
  told = code;
  const int status = crochet_loop_new(nullptr, &own_loop);
  return status != CROCHET_OK ? status : call_and_join(own_loop);
}

}  // extern "C"
