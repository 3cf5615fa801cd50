// SPDX-License-Identifier: MIT
// What docs/cpp-traps.md shows in pieces. What is wrong there is built here, and never run.
#include <crochet.hpp>
#include <functional>
#include <memory>
#include <string>

using namespace std::chrono_literals;

struct page {
  std::string text;
};

static std::string fetch(const std::string& url, int) { return url; }
static std::string fetch_once(const std::string& url) { return url; }

namespace wrong {
namespace {
// [references]
std::string get(std::string url) {
  int attempts = 0;
  return crochet::wait_for(5s, [&] { return fetch(url, attempts); })();   // wrong
}
// [end references]
}  // namespace
}  // namespace wrong

namespace right {
std::string get(std::string url);
std::string get(std::string url) {
  // [by value]
  return crochet::wait_for(5s, fetch_once)(std::move(url));               // right
  // [end by value]
}
}  // namespace right

static void joined(const std::string& url, int attempts) {
  // [join]
  auto result = crochet::run([&] { return fetch(url, attempts); });
  if (!result.ready(5s)) result.cancel();
  result.join();                                                          // nothing of the call is left
  // [end join]
}

struct operation {
  void abort() {}
};

void hook_that_captures(crochet::deferred<page> d, std::shared_ptr<operation> op);
void hook_that_captures(crochet::deferred<page> d, std::shared_ptr<operation> op) {
  bool wanted = true;
  // [captures]
  wanted = d.on_cancel([d, op] { op->abort(); d.reject(CROCHET_ECANCELED); });      // wrong
  // [end captures]
  if (!wanted) return;
}

static bool hook_that_is_handed_one(crochet::deferred<page>& d, std::shared_ptr<operation> op) {
  bool wanted = true;
  // [handed]
  wanted = d.on_cancel([op](const crochet::deferred<page>& mine) { op->abort(); mine.reject(CROCHET_ECANCELED); });
  // [end handed]
  return wanted;
}

static crochet::eventual_result<std::string> download(const std::string& url) { return crochet::run(fetch_once, url); }

static void whose_time_out(const std::string& url) {
  // [timeout]
  try {
    download(url).wait(5s);
  } catch (const crochet::timeout_error&) {
    // Is the server slow, or have I waited long enough?
  }
  // [end timeout]
}

static void start(const std::string&, std::function<void(page)>) {}

namespace wrong {
namespace {
// [forgotten]
crochet::deferred<page> get_page(std::string url) {
  crochet::deferred<page> d;
  start(url, [](page) { /* forgot to capture d */ });
  return d;
}
// [end forgotten]
}  // namespace
}  // namespace wrong

int main() {
  crochet::setup();
  if (right::get("url") != "url") return 1;
  joined("url", 3);
  whose_time_out("url");
  {
    crochet::deferred<page> d;
    auto result = d.result();
    if (!hook_that_is_handed_one(d, std::make_shared<operation>())) return 1;
    result.cancel();
    try {
      result.wait(10s);
      return 1;
    } catch (const crochet::cancelled_error&) {
    }
  }
  try {
    crochet::run(wrong::get_page, std::string("url")).wait(10s);
    return 1;
  } catch (const crochet::broken_error&) {
  }
  return crochet::shutdown(1s) == crochet::stop_outcome::ended ? 0 : 1;
}
