// SPDX-License-Identifier: MIT
// The decisions that make one execution what it is: who runs next, which store a load sees, whether a wait times out.
//
// An execution asks for one decision after another. What was answered is the trail; the same trail gives the same
// execution again. Answer 0 is always the ordinary one: the same thread goes on, the newest store is seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace crochet::model {

class Choices {
 public:
  // Depth first: the first execution always picks 0, next() steps to the following one.
  void start_depth_first();
  // One random execution; the seed alone decides it.
  void start_random(std::uint64_t seed);
  // What trail() once wrote down. False when `trail` is not of that form.
  bool start_replay(std::string_view trail);

  // To the beginning of the trail, for the next execution along it.
  void rewind() noexcept { position_ = 0; }
  // Depth first only: changes the last decision that has an untried answer. False when all have been tried.
  bool next();

  int pick(int options) {
    if (options == 1) return 0;
    if (position_ < trail_.size()) return follow(options);
    return record(options, random_ ? draw(options) : 0);
  }
  // The same for a decision where 0 means "the running thread goes on": random executions prefer that, some more,
  // some less, for what needs few preemptions and what needs many are rarely found by the same habit.
  int pick_preemption(int options) {
    if (random_ && position_ >= trail_.size() && stays()) return record(options, 0);
    return pick(options);
  }

  // The scenario asked otherwise than when the trail was made: it is not deterministic.
  bool diverged() const noexcept { return diverged_; }
  std::string trail() const;

 private:
  struct Choice {
    std::uint8_t options;  // 0: read from a text, not known
    std::uint8_t picked;
  };

  int follow(int options);
  int record(int options, int picked);
  int draw(int options);
  bool stays();
  std::uint64_t random_bits();
  void clear();

  std::vector<Choice> trail_;
  std::size_t position_ = 0;
  bool random_ = false;
  bool diverged_ = false;
  std::uint64_t random_state_ = 0;
  std::uint64_t stay_mask_ = 0;
};

}  // namespace crochet::model
