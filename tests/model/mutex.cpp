// SPDX-License-Identifier: MIT
#include "model/mutex.hpp"

#include "model/execution.hpp"
#include "model/names.hpp"

namespace crochet::model {

void Mutex::bind() {
  if (bound_to_ == execution.number()) return;
  birth_.expect_of_this_execution(this);
  bound_to_ = execution.number();
  owner_ = -1;
  clock_ = {};
}

void Mutex::take(Where where) {
  owner_ = execution.thread();
  execution.clock().join(clock_);
  if (execution.tracing()) execution.note(where, "%s: locked", describe(this));
}

void Mutex::lock(Where where) {
  execution.point();
  bind();
  if (owner_ == execution.thread()) execution.fail("mutex %s is locked twice by its owner", describe(this));
  auto is_free = [this] { return owner_ < 0; };
  if (!is_free()) execution.block(condition_of(is_free), Limit::kUntimed, "a mutex", where);
  take(where);
}

bool Mutex::try_lock(Where where) {
  execution.point();
  bind();
  if (owner_ >= 0) return false;
  take(where);
  return true;
}

void Mutex::unlock(Where where) {
  execution.point();
  bind();
  if (owner_ != execution.thread()) execution.fail("mutex %s is unlocked by a stranger", describe(this));
  if (execution.tracing()) execution.note(where, "%s: unlocked", describe(this));
  owner_ = -1;
  clock_ = execution.clock();
  execution.publish();
}

}  // namespace crochet::model
