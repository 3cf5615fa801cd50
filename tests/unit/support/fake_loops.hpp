// SPDX-License-Identifier: MIT
// Stands in for the loop layer below which a test ends: notes what calls post to their loops, and runs nothing.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "call/call.hpp"
#include "call/post.hpp"

namespace crochet {

class FakeLoops {
 public:
  static FakeLoops& get();

  // Each test begins with loops that accept everything and have got nothing.
  void reset();
  void refuse() { accepts_ = false; }
  // Called by the next posts, before they are noted; no lock is held.
  void on_post(std::function<void(Call&)> body) { on_post_ = std::move(body); }

  std::vector<Call*> posted();
  std::vector<std::uint32_t> posted_to();
  int asked_to_look_for_hooks();
  int cancelled() const { return cancelled_; }
  int not_run() const { return not_run_; }

  // Used by what stands in for the loop layer.
  bool post(std::uint32_t loop_id, Call* call);
  void look_for_hooks();
  void count(NeverRan why);

 private:
  bool accepts_ = true;                 // fixed while threads run
  std::function<void(Call&)> on_post_;  // fixed while threads run
  std::mutex mutex_;
  std::vector<Call*> posted_;             // guarded by mutex_
  std::vector<std::uint32_t> posted_to_;  // guarded by mutex_
  int looks_ = 0;                         // guarded by mutex_
  std::atomic<int> cancelled_{0};
  std::atomic<int> not_run_{0};
};

// What a loop does with a call that it popped.
void process(Call& call);

class WithFakeLoops : public testing::Test {
 protected:
  void SetUp() override { loops().reset(); }
  static FakeLoops& loops() { return FakeLoops::get(); }
};

}  // namespace crochet
