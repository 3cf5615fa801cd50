// SPDX-License-Identifier: MIT
// Scenarios: making calls, prepared ones, many, corks, time, threads that come and go.
#include <cstddef>
#include <cstdint>
#include <thread>

#include "faults/scenarios/scenario.hpp"

namespace faults {
namespace {

void discard(crochet_call* call) { CALL(crochet_call_discard, call); }
using Prepared = Handle<crochet_call, discard>;

void free_cork(crochet_cork* cork) { CALL(crochet_cork_free, cork); }
using Cork = Handle<crochet_cork, free_cork>;

constexpr std::size_t kStorage[] = {0, 48, 160, 400, 10'000};  // each class, and beyond

void nothing(void*) {}

void run_prepared(Prepared& prepared) {
  if (!prepared) return;
  Result result;
  CALL(crochet_call_run, prepared.give(), gives_token, nothing, result.out());
  settle(result);
}

void calls(const Armed& armed) {
  set_up();
  armed.begin();
  for (int i = 0; i < 3; ++i) {
    Result result;
    CALL(crochet_run, nullptr, i == 1 ? fails : gives_token, token(), drop_token, result.out());
    settle(result);
  }
  CALL(crochet_run, nullptr, gives_token, token(), drop_token, nullptr);
  Result waited;
  CALL(crochet_wait_for, nullptr, gives_token, token(), drop_token, CROCHET_FOREVER, waited.out());
  armed.end();
  shut_down();
}

void prepared_calls(const Armed& armed) {
  set_up();
  armed.begin();
  for (const std::size_t size : kStorage) {
    Prepared call;
    CALL(crochet_call_new, nullptr, size, call.out());
    if (call) MUST((CALL(crochet_call_storage, call.get()) == nullptr) == (size == 0));
    run_prepared(call);
  }
  Prepared discarded;
  CALL(crochet_call_new, nullptr, kStorage[4], discarded.out());
  discarded.reset();

  Prepared labelled;
  CALL(crochet_call_new, nullptr, kStorage[1], labelled.out());
  if (labelled) {
    CALL(crochet_call_set_label, labelled.get(), "labelled");
    CALL(crochet_call_set_delay_ns, labelled.get(), CROCHET_MILLISECOND);
    CALL(crochet_call_set_deadline_ns, labelled.get(), 1000 * CROCHET_SECOND);
  }
  run_prepared(labelled);

  Result first;
  CALL(crochet_run, nullptr, gives_token, token(), drop_token, first.out());
  Prepared after;
  CALL(crochet_call_new, nullptr, std::size_t{0}, after.out());
  if (first && after) CALL(crochet_call_set_after, after.get(), first.get());
  run_prepared(after);
  armed.end();
  shut_down();
}

void at_stop(const Armed& armed) {
  set_up();
  armed.begin();
  Result result;
  Prepared call;
  CALL(crochet_call_new, nullptr, std::size_t{0}, call.out());
  if (call) {
    CALL(crochet_call_set_at_stop, call.get());
    CALL(crochet_call_run, call.give(), gives_token, nullptr, result.out());
  }
  CALL(crochet_shutdown, CROCHET_SECOND);
  settle(result);
  armed.end();
  CALL(crochet_shutdown, CROCHET_SECOND);
}

void many_calls(const Armed& armed) {
  constexpr std::size_t kMany = 200;  // more than one thread's cache holds
  set_up();
  armed.begin();
  crochet_call* calls[kMany];
  std::size_t count = 0;
  while (count < kMany && CALL(crochet_call_new, nullptr, std::size_t{16}, &calls[count]) == CROCHET_OK) ++count;
  crochet_result* results[kMany];
  CALL(crochet_call_run_many, static_cast<crochet_call* const*>(calls), count, gives_token, nullptr, results);
  for (std::size_t i = 0; i < count; ++i) {
    Result result;
    *result.out() = results[i];
    settle(result);
  }

  Cork cork;
  CALL(crochet_cork_new, nullptr, cork.out());
  if (cork) {
    for (int i = 0; i < 50; ++i) CALL(crochet_cork_run, cork.get(), gives_token, token(), drop_token);
    CALL(crochet_cork_flush, cork.get());
    CALL(crochet_cork_run, cork.get(), gives_token, token(), drop_token);
  }
  cork.reset();
  armed.end();
  shut_down();
}

void ends_with_third_round(crochet_deferred* deferred, void* rounds, std::uint64_t) {
  if (++*static_cast<int*>(rounds) == 3) return fails(deferred, nullptr);
  gives_token(deferred, nullptr);
}

void times(const Armed& armed) {
  set_up();
  armed.begin();
  Result slept;
  CALL(crochet_sleep, nullptr, CROCHET_MILLISECOND, slept.out());
  settle(slept);
  int rounds = 0;
  Result every;
  CALL(crochet_every, nullptr, 0, CROCHET_MILLISECOND, ends_with_third_round, static_cast<void*>(&rounds), nullptr,
       every.out());
  settle(every);
  Result never;
  CALL(crochet_every, nullptr, 1000 * CROCHET_SECOND, CROCHET_SECOND, ends_with_third_round, token(), drop_token,
       never.out());
  if (never) CALL(crochet_result_cancel, never.get(), nullptr);
  settle(never);
  armed.end();
  shut_down();
}

// A thread's caches are made with its first call, and given back with its end.
void threads(const Armed& armed) {
  set_up();
  armed.begin();
  for (int i = 0; i < 2; ++i) {
    std::thread([] {
      for (const std::size_t size : kStorage) {
        Prepared call;
        CALL(crochet_call_new, nullptr, size, call.out());
        run_prepared(call);
      }
    }).join();
  }
  armed.end();
  shut_down();
}

}  // namespace

const Scenario kCalls[] = {
    {"calls", calls},     {"prepared_calls", prepared_calls},
    {"at_stop", at_stop}, {"many_calls", many_calls},
    {"times", times},     {"threads", threads},
    {nullptr, nullptr},
};

}  // namespace faults
