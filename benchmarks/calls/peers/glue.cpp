// SPDX-License-Identifier: MIT
// What is written by hand over libuv where there is no library: a mutex, a deque of functions, uv_async_send(), a
// promise.
#include <uv.h>

#include <array>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "../program.hpp"
#include "libuv_echo.hpp"
#include "libuv_watch.hpp"

namespace bench {
namespace {

class GluePeer {
 public:
  explicit GluePeer(const Arguments& asked) {
    accept_variants(asked, {});
    uv_loop_init(&loop_);
    uv_async_init(&loop_, &async_, [](uv_async_t* async) { static_cast<GluePeer*>(async->data)->run_all(); });
    uv_timer_init(&loop_, &timer_);
    async_.data = timer_.data = this;
    watch_.begin(&loop_);
    thread_ = std::thread([this] { uv_run(&loop_, UV_RUN_DEFAULT); });
  }
  ~GluePeer() {
    if (thread_.joinable()) stop();
  }

  // Who still waits gets std::future_errc::broken_promise.
  void stop() {
    post([this] {
      held_.clear();
      watch_.end();
      uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
      uv_close(reinterpret_cast<uv_handle_t*>(&async_), nullptr);
    });
    thread_.join();
    uv_loop_close(&loop_);
  }

  void echo(int socket) {
    on_loop([&] { echo_.begin(&loop_, socket); });
  }
  void end_echo() {
    on_loop([this] { echo_.end(); });
  }

  void on_loop(const std::function<void()>& function) {
    std::promise<void> done;
    post([&] {
      function();
      done.set_value();
    });
    done.get_future().get();
  }

  void post(std::function<void()> function) {
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(std::move(function));
    }
    uv_async_send(&async_);
  }

  class Caller {
   public:
    Caller(GluePeer& peer, std::size_t /*number*/) : peer_(peer) {}

    int call_and_wait() {
      std::promise<int> done;
      peer_.post([&done] { done.set_value(1); });
      return done.get_future().get();
    }

    int call_timer_and_wait() {
      std::promise<int> done;
      peer_.post([this, &done] {
        peer_.waiting_ = &done;
        const auto settle = [](uv_timer_t* timer) { static_cast<GluePeer*>(timer->data)->waiting_->set_value(1); };
        uv_timer_start(&peer_.timer_, settle, 0, 0);
      });
      return done.get_future().get();
    }

    std::size_t burst(std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) {
        auto done = std::make_shared<std::promise<int>>();
        results_[i] = done->get_future();
        peer_.post([done = std::move(done)] { done->set_value(1); });
      }
      std::size_t sum = 0;
      for (std::size_t i = 0; i < count; ++i) sum += static_cast<std::size_t>(results_[i].get());
      return sum;
    }

    void fire(Tally& tally, std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) peer_.post([&tally] { tally.add_one(); });
    }

    void prepare_to_hold(std::size_t count) {
      held_.reserve(count);
      peer_.on_loop([=, this] { peer_.held_.reserve(count); });
    }
    void hold(std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) {
        auto done = std::make_shared<std::promise<int>>();
        held_.push_back(done->get_future());
        peer_.post([this, done = std::move(done)] { peer_.held_.push_back(std::move(*done)); });
      }
    }
    void end_held() { held_.clear(); }

   private:
    GluePeer& peer_;
    std::array<std::future<int>, kBurst> results_;
    std::vector<std::future<int>> held_;
  };

 private:
  void run_all() {
    {
      const std::lock_guard lock(mutex_);
      taken_.swap(queue_);
    }
    for (const auto& function : taken_) function();
    taken_.clear();
  }

  std::mutex mutex_;
  std::deque<std::function<void()>> queue_;  // guarded by it
  std::deque<std::function<void()>> taken_;  // the loop's thread only, as the next; kept for its memory
  uv_loop_t loop_{};
  uv_async_t async_{};
  uv_timer_t timer_{};
  std::promise<int>* waiting_ = nullptr;  // for the timer
  std::vector<std::promise<int>> held_;
  LibuvWatch watch_;
  LibuvEcho echo_;
  std::thread thread_;
};

}  // namespace
}  // namespace bench

int main(int count, char** words) { return bench::run_program<bench::GluePeer>("glue", count, words); }
