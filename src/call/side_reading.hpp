// SPDX-License-Identifier: MIT
// Reading the side record of a call that is somebody else's, and that may end at any moment.
//
// A reading holds nothing that user code could wait for: it is a few instructions long. Who ends a record takes it out
// of its call first, and then looks whether somebody reads. If so, the record is kept until nobody does.
//
//   reader   readings + 1;  function: a read-modify-write that changes nothing;  the record's fields;  readings - 1
//   ender    function := 0 by a read-modify-write;  readings: none: free the record, else keep it
//
// The two read-modify-writes of `function` have an order. Reader first: the ender sees the reading. Ender first: the
// reader finds no record. Between a record's installing and its end nothing stores to `function`, or that order would
// tell nothing: hence Call::make_prepared().
#pragma once

#include "call/call.hpp"
#include "call/side_record.hpp"

namespace crochet {

// Frees a record that was taken out of its call; later, if somebody reads. Any thread; never waits.
void end_side_record(SideRecord* record);

class SideReading {
 public:
  explicit SideReading(Call& call);
  ~SideReading();
  SideReading(const SideReading&) = delete;
  SideReading& operator=(const SideReading&) = delete;

  const SideRecord* record() const { return record_; }  // null: it has none (any more)

 private:
  const SideRecord* record_;
};

// In a forked child: who read is not there any more.
void forget_side_readings();

}  // namespace crochet
