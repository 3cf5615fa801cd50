// SPDX-License-Identifier: MIT
// A use of everything in crochet_coro.hpp, without a test framework: compiled by tests/hpp/dialects.py in
// every dialect that has coroutines, with other standard libraries and without RTTI, and run there. Needs: #include
// <coroutine>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "crochet_coro.hpp"

using namespace std::chrono_literals;
using crochet::task;

namespace app {

void must(bool condition, int line) {
  if (condition) return;
  std::fprintf(stderr, "everything_coro.cpp:%d: must be so\n", line);
  std::exit(EXIT_FAILURE);
}

task<int> length(const std::string& text) {
  co_await crochet::run([] {});
  co_return static_cast<int>(text.size());
}

struct Account {
  int balance = 0;
  task<int> deposit(int amount) {
    co_await crochet::run([] {});
    co_return balance += amount;
  }
};

task<std::string> all(const crochet::loop& other, crochet::deferred<std::unique_ptr<int>> d) {
  std::string seen;
  auto lent = other.run([] { return std::string("lent"); });
  seen += co_await lent;
  seen += co_await other.run([]() -> task<std::string> { co_return " owned"; });
  const auto settled = std::move(d);
  settled.resolve(std::make_unique<int>(3));
  seen += std::to_string(*co_await crochet::deferred(settled));
  seen += std::to_string(co_await length("four"));
  seen += std::to_string(co_await crochet::shielded(length("12345")));
  try {
    co_await []() -> task<> {
      throw 6;
      co_return;
    }();
  } catch (int n) {
    seen += std::to_string(n);
  }
  if (co_await crochet::is_cancelled()) seen += "?";
  co_return seen;
}

void run_all() {
  const crochet::loop other;
  must(crochet::run(all, std::ref(other), crochet::deferred<std::unique_ptr<int>>()).wait() == "lent owned3456",
       __LINE__);
  must(crochet::wait_for(60s, length)(std::string("ab")) == 2, __LINE__);
  must(crochet::run_in_loop(length)(std::string("ab")).then([](int n) -> task<int> { co_return n + 1; }).wait() == 3,
       __LINE__);
  must(crochet::run_many(length, std::vector<std::string>(3, "abc"))[2].wait() == 3, __LINE__);
  const crochet::loop_owned<Account> account;
  must(account.run(&Account::deposit, 5).wait() == 5, __LINE__);
}

void cancels() {
  crochet::deferred<int> never;
  auto waits = crochet::run([never]() mutable -> task<int> { co_return co_await std::move(never); });
  crochet::run([] {}).wait();
  waits.cancel();
  try {
    waits.wait();
    must(false, __LINE__);
  } catch (const crochet::cancelled_error& e) {
    must(e.code() == CROCHET_ECANCELED, __LINE__);
  }
  static_assert(std::is_same_v<decltype(crochet::sleep(1ms)), crochet::eventual_result<void>>);
}

}  // namespace app

int main() {
  crochet::setup();
  app::run_all();
  app::cancels();
  return crochet::shutdown(10s) == crochet::stop_outcome::ended ? EXIT_SUCCESS : EXIT_FAILURE;
}
