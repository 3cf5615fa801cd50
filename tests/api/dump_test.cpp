// SPDX-License-Identifier: MIT
// Listings of what goes on: crochet_dump().
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "api/provokes.hpp"
#include "api/support/blocked_loop.hpp"
#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/dumped.hpp"
#include "api/support/host_loop.hpp"
#include "api/support/in_child.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"

namespace contract {
namespace {

class Dump : public WithDefaultLoop {
 protected:
  static OwnedCall prepared(const char* label, crochet_loop* loop = nullptr) {
    OwnedCall call;
    EXPECT_EQ(crochet_call_new(loop, 8, call.out()), CROCHET_OK);
    EXPECT_EQ(crochet_call_set_label(call.get(), label), CROCHET_OK);
    return call;
  }
  static OwnedResult made(OwnedCall call, crochet_call_fn* fn = resolve_null) {
    OwnedResult result;
    EXPECT_EQ(crochet_call_run(call.release(), fn, nullptr, result.out()), CROCHET_OK);
    return result;
  }
};

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// The loop has let go of everything that was made before; and of this as well, or that would be listed.
void settle_down() {
  OwnedResult last;
  ASSERT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, last.out()), CROCHET_OK);
  ASSERT_EQ(crochet_result_join(last.get(), kForever), CROCHET_OK);
}

std::string state_of(const std::string& line) { return value_of(line, "state"); }

TEST_F(Dump, TellsEveryStateOfACall) {
  PROVOKES(crochet_dump, CROCHET_OK);
  Pending pending;
  OwnedDeferred kept;
  OwnedCall prepared_held = prepared("a held one");
  OwnedResult held;
  ASSERT_EQ(crochet_call_run(
                prepared_held.release(),
                [](crochet_deferred* deferred, void*) {
                  crochet_deferred_retain(deferred);
                  crochet_resolve(deferred, deferred, nullptr);
                },
                nullptr, held.out()),
            CROCHET_OK);
  ASSERT_EQ(crochet_result_wait(held.get(), kForever), CROCHET_OK);
  kept.reset(static_cast<crochet_deferred*>(crochet_result_value(held.get())));
  {
    BlockedLoop block;
    const OwnedResult queued = made(prepared("a queued one"));
    OwnedCall waiting = prepared("a waiting one");
    ASSERT_EQ(crochet_call_set_after(waiting.get(), pending.result.get()), CROCHET_OK);
    const OwnedResult waits = made(std::move(waiting));
    OwnedCall late = prepared("one at the stop");
    ASSERT_EQ(crochet_call_set_at_stop(late.get()), CROCHET_OK);
    const OwnedResult at_stop = made(std::move(late));
    OwnedCall delayed_call = prepared("a delayed one");
    ASSERT_EQ(crochet_call_set_delay_ns(delayed_call.get(), kForever), CROCHET_OK);
    const OwnedResult delayed = made(std::move(delayed_call));

    const std::string text = dumped();
    EXPECT_TRUE(Json::is_valid(text)) << text;
    EXPECT_EQ(state_of(line_with(text, "a queued one")), "\"queued\"");
    EXPECT_EQ(state_of(line_with(text, "one at the stop")), "\"at-stop\"");
    EXPECT_EQ(state_of(line_with(text, "a delayed one")), "\"delayed\"");
    EXPECT_EQ(state_of(line_with(text, "a held one")), "\"held\"");
    EXPECT_EQ(lines_with(text, "\"state\":\"running\",\"age").size(), 1u) << text;  // the blocker
    const std::string of_waiting = line_with(text, "a waiting one");
    EXPECT_EQ(state_of(of_waiting), "\"waits\"");
    const std::string of_pending = line_with(text, "{\"call\":" + value_of(of_waiting, "after"));
    EXPECT_EQ(state_of(of_pending), "\"pending\"");
    EXPECT_EQ(value_of(of_pending, "watched"), "true");
    EXPECT_EQ(value_of(of_pending, "function"), "\"\"");
    EXPECT_NE(
        text.find(
            "\"totals\":{\"all\":7,\"queued\":1,\"waits\":1,\"delayed\":1,\"at-stop\":1,\"running\":1,\"pending\":1,"
            "\"settling\":0,\"held\":1}"),
        std::string::npos)
        << text;

    const std::string lines = dumped(nullptr, CROCHET_DUMP_TEXT);
    EXPECT_NE(line_with(lines, "a queued one").find(": queued, at least "), std::string::npos);
    EXPECT_EQ(lines_with(lines, "call 0x").size(), 7u) << lines;
    EXPECT_EQ(lines_with(lines, "loop 1 \"crochet\" (default): running, in ").size(), 1u) << lines;
    EXPECT_EQ(crochet_resolve(pending.deferred.get(), nullptr, nullptr), CROCHET_OK);
  }
  pending.deferred.reset();
  kept.reset();
}

TEST_F(Dump, TellsWhoIsInterested) {
  Pending pending;
  EXPECT_EQ(value_of(line_with(dumped(), "\"pending\",\"age"), "waited_for"), "false");
  EXPECT_EQ(crochet_result_wait(pending.result.get(), kMillisecond), CROCHET_ETIMEDOUT);
  EXPECT_EQ(crochet_result_join(pending.result.get(), kMillisecond), CROCHET_ETIMEDOUT);
  DropCounter drops;
  EXPECT_EQ(crochet_deferred_on_cancel(pending.deferred.get(), leave_unsettled, drops.pointer(), DropCounter::drop),
            CROCHET_OK);
  EXPECT_EQ(crochet_result_cancel(pending.result.get(), nullptr), CROCHET_OK);
  const OwnedResult one_more(crochet_result_retain(pending.result.get()));
  while (drops.count() == 0) std::this_thread::yield();  // the hook has run, and settled nothing
  settle_down();
  const std::string line = line_with(dumped(), "\"pending\",\"age");
  for (const char* flag : {"waited_for", "joined", "cancel_asked"}) EXPECT_EQ(value_of(line, flag), "true") << flag;
  for (const char* flag : {"watched", "stop_asked"}) EXPECT_EQ(value_of(line, flag), "false") << flag;
  EXPECT_EQ(number_of(line, "references"), 3);
  EXPECT_EQ(number_of(line, "deferreds"), 1);
  EXPECT_EQ(crochet_resolve(pending.deferred.get(), nullptr, nullptr), CROCHET_OK);
}

// Those that need a walk over all calls are told at the end, of all loops together.
TEST_F(Dump, TellsEachCounterOfALoopThatIsCounted) {
  std::string json, text;
  for (std::uint32_t i = 0; const char* name = crochet_loop_counter_name(i); ++i) {
    if (name == std::string("calls_queued")) break;
    json += (i == 0 ? "\"" : ",\"") + std::string(name) + "\":#";
    text += (i == 0 ? "; " : ", ") + std::string(name) + " #";
  }
  const auto with_numbers_as_hash = [](const std::string& line, const std::string& begin) {
    std::string found;
    for (std::size_t i = line.find(begin); i < line.size(); ++i) {
      const bool is_digit = line[i] >= '0' && line[i] <= '9';
      if (!is_digit) found += line[i];
      else if (found.back() != '#') found += '#';
    }
    return found;
  };
  const std::string json_line = with_numbers_as_hash(line_with(dumped(), "\"counters\""), "\"counters\"");
  EXPECT_EQ(json_line.substr(0, json_line.find('}')), "\"counters\":{" + json);
  const std::string listing = with_numbers_as_hash(dumped(nullptr, CROCHET_DUMP_TEXT), "; calls_run");
  EXPECT_EQ(listing.substr(0, text.size()), text);
  EXPECT_EQ(listing[text.size()], ';') << "then the histograms";
}

TEST_F(Dump, IsValidJsonAndOneLineACallWhateverALabelHolds) {
  BlockedLoop block;
  const char* const labels[] = {"\"quoted\" \\ back", "new\nline\ttab\x01\x7f", "caf\xc3\xa9 \xf0\x9f\x90\x91",
                                "bad \xff\xfe",       "cut \xe2\x82",           "surrogate \xed\xa0\x80",
                                "long \xc0\xaf",      "beyond \xf4\x90\x80\x80"};
  std::vector<OwnedResult> results;
  for (const char* label : labels) results.push_back(made(prepared(label)));
  const std::string json = dumped();
  EXPECT_TRUE(Json::is_valid(json)) << json;
  EXPECT_NE(json.find("caf\xc3\xa9 \xf0\x9f\x90\x91"), std::string::npos);
  EXPECT_NE(json.find("bad \\ufffd\\ufffd"), std::string::npos);
  EXPECT_NE(json.find("cut \\ufffd\\ufffd\""), std::string::npos);
  EXPECT_NE(json.find("surrogate \\ufffd\\ufffd\\ufffd\""), std::string::npos);
  EXPECT_NE(json.find("new\\u000aline\\u0009tab\\u0001\\u007f"), std::string::npos);
  const std::string text = dumped(nullptr, CROCHET_DUMP_TEXT);
  EXPECT_EQ(lines_with(text, ": queued").size(), std::size(labels)) << text;
  EXPECT_NE(text.find("new\\x0aline"), std::string::npos);
}

TEST_F(Dump, NamesFunctionsBySymbolOrByFileAndOffset) {
  BlockedLoop block;
  OwnedResult symbol, file;
  // It is never run.
  const auto exported = reinterpret_cast<crochet_call_fn*>(dlsym(RTLD_DEFAULT, "crochet_result_release"));
  ASSERT_EQ(crochet_run(nullptr, exported, nullptr, nullptr, symbol.out()), CROCHET_OK);
  ASSERT_EQ(crochet_run(nullptr, leave_unsettled, nullptr, nullptr, file.out()), CROCHET_OK);
  const std::string text = dumped();
  EXPECT_EQ(lines_with(text, "\"function\":\"crochet_result_release\"").size(), 1u) << text;
  EXPECT_GE(lines_with(text, "\"function\":\"api-dump+0x").size(), 1u) << text;
  EXPECT_EQ(crochet_result_cancel(symbol.get(), nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_result_cancel(file.get(), nullptr), CROCHET_OK);
}

TEST_F(Dump, CountsAgesFromTheFirstListing) {
  Pending pending;
  EXPECT_GE(number_of(line_with(dumped(), "\"pending\",\"age"), "age_at_least_ns"), 0);
  const std::int64_t seen = now_ns();
  while (now_ns() - seen < kMillisecond) continue;
  EXPECT_GE(number_of(line_with(dumped(), "\"pending\",\"age"), "age_at_least_ns"), kMillisecond);
}

TEST_F(Dump, NeverTakesACallForTheOneThatHadItsMemoryBefore) {
  for (int i = 0; i < 100; ++i) {  // more than there are generations
    const std::int64_t before = now_ns();
    Pending pending;
    const std::int64_t age = number_of(line_with(dumped(), "\"pending\",\"age"), "age_at_least_ns");
    EXPECT_LE(age, now_ns() - before) << i;
  }
}

TEST_F(Dump, OfOneLoopLeavesTheOthersOut) {
  OwnedLoop other;
  ASSERT_EQ(crochet_loop_new(nullptr, other.out()), CROCHET_OK);
  Pending here, there(other.get());
  EXPECT_EQ(lines_with(dumped(), "{\"call\"").size(), 2u);
  EXPECT_EQ(lines_with(dumped(), "{\"loop\"").size(), 2u);
  const std::string text = dumped(other.get());
  EXPECT_EQ(lines_with(text, "{\"call\"").size(), 1u) << text;
  EXPECT_EQ(lines_with(text, "{\"loop\"").size(), 1u) << text;
  EXPECT_EQ(value_of(line_with(text, "{\"loop\""), "default"), "false");
  EXPECT_EQ(crochet_loop_stop(other.get(), 0), CROCHET_OK);
}

TEST_F(Dump, TellsOfCallsThatAreHeldAfterTheirLoopHasEnded) {
  Pending held;
  EXPECT_EQ(crochet_shutdown(0), CROCHET_OK);
  const std::string text = dumped(nullptr, CROCHET_DUMP_TEXT);
  EXPECT_NE(line_with(text, "call 0x").find(": held"), std::string::npos) << text;
  EXPECT_EQ(lines_with(text, "loop 1 \"crochet\" (default)").size(), 0u) << text;
  held.deferred.reset();
  EXPECT_EQ(lines_with(dumped(), "{\"call\"").size(), 0u);
}

TEST_F(Dump, TellsWhichLoopTheHostRuns) {
  HostLoop host;
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_adopt(host.uv(), nullptr, loop.out()), CROCHET_OK);
  EXPECT_EQ(lines_with(dumped(nullptr, CROCHET_DUMP_TEXT), " (the host runs it): ").size(), 1u);
  const std::string text = dumped(loop.get(), CROCHET_DUMP_TEXT);
  EXPECT_EQ(lines_with(text, " (the host runs it): ").size(), 1u) << text;
  EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_EINPROGRESS);
  EXPECT_EQ(host.run(), 0);
}

TEST_F(Dump, WorksOnALoopsThread) {
  std::string text;
  EXPECT_EQ(on_loop(nullptr, [&text] { text = dumped(); }), CROCHET_OK);
  EXPECT_EQ(lines_with(text, "\"state\":\"running\",\"age").size(), 1u) << text;
}

TEST_F(Dump, IsEndedByItsFunction) {
  PROVOKES(crochet_dump, CROCHET_EFAILED);
  std::vector<Pending> many(200);  // more than one piece
  struct Counted {
    int code;
    int pieces = 0;
  };
  const auto count = [](void* arg, const char*, std::size_t length) {
    EXPECT_GT(length, 0u);
    auto* counted = static_cast<Counted*>(arg);
    ++counted->pieces;
    return counted->code;
  };
  for (const int code : {CROCHET_ENOSPC, -7}) {
    Counted counted{code};
    EXPECT_EQ(crochet_dump(nullptr, CROCHET_DUMP_TEXT, count, &counted), code);
    EXPECT_EQ(counted.pieces, 1);
  }
  Counted positive{1};
  EXPECT_EQ(crochet_dump(nullptr, CROCHET_DUMP_TEXT, count, &positive), CROCHET_EFAILED);
  const auto throws = [](void*, const char*, std::size_t) -> int { throw std::runtime_error("enough"); };
  EXPECT_EQ(crochet_dump(nullptr, CROCHET_DUMP_JSON, throws, nullptr), CROCHET_EFAILED);
  Counted all{0};
  EXPECT_EQ(crochet_dump(nullptr, CROCHET_DUMP_JSON, count, &all), CROCHET_OK);
  EXPECT_GT(all.pieces, 1);
}

TEST_F(Dump, LetsItsFunctionEndTheThread) {
  static int farewell = 0;
  const auto list = [](void*) -> void* {
    crochet_dump(
        nullptr, CROCHET_DUMP_TEXT, [](void*, const char*, std::size_t) -> int { pthread_exit(&farewell); }, nullptr);
    return nullptr;
  };
  pthread_t thread{};
  ASSERT_EQ(pthread_create(&thread, nullptr, list, nullptr), 0);
  void* said = nullptr;
  EXPECT_EQ(pthread_join(thread, &said), 0);
  EXPECT_EQ(said, &farewell);
  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
}

TEST_F(Dump, RefusesBadArguments) {
  PROVOKES(crochet_dump, CROCHET_EINVAL);
  EXPECT_EQ(crochet_dump(nullptr, CROCHET_DUMP_TEXT, nullptr, nullptr), CROCHET_EINVAL);
  std::string text;
  for (const int format : {-1, 2}) EXPECT_EQ(crochet_dump(nullptr, format, append_to, &text), CROCHET_EINVAL);
  EXPECT_EQ(text, "");
}

TEST(DumpWithoutSetup, ListsNothing) {
  EXPECT_TRUE(Json::is_valid(dumped()));
  EXPECT_NE(dumped(nullptr, CROCHET_DUMP_TEXT).find("0 calls\n"), std::string::npos);
}

TEST_F(Dump, IsRefusedInAForkedChildUntilSetupAndThenForgetsTheParentsCalls) {
  PROVOKES(crochet_dump, CROCHET_EFORKED);
  SKIP_UNDER_THREAD_SANITIZER("can't start threads in a child that was forked beside others");
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  Pending pending;
  EXPECT_EQ(lines_with(dumped(), "{\"call\"").size(), 1u);
  in_child([&loop] {
    std::string text;
    EXPECT_EQ(crochet_dump(nullptr, CROCHET_DUMP_TEXT, append_to, &text), CROCHET_EFORKED);
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_dump(loop.get(), CROCHET_DUMP_TEXT, append_to, &text), CROCHET_EFORKED);
    EXPECT_EQ(text, "");
    {
      Pending of_child;
      EXPECT_EQ(lines_with(dumped(), "{\"call\"").size(), 1u);
      EXPECT_EQ(crochet_resolve(of_child.deferred.get(), nullptr, nullptr), CROCHET_OK);
    }
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

// ---- While calls of all kinds are made and end

void first_kind(crochet_deferred* deferred, void*) { crochet_resolve(deferred, nullptr, nullptr); }
void second_kind(crochet_deferred* deferred, void* arg) { crochet_resolve(deferred, arg, nullptr); }

TEST_F(Dump, NeverMixesTwoCallsNorDisturbsThem) {
  const int rounds = kSanitized ? 300 : 3000;
  std::atomic<int> callers{2};
  std::vector<std::thread> threads;
  for (const bool first : {true, false}) {
    threads.emplace_back([&callers, first, rounds] {
      DropCounter drops;
      for (int i = 0; i < rounds; ++i) {
        OwnedResult result = made(prepared(first ? "first kind" : "second kind"), first ? first_kind : second_kind);
        OwnedCall after = prepared(first ? "second kind" : "first kind");
        EXPECT_EQ(crochet_call_set_after(after.get(), result.get()), CROCHET_OK);
        OwnedResult second;
        EXPECT_EQ(crochet_call_run(after.release(), first ? second_kind : first_kind, nullptr, second.out()),
                  CROCHET_OK);
        Pending by_hand;
        EXPECT_EQ(
            crochet_deferred_on_cancel(by_hand.deferred.get(), leave_unsettled, drops.pointer(), DropCounter::drop),
            CROCHET_OK);
        EXPECT_EQ(crochet_resolve(by_hand.deferred.get(), nullptr, nullptr), CROCHET_OK);
        by_hand.deferred.reset();
        EXPECT_EQ(crochet_result_join(by_hand.result.get(), kForever), CROCHET_OK);
        EXPECT_EQ(crochet_result_wait(second.get(), kForever), CROCHET_OK);
      }
      EXPECT_EQ(drops.count(), rounds);
      --callers;
    });
  }
  char own[2][32] = {};
  Dl_info found;
  ASSERT_NE(dladdr(reinterpret_cast<const void*>(first_kind), &found), 0);
  const auto base = reinterpret_cast<std::uintptr_t>(found.dli_fbase);
  std::snprintf(own[0], sizeof own[0], "+0x%zx\"",
                static_cast<std::size_t>(reinterpret_cast<std::uintptr_t>(first_kind) - base));
  std::snprintf(own[1], sizeof own[1], "+0x%zx\"",
                static_cast<std::size_t>(reinterpret_cast<std::uintptr_t>(second_kind) - base));
  const auto look = [&] {
    int listed = 0;
    while (callers != 0 || listed == 0) {
      const std::string text = dumped();
      EXPECT_TRUE(Json::is_valid(text)) << text;
      for (const std::string& line : lines_with(text, "first kind"))
        EXPECT_NE(line.find(own[0]), std::string::npos) << line;
      for (const std::string& line : lines_with(text, "second kind"))
        EXPECT_NE(line.find(own[1]), std::string::npos) << line;
      ++listed;
    }
  };
  std::thread other(look);
  look();
  other.join();
  for (std::thread& thread : threads) thread.join();
  settle_down();
  EXPECT_EQ(lines_with(dumped(), "{\"call\"").size(), 0u);
}

}  // namespace
}  // namespace contract
