// SPDX-License-Identifier: MIT
// A host with a libuv loop of its own: no_setup() makes it the default loop, a library that knows nothing of the host
// calls into it from another thread, and in the end it is released and closed without a remainder.
#include <uv.h>

#include <crochet.hpp>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "../must.h"

using namespace std::chrono_literals;

// ---- The library: it asks for a loop, and gets the host's ----

namespace library {

static int ticks_seen(const int& ticks) {  // on the host's thread: it may look at what is the host's
  try {
    crochet::run([] {}).wait();  // would wait for this very thread
    MUST(false);
  } catch (const crochet::deadlock_error&) {
  }
  return ticks;
}

static int ticks_of(const int& ticks) {
  crochet::setup();  // does nothing where there is a default loop; a library never shuts down
  return crochet::wait_for(30s, ticks_seen)(std::cref(ticks));
}

}  // namespace library

// ---- The host ----

// [host]
class host {
 public:
  host() {
    MUST(uv_loop_init(&uv_) == 0);
    crochet::no_setup(&uv_);  // this thread is a loop's thread from now on
    uv_timer_init(&uv_, &timer_);
    timer_.data = this;
    uv_timer_start(
        &timer_, [](uv_timer_t* timer) { ++static_cast<host*>(timer->data)->ticks_; }, 1, 1);
  }
  ~host() { MUST(uv_loop_close(&uv_) == 0); }  // nothing is left on it

  void run() { MUST(uv_run(&uv_, UV_RUN_DEFAULT) == 0); }  // returns when the loop was released and nothing is alive

  void release() {  // on the loop's thread
    uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
    MUST(crochet::shutdown(1s) == crochet::stop_outcome::in_progress);  // asked for; happens while uv_run() goes on
  }
  const int& ticks() const { return ticks_; }

 private:
  uv_loop_t uv_;
  uv_timer_t timer_;  // the host's own, on the same loop
  int ticks_ = 0;     // the loop's thread only
};
// [end host]

int main() {
  host mine;
  std::thread worker([&mine] {
    while (library::ticks_of(mine.ticks()) < 3) continue;  // the host's timer is served between the calls
    crochet::run(&host::release, &mine);
  });
  mine.run();
  worker.join();
  try {
    crochet::run([] {});
    MUST(false);
  } catch (const crochet::loop_stopped& e) {
    MUST(e.never_started());
  }
  std::cout << "released after " << mine.ticks() << " ticks of the host's timer\n";
  return EXIT_SUCCESS;
}
