// SPDX-License-Identifier: MIT
#include "runtime/watchdog.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <new>

#include "base/park.hpp"
#include "base/process.hpp"
#include "base/signals.hpp"
#include "base/symbol.hpp"
#include "call/sight.hpp"
#include "log/log.hpp"
#include "loop/loop_table.hpp"
#include "runtime/block_watch.hpp"

namespace crochet {
namespace {

constexpr std::int64_t kShortestTick = 1'000'000;
// While every loop sleeps nobody can be blocked, and most processes sleep most of the time.
constexpr std::int64_t kShortestIdleTick = 100'000'000;
// All calls are looked at, so that their ages are known, this often; and no more than one 200th of the time.
constexpr std::int64_t kShortestAge = 1'000'000'000;
constexpr std::int64_t kShareOfAges = 200;

std::int64_t tick_for(std::int64_t threshold_ns, bool all_asleep) {
  return std::max(threshold_ns / 2, all_asleep ? kShortestIdleTick : kShortestTick);
}

// As text: seconds with milliseconds.
struct Seconds {
  char text[32];
  explicit Seconds(std::int64_t ns) {
    std::snprintf(text, sizeof text, "%lld.%03lld s", static_cast<long long>(ns / 1'000'000'000),
                  static_cast<long long>(ns / 1'000'000 % 1000));
  }
};

}  // namespace

constinit Atomic<std::int64_t> Watchdog::threshold_ns{0};

// One loop, as it was at the last look.
struct Watchdog::Watched {
  std::uint32_t id = 0;
  BlockWatch watch;
  char what[kLongestSymbol + 128] = "";  // blocks it; copied, since a label may be gone when the loop goes on

  void name(const Loop& loop, Call* call) {
    if (call == nullptr) {
      std::snprintf(what, sizeof what, "%s",
                    loop.is_adopted() ? "a callback of the host's own, or nobody runs it"
                                      : "a callback of a libuv handle, or a thread hook");
      return;
    }
    crochet_call_fn* function = nullptr;
    const char* label = nullptr;
    see_name(*call, &function, &label);
    char symbol[kLongestSymbol] = "a call without a function";
    if (function != nullptr) name_of_function(reinterpret_cast<const void*>(function), symbol);
    if (label == nullptr || *label == '\0') std::snprintf(what, sizeof what, "%s", symbol);
    else std::snprintf(what, sizeof what, "\"%.100s\" (%s)", label, symbol);
  }

  // True: it sleeps.
  bool look_at(Loop& loop, std::int64_t now_ns, std::int64_t usual_ns, std::int64_t threshold) {
    using Verdict = BlockWatch::Verdict;
    if (id != loop.id()) *this = {};
    id = loop.id();
    Call* const call = loop.running();
    const bool sleeps = call == nullptr && loop.is_asleep();
    const bool stops = call == nullptr && loop.state() != Loop::State::kRunning;  // it may wait for pushers then
    const BlockWatch::Look look{call, loop.counted(Counter::kRun), loop.turns(), sleeps || stops};
    const Verdict verdict = watch.look(look, now_ns, usual_ns, threshold);
    switch (verdict) {
      case Verdict::kFine: break;
      case Verdict::kBlocked: loop.count(id, Counter::kBlocked, 1); [[fallthrough]];
      case Verdict::kStillBlocked:
        name(loop, call);
        // It may have gone on meanwhile, and the name be another's.
        if (loop.running() != call || loop.counted(Counter::kRun) != look.run) break;
        log(LogLevel::kWarning, "loop \"%s\" is %sblocked by %s: for %s at least; %llu calls wait behind it",
            loop.name(), verdict == Verdict::kBlocked ? "" : "still ", what, Seconds(watch.blocked_ns()).text,
            static_cast<unsigned long long>(loop.read(Counter::kQueued)));
        break;
      case Verdict::kGoesOn:
        log(LogLevel::kWarning, "loop \"%s\" goes on: it was blocked by %s, for about %s", loop.name(), what,
            Seconds(watch.blocked_ns()).text);
        break;
    }
    return sleeps;
  }
};

bool Watchdog::Watches::has_room_for(std::size_t wanted) {
  if (wanted <= count) return true;
  const std::size_t more = std::max<std::size_t>(2 * count, 8) + wanted;
  std::unique_ptr<Watched[]> made(new (std::nothrow) Watched[more]);
  if (made == nullptr) return false;
  std::copy_n(of.get(), count, made.get());
  of = std::move(made);
  count = more;
  return true;
}

// ---- The thread ----

// Which thread it is: by the time that it begins it may have been ended, and another been started.
struct Watchdog::Birth {
  Watchdog* watchdog;
  Word generation;
};

void* Watchdog::thread_main(void* birth) {
  pthread_setname_np(pthread_self(), "crochet-watch");
  const Birth born = *static_cast<Birth*>(birth);
  delete static_cast<Birth*>(birth);
  born.watchdog->run(born.generation);
  return nullptr;
}

void Watchdog::run(Word generation) {
  Watches watches;
  std::int64_t tick = 0;
  std::int64_t ages_at = 0;
  for (;;) {
    // acquire: with who ends it, or changes the threshold.
    const Word seen = changes_.load(acquire);
    const std::int64_t threshold = threshold_ns.load(relaxed);
    if (seen >> 1 != generation || threshold == 0) return;
    const std::int64_t now = monotonic_ns();
    bool all_asleep = true;
    std::size_t place = 0;
    loop_table::for_each([&](Loop& loop) {
      const std::size_t its = place++;
      const Loop::Hold hold(loop);
      if (!loop.is_active() || !watches.has_room_for(place)) return;
      if (!watches.of[its].look_at(loop, now, tick, threshold)) all_asleep = false;
    });
    if (now >= ages_at) {
      see_all();
      ages_at = now + std::max(kShortestAge, kShareOfAges * (monotonic_ns() - now));
    }
    tick = tick_for(threshold, all_asleep);
    park(changes_, word::low_half(seen), Deadline::after(tick), false);
  }
}

// ---- Its beginning and its end ----

int Watchdog::start() {
  if (threshold_ns.load(relaxed) == 0) return CROCHET_OK;
  const SignalsBlocked blocked(SignalsBlocked::kChildsToo);  // for the thread; and no handler runs under the mutex
  const Locked locked(mutex_);
  if (has_thread_) return CROCHET_OK;
  auto* birth = new (std::nothrow) Birth{this, changes_.load(relaxed) >> 1};
  if (birth == nullptr) return CROCHET_ENOMEM;
  const int status = pthread_create(&thread_, nullptr, &Watchdog::thread_main, birth);
  has_thread_ = status == 0;
  if (!has_thread_) delete birth;
  return -status;
}

// Whose thread it is to join from now on.
bool Watchdog::take_thread(pthread_t* out_thread) {
  const Locked locked(mutex_);
  if (!has_thread_) return false;
  has_thread_ = false;
  *out_thread = thread_;
  changes_.fetch_add(kOneThread, release);  // with run()
  unpark_all(changes_);
  return true;
}

void Watchdog::ask_to_end() {
  pthread_t thread{};
  if (take_thread(&thread)) pthread_detach(thread);
}

// It looks at its word at the next tick, or is woken: unless the dynamic linker keeps it waiting for a name. Polled, as
// in Loop::join_thread().
void Watchdog::end(Deadline give_up) {
  constexpr std::int64_t kLongestNap = 1'000'000;
  pthread_t thread{};
  if (!take_thread(&thread)) return;
  for (std::int64_t nap = 10'000; pthread_tryjoin_np(thread, nullptr) == EBUSY; nap = std::min(2 * nap, kLongestNap)) {
    if (give_up.passed()) {
      pthread_detach(thread);
      return;
    }
    const Word seen = changes_.load(relaxed);
    park(changes_, word::low_half(seen), Deadline::after(nap), false);
    if (process_is_forked()) return;  // by a signal handler that ran meanwhile
  }
}

void Watchdog::changed() {
  changes_.fetch_xor(kOtherThreshold, release);  // with run()
  unpark_all(changes_);
}

}  // namespace crochet
