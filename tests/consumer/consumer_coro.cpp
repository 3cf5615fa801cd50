// SPDX-License-Identifier: MIT
// What a user's first coroutine does: it awaits another, a result and a time, and returns a value.
#include <crochet_coro.hpp>

using namespace std::chrono_literals;

static crochet::task<int> two() {
  co_await crochet::sleep(1ms);
  co_return co_await crochet::run([] { return 2; });
}

static crochet::task<int> forty_two() { co_return 40 + co_await two(); }

int main() {
  crochet::setup();
  if (crochet::run(forty_two).wait() != 42) return 1;
  return crochet::shutdown(10s) == crochet::stop_outcome::ended ? 0 : 1;
}
