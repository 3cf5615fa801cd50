// SPDX-License-Identifier: MIT
// L4: a queue and nothing else. Nodes that exist already, pushed by one compare-and-swap; the consumer takes all at
// once, turns them round, marks each as done. Who finds nothing sleeps on a futex. There is no loop, no result, no
// cancelling.
#include <algorithm>
#include <array>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "../futex.hpp"
#include "../program.hpp"

namespace bench {
namespace {

// Someone who looks, then sleeps until he is told to look again.
class Sleeper {
 public:
  // has_work() is looked at again after the others can see that somebody sleeps.
  template <class HasWork>
  void sleep_unless(const HasWork& has_work) {
    asleep_.store(1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);  // with wake()'s: one of both sees what the other wrote
    if (!has_work()) sleep_while(asleep_, 1);
    asleep_.store(0, std::memory_order_relaxed);
  }
  void wake() {
    std::atomic_thread_fence(std::memory_order_seq_cst);  // with sleep_unless()'s
    if (asleep_.load(std::memory_order_relaxed) == 0) return;
    if (asleep_.exchange(0, std::memory_order_relaxed) == 1) wake_one(asleep_);
  }

 private:
  alignas(64) Word asleep_{0};
};

struct Node {
  Node* next = nullptr;
  std::atomic<bool> done{false};
};

class QueueLimit {
 public:
  explicit QueueLimit(const Arguments& asked) {
    accept_variants(asked, {});
    thread_ = std::thread([this] { run(); });
  }
  ~QueueLimit() {
    is_over_.store(true, std::memory_order_seq_cst);
    consumer_.wake();
    thread_.join();
  }

  void on_loop(std::function<void()> function) {
    Sleeper caller;
    add(caller);
    Node node;
    function_ = std::move(function);  // the push publishes it
    push(node);
    while (!node.done.load(std::memory_order_acquire))
      caller.sleep_unless([&] { return node.done.load(std::memory_order_acquire); });
    remove(caller);
  }

  class Caller {
   public:
    Caller(QueueLimit& peer, std::size_t /*number*/) : peer_(peer) { peer.add(sleeper_); }
    ~Caller() { peer_.remove(sleeper_); }
    Caller(const Caller&) = delete;
    Caller& operator=(const Caller&) = delete;

    std::size_t burst(std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) {
        nodes_[i].done.store(false, std::memory_order_relaxed);
        peer_.push(nodes_[i]);
      }
      for (std::size_t i = 0; i < count; ++i) {
        Node& node = nodes_[i];
        while (!node.done.load(std::memory_order_acquire))
          sleeper_.sleep_unless([&] { return node.done.load(std::memory_order_acquire); });
      }
      return count;
    }

   private:
    QueueLimit& peer_;
    std::array<Node, kBurst> nodes_;
    Sleeper sleeper_;
  };

 private:
  void push(Node& node) {
    Node* old = head_.load(std::memory_order_relaxed);
    do {
      node.next = old;
    } while (!head_.compare_exchange_weak(old, &node, std::memory_order_release, std::memory_order_relaxed));
    if (old == nullptr) consumer_.wake();
  }
  void add(Sleeper& caller) {
    const std::lock_guard lock(mutex_);
    callers_.push_back(&caller);
  }
  void remove(Sleeper& caller) {
    const std::lock_guard lock(mutex_);
    callers_.erase(std::find(callers_.begin(), callers_.end(), &caller));
  }

  void run() {
    for (;;) {
      Node* taken = head_.exchange(nullptr, std::memory_order_acquire);
      if (taken != nullptr) {
        finish(taken);
        continue;
      }
      if (is_over_.load(std::memory_order_seq_cst)) return;
      consumer_.sleep_unless([this] {
        return head_.load(std::memory_order_relaxed) != nullptr || is_over_.load(std::memory_order_seq_cst);
      });
    }
  }
  void finish(Node* newest) {
    Node* oldest = nullptr;
    while (newest != nullptr) {
      Node* const next = newest->next;
      newest->next = oldest;
      oldest = newest;
      newest = next;
    }
    if (function_) std::exchange(function_, nullptr)();
    while (oldest != nullptr) {
      Node* const next = oldest->next;  // once it is done it is the caller's again
      oldest->done.store(true, std::memory_order_release);
      oldest = next;
    }
    const std::lock_guard lock(mutex_);  // callers come and go while nothing is measured
    for (Sleeper* caller : callers_) caller->wake();
  }

  alignas(64) std::atomic<Node*> head_{nullptr};
  Sleeper consumer_;
  std::atomic<bool> is_over_{false};
  std::function<void()> function_;
  std::mutex mutex_;
  std::vector<Sleeper*> callers_;  // guarded by it
  std::thread thread_;
};

}  // namespace
}  // namespace bench

int main(int count, char** words) { return bench::run_program<bench::QueueLimit>("L4", count, words); }
