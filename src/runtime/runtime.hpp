// SPDX-License-Identifier: MIT
// The process's one runtime: the default loop, the making and stopping of loops, the stash; exit and fork.
//
// Everything that a thread may hold (the token, the stash's mutex) hangs off one pointer, which a forked child clears;
// its setup builds anew and leaks the old, since the thread that held it is not there.
#pragma once

#include <pthread.h>

#include <cstdint>

#include "base/atomic.hpp"
#include "crochet.h"
#include "loop/loop.hpp"
#include "runtime/stash.hpp"
#include "runtime/watchdog.hpp"

namespace crochet {

class Runtime {
 public:
  // The process's, made when it is first needed. Null: no memory. Lock-free.
  static Runtime* get_or_make();
  static Runtime* get();  // null: not made yet, or this is a forked child

  int setup(const crochet_options& options);
  int no_setup(uv_loop_t* uv, const crochet_options& options);
  // With one reference, the caller's.
  int new_loop(const crochet_options& options, Loop** out_loop);
  int adopt_loop(uv_loop_t* uv, const crochet_options& options, Loop** out_loop);
  int stop_loop(Loop& loop, std::int64_t grace_ns);
  int shutdown(std::int64_t grace_ns);

  // From which time on a loop counts as blocked, and is reported. The thread that watches lives as long as there is a
  // loop.
  int start_watchdog(std::int64_t threshold_ns);
  int stop_watchdog();

  // A loop's thread, or the log's: there nothing waits for a stop, nor for what is logged.
  static bool is_on_our_thread();

  int stash(Call* call, Word generation, std::uint64_t type, std::uint64_t* out_uid);
  Stash& stashed() { return stash_; }

  // The default loop's id; 0: none. Then: was there one that crochet_shutdown() stopped?
  static std::uint32_t default_id() {
    const std::uint32_t id = plain_default_id();
    return id != 0 ? id : default_.limited_id.load(acquire);
  }
  // The same, but 0 for one that has a limit: it is not called in the common way.
  static std::uint32_t plain_default_id() { return default_.id.load(acquire); }
  // The block of the default loop, for who has read its id. Another default loop's by now: it refuses a call with that
  // id.
  static Loop* default_block() { return default_.block.load(relaxed); }
  static bool was_shut_down() { return was_shut_down_.load(acquire); }

 private:
  // Making, stopping and reusing loops: by one thread at a time, which holds the token, no lock.
  class Token;

  int make_loop(uv_loop_t* uv, const crochet_options& options, Loop** out_loop);  // uv null: with a thread of its own
  int make_loop_with_log(uv_loop_t* uv, const crochet_options& options, Loop** out_loop);
  int end_without_loops();  // the watchdog, and the log
  int watch_if_wanted();    // starts the watchdog's thread if it is on and there is a loop
  void make_default(Loop& loop);
  void drop_default();
  bool has_default() const;
  void reuse_ended_loops();
  int stop_all(std::int64_t grace_ns);
  bool begin_shutdown(int* out_code);  // false: somebody else's, whose code this is
  void end_shutdown(int code);
  void request_stop_of_all(std::int64_t grace_ns);
  void clear_stash();

  static void at_exit();
  static void in_child();
  static void leave_everything_to_parent();

  static Atomic<Runtime*> instance_;
  struct Default {
    Atomic<std::uint32_t> id{0};  // one of the two is 0, or both are
    Atomic<std::uint32_t> limited_id{0};
    Atomic<Loop*> block{nullptr};  // published by the id
  };
  static Default default_;
  static Atomic<bool> was_shut_down_;

  // A word that one thread sets and clears, and that others sleep on meanwhile.
  static constexpr Word kSet = 1;
  static bool set(Atomic<Word>& word);  // false: it is set
  static void clear(Atomic<Word>& word);
  bool sleep_while_set(const Atomic<Word>& word);  // false: a signal handler forked meanwhile, and this is the child

  Atomic<Word> token_{0};
  Atomic<bool> log_may_end_{false};  // a loop was stopped, and nobody has looked since whether it was the last
  Atomic<Word> shutting_down_{0};
  Atomic<pthread_t> shutting_down_thread_{};  // relaxed: for the thread itself
  Atomic<int> shutdown_code_{0};              // of the last shutdown; published by shutting_down_

  std::uint64_t next_serial_ = 1;  // by the holder of the token
  Stash stash_;
  Watchdog watchdog_;
};

}  // namespace crochet
