// SPDX-License-Identifier: MIT
// A value that counts its objects: each is to be ended exactly once.
#pragma once

#include <atomic>
#include <stdexcept>

namespace hpp {

// One count per Tag, so that tests don't disturb each other.
template <class Tag>
struct Tracked {
  static inline std::atomic<int> alive{0};
  static inline std::atomic<int> made{0};

  int number = 0;

  explicit Tracked(int n = 0) : number(n) { born(); }
  Tracked(const Tracked& other) : number(other.number) { born(); }
  Tracked(Tracked&& other) noexcept : number(other.number) { born(); }
  Tracked& operator=(const Tracked&) = default;
  Tracked& operator=(Tracked&&) = default;
  ~Tracked() { --alive; }

 private:
  static void born() {
    ++alive;
    ++made;
  }
};

struct NoDefault {
  explicit NoDefault(int n) : number(n) {}
  int number;
};

struct NotMovable {
  explicit NotMovable(int n) : number(n) {}
  NotMovable(const NotMovable&) = delete;
  NotMovable& operator=(const NotMovable&) = delete;
  int number;
};

struct alignas(128) OverAligned {
  explicit OverAligned(int n) : number(n) {}
  bool aligned() const { return reinterpret_cast<std::uintptr_t>(this) % alignof(OverAligned) == 0; }
  int number;
};

// Its moves throw; so do its copies.
template <class Tag>
struct ThrowingMove : Tracked<Tag> {
  explicit ThrowingMove(int n) : Tracked<Tag>(n) {}
  ThrowingMove(ThrowingMove&& other) noexcept(false) : Tracked<Tag>(other.number) { throw std::domain_error("moved"); }
};

struct Big {
  explicit Big(int n) : number(n) {}
  int number;
  char rest[1000] = {};
};

}  // namespace hpp
