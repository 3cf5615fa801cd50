// SPDX-License-Identifier: MIT
// No call is lost, none is run twice, each producer's calls run in their order; a loop that sleeps is woken.
#include "model/scenario.hpp"
#include "model/scenarios/queue_loop.hpp"

namespace crochet {
namespace {

using model::Kind;

template <class WakeUp, std::size_t kEach = 1>
struct TwoProducers {
  model::QueueLoop<WakeUp, 2, kEach> loop;

  explicit TwoProducers(Kind kind, int calls_at_once = 100) : loop(kind, calls_at_once) {}
  void thread(int t) {
    if (t < 2) loop.produce(static_cast<std::size_t>(t));
    else loop.run();
  }
  void end() { loop.expect_all_ran(); }
};

MODEL_SCENARIO(queue_own_loop_uv_1_44, 3) : TwoProducers<model::Uv144> {
  queue_own_loop_uv_1_44() : TwoProducers(Kind::kOwn) {}
};

MODEL_SCENARIO(queue_own_loop_two_calls_each, 3) : TwoProducers<model::Uv144, 2> {
  queue_own_loop_two_calls_each() : TwoProducers(Kind::kOwn) {}
};

MODEL_SCENARIO(queue_own_loop_uv_1_45, 3) : TwoProducers<model::Uv145> {
  queue_own_loop_uv_1_45() : TwoProducers(Kind::kOwn) {}
};

MODEL_SCENARIO(queue_own_loop_eventfd, 3) : TwoProducers<model::BareEventFd> {
  queue_own_loop_eventfd() : TwoProducers(Kind::kOwn) {}
};

// One call is run at a time: what is left over keeps the loop from blocking.
MODEL_SCENARIO(queue_own_loop_bounded_drain, 3) : TwoProducers<model::Uv144, 2> {
  queue_own_loop_bounded_drain() : TwoProducers(Kind::kOwn, 1) {}
};

MODEL_SCENARIO(queue_adopted_loop_uv_1_44, 3) : TwoProducers<model::Uv144> {
  queue_adopted_loop_uv_1_44() : TwoProducers(Kind::kAdopted) {}
};

MODEL_SCENARIO(queue_adopted_loop_uv_1_45, 3) : TwoProducers<model::Uv145> {
  queue_adopted_loop_uv_1_45() : TwoProducers(Kind::kAdopted) {}
};

MODEL_SCENARIO(queue_adopted_loop_bounded_drain, 3) : TwoProducers<model::Uv144, 2> {
  queue_adopted_loop_bounded_drain() : TwoProducers(Kind::kAdopted, 1) {}
};

// The host blocks in uv_run, as a loop of ours does; a mark stands whenever control is outside.
MODEL_SCENARIO(queue_adopted_loop_that_blocks, 3) : TwoProducers<model::Uv144> {
  queue_adopted_loop_that_blocks() : TwoProducers(Kind::kAdopted) {}
  void thread(int t) {
    if (t < 2) loop.produce(static_cast<std::size_t>(t));
    else loop.run_adopted_blocking();
  }
};

// One producer pushes its two calls as a chain, in one go.
template <class WakeUp>
struct ChainAndProducer : TwoProducers<WakeUp, 2> {
  using TwoProducers<WakeUp, 2>::TwoProducers;
  void thread(int t) {
    if (t == 0) MODEL_EXPECT(this->loop.post_chain(0));
    else TwoProducers<WakeUp, 2>::thread(t);
  }
};

MODEL_SCENARIO(queue_own_loop_a_chain_and_two_calls, 3) : ChainAndProducer<model::Uv144> {
  queue_own_loop_a_chain_and_two_calls() : ChainAndProducer(Kind::kOwn) {}
};

MODEL_SCENARIO(queue_adopted_loop_a_chain_and_two_calls, 3) : ChainAndProducer<model::Uv144> {
  queue_adopted_loop_a_chain_and_two_calls() : ChainAndProducer(Kind::kAdopted) {}
};

}  // namespace
}  // namespace crochet
