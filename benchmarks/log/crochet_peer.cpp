// SPDX-License-Identifier: MIT
// crochet_log(): the newest message is dropped when there is no room.
#include <crochet.h>

#include <cstdio>
#include <cstdlib>

#include "peer.hpp"

namespace bench {
namespace {

void must_be_ok(int status, const char* what) {
  if (status == CROCHET_OK) return;
  std::fprintf(stderr, "log-bench: %s: %s\n", what, crochet_status_message(status));
  std::exit(EXIT_FAILURE);
}

void write(void* sink, const crochet_log_record* record) {
  const std::string_view text(record->message, record->message_length);
  if (std::string_view(record->origin, record->origin_length) == kOrigin)
    static_cast<Sink*>(sink)->write(text);
  else
    static_cast<Sink*>(sink)->write_of_its_own(text);  // it tells how many are missing
}

class CrochetPeer : public Peer {
 public:
  explicit CrochetPeer(Sink& sink) {
    must_be_ok(crochet_log_add_function(CROCHET_LOG_INFO, write, &sink, nullptr, nullptr), "adding the sink");
  }
  bool log(std::string_view text) override {
    return crochet_log(CROCHET_LOG_INFO, kOrigin, text.data(), text.size()) == CROCHET_OK;
  }
  void finish() override { must_be_ok(crochet_log_flush(CROCHET_FOREVER), "flushing"); }
};

// A message whose level is off.
class CrochetOffPeer : public Peer {
 public:
  bool log(std::string_view text) override {
    return crochet_log(CROCHET_LOG_DEBUG, kOrigin, text.data(), text.size()) == CROCHET_OK;
  }
  bool writes() const override { return false; }
};

}  // namespace

std::unique_ptr<Peer> new_crochet_peer(Sink& sink) { return std::make_unique<CrochetPeer>(sink); }
std::unique_ptr<Peer> new_crochet_off_peer() { return std::make_unique<CrochetOffPeer>(); }

}  // namespace bench
