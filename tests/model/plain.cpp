// SPDX-License-Identifier: MIT
#include "model/plain.hpp"

#include "model/execution.hpp"
#include "model/names.hpp"

namespace crochet::model {

bool PlainBase::bind() const {
  birth_.expect_of_this_execution(this);
  bound_to_ = execution.number();
  written_at_ = birth_.tick;
  written_by_ = birth_.thread;
  reads_ = {};
  return birth_.execution == 0;
}

bool PlainBase::enter_read() const {
  const bool afresh = bound_to_ != execution.number() && bind();
  lifetimes.touch(piece_, this, false);
  if (execution.tracing()) execution.note({}, "%s: read", describe(this));
  const VectorClock& clock = execution.clock();
  if (!clock.knows(written_by_, written_at_)) {
    execution.fail("data race: %s is read, not ordered after its write by T%d", describe(this), written_by_);
  }
  reads_.set(execution.thread(), clock.of(execution.thread()));
  return afresh;
}

bool PlainBase::enter_write() const {
  const bool afresh = bound_to_ != execution.number() && bind();
  lifetimes.touch(piece_, this, false);
  if (execution.tracing()) execution.note({}, "%s: write", describe(this));
  const VectorClock& clock = execution.clock();
  if (!clock.knows(written_by_, written_at_)) {
    execution.fail("data race: %s is written, not ordered after its write by T%d", describe(this), written_by_);
  }
  if (!clock.covers(reads_))
    execution.fail("data race: %s is written, not ordered after every read of it", describe(this));
  written_by_ = static_cast<std::uint8_t>(execution.thread());
  written_at_ = clock.of(execution.thread());
  reads_ = {};
  return afresh;
}

}  // namespace crochet::model
