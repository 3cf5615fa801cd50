// SPDX-License-Identifier: MIT
// Calls that are made and not queued yet: to be queued by one operation, in the order in which they were added.
//
// A stop's sweep sees them from the moment they were made, and may settle one before it is queued. It is queued all the
// same: the group's reference is the chain's (N2), and the loop buries the husk.
#pragma once

#include "call/call.hpp"
#include "loop/loop.hpp"

namespace crochet {

class Chain {
 public:
  bool empty() const { return newest_ == nullptr; }
  void add(Call* call) {
    if (newest_ == nullptr) oldest_ = call;
    call->next = newest_;
    newest_ = call;
  }
  // All of them, oldest first; none is in the chain any more.
  Call* take_oldest_first() {
    Call* list = nullptr;
    while (!empty()) {
      Call* call = take_newest();
      call->next = list;
      list = call;
    }
    return list;
  }
  // True: they are the loop's, which may have run them by now. False: it accepts nothing any more, all is as before.
  bool post(Loop& loop) {
    if (!loop.post_chain(newest_, oldest_)) return false;
    newest_ = nullptr;
    return true;
  }
  // take_back(Call*) for each, newest first; for the rest also when a drop function in it ends the thread.
  template <class TakeBack>
  void take_all_back(TakeBack&& take_back) {
    struct Rest {
      Chain& chain;
      TakeBack& take_back;
      ~Rest() noexcept(false) { run(); }
      void run() {
        while (!chain.empty()) take_back(chain.take_newest());
      }
    } rest{*this, take_back};
    rest.run();
  }

 private:
  Call* take_newest() {
    Call* call = newest_;
    // Of the oldest one a push that was refused may have written the link.
    newest_ = call == oldest_ ? nullptr : static_cast<Call*>(call->next);
    return call;
  }

  Call* newest_ = nullptr;  // null: empty
  Call* oldest_ = nullptr;
};

}  // namespace crochet
