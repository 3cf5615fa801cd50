// SPDX-License-Identifier: MIT
#include "operations/addresses.hpp"

#include <arpa/inet.h>
#include <uv.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace crochet {

void Address::assign(const addrinfo& found) {
  length = std::min<std::size_t>(found.ai_addrlen, sizeof bytes);
  std::memcpy(&bytes, found.ai_addr, length);
  socktype = found.ai_socktype;
  protocol = found.ai_protocol;
  if (bytes.any.sa_family == AF_INET) {
    uv_ip4_name(&bytes.v4, text, sizeof text);
  } else if (bytes.any.sa_family == AF_INET6) {
    uv_ip6_name(&bytes.v6, text, sizeof text);
    const std::size_t end = std::strlen(text);
    std::size_t room = sizeof text - end - 1;
    // A link-local address means something only together with its interface.
    if (bytes.v6.sin6_scope_id != 0 && uv_if_indextoiid(bytes.v6.sin6_scope_id, text + end + 1, &room) == 0) {
      text[end] = '%';
    }
  }
}

int Address::port() const {
  switch (bytes.any.sa_family) {
    case AF_INET: return ntohs(bytes.v4.sin_port);
    case AF_INET6: return ntohs(bytes.v6.sin6_port);
    default: return 0;
  }
}

}  // namespace crochet

using namespace crochet;

crochet_addresses* crochet_addresses::of(const addrinfo* list) {
  static_assert(sizeof(crochet_addresses) % alignof(Address) == 0);
  std::size_t count = 0;
  for (const addrinfo* it = list; it != nullptr; it = it->ai_next) ++count;
  const char* name = list != nullptr && list->ai_canonname != nullptr ? list->ai_canonname : "";
  const std::size_t name_size = std::strlen(name) + 1;
  void* block = std::calloc(1, sizeof(crochet_addresses) + count * sizeof(Address) + name_size);
  if (block == nullptr) return nullptr;
  auto* items = reinterpret_cast<Address*>(static_cast<crochet_addresses*>(block) + 1);
  auto* canonical_name = static_cast<char*>(static_cast<void*>(items + count));
  std::memcpy(canonical_name, name, name_size);
  Address* next = items;
  for (const addrinfo* it = list; it != nullptr; it = it->ai_next) (next++)->assign(*it);
  return ::new (block) crochet_addresses{count, items, canonical_name};
}

void crochet_addresses::drop(void* addresses) { std::free(addresses); }

size_t crochet_addresses_count(const crochet_addresses* addresses) {
  return addresses == nullptr ? 0 : addresses->count;
}

const char* crochet_addresses_canonical_name(const crochet_addresses* addresses) {
  return addresses == nullptr ? "" : addresses->canonical_name;
}

const char* crochet_addresses_text(const crochet_addresses* addresses, size_t index) {
  const Address* address = addresses == nullptr ? nullptr : addresses->at(index);
  return address == nullptr ? "" : address->text;
}

int crochet_addresses_family(const crochet_addresses* addresses, size_t index) {
  const Address* address = addresses == nullptr ? nullptr : addresses->at(index);
  return address == nullptr ? 0 : address->bytes.any.sa_family;
}

int crochet_addresses_port(const crochet_addresses* addresses, size_t index) {
  const Address* address = addresses == nullptr ? nullptr : addresses->at(index);
  return address == nullptr ? 0 : address->port();
}

int crochet_addresses_socktype(const crochet_addresses* addresses, size_t index) {
  const Address* address = addresses == nullptr ? nullptr : addresses->at(index);
  return address == nullptr ? 0 : address->socktype;
}

int crochet_addresses_protocol(const crochet_addresses* addresses, size_t index) {
  const Address* address = addresses == nullptr ? nullptr : addresses->at(index);
  return address == nullptr ? 0 : address->protocol;
}

const void* crochet_addresses_sockaddr(const crochet_addresses* addresses, size_t index, size_t* out_length) {
  const Address* address = addresses == nullptr ? nullptr : addresses->at(index);
  if (out_length != nullptr) *out_length = address == nullptr ? 0 : address->length;
  return address == nullptr ? nullptr : &address->bytes;
}
