// SPDX-License-Identifier: MIT
// The log: messages, and sinks that are functions, files and others.
#include <unistd.h>
#include <uv.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "api/support/log_capture.hpp"
#include "hpp/support/lines.hpp"
#include "hpp/support/tracked.hpp"
#include "hpp/support/with_loop.hpp"

namespace hpp {
namespace {

using crochet::log_level;
using crochet::log_sink;
using Texts = std::vector<std::string>;
constexpr auto kNoLevel = static_cast<log_level>(7);

class Log : public WithLoop {
 protected:
  void SetUp() override {
    WithLoop::SetUp();
    crochet::set_log_level(log_level::trace);
  }
  void TearDown() override {
    EXPECT_TRUE(crochet::flush_log(kKillTimer));
    crochet::set_log_level(log_level::warning);
    WithLoop::TearDown();
  }
};

TEST_F(Log, LevelsBelowTheOneSetAreOff) {
  Lines lines;
  const log_sink sink = lines.add();
  crochet::set_log_level(log_level::info);
  EXPECT_EQ(crochet::current_log_level(), log_level::info);
  EXPECT_FALSE(crochet::log_enabled(log_level::debug));
  EXPECT_TRUE(crochet::log_enabled(log_level::info));
  EXPECT_TRUE(crochet::log_enabled(log_level::critical));
  EXPECT_TRUE(crochet::log(log_level::debug, kTest, "off"));
  EXPECT_TRUE(crochet::log(log_level::info, kTest, "on"));
  crochet::set_log_level(log_level::off);
  EXPECT_FALSE(crochet::log_enabled(log_level::critical));
  EXPECT_TRUE(crochet::log(log_level::critical, kTest, "off, too"));
  EXPECT_TRUE(crochet::flush_log(kKillTimer));
  EXPECT_EQ(lines.messages(), Texts{"on"});
}
TEST_F(Log, AFunctionMakesTheMessageOnlyWhenItsLevelIsOn) {
  Lines lines;
  const log_sink sink = lines.add();
  crochet::set_log_level(log_level::info);
  int made = 0;
  const auto make = [&made] { return "made " + std::to_string(++made); };
  EXPECT_TRUE(crochet::log(log_level::debug, kTest, make));
  EXPECT_TRUE(crochet::log_wait(kKillTimer, log_level::debug, kTest, make));
  EXPECT_EQ(made, 0);
  EXPECT_TRUE(crochet::log(log_level::info, kTest, make));
  EXPECT_TRUE(crochet::log_wait(kKillTimer, log_level::info, kTest, make));
  EXPECT_EQ(made, 2);
  EXPECT_THROW(crochet::log(log_level::info, kTest, []() -> std::string { throw std::domain_error("x"); }),
               std::domain_error);
  EXPECT_TRUE(crochet::flush_log(kKillTimer));
  EXPECT_EQ(lines.messages(), (Texts{"made 1", "made 2"}));
}
TEST_F(Log, AMessageIsAnyTextOrMakerOfText) {
  using namespace std::string_view_literals;
  Lines lines;
  const log_sink sink = lines.add();
  const std::string text = "string";
  const char* const pointer = "pointer";
  crochet::log(log_level::info, kTest, "literal");
  crochet::log(log_level::info, kTest, text);
  crochet::log(log_level::info, kTest, std::string("rvalue"));
  crochet::log(log_level::info, kTest, pointer);
  crochet::log(log_level::info, kTest, "a\0b{}%s\n"sv);
  crochet::log(log_level::info, kTest, std::string_view());
  crochet::log(log_level::info, kTest, [] { return "pointer made"; });
  crochet::log(log_level::info, kTest, [&text]() -> const std::string& { return text; });
  crochet::log(log_level::info, kTest, [n = 1]() mutable { return (std::ostringstream() << "stream " << ++n).str(); });
  crochet::log_wait(kKillTimer, log_level::info, kTest, "waited");
  EXPECT_TRUE(crochet::flush_log(kKillTimer));
  EXPECT_EQ(lines.messages(), (Texts{"literal", "string", "rvalue", "pointer", std::string("a\0b{}%s\n"sv), "",
                                     "pointer made", "string", "stream 2", "waited"}));
}
TEST_F(Log, AnOriginIsOptional) {
  Lines lines("");
  const log_sink sink = lines.add();
  crochet::log(log_level::info, "without");
  crochet::log(log_level::info, nullptr, "null");
  crochet::log(log_level::info, [] { return "made"; });
  crochet::log_wait({}, log_level::info, "waited");
  EXPECT_TRUE(crochet::flush_log(kKillTimer));
  EXPECT_EQ(lines.messages(), (Texts{"without", "null", "made", "waited"}));
}
TEST_F(Log, BadArgumentsAreErrors) {
  int made = 0;
  const auto make = [&made] { return std::to_string(++made); };
  for (const log_level level : {log_level::off, kNoLevel, static_cast<log_level>(-1)}) {
    EXPECT_EQ(code_of([&] { crochet::log(level, "x"); }), CROCHET_EINVAL);
    EXPECT_EQ(code_of([&] { crochet::log(level, make); }), CROCHET_EINVAL);
    EXPECT_EQ(code_of([&] { crochet::log_wait(1s, level, "x"); }), CROCHET_EINVAL);
    EXPECT_FALSE(crochet::log_enabled(level));
  }
  EXPECT_EQ(made, 0);
  EXPECT_EQ(code_of([] { crochet::set_log_level(kNoLevel); }), CROCHET_EINVAL);
  EXPECT_EQ(code_of([] { crochet::add_stderr_log(kNoLevel).detach(); }), CROCHET_EINVAL);
  EXPECT_EQ(code_of([] { crochet::add_syslog(kNoLevel).detach(); }), CROCHET_EINVAL);
  EXPECT_EQ(code_of([] { crochet::add_file_log(kNoLevel, "/dev/null").detach(); }), CROCHET_EINVAL);
  EXPECT_EQ(code_of([] { crochet::add_file_log(log_level::info, "/nowhere/at/all").detach(); }), UV_ENOENT);
}
TEST_F(Log, ARecordTellsWhoSaidWhatWhere) {
  Lines lines;
  const log_sink sink = lines.add();
  const auto begin = std::chrono::system_clock::now();
  std::uint64_t thread = 0;
  crochet::run([&thread] {
    thread = static_cast<std::uint64_t>(gettid());
    return crochet::log(log_level::warning, kTest, "from the loop");
  }).wait();
  const auto end = std::chrono::system_clock::now();
  crochet::log(log_level::critical, kTest, std::string(5000, 'x'));
  EXPECT_TRUE(crochet::flush_log(kKillTimer));
  const auto all = lines.all();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].record.level, log_level::warning);
  EXPECT_EQ(all[0].record.thread, thread);
  EXPECT_GE(all[0].record.time, begin);
  EXPECT_LE(all[0].record.time, end);
  EXPECT_EQ(all[0].origin, kTest);
  EXPECT_EQ(all[0].record.full_length, all[0].message.size());
  EXPECT_EQ(all[1].record.level, log_level::critical);
  EXPECT_EQ(all[1].record.full_length, 5000U);
  EXPECT_LT(all[1].message.size(), 5000U);
  EXPECT_EQ(all[1].message.rfind(" [...]"), all[1].message.size() - 6);
}
TEST_F(Log, FlushingAndWaitingAreRefusedWhereTheyWouldBlockTheLog) {
  EXPECT_THROW(crochet::run([] { return crochet::flush_log(1s); }).wait(), crochet::failed_error);
  const auto on_loop = [](auto body) { return crochet::run([body] { return code_of(body); }).wait(); };
  EXPECT_EQ(on_loop([] { crochet::flush_log(); }), CROCHET_EDEADLK);
  EXPECT_EQ(on_loop([] { crochet::log_wait({}, log_level::info, "x"); }), CROCHET_EDEADLK);
  int in_sink = CROCHET_OK;
  const log_sink sink = crochet::add_log_sink(
      log_level::trace, [&in_sink](const crochet::log_record&) { in_sink = code_of([] { crochet::flush_log(); }); });
  crochet::log(log_level::info, kTest, "x");
  EXPECT_TRUE(crochet::flush_log(kKillTimer));
  EXPECT_EQ(in_sink, CROCHET_EDEADLK);
}
TEST_F(Log, AFullRingIsNoError) {
  contract::Gate entered, leave;
  const log_sink sink = crochet::add_log_sink(log_level::trace, [&](const crochet::log_record&) {
    entered.open();
    leave.wait();
  });
  const std::uint64_t dropped = crochet::log_counter("messages_dropped");
  crochet::log(log_level::info, kTest, "the sink is in this one");
  entered.wait();
  std::uint64_t kept = 0;
  while (kept < 100'000 && crochet::log(log_level::info, kTest, "x")) ++kept;
  EXPECT_LT(kept, 100'000U);
  EXPECT_FALSE(crochet::log_wait(0s, log_level::info, "no room"));
  EXPECT_FALSE(crochet::log_wait(1ms, log_level::info, kTest, "no room"));
  EXPECT_FALSE(crochet::flush_log(0s));
  EXPECT_EQ(crochet::log_counter("messages_dropped"), dropped + 3);
  leave.open();
  EXPECT_TRUE(crochet::log_wait(kKillTimer, log_level::info, "room"));
  EXPECT_TRUE(crochet::flush_log(kKillTimer));
}
TEST_F(Log, CountersAreRead) {
  const std::uint64_t written = crochet::log_counter("messages_written");
  crochet::log(log_level::info, kTest, "x");
  EXPECT_TRUE(crochet::flush_log());
  EXPECT_EQ(crochet::log_counter("messages_written"), written + 1);
  EXPECT_EQ(code_of([] { crochet::log_counter("messages"); }), CROCHET_ENOENT);
  EXPECT_EQ(code_of([] { crochet::log_counter(nullptr); }), CROCHET_EINVAL);
}
TEST(LogWithoutALoop, Works) {
  Lines lines;
  const log_sink sink = lines.add();
  crochet::log(log_level::warning, kTest, "no loop");
  EXPECT_TRUE(crochet::flush_log(kKillTimer));
  EXPECT_EQ(lines.messages(), Texts{"no loop"});
}

class Sink : public Log {};

TEST_F(Sink, GetsAllFromItsLevelOnInOrder) {
  Lines all, some;
  const log_sink low = all.add();
  const log_sink high = some.add(log_level::error);
  Texts wanted;
  for (int i = 0; i < 100; ++i) {
    wanted.push_back(std::to_string(i));
    crochet::log(i % 50 == 0 ? log_level::error : log_level::trace, kTest, wanted.back());
  }
  EXPECT_TRUE(crochet::flush_log(kKillTimer));
  EXPECT_EQ(all.messages(), wanted);
  EXPECT_EQ(some.messages(), (Texts{"0", "50"}));
}
TEST_F(Sink, IsRemovedAndItsFunctionEndedWhenItIsDestroyed) {
  using Counted = Tracked<struct InSink>;
  contract::Gate ended;
  Lines lines;
  {
    std::shared_ptr<int> last(new int(0), [&ended](const int* n) {
      delete n;
      ended.open();
    });
    const log_sink sink =
        crochet::add_log_sink(log_level::trace, [last = std::move(last), counted = Counted(),
                                                 &lines](const crochet::log_record& record) { lines.take(record); });
    EXPECT_EQ(Counted::alive, 1);
    EXPECT_NE(sink.id(), 0U);
    crochet::log(log_level::info, kTest, "seen");
    EXPECT_TRUE(crochet::flush_log(kKillTimer));
    EXPECT_FALSE(ended.is_open());
  }
  crochet::log(log_level::info, kTest, "too late");
  ended.wait();
  EXPECT_EQ(Counted::alive, 0);
  EXPECT_TRUE(crochet::flush_log(kKillTimer));
  EXPECT_EQ(lines.messages(), Texts{"seen"});
}
TEST_F(Sink, RefusedEndsItsFunction) {
  using Counted = Tracked<struct InRefusedSink>;
  EXPECT_EQ(
      code_of([] { crochet::add_log_sink(kNoLevel, [counted = Counted()](const crochet::log_record&) {}).detach(); }),
      CROCHET_EINVAL);
  EXPECT_EQ(Counted::alive, 0);
  EXPECT_GT(Counted::made, 0);
}
TEST_F(Sink, StaysWhenDetached) {
  Lines lines;
  std::uint64_t id = 0;
  {
    log_sink sink = lines.add();
    id = sink.id();
    EXPECT_EQ(sink.detach(), id);
    EXPECT_EQ(sink.id(), 0U);
    EXPECT_EQ(sink.detach(), 0U);
  }
  crochet::log(log_level::info, kTest, "still there");
  EXPECT_TRUE(crochet::flush_log(kKillTimer));
  EXPECT_EQ(lines.messages(), Texts{"still there"});
  EXPECT_TRUE(log_sink(id).remove());
  EXPECT_FALSE(log_sink(id).remove());
}
TEST_F(Sink, IsRemovedOnce) {
  Lines lines;
  log_sink sink = lines.add();
  EXPECT_TRUE(sink.remove());
  EXPECT_EQ(sink.id(), 0U);
  EXPECT_FALSE(sink.remove());
  EXPECT_FALSE(log_sink().remove());
  EXPECT_TRUE(crochet::flush_log(kKillTimer));
}
TEST_F(Sink, IsMovedNotCopied) {
  static_assert(!std::is_copy_constructible_v<log_sink> && std::is_nothrow_move_constructible_v<log_sink>);
  Lines first, second;
  log_sink a = first.add();
  log_sink b = std::move(a);
  EXPECT_EQ(a.id(), 0U);
  crochet::log(log_level::info, kTest, "to the first");
  EXPECT_TRUE(crochet::flush_log(kKillTimer));
  b = second.add();  // the first one goes
  crochet::log(log_level::info, kTest, "to the second");
  EXPECT_TRUE(crochet::flush_log(kKillTimer));
  EXPECT_EQ(first.messages(), Texts{"to the first"});
  EXPECT_EQ(second.messages(), Texts{"to the second"});
}
TEST_F(Sink, ThatThrowsIsCountedAndTheOthersGetAll) {
  const std::uint64_t failures = crochet::log_counter("sink_failures");
  Lines lines;
  int calls = 0;
  const log_sink throwing = crochet::add_log_sink(log_level::trace, [&calls](const crochet::log_record& record) {
    if (record.origin != kTest) return;
    if (++calls == 1) throw std::domain_error("an exception");
    throw 1;
  });
  const log_sink other = lines.add();
  crochet::log(log_level::info, kTest, "one");
  crochet::log(log_level::info, kTest, "two");
  EXPECT_TRUE(crochet::flush_log(kKillTimer));
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(crochet::log_counter("sink_failures"), failures + 2);
  EXPECT_EQ(lines.messages(), (Texts{"one", "two"}));
}
TEST_F(Sink, MayLogRunAndRemoveItself) {
  Lines lines;
  const log_sink seen = lines.add();
  log_sink self;
  int calls = 0;
  contract::Gate added;
  self = crochet::add_log_sink(log_level::trace, [&](const crochet::log_record& record) {
    if (record.origin != kTest) return;
    added.wait();
    ++calls;
    crochet::log(log_level::info, kTest, "from the sink");
    EXPECT_EQ(code_of([] { crochet::run([] { return 1; }).wait(kKillTimer); }), CROCHET_OK);
    EXPECT_TRUE(self.remove());
  });
  added.open();
  crochet::log(log_level::info, kTest, "from here");
  EXPECT_TRUE(crochet::flush_log(kKillTimer));
  EXPECT_TRUE(crochet::flush_log(kKillTimer));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(lines.messages(), (Texts{"from here", "from the sink"}));
}
TEST_F(Sink, MayBeAnyCallable) {
  static int called = 0;
  struct Counting {
    static void function(const crochet::log_record&) { ++called; }
    void operator()(const crochet::log_record&) { ++called; }
  };
  Counting object;
  const log_sink a = crochet::add_log_sink(log_level::trace, Counting::function);
  const log_sink b = crochet::add_log_sink(log_level::trace, Counting());
  const log_sink c = crochet::add_log_sink(log_level::trace, std::ref(object));
  const log_sink d = crochet::add_log_sink(
      log_level::trace, [p = std::make_unique<int>(1)](const crochet::log_record&) { called += *p; });
  crochet::log(log_level::info, kTest, "x");
  EXPECT_TRUE(crochet::flush_log(kKillTimer));
  EXPECT_EQ(called, 4);
}

class Folder {
 public:
  Folder() {
    std::string name = testing::TempDir() + "crochet-log-XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }
  std::filesystem::path operator/(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

std::string content(const std::filesystem::path& path) {
  const std::ifstream file(path);
  return (std::ostringstream() << file.rdbuf()).str();
}

TEST_F(Sink, AFileGetsLinesAtItsEnd) {
  const Folder folder;
  const auto path = folder / "log.txt";
  for (const char* const text : {"first", "second"}) {
    const log_sink sink = crochet::add_file_log(log_level::info, path);
    crochet::log(log_level::info, kTest, text);
    crochet::log(log_level::debug, kTest, "below its level");
    EXPECT_TRUE(crochet::flush_log(kKillTimer));
  }
  const std::string text = content(path);
  EXPECT_LT(text.find("first"), text.find("second"));
  EXPECT_NE(text.find("second"), std::string::npos);
  EXPECT_EQ(text.find("below"), std::string::npos);
}
TEST_F(Sink, ARotatingFileKeepsSoManyOldOnes) {
  const Folder folder;
  const log_sink sink = crochet::add_file_log(log_level::trace, folder / "log.txt", 500, 2);
  for (int i = 0; i < 100; ++i) crochet::log(log_level::info, kTest, "line " + std::to_string(i));
  EXPECT_TRUE(crochet::flush_log(kKillTimer));
  EXPECT_NE(content(folder / "log.txt").find("line 99"), std::string::npos);
  for (const char* const name : {"log.txt", "log.1.txt", "log.2.txt"}) {
    ASSERT_TRUE(std::filesystem::exists(folder / name)) << name;
    EXPECT_LE(std::filesystem::file_size(folder / name), 500U) << name;
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "log.3.txt"));
}
TEST_F(Sink, StderrGetsLines) {
  contract::LogCapture capture;
  {
    const log_sink sink = crochet::add_stderr_log(log_level::trace);
    crochet::log(log_level::info, kTest, "to stderr");
    EXPECT_TRUE(crochet::flush_log(kKillTimer));
  }
  EXPECT_NE(capture.stop().find("to stderr"), std::string::npos);
}
TEST_F(Sink, TheSystemsLogIsOneToo) {
  const log_sink sink = crochet::add_syslog(log_level::trace, "crochet-test");
  const log_sink named_by_the_program = crochet::add_syslog(log_level::critical);
  const std::uint64_t failures = crochet::log_counter("sink_failures");
  crochet::log(log_level::info, kTest, "to the system's log, which may not run here");
  EXPECT_TRUE(crochet::flush_log(kKillTimer));
  EXPECT_EQ(crochet::log_counter("sink_failures"), failures);
}
// The last test here: the others leave it alone.
TEST_F(Sink, TheDefaultOneIsRemovedOnce) {
  EXPECT_TRUE(crochet::remove_default_log_sink());
  EXPECT_FALSE(crochet::remove_default_log_sink());
  contract::LogCapture capture;
  crochet::log(log_level::critical, kTest, "nowhere");
  EXPECT_TRUE(crochet::flush_log(kKillTimer));
  EXPECT_EQ(capture.stop(), "");
}

}  // namespace
}  // namespace hpp
