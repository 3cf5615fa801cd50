// SPDX-License-Identifier: MIT
// Names and addresses: crochet_getaddrinfo(), crochet_getnameinfo(). The names are asked of a name server of the test's
// own.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/in.h>
#include <uv.h>

#include <cstdio>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "api/provokes.hpp"
#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/dns_server.hpp"
#include "api/support/host_loop.hpp"
#include "api/support/in_child.hpp"
#include "api/support/own_network.hpp"
#include "api/support/owned.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"

namespace contract {
namespace {

// Why the tests have no network of their own; empty when they have.
std::string no_network;

OwnedResult look_up(const char* node, const char* service = nullptr, int flags = 0, crochet_loop* loop = nullptr) {
  OwnedResult result;
  EXPECT_EQ(crochet_getaddrinfo(loop, node, service, AF_UNSPEC, SOCK_STREAM, 0, flags, result.out()), CROCHET_OK);
  return result;
}

const crochet_addresses* addresses_of(const OwnedResult& result) {
  EXPECT_EQ(crochet_result_wait(result.get(), kKillTimer), CROCHET_OK)
      << crochet_error_message(crochet_result_error(result.get()));
  return static_cast<const crochet_addresses*>(crochet_result_value(result.get()));
}

std::set<std::string> texts_of(const crochet_addresses* addresses) {
  std::set<std::string> texts;
  for (std::size_t i = 0; i < crochet_addresses_count(addresses); ++i)
    texts.insert(crochet_addresses_text(addresses, i));
  return texts;
}

int failure_of(const OwnedResult& result) {
  EXPECT_EQ(crochet_result_wait(result.get(), kKillTimer), CROCHET_EFAILED);
  return crochet_error_code(crochet_result_error(result.get()));
}

// ---- Without a name server

class Addresses : public WithDefaultLoop {};

TEST_F(Addresses, OfANumericHostAreThatOne) {
  PROVOKES(crochet_getaddrinfo, CROCHET_OK);
  const OwnedResult result = look_up("127.0.0.1", "80", AI_NUMERICHOST);
  const crochet_addresses* addresses = addresses_of(result);
  ASSERT_EQ(crochet_addresses_count(addresses), 1U);
  EXPECT_STREQ(crochet_addresses_text(addresses, 0), "127.0.0.1");
  EXPECT_EQ(crochet_addresses_port(addresses, 0), 80);
  EXPECT_EQ(crochet_addresses_family(addresses, 0), AF_INET);
  EXPECT_EQ(crochet_addresses_socktype(addresses, 0), SOCK_STREAM);
  EXPECT_EQ(crochet_addresses_protocol(addresses, 0), IPPROTO_TCP);
  EXPECT_STREQ(crochet_addresses_canonical_name(addresses), "");
  std::size_t length = 0;
  sockaddr_in address{};
  const void* bytes = crochet_addresses_sockaddr(addresses, 0, &length);
  ASSERT_EQ(length, sizeof address);
  std::memcpy(&address, bytes, length);
  EXPECT_EQ(address.sin_family, AF_INET);
  EXPECT_EQ(ntohs(address.sin_port), 80);
  EXPECT_EQ(ntohl(address.sin_addr.s_addr), INADDR_LOOPBACK);
}

TEST_F(Addresses, OfVersionSix) {
  const OwnedResult result = look_up("2001:DB8:0::7", "443", AI_NUMERICHOST);
  const crochet_addresses* addresses = addresses_of(result);
  ASSERT_EQ(crochet_addresses_count(addresses), 1U);
  EXPECT_STREQ(crochet_addresses_text(addresses, 0), "2001:db8::7");
  EXPECT_EQ(crochet_addresses_port(addresses, 0), 443);
  EXPECT_EQ(crochet_addresses_family(addresses, 0), AF_INET6);
  std::size_t length = 0;
  EXPECT_NE(crochet_addresses_sockaddr(addresses, 0, &length), nullptr);
  EXPECT_EQ(length, sizeof(sockaddr_in6));
}

TEST_F(Addresses, OfALinkNameTheInterface) {
  const OwnedResult result = look_up("fe80::1%lo", nullptr, AI_NUMERICHOST);
  EXPECT_STREQ(crochet_addresses_text(addresses_of(result), 0), "fe80::1%lo");
}

TEST_F(Addresses, OfLocalhostAreLoopback) {
  const OwnedResult result = look_up("localhost");
  const std::set<std::string> texts = texts_of(addresses_of(result));
  EXPECT_TRUE(texts.count("127.0.0.1") == 1 || texts.count("::1") == 1);
}

TEST_F(Addresses, OfAServiceAreThisMachines) {
  const OwnedResult result = look_up(nullptr, "8080", AI_PASSIVE);
  const crochet_addresses* addresses = addresses_of(result);
  ASSERT_GE(crochet_addresses_count(addresses), 1U);
  EXPECT_EQ(crochet_addresses_port(addresses, 0), 8080);
}

TEST_F(Addresses, AreOfTheFamilyThatIsAskedFor) {
  OwnedResult result;
  ASSERT_EQ(crochet_getaddrinfo(nullptr, "127.0.0.1", nullptr, AF_INET6, 0, 0, AI_NUMERICHOST, result.out()),
            CROCHET_OK);
  const int code = failure_of(result);
  EXPECT_TRUE(code == UV_EAI_ADDRFAMILY || code == UV_EAI_NONAME) << crochet_status_name(code);
  EXPECT_STREQ(crochet_error_label(crochet_result_error(result.get())), "crochet_getaddrinfo");
}

TEST_F(Addresses, WithoutASocketTypeComeOnceForEach) {
  OwnedResult result;
  ASSERT_EQ(crochet_getaddrinfo(nullptr, "127.0.0.1", nullptr, 0, 0, 0, AI_NUMERICHOST, result.out()), CROCHET_OK);
  const crochet_addresses* addresses = addresses_of(result);
  EXPECT_GE(crochet_addresses_count(addresses), 2U);
  EXPECT_NE(crochet_addresses_socktype(addresses, 0), crochet_addresses_socktype(addresses, 1));
}

TEST_F(Addresses, HaveNothingBehindTheLast) {
  const OwnedResult result = look_up("127.0.0.1", nullptr, AI_NUMERICHOST);
  for (const crochet_addresses* addresses : {addresses_of(result), static_cast<const crochet_addresses*>(nullptr)}) {
    std::size_t length = 7;
    EXPECT_STREQ(crochet_addresses_text(addresses, 1), "");
    EXPECT_EQ(crochet_addresses_port(addresses, 1), 0);
    EXPECT_EQ(crochet_addresses_family(addresses, 1), 0);
    EXPECT_EQ(crochet_addresses_socktype(addresses, 1), 0);
    EXPECT_EQ(crochet_addresses_protocol(addresses, 1), 0);
    EXPECT_EQ(crochet_addresses_sockaddr(addresses, 1, &length), nullptr);
    EXPECT_EQ(length, 0U);
    EXPECT_EQ(crochet_addresses_sockaddr(addresses, 1, nullptr), nullptr);
  }
  EXPECT_EQ(crochet_addresses_count(nullptr), 0U);
  EXPECT_STREQ(crochet_addresses_canonical_name(nullptr), "");
}

TEST_F(Addresses, MayBeTaken) {
  OwnedResult result = look_up("127.0.0.1", nullptr, AI_NUMERICHOST);
  addresses_of(result);
  void* value = nullptr;
  crochet_drop_fn* drop = nullptr;
  ASSERT_EQ(crochet_result_take(result.get(), &value, &drop), CROCHET_OK);
  result.reset();
  EXPECT_STREQ(crochet_addresses_text(static_cast<crochet_addresses*>(value), 0), "127.0.0.1");
  drop(value);
}

TEST_F(Addresses, OfANameThatIsTooLongFail) {
  const OwnedResult result = look_up(std::string(5000, 'x').c_str());
  EXPECT_LT(failure_of(result), 0);
}

TEST_F(Addresses, OfNothingAreRefused) {
  PROVOKES(crochet_getaddrinfo, CROCHET_EINVAL);
  OwnedResult result;
  EXPECT_EQ(crochet_getaddrinfo(nullptr, nullptr, nullptr, 0, 0, 0, 0, result.out()), CROCHET_EINVAL);
  EXPECT_EQ(result.get(), nullptr);
}

TEST(AddressesElsewhere, AreLookedUpOnALoopThatTheHostRuns) {
  HostLoop host;
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_adopt(host.uv(), nullptr, loop.out()), CROCHET_OK);
  const OwnedResult result = look_up("127.0.0.1", nullptr, AI_NUMERICHOST, loop.get());
  while (crochet_result_status(result.get()) == CROCHET_EPENDING) host.run(UV_RUN_ONCE);
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_OK);
  EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_EINPROGRESS);
  EXPECT_EQ(host.run(), 0);
  EXPECT_EQ(host.close(), 0);
}

// ---- From an address to names

class NameInfo : public WithDefaultLoop {};

const crochet_name_info* names_of(const OwnedResult& result) {
  EXPECT_EQ(crochet_result_wait(result.get(), kKillTimer), CROCHET_OK);
  return static_cast<const crochet_name_info*>(crochet_result_value(result.get()));
}

TEST_F(NameInfo, OfAnAddressIsItsTextIfThatIsAskedFor) {
  PROVOKES(crochet_getnameinfo, CROCHET_OK);
  PROVOKES(crochet_getnameinfo_text, CROCHET_OK);
  sockaddr_in address{};
  ASSERT_EQ(uv_ip4_addr("192.0.2.7", 81, &address), 0);
  OwnedResult result;
  ASSERT_EQ(crochet_getnameinfo(nullptr, &address, sizeof address, NI_NUMERICHOST | NI_NUMERICSERV, result.out()),
            CROCHET_OK);
  EXPECT_STREQ(crochet_name_info_host(names_of(result)), "192.0.2.7");
  EXPECT_STREQ(crochet_name_info_service(names_of(result)), "81");
  for (const char* text : {"192.0.2.7", "2001:db8::7", "fe80::1%lo"}) {
    ASSERT_EQ(crochet_getnameinfo_text(nullptr, text, 65535, NI_NUMERICHOST | NI_NUMERICSERV, result.out()),
              CROCHET_OK);
    EXPECT_STREQ(crochet_name_info_host(names_of(result)), text);
    EXPECT_STREQ(crochet_name_info_service(names_of(result)), "65535");
  }
  EXPECT_STREQ(crochet_name_info_host(nullptr), "");
  EXPECT_STREQ(crochet_name_info_service(nullptr), "");
}

TEST_F(NameInfo, OfWhatIsNoAddressIsRefused) {
  PROVOKES(crochet_getnameinfo, CROCHET_EINVAL);
  PROVOKES(crochet_getnameinfo_text, CROCHET_EINVAL);
  OwnedResult result;
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  EXPECT_EQ(crochet_getnameinfo(nullptr, &address, sizeof(sockaddr_in), 0, result.out()), CROCHET_EINVAL);
  EXPECT_EQ(crochet_getnameinfo(nullptr, &address, 1, 0, result.out()), CROCHET_EINVAL);
  address.sin6_family = AF_UNIX;
  EXPECT_EQ(crochet_getnameinfo(nullptr, &address, sizeof address, 0, result.out()), CROCHET_EINVAL);
  EXPECT_EQ(crochet_getnameinfo_text(nullptr, "host.test", 80, 0, result.out()), CROCHET_EINVAL);
  EXPECT_EQ(crochet_getnameinfo_text(nullptr, "", 80, 0, result.out()), CROCHET_EINVAL);
  EXPECT_EQ(crochet_getnameinfo_text(nullptr, "::1", -1, 0, result.out()), CROCHET_EINVAL);
  EXPECT_EQ(crochet_getnameinfo_text(nullptr, "::1", 65536, 0, result.out()), CROCHET_EINVAL);
  EXPECT_EQ(result.get(), nullptr);
}

// ---- With a name server

class Names : public WithDefaultLoop {
 protected:
  void SetUp() override {
    if (!no_network.empty()) GTEST_SKIP() << "no network of its own: " << no_network;
    WithDefaultLoop::SetUp();
  }
};

TEST_F(Names, AreAnsweredByTheNameServer) {
  const DnsServer server;
  const OwnedResult result = look_up("host.test", "80", AI_CANONNAME);
  const crochet_addresses* addresses = addresses_of(result);
  EXPECT_EQ(texts_of(addresses), (std::set<std::string>{"192.0.2.7", "2001:db8::7"}));
  EXPECT_STREQ(crochet_addresses_canonical_name(addresses), "host.test");
}

TEST_F(Names, OfAnAddressAreAnsweredByTheNameServer) {
  const DnsServer server;
  OwnedResult result;
  ASSERT_EQ(crochet_getnameinfo_text(nullptr, "192.0.2.7", 80, 0, result.out()), CROCHET_OK);
  EXPECT_STREQ(crochet_name_info_host(names_of(result)), "host.test");
  ASSERT_EQ(crochet_getnameinfo_text(nullptr, "192.0.2.8", 80, NI_NAMEREQD, result.out()), CROCHET_OK);
  EXPECT_EQ(failure_of(result), UV_EAI_NONAME);
}

TEST_F(Names, ThatDoNotExistFail) {
  const DnsServer server;
  const OwnedResult result = look_up("missing.test");
  EXPECT_EQ(failure_of(result), UV_EAI_NONAME);
  EXPECT_STREQ(crochet_error_message(crochet_result_error(result.get())), crochet_status_message(UV_EAI_NONAME));
}

TEST_F(Names, FailWhenTheNameServerIsSilent) {
  const OwnNetwork::Impatience impatience;
  const DnsServer server;
  EXPECT_EQ(failure_of(look_up("silent.test")), UV_EAI_AGAIN);
}

TEST_F(Names, MayComeAfterAWaitIsOver) {
  DnsServer server;
  const OwnedResult result = look_up("slow.test");
  server.wait_until_asked("slow.test");
  EXPECT_EQ(crochet_result_wait(result.get(), kMillisecond), CROCHET_ETIMEDOUT);
  server.release();
  EXPECT_EQ(texts_of(addresses_of(result)).count("192.0.2.7"), 1U);
}

// libuv can't stop it: settled at once, finished later.
TEST_F(Names, AreCancelledAtOnceWhileTheNameServerIsSilent) {
  DnsServer server;
  const OwnedResult result = look_up("held.test");
  server.wait_until_asked("held.test");
  int outcome = CROCHET_CANCEL_NONE;
  ASSERT_EQ(crochet_result_cancel(result.get(), &outcome), CROCHET_OK);
  EXPECT_EQ(outcome, CROCHET_CANCEL_REQUESTED);
  EXPECT_EQ(crochet_result_wait(result.get(), kKillTimer), CROCHET_ECANCELED);
  EXPECT_EQ(crochet_result_join(result.get(), 0), CROCHET_ETIMEDOUT);
  server.release();
  EXPECT_EQ(crochet_result_join(result.get(), kKillTimer), CROCHET_OK);
}

// Two run, in libuv's pool of four threads: those behind them are taken out of its queue.
TEST_F(Names, ThatWaitForTheirTurnAreCancelledForGood) {
  DnsServer server;
  std::vector<OwnedResult> running;
  for (int i = 0; i < 4; ++i) running.push_back(look_up("held.test"));
  server.wait_until_asked("held.test");
  for (int i = 0; i < 2; ++i) {
    const OwnedResult waiting = look_up("missing.test");
    ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    ASSERT_EQ(crochet_result_cancel(waiting.get(), nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_result_wait(waiting.get(), kKillTimer), CROCHET_ECANCELED);
    EXPECT_EQ(crochet_result_join(waiting.get(), kKillTimer), CROCHET_OK);  // although those before are held
  }
  server.release();
  for (const OwnedResult& result : running) addresses_of(result);
}

TEST_F(Names, AreWaitedForByAStopWithGrace) {
  const OwnNetwork::Impatience impatience;
  DnsServer server;
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  const OwnedResult result = look_up("silent.test", nullptr, 0, loop.get());
  server.wait_until_asked("silent.test");
  EXPECT_EQ(crochet_loop_stop(loop.get(), kKillTimer), CROCHET_OK);
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_ESTOPPED);
  EXPECT_EQ(crochet_result_join(result.get(), 0), CROCHET_OK);
}

class NamesAtStop : public testing::Test {
 protected:
  void SetUp() override {
    if (!no_network.empty()) GTEST_SKIP() << "no network of its own: " << no_network;
    // That a loop is left behind is told as an error, that a call is held as a warning.
    ASSERT_EQ(crochet_log_set_level(CROCHET_LOG_OFF), CROCHET_OK);
  }
  void TearDown() override { EXPECT_EQ(crochet_log_set_level(CROCHET_LOG_WARNING), CROCHET_OK); }
};

// In a child, which is not looked through for leaks: what libuv has, it has for ever.
TEST_F(NamesAtStop, DoNotHoldUpAStopWithoutGrace) {
  SKIP_UNDER_THREAD_SANITIZER("can't start threads in a child that was forked beside others");
  in_child([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    DnsServer server;
    OwnedLoop loop;
    ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    const OwnedResult result = look_up("held.test", nullptr, 0, loop.get());
    server.wait_until_asked("held.test");
    EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_EBUSY);
    EXPECT_EQ(crochet_result_status(result.get()), CROCHET_ESTOPPED);
    EXPECT_EQ(crochet_result_join(result.get(), 0), CROCHET_ESTOPPED);  // libuv has its memory
    server.release();
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

TEST_F(NamesAtStop, KeepALoopThatTheHostRunsUntilTheyAreAnswered) {
  DnsServer server;
  HostLoop host;
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_adopt(host.uv(), nullptr, loop.out()), CROCHET_OK);
  const OwnedResult result = look_up("held.test", nullptr, 0, loop.get());
  host.run(UV_RUN_NOWAIT);
  server.wait_until_asked("held.test");
  EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_EINPROGRESS);
  for (int turn = 0; turn < 5; ++turn) EXPECT_NE(host.run(UV_RUN_NOWAIT), 0);
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_ESTOPPED);
  EXPECT_EQ(host.close(), UV_EBUSY);
  server.release();
  EXPECT_EQ(host.run(), 0);
  EXPECT_EQ(host.close(), 0);
}

}  // namespace
}  // namespace contract

// The network comes before the first thread, and before anybody reads /etc/resolv.conf.
int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  contract::no_network = contract::OwnNetwork::enter();
  if (!contract::no_network.empty()) std::printf("no network of its own: %s\n", contract::no_network.c_str());
  return RUN_ALL_TESTS();
}
