// SPDX-License-Identifier: MIT
// A listing for people: a line for each loop, a line for each call, one at the end.
#include "runtime/dump_format.hpp"

namespace crochet {

void TextWriter::begin() {
  out_ << "crochet " << std::uint64_t{CROCHET_VERSION_MAJOR} << "." << std::uint64_t{CROCHET_VERSION_MINOR} << "."
       << std::uint64_t{CROCHET_VERSION_PATCH} << "\n";
}

void TextWriter::name(const CallName& name) {
  if (*name.label != '\0') (out_ << "\"").line(name.label) << "\" ";  // it has a function, too
  out_.line(name.function);
}

void TextWriter::loop(const LoopEntry& entry) {
  const Loop& loop = entry.loop;
  (out_ << "loop " << std::uint64_t{loop.id()} << " \"").line(loop.name())
      << "\"" << (entry.is_default ? " (default)" : "") << (loop.is_adopted() ? " (the host runs it)" : "") << ": "
      << kLoopStates[static_cast<std::size_t>(loop.state())];
  if (entry.is_busy) {
    out_ << ", in ";
    name(entry.busy_with);
  } else {
    out_ << (loop.looks_asleep() ? ", waits" : ", busy");
  }
  for (std::size_t i = 0; i < kCheapCounters; ++i) {
    out_ << (i == 0 ? "; " : ", ") << kCounterNames[i] << " " << loop.read(static_cast<Counter>(i));
  }
  for (std::size_t i = 0; i < kHistograms; ++i) {
    const Histogram& times = loop.timed(static_cast<Timed>(i));
    out_ << (i == 0 ? "; " : ", ") << kHistogramNames[i] << " half of " << times.all() << " up to "
         << static_cast<std::uint64_t>(times.quantile(0.5)) << ", 99% up to "
         << static_cast<std::uint64_t>(times.quantile(0.99));
  }
  out_ << "\n";
}

void TextWriter::call(const CallEntry& entry) {
  const Word w = entry.sight.word;
  out_ << "call ";
  out_.hexadecimal(entry.sight.id) << " of loop " << std::uint64_t{entry.sight.loop};
  if (*entry.loop_name != '\0') (out_ << " \"").line(entry.loop_name) << "\"";
  else out_ << " (ended)";
  out_ << ": " << kCallStates[static_cast<std::size_t>(entry.state)];
  if (entry.state == CallState::kWaits) (out_ << " for ").hexadecimal(entry.sight.waits_for);
  if (entry.age_ns >= 0) (out_ << ", at least ").seconds(entry.age_ns) << " old";
  if (*entry.name.label != '\0' || *entry.name.function != '\0') {
    out_ << ": ";
    name(entry.name);
  }
  out_ << "; " << word::references(w) << " references, " << std::uint64_t{entry.sight.deferreds} << " deferreds";
  if ((w & word::kWaiters) != 0) out_ << ", waited for";
  if ((w & word::kJoiners) != 0) out_ << ", joined";
  if ((w & word::kWatched) != 0) out_ << ", others start after it";
  if ((w & word::kCancelAsked) != 0) out_ << ", cancel asked";
  if ((w & word::kStopAsked) != 0) out_ << ", stop asked";
  out_ << "\n";
}

void TextWriter::end(const CallTotals& totals) {
  out_ << totals.all() << " calls";
  for (std::size_t i = 0, listed = 0; i < kCallStateCount; ++i) {
    if (totals.of[i] != 0) out_ << (listed++ == 0 ? ": " : ", ") << totals.of[i] << " " << kCallStates[i];
  }
  out_ << "\n";
}

}  // namespace crochet
