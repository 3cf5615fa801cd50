// SPDX-License-Identifier: MIT
// Asio and Boost.Asio, which differ in a namespace: post() with use_future. Whoever includes this has named it `net`.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <functional>
#include <future>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "../program.hpp"

namespace bench {

class AsioPeer {
 public:
  explicit AsioPeer(const Arguments& asked) {
    accept_variants(asked, {});
    wait_for_event();
    thread_ = std::thread([this] { context_.run(); });
  }
  ~AsioPeer() {
    context_.stop();
    thread_.join();
  }

  void on_loop(const std::function<void()>& function) {
    net::post(context_, net::use_future([&] { function(); })).get();
  }

  void echo(int socket) {
    on_loop([&] {
      socket_.emplace(context_, net::local::stream_protocol(), socket);
      socket_->non_blocking(true);
      read_next();
    });
  }
  void end_echo() {
    on_loop([this] { socket_->close(); });
  }

  class Caller {
   public:
    Caller(AsioPeer& peer, std::size_t /*number*/) : peer_(peer) {}

    int call_and_wait() {
      return net::post(peer_.context_, net::use_future([] { return 1; })).get();
    }

    int call_timer_and_wait() {
      std::promise<int> done;
      net::post(peer_.context_, [this, &done] {
        peer_.timer_.expires_after(std::chrono::nanoseconds::zero());
        peer_.timer_.async_wait([&done](auto /*error*/) { done.set_value(1); });
      });
      return done.get_future().get();
    }

    std::size_t burst(std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) {
        results_[i] = net::post(peer_.context_, net::use_future([] { return 1; }));
      }
      std::size_t sum = 0;
      for (std::size_t i = 0; i < count; ++i) sum += static_cast<std::size_t>(results_[i].get());
      return sum;
    }

    void fire(Tally& tally, std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) {
        net::post(peer_.context_, [&tally] { tally.add_one(); });
      }
    }

    void prepare_to_hold(std::size_t count) {
      held_.reserve(count);
      peer_.on_loop([=, this] { peer_.held_.reserve(count); });
    }
    void hold(std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) {
        std::promise<int> done;
        held_.push_back(done.get_future());
        net::post(peer_.context_, [this, done = std::move(done)]() mutable { peer_.held_.push_back(std::move(done)); });
      }
    }
    void end_held() { held_.clear(); }

   private:
    AsioPeer& peer_;
    std::array<std::future<int>, kBurst> results_;
    std::vector<std::future<int>> held_;
  };

 private:
  // With a descriptor to wait for, as any program with I/O has: without one the loop never sees epoll, and is another.
  void wait_for_event() {
    event_.async_wait(net::posix::stream_descriptor::wait_read, [](auto /*error*/) {});
  }
  void read_next() {
    socket_->async_read_some(net::buffer(text_), [this](auto error, std::size_t length) {
      if (error) return;
      must(socket_->write_some(net::buffer(text_, length)) == length, "writing to the socket");
      read_next();
    });
  }

  net::io_context context_{1};  // one thread runs it
  net::posix::stream_descriptor event_{context_, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  net::steady_timer timer_{context_};  // the loop's thread only, as the next
  std::vector<std::promise<int>> held_;
  std::optional<net::local::stream_protocol::socket> socket_;
  std::array<char, 4096> text_{};
  std::thread thread_;
};

}  // namespace bench
