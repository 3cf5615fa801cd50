// SPDX-License-Identifier: MIT
// A listing for programs: one JSON object, with each loop and each call on a line of its own.
#include "runtime/dump_format.hpp"

namespace crochet {

void JsonWriter::next() {
  out_ << (is_first_ ? "\n" : ",\n");
  is_first_ = false;
}

DumpOutput& JsonWriter::key(const char* name) { return out_ << ",\"" << name << "\":"; }

void JsonWriter::flag(const char* name, bool yes) { key(name) << (yes ? "true" : "false"); }

void JsonWriter::begin() {
  out_ << "{\"version\":\"" << std::uint64_t{CROCHET_VERSION_MAJOR} << "." << std::uint64_t{CROCHET_VERSION_MINOR}
       << "." << std::uint64_t{CROCHET_VERSION_PATCH} << "\",\"loops\":[";
}

void JsonWriter::loop(const LoopEntry& entry) {
  const Loop& loop = entry.loop;
  next();
  out_ << "{\"loop\":" << std::uint64_t{loop.id()};
  key("name").json(loop.name());
  key("state").json(kLoopStates[static_cast<std::size_t>(loop.state())]);
  flag("default", entry.is_default);
  flag("adopted", loop.is_adopted());
  flag("waits", !entry.is_busy && loop.looks_asleep());
  if (entry.is_busy) {
    key("label").json(entry.busy_with.label);
    key("function").json(entry.busy_with.function);
  }
  key("counters") << "{";
  for (std::size_t i = 0; i < kCheapCounters; ++i) {
    (out_ << (i == 0 ? "" : ",")).json(kCounterNames[i]) << ":" << loop.read(static_cast<Counter>(i));
  }
  out_ << "}";
  key("histograms") << "{";
  for (std::size_t i = 0; i < kHistograms; ++i) {
    const Histogram& times = loop.timed(static_cast<Timed>(i));
    (out_ << (i == 0 ? "" : ",")).json(kHistogramNames[i]) << ":{\"count\":" << times.all();
    key("sum_ns") << times.sum_ns();
    key("p50_ns") << static_cast<std::uint64_t>(times.quantile(0.5));
    key("p99_ns") << static_cast<std::uint64_t>(times.quantile(0.99));
    out_ << "}";
  }
  out_ << "}}";
}

void JsonWriter::end_of_loops() {
  out_ << "],\"calls\":[";
  is_first_ = true;
}

void JsonWriter::call(const CallEntry& entry) {
  const Word w = entry.sight.word;
  next();
  ((out_ << "{\"call\":\"").hexadecimal(entry.sight.id) << "\"");
  key("loop") << std::uint64_t{entry.sight.loop};
  key("loop_name").json(entry.loop_name);
  key("state").json(kCallStates[static_cast<std::size_t>(entry.state)]);
  if (entry.state == CallState::kWaits) ((key("after") << "\"").hexadecimal(entry.sight.waits_for) << "\"");
  if (entry.age_ns >= 0) key("age_at_least_ns") << static_cast<std::uint64_t>(entry.age_ns);
  key("label").json(entry.name.label);
  key("function").json(entry.name.function);
  key("references") << word::references(w);
  key("deferreds") << std::uint64_t{entry.sight.deferreds};
  flag("waited_for", (w & word::kWaiters) != 0);
  flag("joined", (w & word::kJoiners) != 0);
  flag("watched", (w & word::kWatched) != 0);
  flag("cancel_asked", (w & word::kCancelAsked) != 0);
  flag("stop_asked", (w & word::kStopAsked) != 0);
  out_ << "}";
}

void JsonWriter::end(const CallTotals& totals) {
  out_ << "\n],\"totals\":{\"all\":" << totals.all();
  for (std::size_t i = 0; i < kCallStateCount; ++i) key(kCallStates[i]) << totals.of[i];
  out_ << "}}\n";
}

}  // namespace crochet
