// SPDX-License-Identifier: MIT
// What docs/cpp-tutorial.md shows in pieces.
#include <uv.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

// [first]
#include <crochet.hpp>
using namespace std::chrono_literals;
// [end first]

struct page {
  std::string body;
};

namespace {

void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "must be so: %s\n", what);
  std::exit(EXIT_FAILURE);
}

void a_function_on_the_loop() {
  // [run]
  crochet::setup();                                     // once; again does nothing
  auto sum = crochet::run([](int a, int b) { return a + b; }, 1, 2);
  int three = sum.wait();                               // 3
  // [end run]
  must(three == 3, "a sum");
}

// [decorated]
int add(int a, int b);

const auto add_later = crochet::run_in_loop(add);     // add_later(1, 2) is an eventual_result<int>
const auto add_now = crochet::wait_for(5s, add);      // add_now(1, 2) is an int: it blocks, and gives up after 5 s
// [end decorated]

int add(int a, int b) { return a + b; }

void functions_that_run_on_the_loop() {
  must(add_later(1, 2).wait() == 3 && add_now(1, 2) == 3, "both run");
  // [wrapped]
  add_later.wrapped()(1, 2);                          // add itself: for unit tests
  // [end wrapped]
}

using event = int;
int counted = 0;  // the loop's thread only
void count(event) { ++counted; }
std::size_t size_of_file(const std::string& path) {
  return static_cast<std::size_t>(std::ifstream(path, std::ios::ate).tellg() + std::streamoff(1));
}

void many_at_once() {
  const std::vector<std::string> paths = {"/proc/self/comm", "/proc/self/comm"};
  const std::vector<event> events(10);
  std::size_t total = 0;
  // [many]
  for (auto& size : crochet::run_many(size_of_file, paths)) total += size.wait();   // a result for each element

  {
    crochet::cork cork;                                 // gathers; or cork(loop)
    for (const event& e : events) cork.run(count, e);   // nobody waits for these
  }                                                     // flushed here, or by cork.flush()
  // [end many]
  must(crochet::run([] { return counted; }).wait() == 10 && total < total + 1, "all ran");
}

struct transfer_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
page get_page(const std::string& url) {
  if (url.empty()) throw transfer_error("no such page");
  return {"<html>"};
}

void what_comes_after() {
  std::string url = "http://localhost/";
  // [then]
  auto length = crochet::run(get_page, url)
                    .then([](page p) { return p.body; })          // on the loop, when the page is there
                    .then([](const std::string& body) { return body.size(); });
  // [end then]
  must(length.wait() == 6, "the length");
  url.clear();
  // [safe]
  auto safe = crochet::run(get_page, url).then([](crochet::eventual_result<page> ended) {
    try {
      return ended.take();
    } catch (const transfer_error&) {
      return page{};
    }
  });
  // [end safe]
  must(safe.wait().body.empty(), "an empty page");
}

void loops_of_your_own() {
  // [loops]
  const crochet::loop other({"resolver"});      // a further loop, with a thread of that name
  other.run(add, 1, 2).wait();
  other.stop(1s);                               // with a second of grace for what is under way
  // [end loops]
}

void the_end() {
  // [shutdown]
  crochet::shutdown(5s);                        // applications only: stops every loop
  // [end shutdown]
}

void a_loop_that_is_there() {
  // [no_setup]
  crochet::no_setup(uv_default_loop());         // instead of setup(): this thread runs the loop
  // [end no_setup]
  must(crochet::shutdown(0s) == crochet::stop_outcome::in_progress, "asked for");
  must(uv_run(uv_default_loop(), UV_RUN_DEFAULT) == 0, "released");
}

}  // namespace

// [type_id]
template <>
inline constexpr std::uint64_t crochet::type_id<page> = 0x70616765;
// [end type_id]

int main() {
  a_function_on_the_loop();
  functions_that_run_on_the_loop();
  many_at_once();
  what_comes_after();
  loops_of_your_own();
  the_end();
  a_loop_that_is_there();
}
