// SPDX-License-Identifier: MIT
// A loop that goes on only when it is told to, in lock step with the thread that tells it: a host's loop that is pumped
// by hand, or one of the library's own whose thread stands in a call of ours between two steps.
#pragma once

#include <uv.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <semaphore>
#include <thread>

#include "crochet.h"

namespace fuzz {

// One thread hands work to another and waits until it is done: never do both run.
class LockStep {
 public:
  void run(const std::function<void()>& work);  // by who tells
  // By who is told: works until a work calls leave().
  void serve();
  void leave() { leaves_ = true; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void()>* work_ = nullptr;
  bool leaves_ = false;
};

class SteppedLoop {
 public:
  enum class Kind { kAdopted, kOwn };

  SteppedLoop();
  ~SteppedLoop();
  SteppedLoop(const SteppedLoop&) = delete;
  SteppedLoop& operator=(const SteppedLoop&) = delete;

  // The default loop (then handle() is NULL, as users name it) or a further one.
  int start(Kind kind, bool is_default, crochet_options* options);
  bool runs() const { return runs_; }
  Kind kind() const { return kind_; }
  crochet_loop* handle() const { return handle_; }
  // Its real handle: also of the default loop.
  crochet_loop* own_handle() const { return own_handle_; }

  // The loop comes to everything that was queued before.
  void step();
  // On the loop's thread, in a callback of an own loop, or between two turns of an adopted one.
  void on_thread(const std::function<void()>& work) { run_there(work); }
  // Stops it and comes back when it has ended; its code. The handle stays good until release().
  int stop(std::int64_t grace_ns);
  // What is left of it.
  void release();

  // Calls made for the sake of stepping: they count in the loop's counters.
  long steppers() const { return steppers_; }

 private:
  static void stand(crochet_deferred* deferred, void* self);
  void enqueue_stand();
  void run_there(const std::function<void()>& work);

  LockStep thread_step_;
  LockStep stand_;  // of an own loop, in its call
  // Of an own loop: its thread comes to its end, however long the machine takes for that. A stop gives up after a
  // second.
  std::binary_semaphore has_run_last_{0};
  uv_loop_t uv_{};
  Kind kind_ = Kind::kAdopted;
  bool runs_ = false;
  crochet_loop* handle_ = nullptr;
  crochet_loop* own_handle_ = nullptr;
  long steppers_ = 0;
  std::thread thread_;  // runs an adopted loop; last, since it uses the others
};

}  // namespace fuzz
