// SPDX-License-Identifier: MIT
// A loop around the real CallQueue. Its phases are those of src/loop/loop_drain.cpp; of libuv it has a model: a descriptor that
// can be polled, and the three ways in which versions of libuv, or we without it, wake a loop through it.
#pragma once

#include <cstddef>

#include "loop/call_queue.hpp"
#include "model/control.hpp"
#include "model/lifetimes.hpp"
#include "model/names.hpp"

namespace crochet::model {

// An eventfd. The kernel takes a lock to read and to write it, and libuv 1.44 relies on the order that comes of it.
template <std::memory_order kOrder>
class EventFd {
 public:
  void write() { count_.fetch_add(1, kOrder); }
  void read() { count_.exchange(0, kOrder); }
  bool readable() const { return count_.peek() > 0; }

 private:
  Atomic<int> count_{0};
};

// uv_async_send() and its end on the loop's thread. Each is what lies in the loop's and the handle's memory.

// libuv 1.44: pending is 0, 1 while a sender is at work, 2 when it is through. The loop spins over the 1.
struct Uv144 {
  EventFd<std::memory_order_acq_rel> fd;
  Atomic<int> pending{0};

  void send() {
    if (pending.load(relaxed) != 0) return;
    int expected = 0;
    if (!pending.compare_exchange_strong(expected, 1, acq_rel, relaxed)) return;
    fd.write();
    expected = 1;
    MODEL_EXPECT(pending.compare_exchange_strong(expected, 2, acq_rel, relaxed));
  }
  template <class Callback>
  void read(Callback callback) {
    fd.read();
    for (;;) {
      int expected = 2;
      if (pending.compare_exchange_strong(expected, 0, acq_rel, relaxed)) return callback();
      if (expected == 0) return;
      block_until([this] { return pending.peek() != 1; });
    }
  }
};

// libuv 1.45 and later: pending is 0 or 1, and senders count themselves, for uv_close() to wait.
struct Uv145 {
  EventFd<std::memory_order_acq_rel> fd;
  Atomic<int> pending{0};
  Atomic<int> busy{0};

  void send() {
    if (pending.load(relaxed) != 0) return;
    busy.fetch_add(1, acq_rel);
    if (pending.exchange(1, acq_rel) == 0) fd.write();
    busy.fetch_add(-1, acq_rel);
  }
  template <class Callback>
  void read(Callback callback) {
    fd.read();
    if (pending.exchange(0, acq_rel) != 0) callback();
  }
};

// A descriptor of our own, without libuv's bookkeeping; and the queue needs no order from it.
struct BareEventFd {
  EventFd<std::memory_order_relaxed> fd;

  void send() { fd.write(); }
  template <class Callback>
  void read(Callback callback) {
    fd.read();
    callback();
  }
};

// What is pushed. Calls here are nothing but nodes: what the queue does not look at is left alone.
struct Node : Call {
  std::size_t producer = 0;
  std::size_t number = 0;
  bool accepted = false;
  int ran = 0;
  int returned = 0;  // to the closer, or left over when the loop saw it closed
};

enum class Kind { kOwn, kAdopted };

template <class WakeUp, std::size_t kProducers, std::size_t kEach>
class QueueLoop {
 public:
  explicit QueueLoop(Kind kind, int calls_at_once = 100) : kind_(kind), calls_at_once_(calls_at_once) {
    name(queue, "queue");
    name(wake_up, "wake-up");
    born(&wake_up, sizeof wake_up, "the wake-up's handle");
    queue.reopen();
    if (kind == Kind::kAdopted) queue.mark_asleep();
    for (std::size_t p = 0; p < kProducers; ++p) {
      for (std::size_t i = 0; i < kEach; ++i) {
        nodes[p][i].producer = p;
        nodes[p][i].number = i;
      }
    }
  }

  CallQueue queue;
  WakeUp wake_up;
  Node nodes[kProducers][kEach];
  int wakes_by_itself = 1;  // a timer of the host's
  bool one_closer = true;

  // ---- Any thread.

  // Loop::post
  bool post(Node& node) {
    const bool was_closed = closed_;
    node.arg = &node;
    if (queue.push_to_awake(&node)) {
      accept(node, was_closed);
      return true;
    }
    const CallQueue::Push pushed = queue.push(&node);
    if (pushed == CallQueue::Push::kRefused) {
      MODEL_EXPECT(closing_);
      return false;
    }
    accept(node, was_closed);
    if (pushed == CallQueue::Push::kQueuedOwesWakeUp) send();
    return true;
  }
  // All of a producer's calls at once, linked from the newest down to the oldest.
  bool post_chain(std::size_t producer) {
    const bool was_closed = closed_;
    Node* newest = nullptr;
    for (Node& node : nodes[producer]) {
      node.arg = &node;
      node.next = newest;
      newest = &node;
    }
    const CallQueue::Push pushed = queue.push(newest, &nodes[producer][0]);
    if (pushed == CallQueue::Push::kRefused) {
      MODEL_EXPECT(closing_);
      return false;
    }
    for (Node& node : nodes[producer]) accept(node, was_closed);
    if (pushed == CallQueue::Push::kQueuedOwesWakeUp) send();
    return true;
  }
  void produce(std::size_t producer) {
    for (Node& node : nodes[producer]) post(node);
  }
  // Loop::request_stop
  void close() {
    closing_ = true;
    if (one_closer) grace_ = 1;
    const CallQueue::Closed was = queue.close();
    closed_ = true;
    expect_all_pushes_happened();
    if (was.owes_wake_up) send();
    for (Call* call = was.list; call != nullptr; call = call->next) ++static_cast<Node*>(call)->returned;
  }

  // ---- The loop's thread.

  void run_own() {
    while (!stopping_ && !all_ran()) {
      before_poll();
      poll(!busy_ && !stopping_);
      queue.mark_awake();
    }
  }
  // The host runs it with UV_RUN_NOWAIT whenever the backend's descriptor is readable.
  void run_adopted() {
    for (;;) {
      before_poll();
      poll(false);
      after_poll_adopted();
      if (stopping_ || all_ran()) return;
      wait_for_descriptor();
    }
  }
  // The host blocks in uv_run.
  void run_adopted_blocking() {
    while (!stopping_ && !all_ran()) {
      before_poll();
      poll(!busy_ && !stopping_);
      after_poll_adopted();
    }
  }
  void run() { kind_ == Kind::kOwn ? run_own() : run_adopted(); }
  // Loop::close_handles
  void end_handle(Deadline deadline = Deadline::never()) {
    if (!queue.wait_for_owed_wake_ups(deadline)) {
      leaked_ = true;
      return;
    }
    died(&wake_up);
    handle_ended_ = true;
  }

  bool stopping() const { return stopping_; }
  bool leaked() const { return leaked_; }
  bool handle_ended() const { return handle_ended_; }

  // ---- After all.

  void expect_each_taken_once() {
    for (auto& of_one : nodes) {
      for (Node& node : of_one) MODEL_EXPECT(node.ran + node.returned == (node.accepted ? 1 : 0));
    }
    if (!handle_ended_) died(&wake_up);
  }
  void expect_all_ran() {
    for (auto& of_one : nodes) {
      for (Node& node : of_one) MODEL_EXPECT(node.ran == 1);
    }
    expect_each_taken_once();
  }

  void before_poll() {
    int left = calls_at_once_;
    do {
      if (!drain(&left) || stopping_) return;
    } while (!queue.mark_asleep());
  }
  void drain() {
    int left = calls_at_once_;
    drain(&left);
  }

 private:
  // False: not all, that many calls were enough; the loop must not block.
  bool drain(int* left) {
    if (stopping_) return true;
    bool all = true;
    while (ready_ != nullptr || refill()) {
      if (Call* call = ready_) {
        ready_ = call->next;
        process(*static_cast<Node*>(call));
      }
      if (stopping_ || --*left > 0) continue;
      if (queue.looks_closed()) begin_stop();
      all = stopping_;
      break;
    }
    busy_ = !all;
    return all;
  }
  static void accept(Node& node, bool was_closed) {
    MODEL_EXPECT(!was_closed);
    node.accepted = true;
  }
  void send() {
    wake_up.send();
    queue.wake_up_was_sent();
  }
  void after_poll_adopted() {
    before_poll();
    if (busy_) wake_up.send();
  }
  void poll(bool may_block) {
    if (all_ran()) return;
    if (may_block) wait_for_descriptor();
    if (wake_up.fd.readable()) wake_up.read([this] { drain(); });
  }
  void wait_for_descriptor() {
    const auto readable = [this] { return wake_up.fd.readable(); };
    if (wakes_by_itself == 0) return block_until(readable);
    if (!block_with_timeout(readable)) --wakes_by_itself;
  }
  bool refill() {
    bool is_closed = false;
    Call* list = queue.take(&is_closed);
    if (is_closed) begin_stop();
    if (list == nullptr) return false;
    while (list != nullptr) {
      Call* call = list;
      list = call->next;
      call->next = ready_;
      ready_ = call;
    }
    return true;
  }
  void begin_stop() {
    stopping_ = true;
    if (one_closer) MODEL_EXPECT(grace_ == 1);  // published by the closing
    expect_all_pushes_happened();
    for (; ready_ != nullptr; ready_ = ready_->next) ++static_cast<Node*>(ready_)->returned;
  }
  void process(Node& node) {
    MODEL_EXPECT(static_cast<void*>(node.arg) == &node);
    MODEL_EXPECT(node.number >= next_[node.producer]);
    next_[node.producer] = node.number + 1;
    ++node.ran;
    ++ran_;
  }
  // Q1: by who closed, and by the loop that saw it closed.
  void expect_all_pushes_happened() {
    for (auto& of_one : nodes) {
      for (Node& node : of_one) {
        if (node.accepted) MODEL_EXPECT(static_cast<void*>(node.arg) == &node);
      }
    }
  }
  bool all_ran() const { return ran_ == kProducers * kEach; }

  const Kind kind_;
  const int calls_at_once_;
  Plain<int> grace_{0};
  Call* ready_ = nullptr;
  std::size_t ran_ = 0;
  std::size_t next_[kProducers] = {};
  bool closing_ = false;
  bool closed_ = false;
  bool busy_ = false;  // an idle handle is active
  bool stopping_ = false;
  bool leaked_ = false;
  bool handle_ended_ = false;
};

}  // namespace crochet::model
