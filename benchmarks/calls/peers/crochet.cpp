// SPDX-License-Identifier: MIT
// crochet, by its C interface: the default loop, a function with an argument, the value out of the result.
#include <crochet.h>
#include <poll.h>
#include <uv.h>

#include <array>
#include <utility>
#include <vector>

#include "../program.hpp"
#include "libuv_echo.hpp"
#include "libuv_watch.hpp"

namespace bench {
namespace {

int one = 1;
constexpr std::int64_t kSpin = 50'000;  // ns

void succeeded(int status) {
  if (status != CROCHET_OK) must(false, crochet_status_message(status));
}

int take_value(crochet_result* result) {
  const int value = *static_cast<int*>(crochet_result_value(result));
  crochet_result_release(result);
  return value;
}

class CrochetPeer {
 public:
  explicit CrochetPeer(const Arguments& asked) {
    accept_variants(asked, {"spin", "spin-loop", "cork", "queue", "descriptor"});
    crochet_log_set_level(CROCHET_LOG_OFF);
    crochet_options* options = nullptr;
    succeeded(crochet_options_new(&options));
    if (asked.variant == "spin") succeeded(crochet_options_set_spin(options, kSpin, kSpin));
    if (asked.variant == "spin-loop") succeeded(crochet_options_set_spin(options, kSpin, 0));
    succeeded(crochet_setup(options));
    crochet_options_free(options);
    corks_ = asked.variant == "cork";
    descriptors_ = asked.variant == "descriptor";
    queues_ = descriptors_ || asked.variant == "queue";
    on_loop([this] {
      uv_timer_init(crochet_current_uv(), &timer_);
      timer_.data = this;
      watch_.begin(crochet_current_uv());
    });
  }
  ~CrochetPeer() {
    if (!is_stopped_) stop();
  }

  void on_loop(std::function<void()> function) {
    const auto call = [](crochet_deferred* deferred, void* it) {
      (*static_cast<std::function<void()>*>(it))();
      crochet_resolve(deferred, nullptr, nullptr);
    };
    succeeded(crochet_wait_for(nullptr, call, &function, nullptr, CROCHET_FOREVER, nullptr));
  }

  void echo(int socket) {
    on_loop([&] { echo_.begin(crochet_current_uv(), socket); });
  }
  void end_echo() {
    on_loop([this] { echo_.end(); });
  }

  void stop() {
    on_loop([this] {
      watch_.end();
      uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
    });
    succeeded(crochet_shutdown(0));
    is_stopped_ = true;
  }

  class Caller {
   public:
    Caller(CrochetPeer& peer, std::size_t /*number*/) : peer_(peer) {
      if (peer.corks_) succeeded(crochet_cork_new(nullptr, &cork_));
      if (peer.queues_) succeeded(crochet_completion_queue_new(&queue_));
      if (peer.descriptors_) succeeded(crochet_completion_queue_descriptor(queue_, &readable_.fd));
    }
    Caller(const Caller&) = delete;
    Caller& operator=(const Caller&) = delete;
    ~Caller() {
      crochet_cork_free(cork_);
      crochet_completion_queue_release(queue_);
    }

    int call_and_wait() {
      crochet_result* result = nullptr;
      succeeded(crochet_wait_for(nullptr, resolve, &one, nullptr, CROCHET_FOREVER, &result));
      return take_value(result);
    }

    int call_timer_and_wait() {
      crochet_result* result = nullptr;
      succeeded(crochet_wait_for(nullptr, resolve_by_timer, &peer_, nullptr, CROCHET_FOREVER, &result));
      return take_value(result);
    }

    std::size_t burst(std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) {
        succeeded(crochet_run(nullptr, resolve, &one, nullptr, &results_[i]));
        if (queue_ == nullptr) continue;
        succeeded(crochet_completion_queue_watch(queue_, results_[i], i));
        crochet_result_release(results_[i]);
      }
      if (queue_ != nullptr) return take_from_queue(count);
      std::size_t sum = 0;
      for (std::size_t i = 0; i < count; ++i) {
        succeeded(crochet_result_wait(results_[i], CROCHET_FOREVER));
        sum += static_cast<std::size_t>(take_value(results_[i]));
      }
      return sum;
    }

    void fire(Tally& tally, std::size_t count) {
      const auto add_one = [](crochet_deferred* /*deferred*/, void* it) { static_cast<Tally*>(it)->add_one(); };
      if (cork_ != nullptr) {
        for (std::size_t i = 0; i < count; ++i) succeeded(crochet_cork_run(cork_, add_one, &tally, nullptr));
        succeeded(crochet_cork_flush(cork_));
        return;
      }
      for (std::size_t i = 0; i < count; ++i) succeeded(crochet_run(nullptr, add_one, &tally, nullptr, nullptr));
    }

    void prepare_to_hold(std::size_t count) {
      held_.reserve(count);
      peer_.on_loop([=, this] { peer_.held_.reserve(count); });
    }
    void hold(std::size_t count) {
      const auto keep = [](crochet_deferred* deferred, void* it) {
        static_cast<CrochetPeer*>(it)->held_.push_back(crochet_deferred_retain(deferred));
      };
      for (std::size_t i = 0; i < count; ++i) {
        crochet_result* result = nullptr;
        succeeded(crochet_run(nullptr, keep, &peer_, nullptr, &result));
        held_.push_back(result);
      }
    }
    void cancel_held() {
      for (crochet_result* result : held_) succeeded(crochet_result_cancel(result, nullptr));
      for (crochet_result* result : held_) {
        must(crochet_result_wait(result, CROCHET_FOREVER) == CROCHET_ECANCELED, "a call is cancelled");
        crochet_result_release(result);
      }
      held_.clear();
    }
    void list_held() {
      std::size_t bytes = 0;
      const auto count = [](void* sum, const char* /*bytes*/, size_t length) {
        *static_cast<std::size_t*>(sum) += length;
        return 0;
      };
      succeeded(crochet_dump(nullptr, CROCHET_DUMP_TEXT, count, &bytes));
      must(bytes > held_.size(), "each call is listed");
    }
    void end_held() {
      for (crochet_deferred* deferred : std::exchange(peer_.held_, {})) crochet_deferred_release(deferred);
      for (crochet_result* result : held_) {
        must(crochet_result_status(result) != CROCHET_EPENDING, "a call has ended");
        crochet_result_error(result);  // looked at: it is not logged
        crochet_result_release(result);
      }
    }

   private:
    std::size_t take_from_queue(std::size_t count) {
      std::size_t sum = 0;
      while (sum < count) {
        std::size_t taken = 1;
        if (readable_.fd < 0) {
          succeeded(crochet_completion_queue_next(queue_, CROCHET_FOREVER, results_.data(), nullptr));
        } else {
          must(poll(&readable_, 1, -1) == 1, "the queue's descriptor is readable");
          succeeded(crochet_completion_queue_drain(queue_, 64, results_.data(), nullptr, &taken));
        }
        for (std::size_t i = 0; i < taken; ++i) sum += static_cast<std::size_t>(take_value(results_[i]));
      }
      return sum;
    }

    static void resolve(crochet_deferred* deferred, void* value) { crochet_resolve(deferred, value, nullptr); }

    static void resolve_by_timer(crochet_deferred* deferred, void* it) {
      auto* peer = static_cast<CrochetPeer*>(it);
      peer->waiting_ = crochet_deferred_retain(deferred);
      uv_timer_start(&peer->timer_, on_timer, 0, 0);
    }
    static void on_timer(uv_timer_t* timer) {
      crochet_deferred* deferred = static_cast<CrochetPeer*>(timer->data)->waiting_;
      crochet_resolve(deferred, &one, nullptr);
      crochet_deferred_release(deferred);
    }

    CrochetPeer& peer_;
    std::array<crochet_result*, kBurst> results_{};
    std::vector<crochet_result*> held_;
    crochet_cork* cork_ = nullptr;
    crochet_completion_queue* queue_ = nullptr;
    pollfd readable_{-1, POLLIN, 0};
  };

 private:
  uv_timer_t timer_{};                   // the loop's thread only, as the next
  crochet_deferred* waiting_ = nullptr;  // for the timer
  std::vector<crochet_deferred*> held_;  // the loop's thread, and its caller when that rests
  LibuvWatch watch_;
  LibuvEcho echo_;
  bool is_stopped_ = false;
  bool corks_ = false;
  bool queues_ = false;
  bool descriptors_ = false;
};

}  // namespace
}  // namespace bench

int main(int count, char** words) { return bench::run_program<bench::CrochetPeer>("crochet", count, words); }
