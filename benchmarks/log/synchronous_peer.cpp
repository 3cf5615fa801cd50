// SPDX-License-Identifier: MIT
// The caller writes, under a mutex, as several callers would need it.
#include <mutex>

#include "harness/clock.hpp"
#include "peer.hpp"

namespace bench {
namespace {

class SynchronousPeer : public Peer {
 public:
  explicit SynchronousPeer(Sink& sink) : sink_(sink) {}
  bool log(std::string_view text) override {
    last_time_ns_ = real_ns();
    last_thread_ = thread_id();
    const std::lock_guard lock(mutex_);
    sink_.write(text);
    return true;
  }

 private:
  Sink& sink_;
  std::mutex mutex_;
  volatile std::int64_t last_time_ns_ = 0;  // a line has them
  volatile std::uint32_t last_thread_ = 0;
};

}  // namespace

std::unique_ptr<Peer> new_synchronous_peer(Sink& sink) { return std::make_unique<SynchronousPeer>(sink); }

}  // namespace bench
