// SPDX-License-Identifier: MIT
#include "fuzz/api/stepped_loop.hpp"

#include "fuzz/support/failing_allocation.hpp"
#include "fuzz/support/story.hpp"
#include "fuzz/support/virtual_clock.hpp"

namespace fuzz {

void LockStep::run(const std::function<void()>& work) {
  std::unique_lock lock(mutex_);
  work_ = &work;
  changed_.notify_all();
  changed_.wait(lock, [this] { return work_ == nullptr; });
}

void LockStep::serve() {
  std::unique_lock lock(mutex_);
  leaves_ = false;
  while (!leaves_) {
    changed_.wait(lock, [this] { return work_ != nullptr; });
    lock.unlock();
    (*work_)();
    lock.lock();
    work_ = nullptr;
    changed_.notify_all();
  }
}

SteppedLoop::SteppedLoop() : thread_([this] { thread_step_.serve(); }) {}

SteppedLoop::~SteppedLoop() {
  thread_step_.run([this] { thread_step_.leave(); });
  thread_.join();
}

void SteppedLoop::run_there(const std::function<void()>& work) {
  if (kind_ == Kind::kOwn) return stand_.run(work);
  thread_step_.run([&work] {
    const OnVirtualClock virtually;
    work();
  });
}

int SteppedLoop::start(Kind kind, bool is_default, crochet_options* options) {
  kind_ = kind;
  steppers_ = 0;
  handle_ = own_handle_ = nullptr;
  int code = CROCHET_OK;
  if (kind == Kind::kOwn) {
    const auto last = [](void* self) {
      static_cast<SteppedLoop*>(self)->has_run_last_.release();
      return 0;
    };
    code = crochet_options_set_thread_hooks(options, nullptr, last, this, nullptr);
    if (code != CROCHET_OK) return code;
    code = is_default ? crochet_setup(options) : crochet_loop_new(options, &handle_);
    if (code != CROCHET_OK) return code;
    enqueue_stand();
    stand_.run(
        [this, is_default] { own_handle_ = is_default ? crochet_loop_retain(crochet_current_loop()) : handle_; });
  } else {
    run_there([&] {
      if (uv_loop_init(&uv_) != 0) found("uv_loop_init");
      code = is_default ? crochet_no_setup(&uv_, options) : crochet_loop_adopt(&uv_, options, &handle_);
      if (code != CROCHET_OK) {
        uv_loop_close(&uv_);
        return;
      }
      own_handle_ = is_default ? crochet_loop_retain(crochet_current_loop()) : handle_;
    });
    if (code != CROCHET_OK) return code;
  }
  runs_ = true;
  return CROCHET_OK;
}

void SteppedLoop::stand(crochet_deferred* deferred, void* self) {
  crochet_resolve(deferred, nullptr, nullptr);
  const UncountedAllocations uncounted;
  static_cast<SteppedLoop*>(self)->stand_.serve();
}

void SteppedLoop::enqueue_stand() {
  const int code = crochet_run(own_handle_ != nullptr ? own_handle_ : handle_, &stand, this, nullptr, nullptr);
  if (code != CROCHET_OK) found("a call to step by was refused: %s", crochet_status_name(code));
  ++steppers_;
}

void SteppedLoop::step() {
  if (kind_ == Kind::kAdopted) {
    // Twice: what is queued in the course of a turn may be left for the next one.
    run_there([this] {
      uv_run(&uv_, UV_RUN_NOWAIT);
      uv_run(&uv_, UV_RUN_NOWAIT);
    });
    return;
  }
  enqueue_stand();
  stand_.run([this] { stand_.leave(); });
  stand_.run([] {});  // somebody serves again: it is there
}

int SteppedLoop::stop(std::int64_t grace_ns) {
  int code = CROCHET_OK;
  run_there([&] { code = crochet_loop_stop(own_handle_, grace_ns); });
  if (code != CROCHET_EINPROGRESS) found("a stop on the loop's own thread: %s", crochet_status_name(code));
  if (kind_ == Kind::kOwn) {
    stand_.run([this] { stand_.leave(); });
    has_run_last_.acquire();
  } else {
    run_there([this, grace_ns] {
      std::int64_t waited = 0;
      constexpr std::int64_t kTurn = 1'000'000;
      while (uv_run(&uv_, UV_RUN_NOWAIT) != 0) {
        advance_virtual_clock(kTurn);
        waited += kTurn;
        if (waited > grace_ns + 5'000'000'000) found("an adopted loop does not end");
      }
      if (crochet_current_loop() != nullptr) found("a loop's thread outlives its loop");
      const int closed = uv_loop_close(&uv_);
      if (closed != 0) found("uv_loop_close: %s", uv_err_name(closed));
    });
  }
  runs_ = false;
  const OnVirtualClock really(false);
  return crochet_loop_stop(own_handle_, grace_ns);
}

void SteppedLoop::release() {
  crochet_loop_release(own_handle_);
  handle_ = own_handle_ = nullptr;
}

}  // namespace fuzz
