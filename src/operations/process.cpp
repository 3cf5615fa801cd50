// SPDX-License-Identifier: MIT
// crochet_command_run(): a child process as a call.
//
//   runs      -> its end is noticed by its descriptor (without one, the timer looks); what it writes is read meanwhile
//   cancelled -> it got SIGTERM, and gets SIGKILL when the timer says so, or the stop's grace is over
//   ended     -> its output is read to the end, or until the timer says that somebody else keeps the pipes open
//   finished  -> the call is settled, our handles are closed; the last one's callback gives the deferred back
//
// A cancelled child that has ended is finished: nobody wants its output.
#include <uv.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <new>
#include <utility>

#include "base/deadline.hpp"
#include "log/log.hpp"
#include "loop/loop.hpp"
#include "operations/child.hpp"
#include "operations/launch.hpp"
#include "operations/operation.hpp"
#include "operations/output.hpp"
#include "operations/process_exit.hpp"

using namespace crochet;

namespace {

// How often it is looked whether a child without a descriptor has ended.
constexpr std::int64_t kLook = 10'000'000;

class Process final : private GraceEnd {
 public:
  explicit Process(std::unique_ptr<Launch> launch)
      : GraceEnd([](GraceEnd& end, Chance which) { static_cast<Process&>(end).grace_is_over(which); }),
        launch_(std::move(launch)),
        output_(launch_->command.output_limit),
        errors_(launch_->command.output_limit) {}

  static void start(crochet_deferred* deferred, void* arg) {
    auto* self = static_cast<Process*>(arg);
    const auto on_cancel = [](crochet_deferred*, void* process) { static_cast<Process*>(process)->cancel(); };
    if (!may_start(deferred, on_cancel, self)) return;
    self->deferred_ = crochet_deferred_retain(deferred);
    self->begin();
  }

 private:
  void begin() {
    uv_loop_t* const uv = crochet_current_uv();
    uv_timer_init(uv, &timer_);
    timer_.data = this;
    Descriptor output;
    Descriptor errors;
    if (const int code = output_.open(uv, &output); code != 0) return fail(code, "a pipe");
    has_output_ = true;
    if (const int code = errors_.open(uv, &errors); code != 0) return fail(code, "a pipe");
    has_errors_ = true;
    const char* what = "";
    if (const int code = child_.start(*launch_, output.get(), errors.get(), &what); code != 0) return fail(code, what);
    watch(uv);
  }

  void watch(uv_loop_t* uv) {
    current_loop()->grace_ends().add(*this);
    end_.data = this;
    has_end_ = child_.descriptor() >= 0 && uv_poll_init(uv, &end_, child_.descriptor()) == 0;
    if (has_end_) {
      uv_poll_start(&end_, UV_READABLE, [](uv_poll_t* poll, int, int) { static_cast<Process*>(poll->data)->look(); });
    }
    const auto on_end = [](void* process) { static_cast<Process*>(process)->finish_if_complete(); };
    output_.start(on_end, this);
    errors_.start(on_end, this);
    set_timer();
  }

  // Has it ended?
  void look() {
    if (!child_.reap(&exit_)) return;
    has_ended_ = true;
    if (has_end_) uv_poll_stop(&end_);
    if (is_cancelled_) return finish();
    linger_end_ = Deadline::after(launch_->command.linger_ns);
    set_timer();
    finish_if_complete();
  }

  void finish_if_complete() {
    if (has_ended_ && output_.is_at_end() && errors_.is_at_end()) finish();
  }

  void cancel() {
    is_cancelled_ = true;
    if (has_ended_) return finish();
    child_.signal(SIGTERM);
    kill_time_ = Deadline::after(launch_->command.kill_after_ns);
    if (kill_time_.passed()) kill();
    set_timer();
  }

  void kill() {
    kill_time_ = Deadline::never();
    child_.signal(SIGKILL);
  }

  void grace_is_over(Chance which) {
    is_cancelled_ = true;
    if (which == Chance::kNone) {
      if (!has_ended_) kill();
      return;
    }
    if (!has_ended_ && which == Chance::kLast) {
      log(LogLevel::kWarning, "the system does not let go of the killed child process %lld; it is left behind",
          static_cast<long long>(child_.pid()));
    }
    if (has_ended_ || which == Chance::kLast) return finish();
    kill();
    set_timer();
  }

  void set_timer() {
    Deadline next = has_ended_ ? linger_end_ : kill_time_;
    if (!has_ended_ && !has_end_) next = next.earlier_of(Deadline::after(kLook));
    if (next.is_never()) {
      uv_timer_stop(&timer_);
      return;
    }
    const std::int64_t wait_ns = next.ns() - monotonic_ns();
    // Rounded up: libuv counts milliseconds, and coming too early is coming twice.
    const std::uint64_t wait_ms = wait_ns <= 0 ? 0 : static_cast<std::uint64_t>(wait_ns) / 1'000'000 + 1;
    uv_update_time(timer_.loop);
    uv_timer_start(
        &timer_, [](uv_timer_t* timer) { static_cast<Process*>(timer->data)->time_is_over(); }, wait_ms, 0);
  }

  void time_is_over() {
    if (!has_ended_) {
      if (kill_time_.passed()) kill();
      if (!has_end_) look();
    } else if (linger_end_.passed()) {
      output_.cut_off();
      errors_.cut_off();
      finish();
    }
    if (!is_finished_) set_timer();
  }

  // It could not be started.
  void fail(int code, const char* what) {
    char message[256];
    std::snprintf(message, sizeof message, "%.180s: %s", what, crochet_status_message(code));
    close();
    crochet_reject(deferred_, code, message);
  }

  void finish() {
    close();  // first: who sees the result finds no descriptor of it
    if (is_cancelled_) {
      crochet_reject(deferred_, CROCHET_ECANCELED, nullptr);
    } else {
      auto* value = new (std::nothrow)
          crochet_process_exit{exit_.status, exit_.signal, child_.pid(), output_.take(), errors_.take()};
      if (value == nullptr) crochet_reject(deferred_, UV_ENOMEM, nullptr);
      else crochet_resolve(deferred_, value, [](void* exit) { delete static_cast<crochet_process_exit*>(exit); });
    }
  }

  void close() {
    is_finished_ = true;
    GraceEnds::remove(*this);
    if (has_output_) close(output_.handle());
    if (has_errors_) close(errors_.handle());
    if (has_end_) close(reinterpret_cast<uv_handle_t*>(&end_));
    close(reinterpret_cast<uv_handle_t*>(&timer_));
    // A poll handle that is being closed does not touch its descriptor.
    output_.close_descriptor();
    errors_.close_descriptor();
    child_.close_descriptor();
    launch_->input.close();
  }

  void close(uv_handle_t* handle) {
    ++closing_;
    handle->data = this;
    uv_close(handle, [](uv_handle_t* closed) {
      auto* self = static_cast<Process*>(closed->data);
      if (--self->closing_ == 0) crochet_deferred_release(self->deferred_);  // the last: this ends here
    });
  }

  const std::unique_ptr<Launch> launch_;
  Output output_;
  Output errors_;
  Child child_;
  Child::Exit exit_;
  crochet_deferred* deferred_ = nullptr;  // held as long as libuv has a handle
  bool is_cancelled_ = false;
  bool has_ended_ = false;
  bool is_finished_ = false;
  Deadline kill_time_ = Deadline::never();
  Deadline linger_end_ = Deadline::never();
  uv_timer_t timer_{};
  uv_poll_t end_{};
  bool has_end_ = false;     // end_ is a handle of the loop's
  bool has_output_ = false;  // and output_'s
  bool has_errors_ = false;  // and errors_'s
  unsigned closing_ = 0;
};

}  // namespace

int crochet_command_run(const crochet_command* command, crochet_loop* loop, crochet_result** out_result) {
  if (out_result != nullptr) *out_result = nullptr;
  if (!is_command(command)) return CROCHET_EINVAL;
  std::unique_ptr<Launch> launch;
  const int status = Launch::of(*command, &launch);
  if (status != CROCHET_OK) return status;
  return run_operation<Process>(loop, "crochet_command_run", out_result, std::move(launch));
}
