// SPDX-License-Identifier: MIT
#include "workload.hpp"

#include <crochet.h>
#include <uv.h>

#include <cstdio>
#include <cstdlib>

#include "harness/clock.hpp"

namespace bench {
namespace {

constexpr std::string_view kText = "connection 4711 from 192.0.2.17:50412 closed after 1234.5 ms";
static_assert(kText.size() == 60);

// The loop's thread only. An idle handle makes the loop go round without waiting: each round calls it once. A burst is
//
//   kWaking      with a sink that takes its time: one message, not measured, so that the log's thread is in the sink
//   when
//                the burst begins, and who measures a call does not measure a wake-up
//   kLogging     each interval from one call of the handle to the next is one iteration: its messages, and the loop's
//   part kDraining    the sink takes nothing, a timer looks whether all is written
class Run {
 public:
  Run(const Plan& plan, Peer& peer, Sink& sink, Measured& measured)
      : plan_(plan),
        peer_(peer),
        sink_(sink),
        measured_(measured),
        written_before_(sink.written()),
        overwritten_before_(peer.overwritten()) {}

  void begin(crochet_deferred* deferred) {
    deferred_ = crochet_deferred_retain(deferred);
    pin_to(plan_.cpu);
    uv_loop_t* loop = crochet_current_uv();
    uv_idle_init(loop, &idle_);
    uv_timer_init(loop, &timer_);
    idle_.data = timer_.data = this;
    begin_burst();
  }

 private:
  enum class State { kWaking, kLogging, kDraining };

  void begin_burst() {
    sink_.set_line_ns(plan_.line_ns);
    state_ = State::kWaking;
    if (wakes_first()) accepted_ += peer_.log(kText) ? 1U : 0U;
    uv_idle_start(&idle_, [](uv_idle_t* handle) { static_cast<Run*>(handle->data)->on_iteration(); });
  }

  void on_iteration() {
    if (state_ == State::kWaking) {
      if (wakes_first() && not_yet_written() != 0 && !sink_.is_in_line()) return;
      state_ = State::kLogging;
      until_pause_ = plan_.burst;
      waited_before_ = waited_ns();
      cpu_before_ = cpu_ns();
      last_ns_ = monotonic_ns();
    } else {
      const std::int64_t now = monotonic_ns();
      measured_.iterations.add(now - last_ns_);
      measured_.total_ns += now - last_ns_;
      last_ns_ = now;
    }
    if (measured_.messages >= plan_.messages || (plan_.burst != 0 && until_pause_ == 0)) return end_burst();
    std::uint64_t accepted = 0;
    for (int i = 0; i < kPerIteration; ++i) accepted += peer_.log(kText) ? 1U : 0U;
    accepted_ += accepted;
    measured_.refused += kPerIteration - accepted;
    measured_.messages += kPerIteration;
    until_pause_ -= kPerIteration;
  }

  void end_burst() {
    measured_.cpu_ns += cpu_ns() - cpu_before_;
    measured_.waited_ns += waited_ns() - waited_before_;
    state_ = State::kDraining;
    if (measured_.messages >= plan_.messages) measured_.backlog = not_yet_written();
    sink_.set_line_ns(0);
    uv_idle_stop(&idle_);
    uv_timer_start(
        &timer_, [](uv_timer_t* handle) { static_cast<Run*>(handle->data)->on_timer(); }, 1, 1);
  }

  void on_timer() {
    if (not_yet_written() != 0) return;
    uv_timer_stop(&timer_);
    if (measured_.messages < plan_.messages) return begin_burst();
    uv_close(reinterpret_cast<uv_handle_t*>(&idle_), [](uv_handle_t* handle) {
      uv_close(reinterpret_cast<uv_handle_t*>(&static_cast<Run*>(handle->data)->timer_), end);
    });
  }

  // Nothing of libuv's is left in here: run() may return.
  static void end(uv_handle_t* timer) {
    crochet_deferred* deferred = static_cast<Run*>(timer->data)->deferred_;
    crochet_resolve(deferred, nullptr, nullptr);
    crochet_deferred_release(deferred);
  }

  bool wakes_first() const { return plan_.line_ns != 0 && plan_.burst != 0 && peer_.writes(); }
  std::uint64_t written() const { return sink_.written() - written_before_; }
  std::uint64_t not_yet_written() const {
    return peer_.writes() ? accepted_ - (peer_.overwritten() - overwritten_before_) - written() : 0;
  }

  const Plan plan_;
  Peer& peer_;
  Sink& sink_;
  Measured& measured_;
  crochet_deferred* deferred_ = nullptr;
  uv_idle_t idle_{};
  uv_timer_t timer_{};
  State state_ = State::kWaking;
  std::uint64_t until_pause_ = 0;
  std::uint64_t accepted_ = 0;  // also those that are not measured
  const std::uint64_t written_before_;
  const std::uint64_t overwritten_before_;
  std::int64_t last_ns_ = 0;
  std::int64_t cpu_before_ = 0;
  std::int64_t waited_before_ = 0;
};

}  // namespace

void run(const Plan& plan, Peer& peer, Sink& sink, Measured* out_measured) {
  Run one(plan, peer, sink, *out_measured);
  const auto begin = [](crochet_deferred* deferred, void* arg) { static_cast<Run*>(arg)->begin(deferred); };
  const int status = crochet_wait_for(nullptr, begin, &one, nullptr, CROCHET_FOREVER, nullptr);
  if (status == CROCHET_OK) return;
  std::fprintf(stderr, "log-bench: %s\n", crochet_status_message(status));
  std::exit(EXIT_FAILURE);
}

}  // namespace bench
