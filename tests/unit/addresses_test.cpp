// SPDX-License-Identifier: MIT
// What is kept of the system's list of addresses, also where that holds what no name service of a test's tells.
#include "operations/addresses.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sys/un.h>

#include <string>

namespace crochet {
namespace {

// The system's list, of one address.
template <class Bytes>
addrinfo list_of(Bytes& bytes) {
  addrinfo list{};
  list.ai_addr = reinterpret_cast<sockaddr*>(&bytes);
  list.ai_addrlen = sizeof bytes;
  return list;
}

sockaddr_in6 link_local(unsigned scope) {
  sockaddr_in6 bytes{};
  bytes.sin6_family = AF_INET6;
  bytes.sin6_port = htons(80);
  bytes.sin6_scope_id = scope;
  EXPECT_EQ(inet_pton(AF_INET6, "fe80::1", &bytes.sin6_addr), 1);
  return bytes;
}

std::string text_of(sockaddr_in6 bytes) {
  Address address{};
  address.assign(list_of(bytes));
  EXPECT_EQ(address.port(), 80);
  return address.text;
}

TEST(Addresses, OfALinkNameItsInterface) {
  EXPECT_EQ(text_of(link_local(0)), "fe80::1");
  struct if_nameindex* const interfaces = if_nameindex();
  ASSERT_NE(interfaces, nullptr);
  for (const struct if_nameindex* it = interfaces; it->if_index != 0; ++it) {
    EXPECT_EQ(text_of(link_local(it->if_index)), std::string("fe80::1%") + it->if_name);
  }
  if_freenameindex(interfaces);
  EXPECT_EQ(text_of(link_local(0x7fff'ffff)), "fe80::1") << "there is no such interface";
}

TEST(Addresses, OfAnotherFamilyHaveNeitherTextNorPort) {
  sockaddr_un bytes{};
  bytes.sun_family = AF_UNIX;
  Address address{};
  address.assign(list_of(bytes));
  EXPECT_STREQ(address.text, "");
  EXPECT_EQ(address.port(), 0);
  EXPECT_EQ(address.length, sizeof bytes);
}

TEST(Addresses, MayBeNone) {
  crochet_addresses* const none = crochet_addresses::of(nullptr);
  ASSERT_NE(none, nullptr);
  EXPECT_EQ(none->count, 0u);
  EXPECT_EQ(none->at(0), nullptr);
  EXPECT_STREQ(none->canonical_name, "");
  crochet_addresses::drop(none);
}

}  // namespace
}  // namespace crochet
