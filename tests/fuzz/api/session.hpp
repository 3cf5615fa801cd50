// SPDX-License-Identifier: MIT
// One input, played: its operations go to the library and to the model, and what comes back is compared.
#pragma once

#include <array>
#include <deque>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "crochet.h"
#include "fuzz/api/model.hpp"
#include "fuzz/api/stepped_loop.hpp"
#include "fuzz/support/bytes.hpp"

namespace fuzz {

// Kept from input to input: threads are costly.
using Loops = std::array<std::unique_ptr<SteppedLoop>, 2>;

class Session {
 public:
  Session(Bytes bytes, Loops& loops);
  void play();

 private:
  struct Side {  // of a loop
    bool accepting = false;
    bool stopping = false;
    bool was_default = false;
    std::uint64_t limit = 0;
    Counted counted;
  };
  struct Cork {
    crochet_cork* handle = nullptr;
    int loop = 0;
    std::vector<int> gathered;
    bool is_stale = false;  // its loop has ended
  };
  struct Stale {
    std::uintptr_t handle;
    bool is_deferred;
    long slots_used;
  };

  // ---- session.cpp: beginning, choosing, end
  void begin();
  void operation();
  void perform(unsigned which);
  void end();
  void start_loop(int loop);
  void stop_loop(int loop, bool whole_process);
  void loop_has_ended(int loop);
  void check_counters(int loop);
  void check();
  void check_call(const Call& call);
  void step(int loop, Call* settles = nullptr);  // `settles`: in the course of it

  // ---- making.cpp: calls are made
  void make_plain();
  void make_and_wait();
  void make_prepared();
  void make_many();
  void make_by_hand();
  void make_sleep();
  void make_every();
  void cork();
  Call& new_call(int loop, Start start);
  Token* new_token(const char* what, int call);
  Script read_script();
  int expected_of_loop(int loop) const;
  void made(Call& call, int code, std::initializer_list<int> expected, crochet_result* result, bool wanted);
  void queue(Call& call);
  long queued_on(int loop) const;
  long next_stamp() { return all_at_once_ ? stamp_ : ++stamp_; }
  crochet_loop* name_of(int loop);
  int pick_loop();

  // ---- callbacks.cpp: the library calls
  static void function(crochet_deferred* deferred, void* token);
  static void function_in_storage(crochet_deferred* deferred, void* storage);
  static void round(crochet_deferred* deferred, void* token, std::uint64_t missed);
  static void on_cancel(crochet_deferred* deferred, void* token);
  static void drop(void* token);
  static void drop_storage(void* storage);
  void started(Call& call, crochet_deferred* deferred);
  void play_script(Call& call, crochet_deferred* deferred);
  void dropped(Token& token);
  void settle_by_script(Call& call, crochet_deferred* deferred, Ending ending);

  // ---- results.cpp: results and deferreds
  void look(Call& call);
  void wait(Call& call);
  void join(Call& call);
  void take(Call& call);
  void error(Call& call);
  void cancel(Call& call);
  void cancel_without_hook(Call& call);
  void interrupt(Call& call);
  void count_references(Call& call);
  void settle_deferred(Call& call);
  void set_hook(Call& call);
  void use_stale();
  void wait_for_several();
  void release_result(Call& call);
  void release_deferred(Call& call);
  int status_of(Call& call);

  // ---- keeping.cpp: the stash, completion queues, the log, forks
  void stash(Call& call);
  void retrieve();
  void completion_queue();
  void watch(CompletionQueue& queue, bool back);
  void next(CompletionQueue& queue);
  void drain(CompletionQueue& queue);
  void close_queue(CompletionQueue& queue, bool release);
  void handed_out(CompletionQueue& queue, crochet_result* result, std::uint64_t tag);
  void log_line();
  void look_around();
  void fork_child();

  // ---- the model's own
  void settle(Call& call, int code, int error_code);
  void finish(Call& call);
  int reason(const Call& call, int asked_code) const;
  Call* pick_result();
  Call* pick_deferred();
  Call* pick_certain();  // one that does not settle itself
  Side& side_of(const Call& call) { return sides_[static_cast<std::size_t>(call.loop)]; }
  bool on_loop() const { return place_ >= 0; }
  void expect(const char* what, int code, std::initializer_list<int> expected);

  Bytes bytes_;
  Loops& loops_;
  std::array<Side, 2> sides_;
  std::deque<Call> calls_;
  std::deque<Token> tokens_;
  std::vector<Cork> corks_;
  std::vector<CompletionQueue> queues_;
  std::vector<Stashed> stashed_;
  std::vector<Stale> stale_;
  std::uint32_t stash_capacity_ = 65536;
  SteppedLoop::Kind kind_ = SteppedLoop::Kind::kAdopted;
  bool was_set_up_ = false;  // there has been a default loop
  int place_ = -1;           // whose loop's thread an operation is done on; -1: nobody's
  int fault_ = -1;           // which allocation of the next operation fails
  bool faulted_ = false;
  long stamp_ = 0;
  bool all_at_once_ = false;  // nobody says in which order calls are settled, and so queued, now
  long slots_used_ = 0;
};

}  // namespace fuzz
