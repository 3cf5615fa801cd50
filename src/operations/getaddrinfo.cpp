// SPDX-License-Identifier: MIT
// crochet_getaddrinfo(): from a name to addresses.
#include <uv.h>

#include <utility>

#include "operations/addresses.hpp"
#include "operations/lookup.hpp"
#include "operations/operation.hpp"
#include "operations/text.hpp"

using namespace crochet;

namespace {

class Getaddrinfo : public Lookup<Getaddrinfo, uv_getaddrinfo_t> {
 public:
  Getaddrinfo(Text node, Text service, const addrinfo& hints)
      : node_(std::move(node)), service_(std::move(service)), hints_(hints) {}

  int begin() {
    return uv_getaddrinfo(crochet_current_uv(), &request_, on_answer, node_.get(), service_.get(), &hints_);
  }

 private:
  static void on_answer(uv_getaddrinfo_t* request, int status, addrinfo* list) {
    Getaddrinfo& self = of(request);
    if (status != 0) return self.fail(status);
    crochet_addresses* addresses = crochet_addresses::of(list);
    uv_freeaddrinfo(list);
    if (addresses == nullptr) return self.fail(UV_ENOMEM);
    self.answer(addresses, crochet_addresses::drop);
  }

  Text node_;
  Text service_;
  addrinfo hints_;
};

}  // namespace

int crochet_getaddrinfo(crochet_loop* loop, const char* node, const char* service, int family, int socktype,
                        int protocol, int flags, crochet_result** out_result) {
  if (out_result != nullptr) *out_result = nullptr;
  if (node == nullptr && service == nullptr) return CROCHET_EINVAL;
  Text copied_node;
  Text copied_service;
  if (!copied_node.assign(node) || !copied_service.assign(service)) return CROCHET_ENOMEM;
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = socktype;
  hints.ai_protocol = protocol;
  hints.ai_flags = flags;
  return run_operation<Getaddrinfo>(loop, "crochet_getaddrinfo", out_result, std::move(copied_node),
                                    std::move(copied_service), hints);
}
