// SPDX-License-Identifier: MIT
// A stack of its own and a way to jump to it: how one real thread plays all threads of a scenario.
#pragma once

namespace crochet::model {

class Fiber {
 public:
  // The next change to this fiber starts `entry`, which must never return. Whatever ran here before is forgotten, not
  // unwound. The stack is made once and kept for good.
  void prepare(void (*entry)());

  // Leaves `from` and goes on where `to` was left. Returns when somebody changes back to `from`.
  static void change(Fiber& from, Fiber& to) noexcept;

 private:
  void* stack_ = nullptr;
  void* context_ = nullptr;  // x86-64: the saved stack pointer; elsewhere a ucontext_t
};

}  // namespace crochet::model
