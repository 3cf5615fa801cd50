// SPDX-License-Identifier: MIT
// The quick example in C++: a thread waits for something that a libuv timer brings about.
#include <uv.h>

#include <crochet.hpp>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

struct tea {
  uv_timer_t timer{};                    // libuv has this memory until the close callback
  crochet::deferred<std::string> ready;  // held just as long

  void close() {
    uv_close(reinterpret_cast<uv_handle_t*>(&timer), [](uv_handle_t* h) { delete static_cast<tea*>(h->data); });
  }
};

static crochet::deferred<std::string> make_tea(std::chrono::milliseconds time) {  // runs on the loop's thread
  auto* t = new tea;
  t->timer.data = t;
  uv_timer_init(crochet_current_uv(), &t->timer);
  const auto ready = t->ready;
  const bool wanted = ready.on_cancel([t](const crochet::deferred<std::string>& d) {
    d.reject(CROCHET_ECANCELED);
    t->close();
  });
  if (!wanted) {  // the loop is stopping: don't start
    t->close();
    return ready;
  }
  const auto on_time = [](uv_timer_t* timer) {
    auto* done = static_cast<tea*>(timer->data);
    done->ready.resolve("Tea is ready.");
    done->close();
  };
  uv_timer_start(&t->timer, on_time, static_cast<std::uint64_t>(time.count()), 0);
  return ready;
}

int main() {
  crochet::setup();
  const auto tea_for = crochet::wait_for(10s, make_tea);
  std::cout << tea_for(100ms) << '\n';

  const auto order_tea = crochet::run_in_loop(make_tea);
  auto order = order_tea(1h);
  order.cancel();
  try {
    order.wait();
  } catch (const crochet::cancelled_error&) {
    std::cout << "No tea, then.\n";
  }
  return crochet::shutdown(1s) == crochet::stop_outcome::ended ? 0 : 1;
}
