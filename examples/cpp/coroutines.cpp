// SPDX-License-Identifier: MIT
// Coroutines on a loop: they sleep, await results of two other loops, and are cancelled, while the loop's thread goes on with
// whatever there is to do, and nobody writes a callback.
#include <crochet_coro.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

namespace {

using namespace std::chrono_literals;

void must(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "must be so: %s\n", what);
  std::exit(EXIT_FAILURE);
}

struct kitchen {
  crochet::loop stove, oven;  // each has its own thread
  bool clean = true;

  // Both cook at the same time; the coroutine waits for one after the other.
  crochet::task<std::string> dinner() {
    auto soup = stove.run([] { return std::string("soup"); });
    auto bread = oven.run([]() -> crochet::task<std::string> {
      co_await crochet::sleep(20ms);
      co_return "bread";
    });
    std::string menu = co_await std::move(soup);
    menu += " and " + co_await std::move(bread);
    co_return menu;
  }

  crochet::task<void> wash_up() {
    co_await crochet::sleep(1ms);
    clean = true;
  }

  // Clean-up that awaits, whether it ends by itself, by a failure or since somebody cancels.
  crochet::task<void> stew() {
    clean = false;
    std::exception_ptr failure;
    try {
      co_await crochet::sleep(std::chrono::hours(5));
    } catch (...) {
      failure = std::current_exception();  // a handler may not await
    }
    co_await crochet::shielded(wash_up());
    if (failure) std::rethrow_exception(failure);
  }
};

}  // namespace

int main() {
  crochet::setup();
  {
    kitchen mine;
    const std::string menu = crochet::run(&kitchen::dinner, &mine).wait();
    std::printf("%s\n", menu.c_str());
    must(menu == "soup and bread", "both results came");

    auto stew = crochet::run(&kitchen::stew, &mine);
    must(!stew.ready(10ms), "five hours are not over");
    stew.cancel();
    bool cancelled = false;
    try {
      stew.wait();
    } catch (const crochet::cancelled_error&) {
      cancelled = true;
    }
    std::printf("%s, and the kitchen is %s\n", cancelled ? "cancelled" : "stew", mine.clean ? "clean" : "a mess");
    must(cancelled && mine.clean, "it was cancelled, and cleaned up after");
  }
  return crochet::shutdown(1s) == crochet::stop_outcome::ended ? EXIT_SUCCESS : EXIT_FAILURE;
}
