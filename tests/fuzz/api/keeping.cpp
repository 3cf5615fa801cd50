// SPDX-License-Identifier: MIT
// The stash, completion queues, the log, listings, and forks.
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "api/support/sanitizers.hpp"
#include "fuzz/api/session.hpp"
#include "fuzz/support/failing_allocation.hpp"
#include "fuzz/support/story.hpp"
#include "fuzz/support/virtual_clock.hpp"

namespace fuzz {

void Session::stash(Call& call) {
  const std::uint64_t type = bytes_.pick(3);
  tell("stash call %d as type %d", call.number, static_cast<int>(type));
  std::size_t there = 0;
  for (const Stashed& it : stashed_) there += it.call >= 0 ? 1U : 0U;
  std::uint64_t uid = 1;
  int code;
  {
    const FailingAllocation failing(fault_);
    code = crochet_result_stash(call.result, type, &uid);
    faulted_ = failing.has_failed();
  }
  expect("stash", code, {there < stash_capacity_ ? CROCHET_OK : CROCHET_ENOSPC});
  if (code != CROCHET_OK) {
    if (uid != 0) found("stash failed and gave a uid");
    return;
  }
  if (uid == 0 || uid > INT64_MAX) found("a bad uid");
  for (const Stashed& it : stashed_) {
    if (it.uid == uid) found("a uid came twice");
  }
  stashed_.push_back({uid, type, call.number});
  ++call.hidden;
  call.was_hidden = true;
}

void Session::retrieve() {
  if (bytes_.one_in(4)) {
    constexpr std::uint32_t kCapacities[] = {0, 1, 3, 65536};
    stash_capacity_ = kCapacities[bytes_.pick(4)];
    tell("stash_limits %u", stash_capacity_);
    return expect("stash_limits", crochet_stash_limits(stash_capacity_, CROCHET_FOREVER), {CROCHET_OK});
  }
  if (stashed_.empty()) return;
  Stashed& it = stashed_[bytes_.pick(stashed_.size())];
  const std::uint64_t type = bytes_.pick(3);
  const bool wrong = bytes_.one_in(8);
  tell("retrieve call %d as type %d%s", it.call, static_cast<int>(type), wrong ? ", another uid" : "");
  crochet_result* result = nullptr;
  const int code = crochet_retrieve_result(wrong ? it.uid ^ 1 : it.uid, type, &result);
  const int expected = wrong || it.call < 0 ? CROCHET_ENOENT : it.type != type ? CROCHET_ETYPE : CROCHET_OK;
  expect("retrieve", code, {expected});
  if ((result != nullptr) != (code == CROCHET_OK)) found("out_result does not fit the code");
  if (code != CROCHET_OK) return;
  Call& call = calls_[static_cast<std::size_t>(it.call)];
  it.call = -1;
  --call.hidden;
  if (call.handles > 0 && result != call.result) found("another result was retrieved");
  call.result = result;
  ++call.handles;
}

void Session::completion_queue() {
  const unsigned what = bytes_.pick(8);
  if (queues_.empty() || (what == 0 && queues_.size() < 4)) {
    tell("completion_queue_new");
    CompletionQueue queue;
    int code;
    {
      const FailingAllocation failing(fault_);
      code = crochet_completion_queue_new(&queue.handle);
      faulted_ = failing.has_failed();
    }
    expect("completion_queue_new", code, {CROCHET_OK});
    ++slots_used_;
    if (code == CROCHET_OK) queues_.push_back(queue);
    return;
  }
  CompletionQueue& queue = queues_[bytes_.pick(queues_.size())];
  switch (what) {
    case 5: return watch(queue, true);
    case 4: return next(queue);
    case 3: return drain(queue);
    case 2: return close_queue(queue, bytes_.one_in(2));
    case 1: {
      tell("descriptor");
      int descriptor = -1;
      expect("descriptor", crochet_completion_queue_descriptor(queue.handle, &descriptor), {CROCHET_OK});
      pollfd polled{descriptor, POLLIN, 0};
      const int ready = ::poll(&polled, 1, 0);
      bool something = queue.closed;
      for (const Watch& it : queue.watches) something = something || it.settled != 0;
      if (something && ready != 1) found("the descriptor is not readable");
      return;
    }
    default: return watch(queue, false);
  }
}

void Session::watch(CompletionQueue& queue, bool back) {
  Call* const call = pick_certain();
  if (call == nullptr) return;
  const auto same = [call](const Watch& it) { return it.call == call->number; };
  auto found_at = queue.watches.begin();
  while (found_at != queue.watches.end() && !same(*found_at)) ++found_at;
  const bool is_watched = found_at != queue.watches.end();
  if (back) {
    tell("unwatch call %d", call->number);
    const int expected = !is_watched ? CROCHET_ENOENT : found_at->settled != 0 ? CROCHET_EALREADY : CROCHET_OK;
    expect("unwatch", crochet_completion_queue_unwatch(queue.handle, call->result), {expected});
    if (expected != CROCHET_OK) return;
    queue.watches.erase(found_at);
    --call->hidden;
    return;
  }
  const std::uint64_t tag = 1000 + bytes_.next();
  tell("watch call %d, tag %d", call->number, static_cast<int>(tag));
  int code;
  {
    const FailingAllocation failing(fault_);
    code = crochet_completion_queue_watch(queue.handle, call->result, tag);
    faulted_ = failing.has_failed();
  }
  ++slots_used_;
  expect("watch", code, {queue.closed ? CROCHET_ECLOSED : is_watched ? CROCHET_EALREADY : CROCHET_OK});
  call->was_hidden = true;
  if (code != CROCHET_OK) return;
  ++call->hidden;
  if (call->state == State::kSettled) ++stamp_;
  queue.watches.push_back({call->number, tag, call->state == State::kSettled ? stamp_ : 0});
}

void Session::handed_out(CompletionQueue& queue, crochet_result* result, std::uint64_t tag) {
  long oldest = INT64_MAX;
  for (const Watch& it : queue.watches) {
    if (it.settled != 0 && it.settled < oldest) oldest = it.settled;
  }
  for (auto it = queue.watches.begin(); it != queue.watches.end(); ++it) {
    Call& call = calls_[static_cast<std::size_t>(it->call)];
    if (it->settled == 0 || it->tag != tag || call.result != result) continue;
    if (it->settled != oldest) found("call %d was handed out before one that settled earlier", call.number);
    tell("    call %d", call.number);
    queue.watches.erase(it);
    --call.hidden;
    ++call.handles;
    return;
  }
  found("a result was handed out that was not settled, or not watched");
}

void Session::next(CompletionQueue& queue) {
  bool something = false;
  for (const Watch& it : queue.watches) something = something || it.settled != 0;
  constexpr std::int64_t kTimes[] = {0, 1, -2, CROCHET_FOREVER};
  const std::int64_t timeout_ns = kTimes[bytes_.pick(something || queue.closed || on_loop() ? 4 : 3)];
  tell("next, %lld ns", static_cast<long long>(timeout_ns));
  crochet_result* result = nullptr;
  std::uint64_t tag = 1;
  const int code = crochet_completion_queue_next(queue.handle, timeout_ns, &result, &tag);
  int expected = something ? CROCHET_OK : queue.closed ? CROCHET_ECLOSED : CROCHET_ETIMEDOUT;
  if (on_loop()) expected = CROCHET_EDEADLK;
  if (timeout_ns == -2) expected = CROCHET_EINVAL;
  expect("next", code, {expected});
  if (code == CROCHET_OK) return handed_out(queue, result, tag);
  if (result != nullptr || tag != 0) found("next failed and left something");
}

void Session::drain(CompletionQueue& queue) {
  const std::size_t capacity = bytes_.pick(5);
  tell("drain, %zu", capacity);
  std::size_t ready = 0;
  for (const Watch& it : queue.watches) ready += it.settled != 0 ? 1U : 0U;
  crochet_result* results[5];
  std::uint64_t tags[5];
  std::size_t count = 99;
  const int code = crochet_completion_queue_drain(queue.handle, capacity, results, tags, &count);
  expect("drain", code, {ready == 0 && queue.closed ? CROCHET_ECLOSED : CROCHET_OK});
  if (count != std::min(ready, capacity)) found("drain handed out %zu of %zu", count, ready);
  for (std::size_t i = 0; i < count; ++i) handed_out(queue, results[i], tags[i]);
}

void Session::close_queue(CompletionQueue& queue, bool release) {
  tell("%s a completion queue", release ? "release" : "close");
  for (auto it = queue.watches.begin(); it != queue.watches.end();) {
    if (!release && it->settled != 0) {
      ++it;
      continue;
    }
    --calls_[static_cast<std::size_t>(it->call)].hidden;
    it = queue.watches.erase(it);
  }
  if (release) {
    crochet_completion_queue_release(queue.handle);
    queues_.erase(queues_.begin() + (&queue - queues_.data()));
    return;
  }
  expect("close", crochet_completion_queue_close(queue.handle), {CROCHET_OK});
  queue.closed = true;
}

void Session::log_line() {
  const int level = static_cast<int>(bytes_.pick(8));
  const std::string text = bytes_.text(40);
  tell("log at level %d, %zu bytes", level, text.size());
  const int code = crochet_log(level, "fuzz", text.data(), text.size());
  if (level > CROCHET_LOG_CRITICAL) return expect("log", code, {CROCHET_EINVAL});
  expect("log", code, {CROCHET_OK, CROCHET_ENOSPC});
  if (bytes_.one_in(4)) {
    const int threshold = static_cast<int>(bytes_.pick(9)) - 1;
    const bool valid = threshold >= CROCHET_LOG_TRACE && threshold <= CROCHET_LOG_OFF;
    tell("    log_set_level %d", threshold);
    expect("log_set_level", crochet_log_set_level(threshold), {valid ? CROCHET_OK : CROCHET_EINVAL});
    if (valid && crochet_log_level() != threshold) found("the level was not set");
  }
}

// Counters and a listing: of what is not finished there is a line for each.
void Session::look_around() {
  tell("look around");
  std::string listed;
  const auto write = [](void* text, const char* more, std::size_t length) {
    const UncountedAllocations uncounted;
    static_cast<std::string*>(text)->append(more, length);
    return 0;
  };
  expect("dump", crochet_dump(nullptr, CROCHET_DUMP_JSON, write, &listed), {CROCHET_OK});
  std::size_t lines = 0;
  for (std::size_t at = 0; (at = listed.find("{\"call\":", at)) != std::string::npos; ++at) ++lines;
  const std::string all = "\"totals\":{\"all\":" + std::to_string(lines) + ",";
  if (listed.find(all) == std::string::npos)
    found("a listing of %zu calls has other totals: %s", lines, listed.c_str());
  std::size_t unfinished = 0;
  for (const Call& call : calls_) {
    if (call.accepted && !call.finished && !call.settles_itself() && !call.in_making) ++unfinished;
  }
  if (lines < unfinished)
    found("%zu calls are listed, and %zu are not finished: %s", lines, unfinished, listed.c_str());
  for (std::uint32_t i = 0; const char* name = crochet_loop_counter_name(i); ++i) {
    std::uint64_t count = 0;
    if (!sides_[0].accepting) break;
    expect("loop_counter", crochet_loop_counter(nullptr, name, &count), {CROCHET_OK});
    if (std::strcmp(name, "calls_run") == 0 && sides_[0].counted.is_exact && !sides_[0].counted.has_sleeps) {
      const long counted = sides_[0].counted.run + loops_[0]->steppers();
      if (place_ != 0 && static_cast<long>(count) != counted) {
        found("calls_run is %ld, not %ld", static_cast<long>(count), counted);
      }
    }
  }
}

void Session::fork_child() {
  if (contract::kThreadSanitizer || on_loop()) return;
  Call* const call = pick_result();
  const bool afresh = !contract::kSanitized && bytes_.one_in(2);
  tell("fork%s", afresh ? ", and set up in the child" : "");
  const pid_t pid = fork();
  if (pid < 0) return;
  if (pid == 0) {
    alarm(30);
    int dropped = 0;
    const auto count = [](void* counter) { ++*static_cast<int*>(counter); };
    const auto nothing = [](crochet_deferred*, void*) {};
    if (crochet_run(nullptr, nothing, &dropped, count, nullptr) != CROCHET_EFORKED) _exit(1);
    if (dropped != 1) _exit(2);
    if (call != nullptr) {
      if (crochet_result_wait(call->result, CROCHET_FOREVER) != CROCHET_EFORKED) _exit(3);
      if (crochet_result_status(call->result) != CROCHET_EFORKED) _exit(4);
      if (crochet_result_cancel(call->result, nullptr) != CROCHET_EFORKED) _exit(5);
      crochet_result_release(call->result);
    }
    if (crochet_shutdown(0) != CROCHET_EFORKED) _exit(6);
    for (const CompletionQueue& queue : queues_) {
      if (crochet_completion_queue_close(queue.handle) != CROCHET_EFORKED) _exit(7);
    }
    if (!afresh) _exit(0);
    const OnVirtualClock really(false);
    if (crochet_setup(nullptr) != CROCHET_OK) _exit(8);
    const auto resolve = [](crochet_deferred* deferred, void*) { crochet_resolve(deferred, nullptr, nullptr); };
    if (crochet_wait_for(nullptr, resolve, nullptr, nullptr, CROCHET_FOREVER, nullptr) != CROCHET_OK) _exit(9);
    if (call != nullptr && crochet_result_status(call->result) != CROCHET_EFORKED) _exit(10);
    _exit(crochet_shutdown(CROCHET_SECOND) == CROCHET_OK ? 0 : 11);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    found("a forked child ended with %d, signal %d", WEXITSTATUS(status), WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  }
}

}  // namespace fuzz
