// SPDX-License-Identifier: MIT
// Ready-made operations where there is no loop for them, or no memory.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <uv.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/failing_malloc.hpp"
#include "api/provokes.hpp"
#include "api/support/blocked_loop.hpp"
#include "api/support/closure.hpp"
#include "api/support/commands.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/in_child.hpp"
#include "api/support/owned.hpp"
#include "api/support/sanitizers.hpp"
#include "api/support/stale.hpp"
#include "crochet.h"

namespace contract {
namespace {

struct Operation {
  const char* name;
  int (*start)(crochet_loop* loop, crochet_result** out_result);
};

const OwnedCommand& true_command() {
  static const OwnedCommand command = contract::command("true", {"an argument"});
  return command;
}

const Operation kOperations[] = {
    {"crochet_getaddrinfo",
     [](crochet_loop* loop, crochet_result** out_result) {
       return crochet_getaddrinfo(loop, "127.0.0.1", "80", 0, 0, 0, 0, out_result);
     }},
    {"crochet_getnameinfo",
     [](crochet_loop* loop, crochet_result** out_result) {
       sockaddr_in address{};
       address.sin_family = AF_INET;
       return crochet_getnameinfo(loop, &address, sizeof address, 0, out_result);
     }},
    {"crochet_getnameinfo_text",
     [](crochet_loop* loop, crochet_result** out_result) {
       return crochet_getnameinfo_text(loop, "127.0.0.1", 80, 0, out_result);
     }},
    {"crochet_command_run",
     [](crochet_loop* loop, crochet_result** out_result) {
       return crochet_command_run(true_command().get(), loop, out_result);
     }},
};

void expect_refused(crochet_loop* loop, int code) {
  for (const Operation& operation : kOperations) {
    crochet_result* result = reinterpret_cast<crochet_result*>(&loop);
    EXPECT_EQ(operation.start(loop, &result), code) << operation.name;
    EXPECT_EQ(result, nullptr) << operation.name;
    EXPECT_EQ(operation.start(loop, nullptr), code) << operation.name;
  }
}

TEST(OperationsRefused, AfterTheStop) {
  PROVOKES(crochet_getaddrinfo, CROCHET_ESTOPPED);
  PROVOKES(crochet_getnameinfo, CROCHET_ESTOPPED);
  PROVOKES(crochet_getnameinfo_text, CROCHET_ESTOPPED);
  PROVOKES(crochet_command_run, CROCHET_ESTOPPED);
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  ASSERT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  expect_refused(loop.get(), CROCHET_ESTOPPED);
}

TEST(OperationsRefused, BeyondTheLimitOfTheQueue) {
  PROVOKES(crochet_getaddrinfo, CROCHET_EAGAIN);
  PROVOKES(crochet_getnameinfo, CROCHET_EAGAIN);
  PROVOKES(crochet_getnameinfo_text, CROCHET_EAGAIN);
  PROVOKES(crochet_command_run, CROCHET_EAGAIN);
  OwnedOptions options;
  ASSERT_EQ(crochet_options_new(options.out()), CROCHET_OK);
  ASSERT_EQ(crochet_options_set_queue_limit(options.get(), 1, 0), CROCHET_OK);
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(options.get(), loop.out()), CROCHET_OK);
  BlockedLoop block(loop.get());
  ASSERT_EQ(crochet_run(loop.get(), resolve_null, nullptr, nullptr, nullptr), CROCHET_OK);
  expect_refused(loop.get(), CROCHET_EAGAIN);
}

TEST(OperationsRefused, ForALoopThatIsNone) {
  PROVOKES(crochet_getaddrinfo, CROCHET_EINVAL);
  PROVOKES(crochet_getnameinfo, CROCHET_EINVAL);
  PROVOKES(crochet_getnameinfo_text, CROCHET_EINVAL);
  PROVOKES(crochet_command_run, CROCHET_EINVAL);
  expect_refused(stale_loop(), CROCHET_EINVAL);
}

TEST(OperationsRefused, InAForkedChild) {
  PROVOKES(crochet_getaddrinfo, CROCHET_EFORKED);
  PROVOKES(crochet_getnameinfo, CROCHET_EFORKED);
  PROVOKES(crochet_getnameinfo_text, CROCHET_EFORKED);
  PROVOKES(crochet_command_run, CROCHET_EFORKED);
  SKIP_UNDER_THREAD_SANITIZER("can't start threads in a child that was forked beside others");
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  const Fifo fifo;
  const OwnedResult parents = started(shell("read line < $1; echo parent", {fifo.path()}), loop.get());
  in_child([&] {
    expect_refused(nullptr, CROCHET_EFORKED);
    expect_refused(loop.get(), CROCHET_EFORKED);
    EXPECT_EQ(crochet_result_cancel(parents.get(), nullptr), CROCHET_EFORKED);
    const OwnedCommand command = contract::command("cat");  // needs no loop
    EXPECT_EQ(crochet_command_set_input(command.get(), "child", 5), CROCHET_OK);
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    expect_refused(loop.get(), CROCHET_EFORKED);
    EXPECT_EQ(stdout_of(exit_of(started(command))), "child");
    OwnedResult result;
    ASSERT_EQ(crochet_getaddrinfo(nullptr, "127.0.0.1", "80", 0, 0, 0, 0, result.out()), CROCHET_OK);
    EXPECT_EQ(crochet_result_wait(result.get(), kKillTimer), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
  fifo.write_line();
  EXPECT_EQ(stdout_of(exit_of(parents)), "parent\n");
  EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
}

// ---- Without memory

template <class Start>
void fail_in_turn(const Start& start) {
  contract::fail_in_turn(start, [](int code, long allowed) {
    EXPECT_EQ(code, CROCHET_ENOMEM) << crochet_status_name(code) << " after " << allowed << " allocations";
  });
}

TEST(OperationsRefused, WithoutMemory) {
  PROVOKES(crochet_getaddrinfo, CROCHET_ENOMEM);
  PROVOKES(crochet_command_run, CROCHET_ENOMEM);
  SKIP_WITHOUT_OWN_MALLOC();
  in_child([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    true_command();
    for (const Operation& operation : {kOperations[0], kOperations[3]}) {
      fail_in_turn([&] { return operation.start(nullptr, nullptr); });
    }
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

// The call's own memory is from a pool, which lasts for a while.
TEST(OperationsRefused, WithoutMemoryForTheCall) {
  PROVOKES(crochet_getnameinfo, CROCHET_ENOMEM);
  PROVOKES(crochet_getnameinfo_text, CROCHET_ENOMEM);
  SKIP_WITHOUT_OWN_MALLOC();
  in_child([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    for (const Operation& operation : {kOperations[1], kOperations[2]}) {
      int code = CROCHET_OK;
      const FailingAllocations none;
      for (int i = 0; i < 100000 && code == CROCHET_OK; ++i) code = operation.start(nullptr, nullptr);
      EXPECT_EQ(code, CROCHET_ENOMEM) << operation.name;
    }
    EXPECT_EQ(crochet_shutdown(10 * kSecond), CROCHET_OK);
  });
}

TEST(Command, StaysAsItIsWithoutMemory) {
  PROVOKES(crochet_command_new, CROCHET_ENOMEM);
  PROVOKES(crochet_command_set_arguments, CROCHET_ENOMEM);
  PROVOKES(crochet_command_add_argument, CROCHET_ENOMEM);
  PROVOKES(crochet_command_set_environment, CROCHET_ENOMEM);
  PROVOKES(crochet_command_set_directory, CROCHET_ENOMEM);
  PROVOKES(crochet_command_set_input, CROCHET_ENOMEM);
  SKIP_WITHOUT_OWN_MALLOC();
  const std::string text(200, 'x');
  OwnedCommand command;
  fail_in_turn([&] {
    crochet_command* made = nullptr;
    const int code = crochet_command_new(text.c_str(), &made);
    EXPECT_EQ(made != nullptr, code == CROCHET_OK);
    if (made != nullptr) command.reset(made);
    return code;
  });
  const std::vector<const char*> strings = {text.c_str(), text.c_str(), nullptr};
  fail_in_turn([&] { return crochet_command_set_arguments(command.get(), strings.data()); });
  fail_in_turn([&] { return crochet_command_add_argument(command.get(), text.c_str()); });
  fail_in_turn([&] { return crochet_command_set_environment(command.get(), strings.data()); });
  fail_in_turn([&] { return crochet_command_set_directory(command.get(), text.c_str()); });
  fail_in_turn([&] { return crochet_command_set_input(command.get(), text.data(), text.size()); });

  const OwnedCommand echo = contract::command("echo", {"former"});
  {
    const FailingAllocations none;
    EXPECT_EQ(crochet_command_set_arguments(echo.get(), strings.data()), CROCHET_ENOMEM);
  }
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  EXPECT_EQ(stdout_of(exit_of(started(echo))), "former\n");
  EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
}

// The loop's thread has none from now on, until this ends.
class LoopWithoutMemory {
 public:
  LoopWithoutMemory() {
    EXPECT_EQ(on_loop(nullptr, [this] { none_.emplace(); }), CROCHET_OK);
  }
  LoopWithoutMemory(const LoopWithoutMemory&) = delete;
  LoopWithoutMemory& operator=(const LoopWithoutMemory&) = delete;
  ~LoopWithoutMemory() {
    EXPECT_EQ(on_loop(nullptr, [this] { none_.reset(); }), CROCHET_OK);
  }

 private:
  std::optional<FailingAllocations> none_;
};

class OutOfMemoryOnTheLoop : public WithDefaultLoop {};

TEST_F(OutOfMemoryOnTheLoop, FailsAChildThatHasEnded) {
  SKIP_WITHOUT_OWN_MALLOC();
  const Fifo fifo;
  const OwnedResult result = started(shell("read line < $1; echo out", {fifo.path()}));
  {
    const LoopWithoutMemory none;
    fifo.write_line();
    EXPECT_EQ(crochet_result_wait(result.get(), kKillTimer), CROCHET_EFAILED);
  }
  EXPECT_EQ(crochet_error_code(crochet_result_error(result.get())), UV_ENOMEM);
  EXPECT_EQ(crochet_result_join(result.get(), kKillTimer), CROCHET_OK);
}

TEST_F(OutOfMemoryOnTheLoop, StartsNoChildThatCouldNotBeCancelled) {
  SKIP_WITHOUT_OWN_MALLOC();
  OwnedResult result;
  {
    const LoopWithoutMemory none;
    result = started(shell("exit 0"));
    EXPECT_EQ(crochet_result_wait(result.get(), kKillTimer), CROCHET_EFAILED);
  }
  EXPECT_EQ(crochet_error_code(crochet_result_error(result.get())), UV_ENOMEM);
  EXPECT_EQ(crochet_result_join(result.get(), kKillTimer), CROCHET_OK);
}

TEST_F(OutOfMemoryOnTheLoop, FailsLookUps) {
  SKIP_WITHOUT_OWN_MALLOC();
  for (const Operation& operation : {kOperations[0], kOperations[1]}) {
    OwnedResult result;
    ASSERT_EQ(operation.start(nullptr, result.out()), CROCHET_OK);  // the pool's first use needs memory
    EXPECT_EQ(crochet_result_wait(result.get(), kKillTimer), CROCHET_OK);
    {
      const LoopWithoutMemory none;
      ASSERT_EQ(operation.start(nullptr, result.out()), CROCHET_OK);
      EXPECT_EQ(crochet_result_wait(result.get(), kKillTimer), CROCHET_EFAILED);
    }
    EXPECT_EQ(crochet_error_code(crochet_result_error(result.get())), UV_ENOMEM);
  }
}

}  // namespace
}  // namespace contract
