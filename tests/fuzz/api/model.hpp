// SPDX-License-Identifier: MIT
// The reference model: what is outstanding, how it was settled, what was dropped. Plain data, no thread of its own.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "crochet.h"

namespace fuzz {

class Session;

// What is handed over: an argument, a value, a payload, a hook's argument. To be dropped once.
struct Token {
  Session* session;
  int number;
  const char* what;
  int call;
  int drops = 0;
  bool is_argument = false;
};

enum class Start { kQueue, kAfter, kTime, kAtStop, kByHand, kSleep, kEvery };
enum class State { kWaits, kRuns, kSettled };
enum class Ending { kResolves, kRejects, kRejectsWith, kRejectsAsCancelled, kKeeps, kLeaves, kThrows, kCount };
enum class HookKind { kNone, kSettles, kIgnores, kResolves, kCount };

// What the function of a call does.
struct Script {
  Ending ending = Ending::kResolves;
  HookKind hook = HookKind::kNone;
  bool cancels_itself = false;
  bool runs_another = false;
  bool waits = false;
  bool settles_twice = false;
};

struct Call {
  int number = 0;
  int loop = 0;
  Start start = Start::kQueue;
  State state = State::kWaits;
  Script script;
  Token* argument = nullptr;
  Token* value = nullptr;
  Token* payload = nullptr;
  Token* hook = nullptr;
  HookKind hook_kind = HookKind::kNone;
  crochet_result* result = nullptr;      // good while handles > 0
  crochet_deferred* deferred = nullptr;  // good while deferreds > 0
  int handles = 0;                       // ours
  int hidden = 0;                        // references of the stash, of completion queues, of after-calls
  bool was_hidden = false;
  int deferreds = 0;  // ours, and the borrowed one
  int code = 0;       // of a wait, when it is settled
  int error_code = 0;
  long queued = 0;  // when, among all that is queued and settled; 0: not yet
  int after = -1;
  std::int64_t not_before_ns = 0;
  std::int64_t delay_ns = 0;
  std::int64_t expires_from_ns = INT64_MAX;  // its deadline is over then, at the earliest
  std::int64_t expires_by_ns = INT64_MAX;    // and at the latest
  bool accepted = true;
  bool in_making = false;  // nobody knows yet whether it is accepted
  bool ran = false;
  bool finished = false;  // its argument is dropped
  bool taken = false;
  bool cancel_asked = false;
  bool stop_asked = false;
  bool interrupt_pending = false;
  bool hook_called = false;
  bool hook_due = false;
  bool hook_cleared = false;  // there was one: then its loop settles it when it is cancelled
  bool has_label = false;
  bool loop_has_ended = false;
  std::int64_t saw_it_ns = 0;  // when its loop had certainly come to it, and waits for its time
  bool in_its_queue = false;   // until its loop has come to it, also when it is cancelled: it counts for a limit
  int rounds = 0;              // of crochet_every()

  // Settles by itself: when, only the library knows.
  bool settles_itself() const { return start == Start::kSleep || start == Start::kEvery; }
};

// What a loop should have counted.
struct Counted {
  long run = 0, not_run = 0, cancelled = 0, expired = 0, accepted = 0;
  bool is_exact = true;     // without calls that the library makes for itself
  bool has_sleeps = false;  // entered at the end, when it is known what became of them
};

struct Watch {
  int call;
  std::uint64_t tag;
  long settled;  // when; 0: not yet
};

struct CompletionQueue {
  crochet_completion_queue* handle = nullptr;
  bool closed = false;
  int references = 1;
  std::vector<Watch> watches;  // not handed out
};

struct Stashed {
  std::uint64_t uid;
  std::uint64_t type;
  int call;  // -1: used
};

}  // namespace fuzz
