// SPDX-License-Identifier: MIT
// Stacks from mmap with a guard page below; a change of a dozen instructions on x86-64 Linux, ucontext elsewhere.
#include "model/fiber.hpp"

#include <sys/mman.h>
#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_UNPOISON_MEMORY_REGION(address, size) (static_cast<void>(address), static_cast<void>(size))
#endif

namespace crochet::model {
namespace {

constexpr std::size_t kStackSize = 256 * 1024;
constexpr std::size_t kGuardSize = 4096;

void* make_stack() {
  void* memory = mmap(nullptr, kGuardSize + kStackSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED || mprotect(memory, kGuardSize, PROT_NONE) != 0) std::abort();
  return static_cast<char*>(memory) + kGuardSize;
}

}  // namespace

#if defined(__x86_64__) && defined(__linux__)

// Saves the registers that a callee must keep, swaps the stack pointers, restores the other side's registers.
extern "C" void crochet_model_change(void** save, void* resume) noexcept;
asm(R"(
  .text
  .globl crochet_model_change
  .type crochet_model_change, @function
crochet_model_change:
  push %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsp, (%rdi)
  mov %rsi, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret
  .size crochet_model_change, . - crochet_model_change
)");

void Fiber::prepare(void (*entry)()) {
  if (stack_ == nullptr) stack_ = make_stack();
  ASAN_UNPOISON_MEMORY_REGION(stack_, kStackSize);
  constexpr std::size_t kSavedRegisters = 6;
  auto* top = reinterpret_cast<std::uintptr_t*>(static_cast<char*>(stack_) + kStackSize);
  *--top =
      0;  // where a return address would be: the ABI's alignment at the first instruction, and an end for debuggers
  *--top = reinterpret_cast<std::uintptr_t>(entry);
  for (std::size_t i = 0; i < kSavedRegisters; ++i) *--top = 0;
  context_ = top;
}

void Fiber::change(Fiber& from, Fiber& to) noexcept { crochet_model_change(&from.context_, to.context_); }

#else

void Fiber::prepare(void (*entry)()) {
  if (stack_ == nullptr) stack_ = make_stack();
  ASAN_UNPOISON_MEMORY_REGION(stack_, kStackSize);
  if (context_ == nullptr) context_ = new ucontext_t;
  auto* context = static_cast<ucontext_t*>(context_);
  getcontext(context);
  context->uc_stack.ss_sp = stack_;
  context->uc_stack.ss_size = kStackSize;
  context->uc_link = nullptr;
  makecontext(context, entry, 0);
}

void Fiber::change(Fiber& from, Fiber& to) noexcept {
  if (from.context_ == nullptr) from.context_ = new ucontext_t;
  swapcontext(static_cast<ucontext_t*>(from.context_), static_cast<ucontext_t*>(to.context_));
}

#endif

}  // namespace crochet::model
