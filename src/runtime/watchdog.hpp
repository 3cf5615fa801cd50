// SPDX-License-Identifier: MIT
// The watchdog: a thread that looks at all loops, and says in the log which one is blocked, by what, while it is.
//
// The loops do nothing for it but what they do anyway. It holds no lock while it looks, and waits for nobody.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/atomic.hpp"
#include "base/deadline.hpp"
#include "base/mutex.hpp"
#include "call/word.hpp"

namespace crochet {

class Watchdog {
 public:
  // From which time on a loop is called blocked; 0: nobody watches. The process's, and its forked children's.
  // relaxed: it publishes nothing.
  static Atomic<std::int64_t> threshold_ns;

  // If it is on: its thread runs when this returns. CROCHET_OK, or the system's code.
  int start();
  void end(Deadline give_up);  // its thread; then there is none, unless the deadline passed
  void ask_to_end();           // the same for who must not wait
  void changed();              // the threshold

 private:
  struct Watched;
  struct Birth;
  // The thread's own.
  struct Watches {
    std::unique_ptr<Watched[]> of;
    std::size_t count = 0;
    bool has_room_for(std::size_t wanted);
  };

  static void* thread_main(void* birth);
  void run(Word generation);
  bool take_thread(pthread_t* out_thread);

  Mutex mutex_;
  bool has_thread_ CROCHET_GUARDED_BY(mutex_) = false;
  pthread_t thread_ CROCHET_GUARDED_BY(mutex_){};
  Atomic<Word> changes_{0};  // how many threads were ended (from bit 1), and a bit that changes; the thread parks on it

  static constexpr Word kOtherThreshold = 1;
  static constexpr Word kOneThread = 2;
};

}  // namespace crochet
