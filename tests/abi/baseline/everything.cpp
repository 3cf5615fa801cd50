// SPDX-License-Identifier: MIT
// A use of everything in crochet.hpp, without a test framework: compiled by dialects.py in every dialect, with other
// standard libraries and without RTTI, and run there.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "crochet.h"

// A user's own names, found by looking at crochet_deferred and the rest: none may get in the header's way.
template <class... A>
void settle(crochet_deferred*, A&&...) = delete;
template <class T, class... A>
void resolve(crochet_deferred*, A&&...) = delete;
template <class... A>
void reject(crochet_deferred*, A&&...) = delete;
template <class T, class... A>
void submit(crochet_loop*, A&&...) = delete;
template <class... A>
void submit_many(crochet_loop*, A&&...) = delete;
template <class T, class... A>
void gather(crochet_cork*, A&&...) = delete;
template <class... A>
void follow(crochet_deferred*, A&&...) = delete;
template <class... A>
void pass_on(crochet_deferred*, A&&...) = delete;
template <class... A>
void check_value(int, A&&...) = delete;
template <class... A>
void failure_of(crochet_result*, A&&...) = delete;
template <class... A>
void write(void*, const crochet_log_record*, A&&...) = delete;

#include "crochet.hpp"

using namespace std::chrono_literals;

namespace app {

void must(bool condition, int line) {
  if (condition) return;
  std::fprintf(stderr, "everything.cpp:%d: must be so\n", line);
  std::exit(EXIT_FAILURE);
}

struct Page {
  std::string text;
};
struct Account {
  explicit Account(int start) : balance(start) {}
  int balance;
  int deposit(int amount) { return balance += amount; }
  crochet::deferred<int> later() {
    crochet::deferred<int> d;
    d.resolve(balance);
    return d;
  }
};

int add(int a, int b) { return a + b; }

template <class E, class Body>
bool throws(Body&& body) {
  try {
    body();
  } catch (const E&) {
    return true;
  }
  return false;
}

void calls() {
  must(crochet::run(add, 1, 2).wait() == 3, __LINE__);
  must(*crochet::run([p = std::make_unique<int>(4)]() mutable { return std::move(p); }).wait() == 4, __LINE__);
  crochet::run([] {}).wait(5s);
  const auto adder = crochet::run_in_loop(add, "add");
  must(adder(3, 4).wait() == 7 && adder.wrapped()(1, 1) == 2, __LINE__);
  const auto patient = crochet::wait_for(60s, add);
  must(patient(5, 6) == 11 && patient.wrapped()(1, 1) == 2, __LINE__);
  must(throws<std::domain_error>([] { crochet::run([] { throw std::domain_error("x"); }).wait(); }), __LINE__);
  must(throws<int>([] { crochet::run([] { throw 1; }).wait(); }), __LINE__);
}

int doubled(int n) { return 2 * n; }

void many() {
  const int numbers[] = {1, 2, 3};
  int sum = 0;
  for (auto& result : crochet::run_many(doubled, numbers)) sum += result.wait();
  must(sum == 12, __LINE__);
  std::vector<std::unique_ptr<int>> owners;
  owners.push_back(std::make_unique<int>(4));
  const crochet::loop other;
  auto results = other.run_many([](const std::unique_ptr<int>& p) { return *p; }, std::move(owners));
  must(results.size() == 1 && results[0].wait() == 4, __LINE__);
  const crochet::loop_owned<Account> account(other, 10);
  must(account.run_many(&Account::deposit, numbers)[2].wait() == 16, __LINE__);

  crochet::cork cork(other);
  cork.run([&sum] { ++sum; });
  cork.run([&sum](int a, int b) { sum += a + b; }, 2, 3);
  cork.flush();
  other.run([] {}).wait();
  must(sum == 18, __LINE__);
  { crochet::cork().run([&sum] { ++sum; }); }
  crochet::run([] {}).wait();
  must(sum == 19, __LINE__);
  other.stop(1s);
  must(throws<crochet::loop_stopped>([&cork] { cork.run([] {}); }), __LINE__);
  must(throws<crochet::loop_stopped>([&] { other.run_many(doubled, numbers); }), __LINE__);
}

void results() {
  auto result = crochet::run([] { return Page{"text"}; });
  must(result.wait().text == "text" && result.ready() && result.ready(0s) && result.value().text == "text", __LINE__);
  must(result.share().take().text == "text" && result.original_failure() == nullptr, __LINE__);
  must(result.cancel() == crochet::cancel_outcome::too_late, __LINE__);
  result.join();
  result.join(1s);
  result.interrupt();
  must(result.then([](const Page& p) { return p.text.size(); }).wait() == 4, __LINE__);
  const std::uint64_t uid = result.stash();
  must(throws<crochet::error>([uid] { crochet::retrieve_result<int>(uid); }), __LINE__);
  must(crochet::retrieve_result<Page>(uid).then([](Page p) { return p.text; }).wait() == "text", __LINE__);
}

void deferreds() {
  crochet::deferred<Page> source;
  must(source.on_cancel([](const crochet::deferred<Page>& d) { d.reject(CROCHET_ECANCELED); }), __LINE__);
  auto result = crochet::run([source] { return source; });
  std::thread([&source] { source.resolve(Page{"later"}); }).join();
  must(std::move(result).wait().text == "later", __LINE__);

  const crochet::deferred<void> never;
  must(throws<crochet::timeout_error>([&never] { crochet::wait_for(1ms, [never] { return never; })(); }), __LINE__);
  must(throws<crochet::broken_error>([] { crochet::run([] { return crochet::deferred<int>(); }).wait(); }), __LINE__);
  crochet::deferred<int> failing;
  failing.reject(std::out_of_range("x"));
  must(throws<std::out_of_range>([&failing] { failing.result().wait(); }), __LINE__);
  must(!failing.resolve(1) && !failing.reject(std::make_exception_ptr(1)) && !failing.is_cancelled(), __LINE__);
}

void loops() {
  const crochet::loop other({"other"});
  must(other.run(add, 1, 2).wait() == 3 && other.run_in_loop(add)(1, 2).wait() == 3, __LINE__);
  must(other.wait_for(60s, add)(1, 2) == 3, __LINE__);
  const crochet::loop_owned<Account> account(other, 10);
  must(account.run(&Account::deposit, 5).wait() == 15 && account.run(&Account::later).wait() == 15, __LINE__);
  must(other.stop(1s) == crochet::stop_outcome::ended, __LINE__);
  must(throws<crochet::loop_stopped>([&account] { account.run(&Account::later); }), __LINE__);
}

struct Parts {
  int seen = 0;
  std::string last;
};
// With ways of its own to log and to make text; a sink that counts.
template <class... A>
void log(crochet::log_level, A&&...) = delete;
struct Maker {
  std::string operator()() const { return "made"; }
};

void logs() {
  using crochet::log_level;
  must(crochet::remove_default_log_sink() && !crochet::remove_default_log_sink(), __LINE__);
  crochet::set_log_level(log_level::info);
  must(crochet::current_log_level() == log_level::info && !crochet::log_enabled(log_level::debug), __LINE__);
  Parts parts;
  crochet::log_sink sink = crochet::add_log_sink(log_level::info, [&parts](const crochet::log_record& record) {
    if (record.origin != "app") return;
    ++parts.seen;
    parts.last = std::string(record.message);
    if (record.full_length != record.message.size() || record.thread == 0 || record.level != log_level::warning ||
        record.time > std::chrono::system_clock::now())
      parts.last = "a bad record";
    if (record.message == "throw") throw std::domain_error("x");
  });
  must(crochet::log(log_level::warning, "app", "text") && crochet::log(log_level::debug, [] { return "no"; }),
       __LINE__);
  must(crochet::log_wait(60s, log_level::warning, "app", Maker()) && crochet::log(log_level::info, Maker()), __LINE__);
  must(crochet::log_wait({}, log_level::warning, "without origin") && crochet::flush_log(60s), __LINE__);
  must(parts.seen == 2 && parts.last == "made", __LINE__);
  must(crochet::log(log_level::warning, "app", "throw") && crochet::flush_log(), __LINE__);
  must(parts.seen == 3 && crochet::log_counter("sink_failures") == 1, __LINE__);
  must(throws<crochet::error>([] { crochet::log(log_level::off, "x"); }), __LINE__);
  must(throws<crochet::failed_error>([] { crochet::run([] { crochet::flush_log(); }).wait(); }), __LINE__);
  const std::uint64_t id = sink.detach();
  must(sink.id() == 0 && crochet::log_sink(id).remove() && !crochet::log_sink(id).remove(), __LINE__);
  must(crochet::add_file_log(log_level::critical, "/dev/null", 0, 0).remove(), __LINE__);
  must(crochet::add_stderr_log(log_level::critical).remove() && crochet::add_syslog(log_level::critical).remove(),
       __LINE__);
  must(crochet::flush_log(60s), __LINE__);
}

}  // namespace app

int main() {
  crochet::setup({"everything"});
  crochet::stash_limits(10, 1h);
  app::calls();
  app::many();
  app::results();
  app::deferreds();
  app::loops();
  app::logs();
  app::must(crochet::shutdown(5s) == crochet::stop_outcome::ended, __LINE__);
  return EXIT_SUCCESS;
}
