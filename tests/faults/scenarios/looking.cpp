// SPDX-License-Identifier: MIT
// Scenarios: counters, listings, the watchdog, names of codes.
#include "faults/scenarios/scenario.hpp"

namespace faults {
namespace {

int take_piece(void*, const char*, size_t) { return CROCHET_OK; }

void listing(const Armed& armed) {
  set_up();
  armed.begin();
  Deferred deferred;
  Result result;
  CALL(crochet_deferred_new, nullptr, token(), drop_token, deferred.out(), result.out());
  Result waits;
  crochet_call* prepared = nullptr;
  if (CALL(crochet_call_new, nullptr, std::size_t{0}, &prepared) == CROCHET_OK) {
    CALL(crochet_call_set_label, prepared, "waits");
    CALL(crochet_call_set_delay_ns, prepared, 1000 * CROCHET_SECOND);
    CALL(crochet_call_run, prepared, gives_token, nullptr, waits.out());
  }
  for (const int format : {CROCHET_DUMP_TEXT, CROCHET_DUMP_JSON}) {
    CALL(crochet_dump, nullptr, format, take_piece, nullptr);
  }
  if (waits) CALL(crochet_result_cancel, waits.get(), nullptr);
  std::uint64_t count = 0;
  CALL(crochet_loop_counter, nullptr, "calls_run", &count);
  CALL(crochet_loop_counter_name, 0u);
  std::uint64_t counts[CROCHET_HISTOGRAM_BUCKETS];
  CALL(crochet_loop_histogram, nullptr, "run_ns", static_cast<std::uint64_t*>(counts),
       std::uint32_t{CROCHET_HISTOGRAM_BUCKETS}, &count);
  CALL(crochet_loop_histogram_name, 0u);
  CALL(crochet_histogram_bound, 0u);
  deferred.reset();
  armed.end();
  shut_down();
}

void watchdog(const Armed& armed) {
  armed.begin();
  CALL(crochet_watchdog_start, 2 * CROCHET_MILLISECOND);
  CALL(crochet_setup, nullptr);
  CALL(crochet_watchdog_start, CROCHET_MILLISECOND);
  Result result;
  // So long that the watchdog has looked.
  CALL(crochet_sleep, nullptr, 3 * CROCHET_MILLISECOND, result.out());
  settle(result);
  CALL(crochet_watchdog_stop);
  CALL(crochet_shutdown, CROCHET_SECOND);
  armed.end();
  MUST(CALL(crochet_watchdog_stop) == CROCHET_OK);
  // Where ages stand is made once somebody looks at a call; whether the watchdog did so depends on the time.
  set_up();
  {
    Deferred seen;
    MUST(CALL(crochet_deferred_new, nullptr, nullptr, nullptr, seen.out(), nullptr) == CROCHET_OK);
    MUST(CALL(crochet_dump, nullptr, CROCHET_DUMP_TEXT, take_piece, nullptr) == CROCHET_OK);
  }
  shut_down();
}

void codes(const Armed& armed) {
  armed.begin();
  CALL(crochet_status_name, CROCHET_EFAILED);
  CALL(crochet_status_message, CROCHET_EFAILED);
  CALL(crochet_version);
  armed.end();
}

}  // namespace

const Scenario kLooking[] = {{"listing", listing}, {"watchdog", watchdog}, {"codes", codes}, {nullptr, nullptr}};

}  // namespace faults
