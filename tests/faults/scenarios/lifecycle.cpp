// SPDX-License-Identifier: MIT
// Scenarios: options, setup and shutdown, further loops, loops of the host's.
#include <uv.h>

#include "faults/scenarios/scenario.hpp"

namespace faults {
namespace {

int hook(void*) { return CROCHET_OK; }

void set_all(const Options& options) {
  if (!options) return;
  CALL(crochet_options_set_thread_name, options.get(), "swept");
  CALL(crochet_options_set_keep_alive, options.get(), 1);
  CALL(crochet_options_set_stack_size, options.get(), std::size_t{256 * 1024});
  CALL(crochet_options_set_spin, options.get(), CROCHET_SPIN_MEASURED, CROCHET_SPIN_MEASURED);
  CALL(crochet_options_set_queue_limit, options.get(), 100u, CROCHET_SECOND);
  CALL(crochet_options_set_thread_hooks, options.get(), hook, hook, token(), drop_token);
}

void call_on(crochet_loop* loop) {
  Result result;
  CALL(crochet_run, loop, gives_token, token(), drop_token, result.out());
  settle(result);
}

// Everything from the first use of the library to the shutdown.
void setup(const Armed& armed) {
  armed.begin();
  CALL(crochet_setup, nullptr);
  call_on(nullptr);
  CALL(crochet_shutdown, CROCHET_SECOND);
  armed.end();
  set_up();
  call_on(nullptr);
  shut_down();
}

void setup_with_options(const Armed& armed) {
  armed.begin();
  {
    Options options;
    CALL(crochet_options_new, options.out());
    set_all(options);
    CALL(crochet_setup, options.get());
  }
  call_on(nullptr);
  CALL(crochet_shutdown, 0);
  armed.end();
  shut_down();
}

void loops(const Armed& armed) {
  set_up();
  armed.begin();
  {
    Options options;
    CALL(crochet_options_new, options.out());
    set_all(options);
    Loop loop;
    if (CALL(crochet_loop_new, options.get(), loop.out()) == CROCHET_OK) {
      call_on(loop.get());
      MUST(CALL(crochet_loop_retain, loop.get()) == loop.get());
      CALL(crochet_loop_release, loop.get());
      CALL(crochet_loop_stop, loop.get(), CROCHET_SECOND);
    }
    Loop forgotten;
    CALL(crochet_loop_new, nullptr, forgotten.out());
  }
  armed.end();
  call_on(nullptr);
  shut_down();
}

void see_own_loop(crochet_deferred* deferred, void* uv) {
  MUST(CALL(crochet_current_loop) != nullptr);
  MUST(CALL(crochet_current_uv) == uv);
  CALL(crochet_resolve, deferred, nullptr, nullptr);
}

// What the host does with a loop of its own while it is adopted; `loop` is null for the default one.
void run_host(uv_loop_t* uv, crochet_loop* loop) {
  Result result;
  CALL(crochet_run, loop, see_own_loop, static_cast<void*>(uv), nullptr, result.out());
  while (result && CALL(crochet_result_status, result.get()) == CROCHET_EPENDING) uv_run(uv, UV_RUN_NOWAIT);
}

void no_setup(const Armed& armed) {
  uv_loop_t uv;
  MUST(uv_loop_init(&uv) == 0);
  armed.begin();
  if (CALL(crochet_no_setup, &uv, nullptr) == CROCHET_OK) run_host(&uv, nullptr);
  CALL(crochet_shutdown, 0);
  uv_run(&uv, UV_RUN_DEFAULT);
  armed.end();
  MUST(uv_loop_close(&uv) == 0);
  CALL(crochet_shutdown, CROCHET_SECOND);  // the log's thread
}

void adopted(const Armed& armed) {
  uv_loop_t uv;
  MUST(uv_loop_init(&uv) == 0);
  armed.begin();
  {
    Options options;
    CALL(crochet_options_new, options.out());
    Loop loop;
    if (CALL(crochet_loop_adopt, &uv, options.get(), loop.out()) == CROCHET_OK) {
      run_host(&uv, loop.get());
      CALL(crochet_loop_stop, loop.get(), 0);
      uv_run(&uv, UV_RUN_DEFAULT);
    }
  }
  armed.end();
  MUST(uv_loop_close(&uv) == 0);
  CALL(crochet_shutdown, CROCHET_SECOND);
}

}  // namespace

const Scenario kLifecycle[] = {
    {"setup", setup},     {"setup_with_options", setup_with_options},
    {"loops", loops},     {"no_setup", no_setup},
    {"adopted", adopted}, {nullptr, nullptr},
};

}  // namespace faults
