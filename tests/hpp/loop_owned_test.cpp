// SPDX-License-Identifier: MIT
// loop_owned<T>: an object that never leaves its loop's thread.
#include <pthread.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hpp/support/with_loop.hpp"

namespace hpp {
namespace {

using crochet::loop_owned;

// Tells on which threads it was made, used and ended.
struct Witness {
  struct Log {
    std::thread::id made, used, ended;
    std::atomic<int> alive{0};
  };
  Log& log;
  int sum = 0;

  explicit Witness(Log& l) : log(l) {
    log.made = std::this_thread::get_id();
    ++log.alive;
  }
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;
  ~Witness() {
    log.ended = std::this_thread::get_id();
    --log.alive;
  }
  int add(int n) {
    log.used = std::this_thread::get_id();
    return sum += n;
  }
  crochet::deferred<int> later() {
    crochet::deferred<int> d;
    d.resolve(sum);
    return d;
  }
};

class LoopOwned : public WithLoop {
 protected:
  Witness::Log log_;
  std::thread::id home_;
  void SetUp() override {
    WithLoop::SetUp();
    home_ = crochet::run([] { return std::this_thread::get_id(); }).wait();
  }
  static void settle() {
    crochet::run([] {}).wait();
  }
};

TEST_F(LoopOwned, IsMadeUsedAndEndedOnTheLoop) {
  {
    const loop_owned<Witness> owned(std::in_place, std::ref(log_));
    EXPECT_EQ(owned.run(&Witness::add, 3).wait(), 3);
    EXPECT_EQ(owned.run([](Witness& w, int n) { return w.add(n); }, 4).wait(), 7);
    EXPECT_EQ(owned.run(&Witness::later).wait(), 7);
  }
  settle();
  EXPECT_EQ(log_.alive, 0);
  EXPECT_EQ(log_.made, home_);
  EXPECT_EQ(log_.used, home_);
  EXPECT_EQ(log_.ended, home_);
}
TEST_F(LoopOwned, LivesOnTheLoopGiven) {
  const crochet::loop other;
  const auto there = other.run([] { return std::this_thread::get_id(); }).wait();
  {
    const loop_owned<Witness> owned(other, std::ref(log_));
    EXPECT_EQ(owned.run(&Witness::add, 1).wait(), 1);
  }
  other.run([] {}).wait();
  EXPECT_EQ(log_.made, there);
  EXPECT_EQ(log_.ended, there);
}
TEST_F(LoopOwned, IsDecoratedLikeALoop) {
  const loop_owned<Witness> owned(std::in_place, std::ref(log_));
  const auto add = owned.run_in_loop(&Witness::add);
  add(1).wait();
  EXPECT_EQ(add(2).wait(), 3);
  const auto patient = owned.wait_for(kKillTimer, &Witness::add);
  EXPECT_EQ(patient(3), 6);
  EXPECT_EQ(patient.wrapped(), &Witness::add);
  const crochet::deferred<int> never;
  EXPECT_THROW(owned.wait_for(5ms, [never](Witness&) { return never; })(), crochet::timeout_error);
}
TEST_F(LoopOwned, EndsAfterTheCallsMadeBefore) {
  crochet::eventual_result<int> last;
  {
    const Blocker blocker;
    const loop_owned<Witness> owned(std::in_place, std::ref(log_));
    owned.run(&Witness::add, 1);
    last = owned.run(&Witness::add, 2);
  }
  EXPECT_EQ(last.wait(), 3);
  settle();
  EXPECT_EQ(log_.alive, 0);
}
// Its ending was refused like any call, and it lived until the stop; or the destructor waited for room.
TEST_F(LoopOwned, EndsOnALoopWhoseQueueIsFull) {
  crochet::options one_at_a_time;
  one_at_a_time.queue_limit = 1;
  for (const auto wait : {crochet::timeout(0ns), crochet::timeout()}) {
    one_at_a_time.queue_wait = wait;
    const crochet::loop other(one_at_a_time);
    crochet::eventual_result<int> last;
    {
      std::optional<loop_owned<Witness>> owned(std::in_place, other, std::ref(log_));
      other.sleep(0ns).wait();  // it was made: there is room
      EXPECT_EQ(owned->run(&Witness::add, 1).wait(), 1);
      const Blocker blocker(other);
      last = owned->run(&Witness::add, 2);  // takes the one place
      owned.reset();
      EXPECT_EQ(log_.alive, 1);
    }
    EXPECT_EQ(last.wait(), 3);
    other.run([] {}).wait();
    EXPECT_EQ(log_.alive, 0);
  }
}
TEST_F(LoopOwned, EndsWhenTheLoopStops) {
  std::optional<loop_owned<Witness>> owned(std::in_place, std::in_place, std::ref(log_));
  EXPECT_EQ(owned->run(&Witness::add, 1).wait(), 1);
  EXPECT_EQ(crochet::shutdown(1s), crochet::stop_outcome::ended);
  EXPECT_EQ(log_.alive, 0);
  EXPECT_EQ(log_.ended, home_);
  EXPECT_THROW(owned->run(&Witness::add, 1), crochet::loop_stopped);
  owned.reset();
  crochet::setup();
  loop_owned<Witness> again(std::in_place, std::ref(log_));
  EXPECT_EQ(again.run(&Witness::add, 5).wait(), 5);
}
TEST_F(LoopOwned, OfAnEarlierGenerationIsNotUsedByALaterLoop) {
  const loop_owned<Witness> owned(std::in_place, std::ref(log_));
  EXPECT_EQ(crochet::shutdown(1s), crochet::stop_outcome::ended);
  crochet::setup();
  EXPECT_THROW(owned.run(&Witness::add, 1).wait(), crochet::loop_stopped);
}
TEST_F(LoopOwned, EndsInTheReverseOrderOfMakingWhenTheLoopStops) {
  std::vector<int> order;
  struct Named {
    std::vector<int>& order;
    int name;
    Named(std::vector<int>& o, int n) : order(o), name(n) {}
    ~Named() { order.push_back(name); }
  };
  const loop_owned<Named> first(std::in_place, std::ref(order), 1);
  const loop_owned<Named> second(std::in_place, std::ref(order), 2);
  settle();
  EXPECT_EQ(crochet::shutdown(1s), crochet::stop_outcome::ended);
  EXPECT_EQ(order, (std::vector<int>{2, 1}));
}
TEST_F(LoopOwned, MayBeDestroyedOnTheLoopItself) {
  auto owned = std::make_unique<loop_owned<Witness>>(std::in_place, std::ref(log_));
  crochet::run([&owned] { owned.reset(); }).wait();
  settle();
  EXPECT_EQ(log_.alive, 0);
  EXPECT_EQ(log_.ended, home_);
}
struct Unmakeable {
  Unmakeable() { throw std::domain_error("can't be made"); }
  int use() { return 1; }
};
TEST_F(LoopOwned, ThatCantBeMadeThrowsInEveryCall) {
  const loop_owned<Unmakeable> owned;
  EXPECT_THROW(owned.run(&Unmakeable::use).wait(), std::domain_error);
  EXPECT_THROW(owned.run(&Unmakeable::use).wait(), std::domain_error);
}
struct Ending {
  Ending() { pthread_exit(nullptr); }
};
TEST_F(LoopOwned, WhoseConstructorEndsTheThreadEndsTheLoop) {
  const crochet::loop loop;
  const loop_owned<Ending> owned(loop);
  EXPECT_THROW(owned.run([](Ending&) {}).wait(), crochet::loop_stopped);
}
TEST_F(LoopOwned, MovesWithItsObject) {
  Witness::Log second_log;
  {
    loop_owned<Witness> first(std::in_place, std::ref(log_));
    loop_owned<Witness> second(std::in_place, std::ref(second_log));
    first.run(&Witness::add, 1).wait();
    second.run(&Witness::add, 2).wait();
    second = std::move(first);
    settle();
    EXPECT_EQ(second_log.alive, 0) << "what was there before has ended";
    EXPECT_EQ(second.run(&Witness::add, 1).wait(), 2);
    const loop_owned<Witness> third = std::move(second);
    EXPECT_EQ(third.run(&Witness::add, 1).wait(), 3);
  }
  settle();
  EXPECT_EQ(log_.alive, 0);
}
TEST_F(LoopOwned, IsRefusedWithoutALoop) {
  EXPECT_EQ(crochet::shutdown(1s), crochet::stop_outcome::ended);
  EXPECT_THROW(loop_owned<Witness>(std::in_place, std::ref(log_)), crochet::loop_stopped);
  EXPECT_EQ(log_.alive, 0);
}
TEST_F(LoopOwned, SurvivesAStopInTheMiddleOfItsCalls) {
  for (int round = 0; round < 20; ++round) {
    crochet::setup();
    {
      const loop_owned<Witness> owned(std::in_place, std::ref(log_));
      std::thread user([&owned] {
        try {
          for (;;) owned.run(&Witness::add, 1).wait();
        } catch (const crochet::loop_stopped&) {
        }
      });
      EXPECT_EQ(crochet::shutdown(1s), crochet::stop_outcome::ended);
      user.join();
    }
    EXPECT_EQ(log_.alive, 0);
  }
  crochet::setup();
}

}  // namespace
}  // namespace hpp
