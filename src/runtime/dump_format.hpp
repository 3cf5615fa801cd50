// SPDX-License-Identifier: MIT
// The two forms of a listing: what is told, and a writer for each form.
#pragma once

#include <cstdint>

#include "call/sight.hpp"
#include "loop/loop.hpp"
#include "runtime/dump_output.hpp"

namespace crochet {

// Where a call is on its way.
enum class CallState {
  kQueued,    // its function waits for its turn
  kWaits,     // for the result of another call
  kDelayed,   // for its time
  kAtStop,    // for the stop of its loop
  kRunning,   // its loop's thread is in it: its function, its on-cancel hook or the drop of its argument
  kPending,   // its function has returned, or there is none; a deferred is held
  kSettling,  // somebody settles it
  kHeld,      // settled, but a deferred is still held
};
inline constexpr const char* kCallStates[] = {"queued",  "waits",   "delayed",  "at-stop",
                                              "running", "pending", "settling", "held"};
inline constexpr std::size_t kCallStateCount = sizeof kCallStates / sizeof *kCallStates;

inline constexpr const char* kLoopStates[] = {"unused", "running", "stopping", "ended"};

// What is called: a label, a function's name; either may be "".
struct CallName {
  const char* label;
  const char* function;
};

struct LoopEntry {
  const Loop& loop;
  bool is_default;
  bool is_busy;  // with a call, named:
  CallName busy_with;
};

struct CallEntry {
  const Sight& sight;
  CallState state;
  const char* loop_name;  // "" of a loop that is not there any more
  CallName name;
  std::int64_t age_ns;  // at least; -1: not known
};

// What there were of each state.
struct CallTotals {
  std::uint64_t of[kCallStateCount] = {};
  std::uint64_t all() const;
};

class DumpWriter {
 public:
  virtual void begin() = 0;
  virtual void loop(const LoopEntry& entry) = 0;
  virtual void end_of_loops() = 0;
  virtual void call(const CallEntry& entry) = 0;
  virtual void end(const CallTotals& totals) = 0;

 protected:
  explicit DumpWriter(DumpOutput& out) : out_(out) {}
  ~DumpWriter() = default;

  DumpOutput& out_;
};

class TextWriter final : public DumpWriter {
 public:
  explicit TextWriter(DumpOutput& out) : DumpWriter(out) {}
  void begin() override;
  void loop(const LoopEntry& entry) override;
  void end_of_loops() override {}
  void call(const CallEntry& entry) override;
  void end(const CallTotals& totals) override;

 private:
  void name(const CallName& name);
};

class JsonWriter final : public DumpWriter {
 public:
  explicit JsonWriter(DumpOutput& out) : DumpWriter(out) {}
  void begin() override;
  void loop(const LoopEntry& entry) override;
  void end_of_loops() override;
  void call(const CallEntry& entry) override;
  void end(const CallTotals& totals) override;

 private:
  void next();  // a comma where one belongs
  DumpOutput& key(const char* name);
  void flag(const char* name, bool yes);

  bool is_first_ = true;
};

}  // namespace crochet
