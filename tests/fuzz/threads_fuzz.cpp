// SPDX-License-Identifier: MIT
// Fuzz target: several threads with an operation list each, on the same calls and loops, while these stop and start
// again. Nobody knows what comes first; so a code must be one of those that may come, and at the end every account must
// close.
#include <array>
#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "crochet.h"
#include "fuzz/support/bytes.hpp"
#include "fuzz/support/nothing_left.hpp"
#include "fuzz/support/story.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using fuzz::check_nothing_left;
using fuzz::found;
using fuzz::tell;

constexpr std::size_t kThreads = 3;
constexpr std::size_t kMostCalls = 256;
constexpr std::int64_t kShort = 20'000;

void expect(const char* what, int code, std::initializer_list<int> allowed) {
  for (const int it : allowed) {
    if (code == it) return;
  }
  found("%s: %s", what, crochet_status_name(code));
}

// relaxed everywhere: the ends of threads and loops put them in order before they are looked at.
struct Thing {  // a call's argument, or a value
  std::atomic<int> drops{0};
  static void drop(void* thing) {
    if (static_cast<Thing*>(thing)->drops.fetch_add(1, std::memory_order_relaxed) != 0) found("dropped twice");
  }
};

class Play;

struct Made : Thing {
  Play* play = nullptr;
  std::uint8_t script = 0;
  std::atomic<int> runs{0};
  Thing value;
  Thing hook;
  std::atomic<bool> has_value{false};
  std::atomic<bool> has_hook{false};
};

// A handle that several threads use, each with a reference of its own.
template <class Handle, Handle* (*retain)(Handle*), void (*release)(Handle*)>
class Shared {
 public:
  void put(Handle* handle) {
    {
      const std::lock_guard lock(mutex_);
      std::swap(handle_, handle);
    }
    release(handle);
  }
  Handle* get() {
    const std::lock_guard lock(mutex_);
    return handle_ == nullptr ? nullptr : retain(handle_);
  }

 private:
  std::mutex mutex_;
  Handle* handle_ = nullptr;
};
using SharedResult = Shared<crochet_result, crochet_result_retain, crochet_result_release>;
using SharedDeferred = Shared<crochet_deferred, crochet_deferred_retain, crochet_deferred_release>;
using SharedLoop = Shared<crochet_loop, crochet_loop_retain, crochet_loop_release>;
using SharedQueue = Shared<crochet_completion_queue, crochet_completion_queue_retain, crochet_completion_queue_release>;

class Play {
 public:
  explicit Play(fuzz::Bytes bytes) {
    for (int i = 0; !bytes.at_end(); ++i)
      orders_[static_cast<std::size_t>(i) % kThreads] += static_cast<char>(bytes.next());
    fresh_loop();
    start_default();
    crochet_completion_queue* queue = nullptr;
    expect("completion_queue_new", crochet_completion_queue_new(&queue), {CROCHET_OK});
    queue_.put(queue);
    std::array<std::thread, kThreads> threads;
    for (std::size_t i = 0; i < kThreads; ++i) threads[i] = std::thread([this, i] { obey(orders_[i]); });
    for (std::thread& thread : threads) thread.join();
    end();
  }

 private:
  void obey(const std::string& order) {
    fuzz::Bytes bytes(reinterpret_cast<const std::uint8_t*>(order.data()), order.size());
    while (!bytes.at_end()) act(bytes);
  }

  Made* new_made(std::uint8_t script) {
    const std::size_t index = count_.fetch_add(1, std::memory_order_relaxed);
    if (index >= kMostCalls) return nullptr;
    made_[index].play = this;
    made_[index].script = script;
    return &made_[index];
  }

  static void function(crochet_deferred* deferred, void* argument) {
    auto* made = static_cast<Made*>(argument);
    if (made->runs.fetch_add(1, std::memory_order_relaxed) != 0) found("a call ran twice");
    Play& play = *made->play;
    if ((made->script & 8) != 0) {
      made->has_hook = true;
      const int code = crochet_deferred_on_cancel(
          deferred, [](crochet_deferred* it, void*) { crochet_reject(it, CROCHET_ECANCELED, nullptr); }, &made->hook,
          &Thing::drop);
      expect("on_cancel", code, {CROCHET_OK, CROCHET_EALREADY});
    }
    switch (made->script & 7) {
      case 0:
      case 1:
        made->has_value = true;
        expect("resolve", crochet_resolve(deferred, &made->value, &Thing::drop), {CROCHET_OK, CROCHET_EALREADY});
        break;
      case 2: expect("reject", crochet_reject(deferred, -5, "text"), {CROCHET_OK, CROCHET_EALREADY}); break;
      case 3:
      case 4:
      case 5: play.deferreds_[made->script >> 4 & 7].put(crochet_deferred_retain(deferred)); break;
      case 6: throw 6;
      default: break;
    }
  }
  static void function_in_storage(crochet_deferred* deferred, void* storage) {
    function(deferred, *static_cast<Made**>(storage));
  }
  static void drop_storage(void* storage) { Thing::drop(*static_cast<Made**>(storage)); }

  void keep(unsigned place, int code, crochet_result* result) {
    if (code == CROCHET_OK) accepted_.fetch_add(1, std::memory_order_relaxed);
    expect("a call", code, {CROCHET_OK, CROCHET_ESTOPPED, CROCHET_ENOTSETUP});
    if (result != nullptr) results_[place].put(result);
  }

  void act(fuzz::Bytes& bytes) {
    const std::uint8_t what = bytes.next();
    const std::uint8_t how = bytes.next();
    const unsigned place = how & 7;
    switch (what % 24) {
      case 0:
      case 1:
      case 2:
      case 3: {
        Made* made = new_made(bytes.next());
        if (made == nullptr) return;
        crochet_result* result = nullptr;
        crochet_loop* loop = (how & 8) != 0 ? loop_.get() : nullptr;
        const int code = crochet_run(loop, &function, made, &Thing::drop, (how & 16) != 0 ? nullptr : &result);
        crochet_loop_release(loop);
        return keep(place, code, result);
      }
      case 4:
      case 5:
      case 6: return prepared(place, how, bytes.next());
      case 7: {
        Made* made = new_made(0);
        if (made == nullptr) return;
        crochet_result* result = nullptr;
        const int code =
            crochet_wait_for(nullptr, &function, made, &Thing::drop, (how & 16) != 0 ? kShort : 0, &result);
        if (result != nullptr) accepted_.fetch_add(1, std::memory_order_relaxed);
        expect("wait_for", code, {CROCHET_OK, CROCHET_ETIMEDOUT, CROCHET_ESTOPPED, CROCHET_ENOTSETUP});
        crochet_result_release(result);
        return;
      }
      case 8:
      case 9: return settle(place, how);
      case 10:
      case 11: return lifecycle(how);
      case 12: {
        crochet_log(CROCHET_LOG_ERROR, "fuzz", "storm", 5);
        std::uint64_t count = 0;
        expect("counter", crochet_loop_counter(nullptr, "calls_unsettled", &count),
               {CROCHET_OK, CROCHET_ESTOPPED, CROCHET_ENOTSETUP});
        const auto ignore = [](void*, const char*, std::size_t) { return 0; };
        return expect("dump", crochet_dump(nullptr, CROCHET_DUMP_JSON, ignore, nullptr), {CROCHET_OK});
      }
      case 13:
      case 14: return watch(place, how);
      case 15: {
        crochet_result* results[3] = {results_[place].get(), results_[(place + 1) & 7].get(),
                                      results_[(place + 5) & 7].get()};
        if (results[0] != nullptr && results[1] != nullptr && results[2] != nullptr) {
          std::size_t index = 0;
          if ((how & 8) != 0)
            expect("wait_any", crochet_wait_any(results, 3, kShort, &index), {CROCHET_OK, CROCHET_ETIMEDOUT});
          else expect("wait_all", crochet_wait_all(results, 3, kShort), {CROCHET_OK, CROCHET_ETIMEDOUT, CROCHET_EINTR});
        }
        for (crochet_result* result : results) crochet_result_release(result);
        return;
      }
      case 16: return cork(how, bytes);
      default: break;
    }
    crochet_result* result = results_[place].get();
    if (result != nullptr) use(result, what, how);
    crochet_result_release(result);
  }

  void use(crochet_result* result, std::uint8_t what, std::uint8_t how) {
    const std::int64_t time = (how & 8) != 0 ? kShort : 0;
    switch (what % 24) {
      case 17:
        return expect("wait", crochet_result_wait(result, time),
                      {CROCHET_OK, CROCHET_EFAILED, CROCHET_ECANCELED, CROCHET_ESTOPPED, CROCHET_EBROKEN,
                       CROCHET_ETIMEDOUT, CROCHET_EINTR});
      case 18:
        return expect("join", crochet_result_join(result, time),
                      {CROCHET_OK, CROCHET_ESTOPPED, CROCHET_ETIMEDOUT, CROCHET_EINTR});
      case 19: {
        int outcome = 0;
        expect("cancel", crochet_result_cancel(result, &outcome), {CROCHET_OK});
        if (outcome < CROCHET_CANCEL_NOT_RUN || outcome > CROCHET_CANCEL_TOO_LATE) found("cancel says %d", outcome);
        return;
      }
      case 20: {
        void* value = nullptr;
        crochet_drop_fn* drop = nullptr;
        const int code = crochet_result_take(result, &value, &drop);
        if (code == CROCHET_OK && drop != nullptr) drop(value);
        return expect("take", code,
                      {CROCHET_OK, CROCHET_ETAKEN, CROCHET_EPENDING, CROCHET_EFAILED, CROCHET_ECANCELED,
                       CROCHET_ESTOPPED, CROCHET_EBROKEN});
      }
      case 21: return expect("interrupt", crochet_result_interrupt(result), {CROCHET_OK});
      case 22: {
        std::uint64_t uid = 0;
        expect("stash", crochet_result_stash(result, how, &uid), {CROCHET_OK});
        crochet_result* again = nullptr;
        const int code = crochet_retrieve_result(uid, how, &again);
        expect("retrieve", code, {CROCHET_OK, CROCHET_ENOENT});  // by a shutdown
        crochet_result_release(again);
        return;
      }
      default: {
        const int before = crochet_result_status(result);
        const bool failed = crochet_result_error(result) != nullptr;
        const int past = crochet_result_status(result);
        if (before != CROCHET_EPENDING && before != past)
          found("a settled result changed from %s to %s", crochet_status_name(before), crochet_status_name(past));
        if (failed != (past != CROCHET_OK) && before != CROCHET_EPENDING) found("a failure without an error");
        return;
      }
    }
  }

  void prepared(unsigned place, std::uint8_t how, std::uint8_t script) {
    crochet_call* call = nullptr;
    crochet_loop* loop = (how & 8) != 0 ? loop_.get() : nullptr;
    const int code = crochet_call_new(loop, sizeof(Made*), &call);
    crochet_loop_release(loop);
    expect("call_new", code, {CROCHET_OK, CROCHET_ESTOPPED, CROCHET_ENOTSETUP});
    if (code != CROCHET_OK) return;
    crochet_result* after = (how & 16) != 0 ? results_[(place + 3) & 7].get() : nullptr;
    if (after != nullptr) expect("set_after", crochet_call_set_after(call, after), {CROCHET_OK});
    else if ((how & 0x60) == 0x60) expect("set_at_stop", crochet_call_set_at_stop(call), {CROCHET_OK});
    else if ((how & 0x40) != 0) expect("set_delay_ns", crochet_call_set_delay_ns(call, kShort), {CROCHET_OK});
    else if ((how & 0x20) != 0) expect("set_deadline_ns", crochet_call_set_deadline_ns(call, kShort), {CROCHET_OK});
    crochet_result_release(after);
    Made* made = new_made(script);
    if (made == nullptr) return crochet_call_discard(call);
    *static_cast<Made**>(crochet_call_storage(call)) = made;
    crochet_result* result = nullptr;
    const int made_code =
        crochet_call_run(call, &function_in_storage, &drop_storage, (how & 0x80) != 0 ? nullptr : &result);
    keep(place, made_code, result);
  }

  void cork(std::uint8_t how, fuzz::Bytes& bytes) {
    crochet_cork* cork = nullptr;
    crochet_loop* loop = (how & 8) != 0 ? loop_.get() : nullptr;
    const int code = crochet_cork_new(loop, &cork);
    expect("cork_new", code, {CROCHET_OK, CROCHET_ESTOPPED, CROCHET_ENOTSETUP});
    for (unsigned i = how & 3; code == CROCHET_OK && i > 0; --i) {
      Made* made = new_made(bytes.next());
      if (made != nullptr) keep(0, crochet_cork_run(cork, &function, made, &Thing::drop), nullptr);
    }
    crochet_cork_free(cork);
    crochet_loop_release(loop);
  }

  void settle(unsigned place, std::uint8_t how) {
    crochet_deferred* deferred = deferreds_[place].get();
    if (deferred == nullptr) return;
    switch (how >> 3 & 3) {
      case 0: deferreds_[place].put(nullptr); break;
      case 1: expect("resolve", crochet_resolve(deferred, nullptr, nullptr), {CROCHET_OK, CROCHET_EALREADY}); break;
      case 2:
        expect("reject", crochet_reject(deferred, CROCHET_ECANCELED, nullptr), {CROCHET_OK, CROCHET_EALREADY});
        break;
      default: {
        const int asked = crochet_deferred_is_cancelled(deferred);
        const int code = crochet_deferred_on_cancel(deferred, nullptr, nullptr, nullptr);
        if (asked != 0 && code != CROCHET_EALREADY) found("on_cancel after a cancel: %s", crochet_status_name(code));
        break;
      }
    }
    crochet_deferred_release(deferred);
  }

  void watch(unsigned place, std::uint8_t how) {
    crochet_completion_queue* queue = queue_.get();
    crochet_result* result = nullptr;
    switch (how >> 4 & 3) {
      case 0:
      case 1:
        result = results_[place].get();
        if (result == nullptr) break;
        if ((how & 8) != 0)
          expect("unwatch", crochet_completion_queue_unwatch(queue, result),
                 {CROCHET_OK, CROCHET_EALREADY, CROCHET_ENOENT});
        else
          expect("watch", crochet_completion_queue_watch(queue, result, 1),
                 {CROCHET_OK, CROCHET_EALREADY, CROCHET_ECLOSED});
        break;
      case 2:
        expect("next", crochet_completion_queue_next(queue, (how & 8) != 0 ? kShort : 0, &result, nullptr),
               {CROCHET_OK, CROCHET_ETIMEDOUT, CROCHET_ECLOSED});
        if (result != nullptr && crochet_result_status(result) == CROCHET_EPENDING) found("handed out unsettled");
        break;
      default: {
        if ((how & 0x88) != 0x88) break;
        expect("close", crochet_completion_queue_close(queue), {CROCHET_OK});
        crochet_completion_queue* fresh = nullptr;
        expect("completion_queue_new", crochet_completion_queue_new(&fresh), {CROCHET_OK});
        queue_.put(fresh);
        break;
      }
    }
    crochet_result_release(result);
    crochet_completion_queue_release(queue);
  }

  // One at a time; the others go on meanwhile.
  void lifecycle(std::uint8_t how) {
    const std::lock_guard lock(lifecycle_);
    const std::int64_t grace_ns = (how & 8) != 0 ? kShort : 0;
    if ((how & 16) != 0) {
      crochet_loop* loop = loop_.get();
      expect("stop", crochet_loop_stop(loop, grace_ns), {CROCHET_OK});
      crochet_loop_release(loop);
      return fresh_loop();
    }
    expect("shutdown", crochet_shutdown(grace_ns), {CROCHET_OK});
    fresh_loop();
    start_default();
  }

  // All loops are held: their counters are read at the end.
  void fresh_loop() {
    crochet_loop* loop = nullptr;
    expect("loop_new", crochet_loop_new(nullptr, &loop), {CROCHET_OK});
    held_.push_back(crochet_loop_retain(loop));
    loop_.put(loop);
  }

  void start_default() {
    expect("setup", crochet_setup(nullptr), {CROCHET_OK});
    const auto tell_loop = [](crochet_deferred* deferred, void*) {
      crochet_resolve(deferred, crochet_loop_retain(crochet_current_loop()), nullptr);
    };
    crochet_result* result = nullptr;
    expect("wait_for", crochet_wait_for(nullptr, tell_loop, nullptr, nullptr, CROCHET_FOREVER, &result), {CROCHET_OK});
    held_.push_back(static_cast<crochet_loop*>(crochet_result_value(result)));
    crochet_result_release(result);
    accepted_.fetch_add(1, std::memory_order_relaxed);
  }

  void end() {
    expect("the last shutdown", crochet_shutdown(kShort), {CROCHET_OK});
    for (SharedDeferred& deferred : deferreds_) deferred.put(nullptr);
    for (SharedResult& result : results_) {
      crochet_result* it = result.get();
      if (it != nullptr && crochet_result_status(it) == CROCHET_EPENDING) found("a result outlives every loop");
      crochet_result_release(it);
      result.put(nullptr);
    }
    queue_.put(nullptr);
    const std::size_t count = std::min(count_.load(), kMostCalls);
    for (std::size_t i = 0; i < count; ++i) {
      const Made& made = made_[i];
      if (made.drops != 1) found("the argument of call %zu was dropped %d times", i, made.drops.load());
      if (made.has_value != (made.value.drops == 1))
        found("the value of call %zu was dropped %d times", i, made.value.drops.load());
      if (made.has_hook != (made.hook.drops == 1))
        found("the hook of call %zu was dropped %d times", i, made.hook.drops.load());
    }
    loop_.put(nullptr);
    std::uint64_t ended = 0;
    for (crochet_loop* loop : held_) {
      for (const char* name : {"calls_run", "calls_not_run", "calls_cancelled", "calls_expired"}) {
        std::uint64_t counted = 0;
        expect(name, crochet_loop_counter(loop, name, &counted), {CROCHET_OK});
        ended += counted;
      }
      crochet_loop_release(loop);
    }
    if (ended != accepted_)
      found("%lu calls were accepted, and %lu counted", accepted_.load(), static_cast<unsigned long>(ended));
    check_nothing_left();
  }

  std::array<std::string, kThreads> orders_;
  std::array<Made, kMostCalls> made_;
  std::atomic<std::size_t> count_{0};
  std::atomic<unsigned long> accepted_{0};
  std::array<SharedResult, 8> results_;
  std::array<SharedDeferred, 8> deferreds_;
  SharedLoop loop_;
  SharedQueue queue_;
  std::mutex lifecycle_;
  std::vector<crochet_loop*> held_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool quiet = crochet_log_remove(CROCHET_LOG_DEFAULT_SINK) == CROCHET_OK;
  if (!quiet) found("log_remove");
  if (size < 3 || size > 4096) return 0;
  fuzz::begin_story();
  tell("%zu bytes for %zu threads", size, kThreads);
  const Play play{fuzz::Bytes(data, size)};
  return 0;
}
