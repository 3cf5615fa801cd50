// SPDX-License-Identifier: MIT
#include "runtime/dump.hpp"

#include <algorithm>

#include "base/symbol.hpp"
#include "loop/loop_table.hpp"
#include "runtime/dump_format.hpp"
#include "runtime/runtime.hpp"

namespace crochet {
namespace {

// Calls are many, their functions few.
class FunctionNames {
 public:
  const char* of(crochet_call_fn* function) {
    if (function == nullptr) return "";
    const auto* address = reinterpret_cast<const void*>(function);
    Entry& entry = entries_[(reinterpret_cast<std::uintptr_t>(address) >> 4) % kEntries];
    if (entry.function != address) {
      name_of_function(address, entry.name);
      entry.function = address;
    }
    return entry.name;
  }

 private:
  static constexpr std::size_t kEntries = 16;
  struct Entry {
    const void* function = nullptr;
    char name[kLongestSymbol];
  };
  Entry entries_[kEntries];
};

CallState state_of(const Sight& sight, bool is_running) {
  const Word w = sight.word;
  if (is_running && word::phase(w) != Phase::kQueued) return CallState::kRunning;
  switch (word::phase(w)) {
    case Phase::kQueued:
      if ((w & word::kAtStop) != 0) return CallState::kAtStop;
      if (sight.waits_for == SideRecord::kItsTime) return CallState::kDelayed;
      return sight.waits_for != 0 ? CallState::kWaits : CallState::kQueued;
    case Phase::kRunning: return CallState::kPending;
    case Phase::kSettling: return CallState::kSettling;
    case Phase::kSettled: break;
  }
  return CallState::kHeld;
}

class Listing {
 public:
  explicit Listing(DumpWriter& writer) : writer_(writer) {}

  void list(Loop& loop) {
    Call* const call = loop.running();
    CallName name{"", ""};
    if (call != nullptr) {
      crochet_call_fn* function = nullptr;
      see_name(*call, &function, &name.label);
      if (name.label == nullptr) name.label = "";
      name.function = names_.of(function);
    }
    writer_.loop({loop, Runtime::default_id() == loop.id(), call != nullptr, name});
  }

  void list(Call& call, const Sight& sight) {
    // The block may serve another loop by now, or soon: held while its name is read.
    Loop* const block = loop_table::block(sight.loop);
    if (block == nullptr) return;
    const Loop::Hold hold(*block);
    const bool is_there = block->id() == sight.loop && block->state() != Loop::State::kUnused;
    const CallState state = state_of(sight, is_there && block->running() == &call);
    ++totals_.of[static_cast<std::size_t>(state)];
    const std::int64_t age = sight.first_seen == 0 ? -1 : std::max<std::int64_t>(monotonic_ns() - sight.first_seen, 0);
    const CallName name{sight.label == nullptr ? "" : sight.label, names_.of(sight.function)};
    writer_.call({sight, state, is_there ? block->name() : "", name, age});
  }

  const CallTotals& totals() const { return totals_; }

 private:
  DumpWriter& writer_;
  FunctionNames names_;
  CallTotals totals_;
};

void list(Loop* only, DumpWriter& writer, const DumpOutput& out) {
  Listing listing(writer);
  writer.begin();
  loop_table::for_each([&](Loop& loop) {
    const Loop::Hold hold(loop);
    if (out.goes_on() && (only == nullptr ? loop.is_active() : &loop == only)) listing.list(loop);
  });
  writer.end_of_loops();
  const std::uint32_t id = only == nullptr ? 0 : only->id();
  for_each_outstanding(id, [&](Call& call, const Sight& sight) {
    listing.list(call, sight);
    return out.goes_on();
  });
  writer.end(listing.totals());
}

}  // namespace

std::uint64_t CallTotals::all() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t some : of) sum += some;
  return sum;
}

int dump(Loop* only, DumpFormat format, crochet_dump_fn* write, void* arg) {
  DumpOutput out(write, arg);
  if (format == DumpFormat::kJson) {
    JsonWriter writer(out);
    list(only, writer, out);
  } else {
    TextWriter writer(out);
    list(only, writer, out);
  }
  out.flush();
  return out.status();
}

}  // namespace crochet
