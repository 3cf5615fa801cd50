// SPDX-License-Identifier: MIT
// What objects are called in traces and failures. Addresses differ from run to run; names don't.
#pragma once

#include <cstddef>

namespace crochet::model {

// Names an object, or a block of `size` bytes, until the execution ends. `name` must live that long.
void name_block(const void* begin, std::size_t size, const char* name) noexcept;
void forget_names() noexcept;

template <class T>
void name(const T& object, const char* text) noexcept {
  name_block(&object, sizeof(object), text);
}

// "head"; or "call+16", sixteen bytes into the smallest named block around it; or "unnamed". The text lasts for a few
// more calls only: a failing thread is never unwound, so it had better own nothing.
const char* describe(const void* address);

}  // namespace crochet::model
