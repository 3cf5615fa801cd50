// SPDX-License-Identifier: MIT
// Which calls can fail, as what they are counted, and what they say then; and which never do.
#pragma once

#include <cstddef>

namespace shim {

enum class Library { kCrochet, kLibuv, kHeaders };
inline constexpr std::size_t kLibraries = 3;
inline constexpr const char* kLibraryNames[kLibraries] = {"crochet", "libuv", "headers"};

enum class Class { kMemory, kThreads, kLibuv, kSystem, kTransient };
inline constexpr std::size_t kClasses = 5;
inline constexpr const char* kClassNames[kClasses] = {"memory", "threads", "libuv", "system", "transient"};

enum class Says {
  kMinusOne,         // and errno
  kNull,             // and errno
  kNothing,          // 0, and errno
  kCode,             // the error itself
  kNegative,         // the error itself, as libuv does
  kThrows,           // std::bad_alloc
  kDoneAndMinusOne,  // and errno, but it has done what it does, as close() has
};

using Arguments = const long[8];

struct Call {
  const char* name;  // as in the dynamic symbol table
  Class its_class;
  Says says;
  int error;
  bool (*when)(Arguments& arguments) = nullptr;  // null: always
  const char* shown = nullptr;                   // null: its name
};

struct NeverFails {
  const char* name;  // or its beginning, followed by a '*'
  const char* why;
};

// The entries of one name follow each other. Null behind the last.
extern const Call kCalls[];
extern const NeverFails kNeverFails[];

}  // namespace shim
