// SPDX-License-Identifier: MIT
// Closing the queue: what was accepted is taken once, by the loop or the closer; whoever sees it closed has seen all pushes;
// the wake-up's handle ends after its last use; the control block serves another loop later.
#include "model/scenario.hpp"
#include "model/scenarios/queue_loop.hpp"

namespace crochet {
namespace {

using model::Kind;
using model::Node;

template <class WakeUp, std::size_t kEach>
struct ClosedFromOutside {
  model::QueueLoop<WakeUp, 2, kEach> loop;

  explicit ClosedFromOutside(Kind kind, int calls_at_once = 100) : loop(kind, calls_at_once) {}
  void thread(int t) {
    if (t < 2) return loop.produce(static_cast<std::size_t>(t));
    if (t == 3) return loop.close();
    loop.run();
    if (loop.stopping()) loop.end_handle();
  }
  void end() { loop.expect_each_taken_once(); }
};

MODEL_SCENARIO(queue_closed_by_a_fourth_thread_uv_1_44, 4) : ClosedFromOutside<model::Uv144, 1> {
  queue_closed_by_a_fourth_thread_uv_1_44() : ClosedFromOutside(Kind::kOwn) {}
};

MODEL_SCENARIO(queue_closed_by_a_fourth_thread_uv_1_45, 4) : ClosedFromOutside<model::Uv145, 1> {
  queue_closed_by_a_fourth_thread_uv_1_45() : ClosedFromOutside(Kind::kOwn) {}
};

MODEL_SCENARIO(queue_closed_under_an_adopted_loop, 4) : ClosedFromOutside<model::Uv144, 1> {
  queue_closed_under_an_adopted_loop() : ClosedFromOutside(Kind::kAdopted) {}
};

MODEL_SCENARIO(queue_closed_with_work_left_over, 4) : ClosedFromOutside<model::Uv144, 2> {
  queue_closed_with_work_left_over() : ClosedFromOutside(Kind::kOwn, 1) {}
};

// One producer only: few enough threads to exhaust.
MODEL_SCENARIO(queue_closed_against_one_producer, 3) {
  model::QueueLoop<model::Uv144, 1, 2> loop{Kind::kOwn};
  void thread(int t) {
    if (t == 0) return loop.produce(0);
    if (t == 1) return loop.close();
    loop.run();
    if (loop.stopping()) loop.end_handle();
  }
  void end() { loop.expect_each_taken_once(); }
};

// The same with a chain: all of it is accepted, or nothing.
MODEL_SCENARIO(queue_closed_against_a_chain, 3) {
  model::QueueLoop<model::Uv144, 1, 2> loop{Kind::kOwn};
  void thread(int t) {
    if (t == 0) {
      loop.post_chain(0);
      return;
    }
    if (t == 1) return loop.close();
    loop.run();
    if (loop.stopping()) loop.end_handle();
  }
  void end() { loop.expect_each_taken_once(); }
};

// A call that runs on the loop stops it: the closer is the loop itself, and the handle ends on the same thread.
MODEL_SCENARIO(queue_closed_by_its_own_loop, 3) {
  model::QueueLoop<model::Uv144, 2, 2> loop{Kind::kOwn};
  void thread(int t) {
    if (t < 2) return loop.produce(static_cast<std::size_t>(t));
    loop.before_poll();
    loop.close();
    loop.drain();
    MODEL_EXPECT(loop.stopping());
    loop.end_handle();
  }
  void end() { loop.expect_each_taken_once(); }
};

// The stopper's patience may be over at any moment: then the handle is left behind, open.
MODEL_SCENARIO(queue_closed_with_a_deadline, 3) {
  model::QueueLoop<model::Uv144, 1, 2> loop{Kind::kOwn};
  void thread(int t) {
    if (t == 0) return loop.produce(0);
    if (t == 1) return loop.close();
    loop.run();
    if (loop.stopping()) loop.end_handle(Deadline::at(1000));
  }
  void end() { loop.expect_each_taken_once(); }
};

// Two threads stop the loop: one of them owns the list and the wake-up.
MODEL_SCENARIO(queue_closed_twice, 4) {
  model::QueueLoop<model::Uv144, 1, 2> loop{Kind::kOwn};
  queue_closed_twice() { loop.one_closer = false; }
  void thread(int t) {
    if (t == 0) return loop.produce(0);
    if (t < 3) return loop.close();
    loop.run();
    if (loop.stopping()) loop.end_handle();
  }
  void end() { loop.expect_each_taken_once(); }
};

// The block is reused while a producer of the loop before is still on its way: it is refused, or queued for the new loop,
// which tells from the call's loop id; its wake-up goes to whoever sleeps, and is counted there.
MODEL_SCENARIO(queue_reused_under_a_late_producer, 3) {
  CallQueue queue;
  model::Uv144 wake_up;
  Atomic<std::uint32_t> id{1};
  Node late;
  Node fresh;
  bool reused = false;
  bool producer_done = false;
  bool fresh_done = false;

  queue_reused_under_a_late_producer() {
    model::name(queue, "queue");
    model::born(&wake_up, sizeof wake_up, "the first handle");
    queue.reopen();
  }
  bool post(Node& node, std::uint32_t loop_id) {
    node.loop.store(loop_id, relaxed);
    node.arg = &node;
    node.accepted = queue.push_to_awake(&node);  // Loop::post
    if (node.accepted) return true;
    const CallQueue::Push pushed = queue.push(&node);
    if (pushed == CallQueue::Push::kRefused) return false;
    node.accepted = true;
    if (pushed == CallQueue::Push::kQueuedOwesWakeUp) {
      wake_up.send();
      queue.wake_up_was_sent();
    }
    return true;
  }
  void process(Call* list) {
    while (list != nullptr) {
      Node& node = *static_cast<Node*>(list);
      list = node.next;
      MODEL_EXPECT(static_cast<void*>(node.arg) == &node);
      if (node.loop.load(relaxed) == id.load(relaxed)) ++node.ran;
      else ++node.returned;
    }
  }
  // One round of the loop, then it is closed and its handle ends.
  void live() {
    bool is_closed = false;
    do process(queue.take(&is_closed));
    while (!queue.mark_asleep());
    if (!reused) {
      if (model::block_with_timeout([this] { return wake_up.fd.readable(); })) {
        wake_up.read([&] { process(queue.take(&is_closed)); });
      }
    } else {
      while (!(producer_done && fresh_done)) {
        model::block_until([this] { return wake_up.fd.readable() || (producer_done && fresh_done); });
        if (wake_up.fd.readable()) wake_up.read([&] { process(queue.take(&is_closed)); });
        process(queue.take(&is_closed));
        while (!queue.mark_asleep()) process(queue.take(&is_closed));
      }
    }
    queue.mark_awake();
    const CallQueue::Closed was = queue.close();
    MODEL_EXPECT(!was.owes_wake_up);
    for (Call* call = was.list; call != nullptr; call = call->next) ++static_cast<Node*>(call)->returned;
    MODEL_EXPECT(queue.wait_for_owed_wake_ups(Deadline::never()));
    model::died(&wake_up);
  }
  void thread(int t) {
    if (t == 0) {
      live();
      model::born(&wake_up, sizeof wake_up, "the second handle");
      id.store(2, relaxed);
      reused = true;
      queue.reopen();
      live();
    } else if (t == 1) {
      post(late, 1);
      producer_done = true;
    } else {
      model::block_until([this] { return reused; });
      post(fresh, 2);
      fresh_done = true;
    }
  }
  void end() {
    MODEL_EXPECT(late.ran + late.returned == (late.accepted ? 1 : 0));
    MODEL_EXPECT(fresh.ran + fresh.returned == (fresh.accepted ? 1 : 0));
  }
};

// Somebody asks whether the loop of an id accepts calls while the block goes to the next loop: yes is the old loop's only
// if its closing comes later, so that its sweep sees what the asker made.
MODEL_SCENARIO(queue_reused_under_a_late_question, 2) {
  CallQueue queue;
  Atomic<std::uint32_t> id{1};
  bool closed = false;

  queue_reused_under_a_late_question() {
    model::name(queue, "queue");
    model::name(id, "id");
    queue.reopen();
  }
  void thread(int t) {
    if (t == 0) {
      queue.close();
      closed = true;
      id.store(2, relaxed);
      queue.reopen();
      return;
    }
    const bool accepts = queue.accepts();  // Loop::accepts
    const bool in_time = !closed;
    if (accepts && id.load(relaxed) == 1) MODEL_EXPECT(in_time);
  }
  void end() {}
};

}  // namespace
}  // namespace crochet
