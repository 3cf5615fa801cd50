// SPDX-License-Identifier: MIT
// KJ, Cap'n Proto's event loop: Executor::executeSync(), and executeAsync() from callers with an event loop of their
// own, as that demands. No fire and forget: a promise that is dropped is cancelled.
#include <kj/async-io.h>
#include <kj/async.h>
#include <kj/io.h>
#include <kj/timer.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <future>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "../program.hpp"

namespace bench {
namespace {

class KjPeer {
 public:
  explicit KjPeer(const Arguments& asked) {
    accept_variants(asked, {});
    std::promise<void> runs;
    thread_ = std::thread([this, &runs] { run(runs); });
    runs.get_future().get();
  }
  ~KjPeer() {
    executor_->executeSync([this] { end_->fulfill(); });
    thread_.join();
  }

  void on_loop(const std::function<void()>& function) {
    executor_->executeSync([&] { function(); });
  }

  void echo(int socket) {
    on_loop([&] {
      stream_ = io_->wrapSocketFd(kj::AutoCloseFd(socket));
      echo_ = read_next().eagerlyEvaluate([](kj::Exception&&) {});
    });
  }
  void end_echo() {
    on_loop([this] {
      echo_ = kj::Promise<void>(kj::READY_NOW);
      stream_ = nullptr;
    });
  }

  class Caller {
   public:
    Caller(KjPeer& peer, std::size_t /*number*/) : peer_(peer) {}
    Caller(const Caller&) = delete;
    Caller& operator=(const Caller&) = delete;

    int call_and_wait() {
      return peer_.executor_->executeSync([] { return 1; });
    }

    int call_timer_and_wait() {
      return peer_.executor_->executeSync(
          [this] { return peer_.timer_->afterDelay(0 * kj::NANOSECONDS).then([] { return 1; }); });
    }

    std::size_t burst(std::size_t count) {
      auto results = kj::heapArrayBuilder<kj::Promise<int>>(count);
      for (std::size_t i = 0; i < count; ++i) results.add(peer_.executor_->executeAsync([] { return 1; }));
      std::size_t sum = 0;
      for (const int result : kj::joinPromises(results.finish()).wait(scope_)) sum += static_cast<std::size_t>(result);
      return sum;
    }

    void prepare_to_hold(std::size_t count) {
      held_.reserve(count);
      peer_.on_loop([=, this] { peer_.held_.reserve(count); });
    }
    void hold(std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) {
        held_.push_back(peer_.executor_->executeAsync([this] {
          auto [promise, fulfiller] = kj::newPromiseAndFulfiller<int>();
          peer_.held_.push_back(kj::mv(fulfiller));
          return kj::mv(promise);
        }));
      }
    }
    // Settled: to drop them would be a round trip for each.
    void end_held() {
      peer_.on_loop([this] {
        for (auto& fulfiller : peer_.held_) fulfiller->fulfill(1);
        peer_.held_.clear();
      });
      for (auto& result : held_) must(result.wait(scope_) == 1, "the result of a call");
      held_.clear();
    }

   private:
    KjPeer& peer_;
    kj::AsyncIoContext io_ =
        kj::setupAsyncIo();  // a loop without descriptors is slower by far: its lock is handed over
    kj::WaitScope& scope_ = io_.waitScope;
    std::vector<kj::Promise<int>> held_;
  };

 private:
  void run(std::promise<void>& runs) {
    kj::AsyncIoContext io = kj::setupAsyncIo();
    auto [promise, fulfiller] = kj::newPromiseAndFulfiller<void>();
    end_ = kj::mv(fulfiller);
    io_ = io.lowLevelProvider;
    timer_ = &io.provider->getTimer();
    executor_ = kj::getCurrentThreadExecutor().addRef();
    runs.set_value();
    promise.wait(io.waitScope);
    held_.clear();
  }
  kj::Promise<void> read_next() {
    return stream_->tryRead(text_.data(), 1, text_.size()).then([this](std::size_t length) -> kj::Promise<void> {
      if (length == 0) return kj::READY_NOW;
      return stream_->write(text_.data(), length).then([this] { return read_next(); });
    });
  }

  kj::Own<const kj::Executor> executor_;
  kj::Own<kj::PromiseFulfiller<void>> end_;  // the loop's thread only, as the next
  kj::LowLevelAsyncIoProvider* io_ = nullptr;
  kj::Timer* timer_ = nullptr;
  std::vector<kj::Own<kj::PromiseFulfiller<int>>> held_;
  kj::Own<kj::AsyncIoStream> stream_;
  kj::Promise<void> echo_ = kj::READY_NOW;
  std::array<char, 4096> text_{};
  std::thread thread_;
};

}  // namespace
}  // namespace bench

int main(int count, char** words) { return bench::run_program<bench::KjPeer>("kj", count, words); }
