// SPDX-License-Identifier: MIT
// Reaches a private field, for counters and states that no test could bring about by counting: an explicit
// instantiation may name what is private.
//
//   struct Sends { friend Atomic<Word> CallQueue::*field(Sends); };
//   template struct Inside<Sends, &CallQueue::sends_>;
//   (queue.*field(Sends{})).store(...)
//
// Not in an unnamed namespace: the template's own must enclose the instantiation.
#pragma once

namespace crochet {

template <class Name, auto member>
struct Inside {
  friend decltype(member) field(Name) { return member; }
};

}  // namespace crochet
