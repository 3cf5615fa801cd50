// SPDX-License-Identifier: MIT
// What crochet_getaddrinfo() finds: the system's list, copied into one block that is never changed.
#pragma once

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>

#include "crochet.h"

namespace crochet {

// An IPv6 address, '%', and the name of a network interface.
inline constexpr std::size_t kLongestAddress = 96;

struct Address {
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
    sockaddr_storage storage;
  } bytes;
  std::size_t length;
  int socktype;
  int protocol;
  char text[kLongestAddress];

  void assign(const addrinfo& found);
  int port() const;
};

}  // namespace crochet

struct crochet_addresses {
  // Null: no memory.
  static crochet_addresses* of(const addrinfo* list);
  static void drop(void* addresses);

  const crochet::Address* at(std::size_t index) const { return index < count ? &items[index] : nullptr; }

  std::size_t count;
  crochet::Address* items;     // behind this
  const char* canonical_name;  // behind those
};
