// SPDX-License-Identifier: MIT
// What is written by hand where there is no library: a mutex, a deque without a bound, a condition variable, a thread.
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "harness/clock.hpp"
#include "peer.hpp"

namespace bench {
namespace {

struct Message {
  std::int64_t time_ns;
  std::uint32_t thread;
  int level;
  std::string text;
};

class DequePeer : public Peer {
 public:
  explicit DequePeer(Sink& sink) : sink_(sink), thread_([this] { write_all(); }) {}
  ~DequePeer() override {
    {
      const std::lock_guard lock(mutex_);
      is_over_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  bool log(std::string_view text) override {
    Message message{real_ns(), thread_id(), 2, std::string(text)};
    {
      const std::lock_guard lock(mutex_);
      messages_.push_back(std::move(message));
    }
    changed_.notify_one();
    return true;
  }

 private:
  void write_all() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return !messages_.empty() || is_over_; });
      if (messages_.empty()) return;
      const Message message = std::move(messages_.front());
      messages_.pop_front();
      lock.unlock();
      sink_.write(message.text);
      lock.lock();
    }
  }

  Sink& sink_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Message> messages_;  // guarded by mutex_, as the next
  bool is_over_ = false;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Peer> new_deque_peer(Sink& sink) { return std::make_unique<DequePeer>(sink); }

}  // namespace bench
