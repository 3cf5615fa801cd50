// SPDX-License-Identifier: MIT
#include "model/atomic.hpp"

#include <cstdio>

namespace crochet::model {
namespace {

const char* name_of(std::memory_order order) {
  switch (order) {
    case std::memory_order_relaxed: return "relaxed";
    case std::memory_order_consume: return "consume";
    case std::memory_order_acquire: return "acquire";
    case std::memory_order_release: return "release";
    case std::memory_order_acq_rel: return "acq_rel";
    case std::memory_order_seq_cst: return "seq_cst";
  }
  return "?";
}

// Small numbers as they are, pointers to named objects by name, else hexadecimal.
const char* text_of(std::uint64_t value) {
  static char texts[4][160];
  static unsigned next = 0;
  char(&text)[160] = texts[next++ % 4];
  const char* name = value < 4096 ? "unnamed" : describe(reinterpret_cast<const void*>(value));
  if (std::string_view(name) != "unnamed") {
    std::snprintf(text, sizeof(text), "&%s", name);
  } else {
    std::snprintf(text, sizeof(text), value < 10 ? "%llu" : "0x%llx", static_cast<unsigned long long>(value));
  }
  return text;
}

const char* staleness(int behind) {
  static char text[32];
  if (behind == 0) return "";
  std::snprintf(text, sizeof(text), "  (stale by %d)", behind);
  return text;
}

}  // namespace

void AtomicBase::bind() const {
  birth_.expect_of_this_execution(this);
  location_ = &locations.make(initial_, birth_);
  bound_to_ = execution.number();
}

void AtomicBase::fail_unborn() const {
  execution.fail("use of %s, not ordered after its construction in T%d", describe(this), birth_.thread);
}

void AtomicBase::note_load(std::memory_order order, int index, Where where) const {
  execution.note(where, "%s: load %s = %s%s", describe(this), name_of(order), text_of(location_->value(index)),
                 staleness(location_->behind(index)));
}

void AtomicBase::note_store(std::memory_order order, std::uint64_t value, Where where) const {
  execution.note(where, "%s: store %s %s", describe(this), name_of(order), text_of(value));
}

void AtomicBase::note_modify(const char* operation, std::memory_order order, int index, std::uint64_t value,
                             Where where) const {
  execution.note(where, "%s: %s %s %s -> %s%s", describe(this), operation, name_of(order),
                 text_of(location_->value(index)), text_of(value), staleness(location_->behind(index)));
}

void AtomicBase::note_failed_compare(std::uint64_t expected, int index, Where where) const {
  execution.note(where, "%s: compare_exchange fails: %s, expected %s%s", describe(this),
                 text_of(location_->value(index)), text_of(expected), staleness(location_->behind(index)));
}

}  // namespace crochet::model
