// SPDX-License-Identifier: MIT
// Scenarios: results and deferreds: waiting, taking, cancelling, stashing, settling by hand.
#include <string>

#include "faults/scenarios/scenario.hpp"

namespace faults {
namespace {

// A deferred without a loop of its own to settle it: `settle_it` does.
template <class SettleIt>
void by_hand(const SettleIt& settle_it) {
  Deferred deferred;
  Result result;
  CALL(crochet_deferred_new, nullptr, token(), drop_token, deferred.out(), result.out());
  if (!deferred) return;
  settle_it(deferred.get(), result.get());
  deferred.reset();
  settle(result);
}

void results(const Armed& armed) {
  set_up();
  armed.begin();
  Result result;
  CALL(crochet_run, nullptr, gives_token, token(), drop_token, result.out());
  if (result) {
    CALL(crochet_result_wait_interruptible, result.get(), CROCHET_FOREVER);
    MUST(CALL(crochet_result_retain, result.get()) == result.get());
    CALL(crochet_result_release, result.get());
    void* value = nullptr;
    crochet_drop_fn* drop = nullptr;
    if (CALL(crochet_result_take, result.get(), &value, &drop) == CROCHET_OK) drop(value);
  }
  by_hand([](crochet_deferred* d, crochet_result* r) {
    MUST(CALL(crochet_result_interrupt, r) == CROCHET_OK);
    MUST(CALL(crochet_result_wait_interruptible, r, CROCHET_FOREVER) == CROCHET_EINTR);
    gives_token(d, nullptr);
  });
  armed.end();
  shut_down();
}

void stashed(const Armed& armed) {
  set_up();
  armed.begin();
  Result result;
  CALL(crochet_run, nullptr, gives_token, token(), drop_token, result.out());
  settle(result);
  for (const std::int64_t lives_ns : {CROCHET_FOREVER, 1000 * CROCHET_SECOND}) {
    CALL(crochet_stash_limits, 10u, lives_ns);
    std::uint64_t uid = 0;
    if (!result || CALL(crochet_result_stash, result.get(), 7u, &uid) != CROCHET_OK) continue;
    Result retrieved;
    CALL(crochet_retrieve_result, uid, 8u, retrieved.out());
    MUST(CALL(crochet_retrieve_result, uid, 7u, retrieved.out()) == CROCHET_OK);
    MUST(retrieved.get() == result.get());
    CALL(crochet_result_stash, result.get(), 7u, &uid);  // stays
  }
  armed.end();
  MUST(CALL(crochet_stash_limits, 65'536u, CROCHET_FOREVER) == CROCHET_OK);
  shut_down();
}

void rejects_as_cancelled(crochet_deferred* deferred, void*) {
  CALL(crochet_reject, deferred, CROCHET_ECANCELED, nullptr);
}

// Settling needs no memory.
void settling(const Armed& armed) {
  const std::string message(5000, 'x');
  set_up();
  armed.begin();
  by_hand([](crochet_deferred* d, crochet_result*) {
    MUST(CALL(crochet_resolve, d, token(), drop_token) == CROCHET_OK);
    MUST(CALL(crochet_resolve, d, token(), drop_token) == CROCHET_EALREADY);
  });
  by_hand([&message](crochet_deferred* d, crochet_result*) {
    MUST(CALL(crochet_reject, d, CROCHET_EFAILED, message.c_str()) == CROCHET_OK);
  });
  by_hand([&message](crochet_deferred* d, crochet_result*) {
    MUST(CALL(crochet_reject_with, d, -3, message.c_str(), 1u, token(), drop_token) == CROCHET_OK);
    MUST(CALL(crochet_reject_with, d, -3, "late", 1u, token(), drop_token) == CROCHET_EALREADY);
  });
  by_hand([](crochet_deferred* d, crochet_result*) {  // broken
    MUST(CALL(crochet_deferred_retain, d) == d);
    CALL(crochet_deferred_release, d);
    MUST(CALL(crochet_deferred_loop, d) != nullptr);
  });
  armed.end();
  shut_down();
}

void cancelling(const Armed& armed) {
  set_up();
  armed.begin();
  by_hand([](crochet_deferred* d, crochet_result* r) {
    CALL(crochet_deferred_on_cancel, d, gives_token, token(), drop_token);
    CALL(crochet_deferred_on_cancel, d, rejects_as_cancelled, token(), drop_token);
    int outcome = 0;
    MUST(CALL(crochet_result_cancel, r, &outcome) == CROCHET_OK);
    MUST(CALL(crochet_deferred_is_cancelled, d) == 1);
    CALL(crochet_result_wait, r, CROCHET_FOREVER);  // so that the hook has run, or there is none
    MUST(CALL(crochet_deferred_on_cancel, d, nullptr, nullptr, nullptr) == CROCHET_EALREADY);
  });
  Result result;
  // It may be cancelled before it runs, while it does, and too late: what crochet_resolve() says depends on that.
  const auto gives_null = [](crochet_deferred* d, void*) { crochet_resolve(d, nullptr, nullptr); };
  CALL(crochet_run, nullptr, gives_null, token(), drop_token, result.out());
  if (result) CALL(crochet_result_cancel, result.get(), nullptr);
  result.reset();
  by_hand([](crochet_deferred* d, crochet_result*) { gives_token(d, nullptr); });
  armed.end();
  shut_down();
}

// What a loop's stop settles: it calls the hooks, and ends what is left.
void stopping(const Armed& armed) {
  set_up();
  armed.begin();
  Deferred hooked;
  Deferred held;
  Result first;
  Result second;
  Result queued;
  CALL(crochet_deferred_new, nullptr, token(), drop_token, hooked.out(), first.out());
  if (hooked) CALL(crochet_deferred_on_cancel, hooked.get(), rejects_as_cancelled, token(), drop_token);
  CALL(crochet_deferred_new, nullptr, token(), drop_token, held.out(), second.out());
  CALL(crochet_sleep, nullptr, 1000 * CROCHET_SECOND, queued.out());
  CALL(crochet_shutdown, 0);
  hooked.reset();
  held.reset();
  settle(first);
  settle(second);
  settle(queued);
  armed.end();
  CALL(crochet_shutdown, CROCHET_SECOND);
}

}  // namespace

const Scenario kResults[] = {
    {"results", results},       {"stashed", stashed},   {"settling", settling},
    {"cancelling", cancelling}, {"stopping", stopping}, {nullptr, nullptr},
};

}  // namespace faults
