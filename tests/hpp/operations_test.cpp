// SPDX-License-Identifier: MIT
// crochet_operations.hpp: names and addresses, child processes.
#include "crochet_operations.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/support/commands.hpp"
#include "hpp/support/with_loop.hpp"

namespace hpp {
namespace {

class Operations : public WithLoop {};

crochet::command shell(const std::string& script, const std::vector<std::string>& arguments = {}) {
  crochet::command command("/bin/sh");
  command.argument("-c").argument(script).argument("sh");
  for (const std::string& argument : arguments) command.argument(argument);
  return command;
}

// ---- Names and addresses

TEST_F(Operations, GetaddrinfoGivesAddresses) {
  const crochet::lookup_hints numeric{AF_UNSPEC, SOCK_STREAM, 0, AI_NUMERICHOST};
  const auto addresses = crochet::getaddrinfo("127.0.0.1", "80", numeric).wait(kKillTimer);
  ASSERT_EQ(addresses.size(), 1U);
  EXPECT_EQ(addresses[0].text, "127.0.0.1");
  EXPECT_EQ(addresses[0].port, 80);
  EXPECT_EQ(addresses[0].family, AF_INET);
  EXPECT_EQ(addresses[0].socktype, SOCK_STREAM);
  EXPECT_EQ(addresses[0].protocol, IPPROTO_TCP);
  EXPECT_EQ(addresses[0].sockaddr_length, sizeof(sockaddr_in));
  EXPECT_EQ(addresses[1].text, "");
  EXPECT_EQ(addresses.canonical_name(), "");
}

TEST_F(Operations, AddressesMayBeLoopedOverAsATemporary) {
  std::vector<std::string> texts;
  for (const crochet::address& found : crochet::getaddrinfo("localhost").wait(kKillTimer)) {
    texts.emplace_back(found.text);
  }
  EXPECT_FALSE(texts.empty());
}

TEST_F(Operations, GetnameinfoGivesHostAndService) {
  const auto names = crochet::getnameinfo("192.0.2.7", 81, NI_NUMERICHOST | NI_NUMERICSERV).wait(kKillTimer);
  EXPECT_EQ(names.host(), "192.0.2.7");
  EXPECT_EQ(names.service(), "81");
  const auto addresses = crochet::getaddrinfo("127.0.0.1", "82").wait(kKillTimer);
  const auto same = crochet::getnameinfo(addresses[0], NI_NUMERICHOST | NI_NUMERICSERV).wait(kKillTimer);
  EXPECT_EQ(same.host(), "127.0.0.1");
  EXPECT_EQ(same.service(), "82");
}

TEST_F(Operations, WhatCantBeAcceptedIsThrownAtOnce) {
  EXPECT_EQ(code_of([] { crochet::getaddrinfo(""); }), CROCHET_EINVAL);
  EXPECT_EQ(code_of([] { crochet::getnameinfo("no address", 80); }), CROCHET_EINVAL);
  EXPECT_EQ(code_of([] { crochet::command("true").kill_after(-1ns); }), CROCHET_OK);  // a negative time is 0
}

// ---- Child processes

TEST_F(Operations, CommandRunsAndTellsHowItEnded) {
  const crochet::process_exit exit = crochet::command("/bin/sh")
                                         .argument("-c")
                                         .argument("cat; echo err >&2; exit 3")
                                         .input("in")
                                         .run()
                                         .wait(kKillTimer);
  EXPECT_EQ(exit.status(), 3);
  EXPECT_FALSE(exit.success());
  EXPECT_EQ(exit.signal(), 0);
  EXPECT_GT(exit.pid(), 0);
  EXPECT_EQ(exit.output(), "in");
  EXPECT_EQ(exit.errors(), "err\n");
  EXPECT_FALSE(exit.output_truncated());
  EXPECT_FALSE(exit.errors_truncated());
}

TEST_F(Operations, CommandTakesAllThatCsDoes) {
  crochet::command command("/bin/sh");
  command.arguments({"-c", "pwd; echo $WHO; head -c 100 /dev/zero"})
      .environment({"WHO=me"})
      .directory("/")
      .output_limit(9);
  command.kill_after(1s).linger(crochet::timeout());
  const auto exit = command.run().wait(kKillTimer);
  EXPECT_EQ(exit.output(), std::string_view("/\nme\n\0\0\0\0", 9));
  EXPECT_TRUE(exit.output_truncated());
  EXPECT_TRUE(command.run().wait(kKillTimer).success());  // and once more
}

TEST_F(Operations, CommandThatCantBeStartedIsAFailure) {
  auto result = crochet::command("/no/such/program").run();
  try {
    result.wait(kKillTimer);
    ADD_FAILURE() << "it was started";
  } catch (const crochet::failed_error& e) {
    EXPECT_LT(e.code(), 0);
    EXPECT_GT(e.code(), CROCHET_EFAILED);  // libuv's
    EXPECT_NE(std::string(e.what()).find("/no/such/program: "), std::string::npos) << e.what();
  }
}

TEST_F(Operations, CommandIsCancelledWhenItsResultIs) {
  const contract::Fifo told;
  auto result = shell("trap '' TERM; echo $$ > $1; exec sleep 60", {told.path()}).kill_after(0s).run();
  const pid_t pid = told.read_pid();
  EXPECT_EQ(result.cancel(), crochet::cancel_outcome::requested);
  EXPECT_THROW(result.wait(kKillTimer), crochet::cancelled_error);
  EXPECT_TRUE(contract::is_gone(pid));
}

TEST_F(Operations, ResultMayBeSharedAndContinued) {
  auto result = crochet::command("echo").argument("wool").run();
  auto other = result.share();
  auto length = std::move(other).then([](const crochet::process_exit& exit) { return exit.output().size(); });
  EXPECT_EQ(std::move(length).wait(kKillTimer), 5U);
  EXPECT_EQ(result.wait(kKillTimer).output(), "wool\n");
}

TEST_F(Operations, FunctionOnTheLoopMayReturnThem) {
  auto result = crochet::run([] { return crochet::command("echo").argument("from the loop").run(); });
  EXPECT_EQ(std::move(result).wait(kKillTimer).output(), "from the loop\n");
}

TEST(OperationsElsewhere, RunOnAFurtherLoop) {
  const crochet::loop loop;
  EXPECT_EQ(crochet::command("echo").argument("further").run(loop).wait(kKillTimer).output(), "further\n");
  EXPECT_GE(crochet::getaddrinfo(loop, "127.0.0.1").wait(kKillTimer).size(), 1U);
  EXPECT_EQ(crochet::getnameinfo(loop, "127.0.0.1", 1, NI_NUMERICHOST).wait(kKillTimer).host(), "127.0.0.1");
  EXPECT_EQ(loop.stop(10s), crochet::stop_outcome::ended);
}

TEST(OperationsElsewhere, EndWithTheLoop) {
  const crochet::loop loop;
  const contract::Fifo told;
  auto result = shell("trap '' TERM; echo $$ > $1; exec sleep 60", {told.path()}).run(loop);
  const pid_t pid = told.read_pid();
  EXPECT_EQ(loop.stop(0s), crochet::stop_outcome::ended);
  EXPECT_TRUE(contract::is_gone(pid));
  EXPECT_THROW(result.wait(kKillTimer), crochet::loop_stopped);
  EXPECT_THROW(crochet::command("true").run(loop), crochet::loop_stopped);
}

}  // namespace
}  // namespace hpp
