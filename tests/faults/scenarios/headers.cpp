// SPDX-License-Identifier: MIT
// Scenarios over the C++ headers: a module of its own, so that what they allocate in the host's code can fail, too.
// They throw std::bad_alloc or a crochet::error, or work; nothing they were given is lost.
#include <atomic>
#include <chrono>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "crochet.hpp"
#include "crochet_completion.hpp"
#include "crochet_coro.hpp"
#include "crochet_operations.hpp"
#include "faults/scenarios/scenario.hpp"

using namespace std::chrono_literals;

namespace faults {

// How many objects there are that functions, values and payloads hold.
static std::atomic<int> objects{0};

struct Counted {
  Counted() { ++objects; }
  Counted(const Counted&) { ++objects; }
  Counted(Counted&&) noexcept { ++objects; }
  Counted& operator=(const Counted&) = default;
  Counted& operator=(Counted&&) = default;
  ~Counted() { --objects; }
  int n = 1;
};

struct Failure : Counted {};

namespace {

template <class Use>
void try_to(const Use& use) {
  try {
    use();
  } catch (const std::bad_alloc&) {
    note("std::bad_alloc");
  } catch (const crochet::error& e) {
    note("crochet::error", e.code());
  } catch (const Failure&) {
    note("Failure");
  } catch (const std::runtime_error&) {
    note("std::runtime_error");
  } catch (...) {
    broken(__FILE__, __LINE__, "another exception");
  }
}

// With a default loop, each use in its turn; then the same without faults.
template <class... Uses>
void with_loop(const Armed& armed, const Uses&... uses) {
  set_up();
  armed.begin();
  (try_to(uses), ...);
  armed.end();
  shut_down();
  MUST(objects == 0);
}

Counted give(const Counted& c) { return c; }

void cpp_calls(const Armed& armed) {
  with_loop(
      armed, [] { MUST(crochet::run(give, Counted()).wait().n == 1); },
      [] { crochet::run([c = Counted()] { return std::make_unique<Counted>(c); }).wait(); },
      [] { crochet::run([c = Counted()]() -> int { throw Failure(); }).wait(); },
      [] { crochet::wait_for(1000s, give)(Counted()); }, [] { crochet::run_in_loop(give, "give")(Counted()).wait(); },
      [] {
        for (auto& result : crochet::run_many(give, std::vector<Counted>(20))) result.wait();
      },
      [] {
        crochet::cork cork;
        for (int i = 0; i < 10; ++i) cork.run([c = Counted()] {});
        cork.flush();
      },
      [] {
        crochet::run([] { return std::string(100, 'x'); }).then([c = Counted()](std::string) { return c; }).wait();
      },
      [] { crochet::sleep(1ms).wait(); });
}

void cpp_loops(const Armed& armed) {
  with_loop(
      armed,
      [] {
        const crochet::loop other({"other"});
        other.run(give, Counted()).wait();
        const crochet::loop_owned<std::vector<Counted>> owned(other, std::size_t{2});
        MUST(owned.run([](std::vector<Counted>& all) { return all.size(); }).wait() == 2);
        other.stop(1s);
      },
      [] {
        auto sink = crochet::add_log_sink(crochet::log_level::info, [c = Counted()](const crochet::log_record&) {});
        crochet::log(crochet::log_level::error, "app", "text");
        crochet::flush_log(1000s);
        sink.remove();
        crochet::flush_log(1000s);
      });
}

void cpp_deferreds(const Armed& armed) {
  with_loop(
      armed,
      [] {
        crochet::deferred<Counted> d;
        auto result = crochet::run([d] { return d; });
        d.resolve(Counted());
        result.wait();
      },
      [] {
        crochet::deferred<int> d;
        d.reject(std::runtime_error("a failure"));
        d.result().wait();
      },
      [] {
        crochet::deferred<Counted> d;
        (void)d.on_cancel([c = Counted()](const crochet::deferred<Counted>& its) { its.reject(CROCHET_ECANCELED); });
        auto result = d.result();
        result.cancel();
        result.wait();
      },
      [] {
        auto result = crochet::run([] { return Counted(); });
        result.wait();
        const auto uid = result.stash();
        crochet::retrieve_result<Counted>(uid).wait();
      });
}

std::vector<crochet::eventual_result<Counted>> some() {
  std::vector<crochet::eventual_result<Counted>> results;
  for (int i = 0; i < 4; ++i) results.push_back(crochet::run([] { return Counted(); }));
  return results;
}

void cpp_completions(const Armed& armed) {
  with_loop(
      armed, [] { MUST(crochet::when_all(some()).wait().size() == 4); },
      [] { MUST(crochet::when_any(some()).wait().results.size() == 4); },
      [] {
        auto results = some();
        crochet::wait_any(1000s, results);
        crochet::wait_all(1000s, results);
        std::size_t count = 0;
        for (auto& result : crochet::as_completed(results)) count += static_cast<std::size_t>(result.wait().n);
        MUST(count == 4);
      },
      [] {
        crochet::completion_queue queue;
        const auto results = some();
        for (std::size_t i = 0; i < results.size(); ++i) queue.watch(results[i], i);
        for (std::size_t i = 0; i < results.size(); ++i) queue.next(1000s);
      });
}

crochet::task<Counted> inner(Counted c) {
  co_await crochet::run([] {});
  co_return c;
}

crochet::task<Counted> outer() {
  const Counted first = co_await inner(Counted());
  co_await crochet::sleep(1ms);
  co_return co_await crochet::shielded(inner(first));
}

crochet::task<int> throwing() {
  co_await crochet::run([] {});
  throw Failure();
}

void cpp_coroutines(const Armed& armed) {
  with_loop(
      armed, [] { crochet::run(outer).wait(); }, [] { crochet::run(throwing).wait(); },
      [] {
        for (auto& result : crochet::run_many(inner, std::vector<Counted>(5))) result.wait();
      },
      [] {
        crochet::deferred<int> never;
        auto waits = crochet::run([never]() mutable -> crochet::task<int> { co_return co_await std::move(never); });
        waits.cancel();
        waits.wait();
      });
}

void cpp_operations(const Armed& armed) {
  with_loop(
      armed,
      [] {
        for (const auto& address : crochet::getaddrinfo("127.0.0.1", "80").wait()) MUST(address.port == 80);
      },
      [] {
        crochet::command command("cat");
        command.input("text").environment({"A=1"}).directory("/");
        MUST(command.run().wait().status() <= 0);
      });
}

}  // namespace

const Scenario* headers_scenarios() {
  static const Scenario all[] = {
      {"cpp_calls", cpp_calls},
      {"cpp_loops", cpp_loops},
      {"cpp_deferreds", cpp_deferreds},
      {"cpp_completions", cpp_completions},
      {"cpp_coroutines", cpp_coroutines},
      {"cpp_operations", cpp_operations},
      {nullptr, nullptr},
  };
  return all;
}

}  // namespace faults
