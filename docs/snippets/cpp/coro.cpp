// SPDX-License-Identifier: MIT
// What docs/coroutines.md shows in pieces.
#include <crochet_coro.hpp>
#include <string>

using namespace std::chrono_literals;
using crochet::task;

static crochet::deferred<std::string> get_page(const std::string& url) {
  crochet::deferred<std::string> page;
  page.resolve("a page of " + url);
  return page;
}

namespace {
// [measure]
crochet::task<std::size_t> measure(std::string url) {
  const std::string page = co_await get_page(url);   // a deferred, an eventual_result, another task
  co_return page.size();
}
// [end measure]

struct line {
  bool open = true;
};
static task<void> talk(line&) { co_await crochet::sleep(1h); }
static task<void> close(line& it) {
  co_await crochet::sleep(1ms);
  it.open = false;
}

static task<void> conversation(line& connection) {
  // [clean up]
  std::exception_ptr failure;
  try {
    co_await talk(connection);
  } catch (...) {
    failure = std::current_exception();       // a handler may not await: that is C++'s rule
  }
  co_await crochet::shielded(close(connection));
  if (failure) std::rethrow_exception(failure);
  // [end clean up]
}

// [count]
task<int> count(const std::string& text);
// [end count]
task<int> count(const std::string& text) { co_return static_cast<int>(text.size()); }
}  // namespace

int main() {
  crochet::setup();
  // [size]
  auto size = crochet::run(measure, "http://localhost:8000/");   // an eventual_result<std::size_t>
  // [end size]
  if (size.wait(10s) == 0) return 1;

  line connection;
  auto talking = crochet::run([&]() -> task<void> { return conversation(connection); });
  if (talking.ready(10ms)) return 1;
  talking.cancel();
  talking.join(10s);
  if (connection.open) return 1;

#ifdef REFUSED
  // [refused]
  crochet::run(count, "text");                  // does not compile: the std::string would be gone
  // [end refused]
#endif
  auto length =
      // [accepted]
      crochet::run(count, std::string("text"));     // right
  // [end accepted]
  if (length.wait(10s) != 4) return 1;
  return crochet::shutdown(1s) == crochet::stop_outcome::ended ? 0 : 1;
}
