// SPDX-License-Identifier: MIT
// Threads that call into an asio io_context, by futures.
#include <asio.hpp>
#include <chrono>
#include <future>
#include <iostream>
#include <thread>

using namespace std::chrono_literals;

static int add(int a, int b) { return a + b; }

int main() {
  // [program]
  asio::io_context io;
  auto work = asio::make_work_guard(io);                        // or run() returns at once
  std::thread thread([&] { io.run(); });                        // what escapes from a handler ends the program

  std::future<int> sum = asio::post(io, asio::use_future([] { return add(1, 2); }));
  if (sum.wait_for(5s) == std::future_status::ready)            // on the io thread: waits for itself
    std::cout << sum.get() << '\n';                             // one thread, once
  // else: it goes on; there is no way to end it

  auto timer = std::make_shared<asio::steady_timer>(io, 20ms);
  std::promise<int> tea;
  auto ready = tea.get_future();
  timer->async_wait([timer, tea = std::move(tea)](std::error_code) mutable { tea.set_value(1); });
  ready.wait();

  work.reset();
  thread.join();                                                // when the last handler has run, if ever
  // [end program]
  return ready.get() == 1 ? 0 : 1;
}
