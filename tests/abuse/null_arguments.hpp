// SPDX-License-Identifier: MIT
// Promise A1: a good argument of each kind, what a refusal must leave as it was, and the frame of null_arguments.py's
// tests.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

#include "abuse/own_process.hpp"
#include "api/support/closure.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/host_loop.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "crochet.h"

namespace contract {

inline void never(crochet_deferred*, void*) { ADD_FAILURE() << "it was called"; }
inline void never_in_turn(crochet_deferred*, void*, std::uint64_t) { ADD_FAILURE() << "it was called"; }
inline int never_first_or_last(void*) { return CROCHET_EFAILED; }
inline void never_told(void*, const crochet_log_record*) { ADD_FAILURE() << "it was called"; }
inline int never_written(void*, const char*, std::size_t) {
  ADD_FAILURE() << "it was called";
  return 0;
}
inline void drop_stored(void* storage) { DropCounter::drop(*static_cast<void**>(storage)); }

// Without its format attribute.
inline constexpr int (*plain_logf)(int, const char*, const char*, ...) = crochet_logf;

// An out-parameter, or an array of them, full of garbage.
template <class T, std::size_t kMany>
class Out {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Out() { std::memset(static_cast<void*>(values_.data()), 0x5a, sizeof values_); }
  T* get() { return values_.data(); }
  void expect(const T& nothing) const {
    for (const T& value : values_) EXPECT_EQ(value, nothing);
  }

 private:
  std::array<T, kMany> values_;
};

struct Good {
  DropCounter drops;
  HostLoop host;
  OwnedLoop loop;
  OwnedOptions options;
  Owned<crochet_command, crochet_command_free> command;
  Owned<crochet_cork, crochet_cork_free> cork;
  Owned<crochet_completion_queue, crochet_completion_queue_release> queue;
  OwnedCall call;
  Pending pending;
  OwnedResult result;  // with a value
  std::array<crochet_result*, 1> results{};
  std::array<crochet_call*, 1> calls{};
  std::array<const char*, 2> strings{"NAME=value", nullptr};
  sockaddr_in address{};
  int gathered_ran = 0;

  Good() {
    EXPECT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    EXPECT_EQ(crochet_options_new(options.out()), CROCHET_OK);
    EXPECT_EQ(crochet_command_new("true", command.out()), CROCHET_OK);
    EXPECT_EQ(crochet_cork_new(loop.get(), cork.out()), CROCHET_OK);
    EXPECT_EQ(crochet_cork_run(cork.get(), count_run, &gathered_ran, nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_completion_queue_new(queue.out()), CROCHET_OK);
    EXPECT_EQ(crochet_completion_queue_watch(queue.get(), pending.result.get(), 1), CROCHET_OK);
    EXPECT_EQ(crochet_call_new(loop.get(), sizeof(void*), call.out()), CROCHET_OK);
    *static_cast<void**>(crochet_call_storage(call.get())) = drops.pointer();
    Pending settled;
    EXPECT_EQ(crochet_resolve(settled.deferred.get(), this, nullptr), CROCHET_OK);
    result = std::move(settled.result);
    results = {result.get()};
    address.sin_family = AF_INET;
  }

  crochet_call** released_calls() {
    calls = {call.release()};
    return calls.data();
  }

  // None of these has noticed anything.
  void expect_unchanged() {
    EXPECT_EQ(crochet_current_loop(), nullptr);
    EXPECT_EQ(crochet_result_status(pending.result.get()), CROCHET_EPENDING);
    EXPECT_EQ(crochet_deferred_is_cancelled(pending.deferred.get()), 0);
    EXPECT_EQ(crochet_result_wait(pending.result.get(), 0), CROCHET_ETIMEDOUT);  // not interrupted
    EXPECT_EQ(crochet_result_value(result.get()), this);                         // not taken
    crochet_result* none = nullptr;
    EXPECT_EQ(crochet_completion_queue_next(queue.get(), 0, &none, nullptr), CROCHET_ETIMEDOUT);
    EXPECT_EQ(crochet_completion_queue_unwatch(queue.get(), pending.result.get()), CROCHET_OK);
    if (call) {  // not consumed: it waits for nothing, and not for its loop's stop
      OwnedResult ran;
      EXPECT_EQ(crochet_call_run(call.release(), resolve, nullptr, ran.out()), CROCHET_OK);
      EXPECT_EQ(crochet_result_wait(ran.get(), kForever), CROCHET_OK);
    }
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    EXPECT_EQ(on_loop(loop.get(), [this] { EXPECT_EQ(gathered_ran, 0); }), CROCHET_OK);
    EXPECT_EQ(crochet_cork_flush(cork.get()), CROCHET_OK);
    EXPECT_EQ(on_loop(loop.get(), [this] { EXPECT_EQ(gathered_ran, 1); }), CROCHET_OK);
    for (crochet_loop* one : {static_cast<crochet_loop*>(nullptr), loop.get()}) {
      std::uint64_t unsettled = 0;
      EXPECT_EQ(crochet_loop_counter(one, "calls_unsettled", &unsettled), CROCHET_OK);
      EXPECT_EQ(unsettled, one == nullptr ? 1u : 0u);
    }
    EXPECT_EQ(crochet_resolve(pending.deferred.get(), nullptr, nullptr), CROCHET_OK);  // nothing has settled it
    EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  }

 private:
  static void count_run(crochet_deferred* deferred, void* count) {
    ++*static_cast<int*>(count);
    crochet_resolve(deferred, nullptr, nullptr);
  }
  static void resolve(crochet_deferred* deferred, void*) { crochet_resolve(deferred, nullptr, nullptr); }
};

// In a process of its own: `attempt` makes the call, and looks at what it gave.
inline void refuses(const char* what, void (*attempt)(Good& good)) {
  SCOPED_TRACE(what);
  in_own_process([attempt] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    Good good;
    attempt(good);
    good.expect_unchanged();
  });
}

}  // namespace contract
