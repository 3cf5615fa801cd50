// SPDX-License-Identifier: MIT
// One way to log: what all have in common, so that all are measured alike.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "sink.hpp"

namespace bench {

inline constexpr char kOrigin[] = "bench";
inline constexpr std::uint32_t kPlaces = 1024;  // crochet's ring has so many; spdlog's queues are made so

class Peer {
 public:
  Peer() = default;
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  virtual ~Peer() = default;

  // What is measured. On the loop's thread. False: refused.
  virtual bool log(std::string_view text) = 0;

  // Messages that were accepted and will not be written.
  virtual std::uint64_t overwritten() const { return 0; }
  // Does the sink get what is accepted?
  virtual bool writes() const { return true; }
  // Waits until what is left is written. Not on the loop's thread.
  virtual void finish() {}
};

std::unique_ptr<Peer> new_empty_peer();
std::unique_ptr<Peer> new_crochet_peer(Sink& sink);
std::unique_ptr<Peer> new_crochet_off_peer();
std::unique_ptr<Peer> new_overrun_oldest_peer(Sink& sink);
std::unique_ptr<Peer> new_block_peer(Sink& sink);
std::unique_ptr<Peer> new_deque_peer(Sink& sink);
std::unique_ptr<Peer> new_synchronous_peer(Sink& sink);

// Null: there is none of this name.
std::unique_ptr<Peer> new_peer(std::string_view name, Sink& sink);

}  // namespace bench
