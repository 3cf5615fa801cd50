// SPDX-License-Identifier: MIT
// What goes on: listings and the watchdog.
#include "capi/destination.hpp"
#include "runtime/dump.hpp"

using namespace crochet;

int crochet_dump(crochet_loop* loop, int format, crochet_dump_fn* write, void* arg) {
  if (write == nullptr || (format != CROCHET_DUMP_TEXT && format != CROCHET_DUMP_JSON)) return CROCHET_EINVAL;
  if (process_is_forked()) return CROCHET_EFORKED;
  Destination to{};
  if (loop != nullptr) {
    const int status = find_destination(loop, &to);
    if (status != CROCHET_OK) return status;
  }
  return dump(to.loop, format == CROCHET_DUMP_JSON ? DumpFormat::kJson : DumpFormat::kText, write, arg);
}

int crochet_watchdog_start(int64_t threshold_ns) {
  if (threshold_ns <= 0) return CROCHET_EINVAL;
  if (process_is_forked()) return CROCHET_EFORKED;
  Runtime* runtime = Runtime::get_or_make();
  return runtime == nullptr ? CROCHET_ENOMEM : runtime->start_watchdog(threshold_ns);
}

int crochet_watchdog_stop(void) {
  if (process_is_forked()) return CROCHET_EFORKED;
  Runtime* runtime = Runtime::get();
  if (runtime == nullptr) return CROCHET_OK;
  return runtime->stop_watchdog();
}
