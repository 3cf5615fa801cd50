// SPDX-License-Identifier: MIT
// The empty loop: everything but the logging. What the others are compared with, and what is subtracted from them.
#include "peer.hpp"

namespace bench {
namespace {

class EmptyPeer : public Peer {
 public:
  bool log(std::string_view /*text*/) override { return true; }
  bool writes() const override { return false; }
};

}  // namespace

std::unique_ptr<Peer> new_empty_peer() { return std::make_unique<EmptyPeer>(); }

}  // namespace bench
