// SPDX-License-Identifier: MIT
#include "peer.hpp"

namespace bench {

std::unique_ptr<Peer> new_peer(std::string_view name, Sink& sink) {
  if (name == "empty") return new_empty_peer();
  if (name == "crochet") return new_crochet_peer(sink);
  if (name == "crochet-off") return new_crochet_off_peer();
  if (name == "overrun_oldest") return new_overrun_oldest_peer(sink);
  if (name == "block") return new_block_peer(sink);
  if (name == "deque") return new_deque_peer(sink);
  if (name == "synchronous") return new_synchronous_peer(sink);
  return nullptr;
}

}  // namespace bench
