// SPDX-License-Identifier: MIT
#include "soak/accounts.hpp"

#include "soak/crew.hpp"

namespace soak {

void DefaultLoops::hold_current(Accounts& accounts) {
  const auto fetch = [](crochet_deferred* deferred, void*) {
    crochet_resolve(deferred, crochet_loop_retain(crochet_current_loop()), nullptr);
  };
  crochet_result* result = nullptr;
  const int code = crochet_wait_for(nullptr, fetch, nullptr, nullptr, CROCHET_FOREVER, &result);
  if (code != CROCHET_OK) return failed("a new default loop does not answer: %s", crochet_status_name(code));
  soak::add(accounts.accepted);
  soak::add(accounts.run);
  const std::lock_guard lock(mutex_);
  loops_.push_back(static_cast<crochet_loop*>(crochet_result_value(result)));
  crochet_result_release(result);
}

void DefaultLoops::Counts::add(crochet_loop* loop) {
  const auto read = [loop](const char* name) {
    std::uint64_t count = 0;
    if (crochet_loop_counter(loop, name, &count) != CROCHET_OK) failed("no counter %s", name);
    return static_cast<long>(count);
  };
  run += read("calls_run");
  not_run += read("calls_not_run");
  cancelled += read("calls_cancelled");
  expired += read("calls_expired");
}

void DefaultLoops::check(const Accounts& accounts) {
  const std::lock_guard lock(mutex_);
  while (loops_.size() > 1) {  // all but the last have ended
    ended_.add(loops_.front());
    crochet_loop_release(loops_.front());
    loops_.erase(loops_.begin());
  }
  Counts sum = ended_;
  for (crochet_loop* loop : loops_) sum.add(loop);
  const long accepted = accounts.accepted;
  const bool made_up = accepted == accounts.run + accounts.cancelled + accounts.stopped + accounts.expired;
  const bool same =
      sum.run == accounts.run &&
      sum.not_run + sum.cancelled + sum.expired == accounts.cancelled + accounts.stopped + accounts.expired &&
      sum.expired == accounts.expired;
  if (made_up && same) return passed();
  failed("of %ld calls %ld (%ld) were run, %ld (%ld) cancelled, %ld (%ld) stopped, %ld (%ld) expired", accepted,
         accounts.run.load(), sum.run, accounts.cancelled.load(), sum.cancelled, accounts.stopped.load(), sum.not_run,
         accounts.expired.load(), sum.expired);
}

void DefaultLoops::release_all() {
  const std::lock_guard lock(mutex_);
  for (crochet_loop* loop : loops_) crochet_loop_release(loop);
  loops_.clear();
}

}  // namespace soak
