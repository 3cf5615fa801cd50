// SPDX-License-Identifier: MIT
// crochet_getnameinfo(): from an address to names.
#include <netinet/in.h>
#include <uv.h>

#include <cstddef>
#include <cstring>
#include <new>

#include "operations/lookup.hpp"
#include "operations/operation.hpp"

struct crochet_name_info {
  char host[NI_MAXHOST];
  char service[NI_MAXSERV];
};

using namespace crochet;

namespace {

class Getnameinfo : public Lookup<Getnameinfo, uv_getnameinfo_t> {
 public:
  Getnameinfo(const sockaddr_in6& address, int flags) : address_(address), flags_(flags) {}

  int begin() {
    return uv_getnameinfo(crochet_current_uv(), &request_, on_answer, reinterpret_cast<const sockaddr*>(&address_),
                          flags_);
  }

 private:
  static void on_answer(uv_getnameinfo_t* request, int status, const char* host, const char* service) {
    Getnameinfo& self = of(request);
    if (status != 0) return self.fail(status);
    auto* names = new (std::nothrow) crochet_name_info{};
    if (names == nullptr) return self.fail(UV_ENOMEM);
    std::strncpy(names->host, host, sizeof names->host - 1);
    std::strncpy(names->service, service, sizeof names->service - 1);
    self.answer(names, [](void* value) { delete static_cast<crochet_name_info*>(value); });
  }

  sockaddr_in6 address_;  // or a sockaddr_in, which is smaller
  int flags_;
};

int look_up(crochet_loop* loop, const sockaddr_in6& address, int flags, crochet_result** out_result) {
  return run_operation<Getnameinfo>(loop, "crochet_getnameinfo", out_result, address, flags);
}

}  // namespace

int crochet_getnameinfo(crochet_loop* loop, const void* address, size_t length, int flags,
                        crochet_result** out_result) {
  if (out_result != nullptr) *out_result = nullptr;
  sa_family_t family = AF_UNSPEC;
  constexpr std::size_t kFamilyEnd = offsetof(sockaddr, sa_family) + sizeof family;
  if (address == nullptr || length < kFamilyEnd) return CROCHET_EINVAL;
  std::memcpy(&family, static_cast<const char*>(address) + offsetof(sockaddr, sa_family), sizeof family);
  const std::size_t size = family == AF_INET ? sizeof(sockaddr_in) : family == AF_INET6 ? sizeof(sockaddr_in6) : 0;
  if (size == 0 || length < size) return CROCHET_EINVAL;
  sockaddr_in6 copied{};
  std::memcpy(&copied, address, size);
  return look_up(loop, copied, flags, out_result);
}

int crochet_getnameinfo_text(crochet_loop* loop, const char* address, int port, int flags,
                             crochet_result** out_result) {
  if (out_result != nullptr) *out_result = nullptr;
  if (address == nullptr || port < 0 || port > 65535) return CROCHET_EINVAL;
  sockaddr_in6 parsed{};
  if (uv_ip4_addr(address, port, reinterpret_cast<sockaddr_in*>(&parsed)) != 0 &&
      uv_ip6_addr(address, port, &parsed) != 0) {
    return CROCHET_EINVAL;
  }
  return look_up(loop, parsed, flags, out_result);
}

const char* crochet_name_info_host(const crochet_name_info* names) { return names == nullptr ? "" : names->host; }

const char* crochet_name_info_service(const crochet_name_info* names) { return names == nullptr ? "" : names->service; }
