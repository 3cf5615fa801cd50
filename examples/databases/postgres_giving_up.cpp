// SPDX-License-Identifier: MIT
// A query that nobody wants any more, and a connection that has gone. PQcancel() blocks: it is for a thread of libuv's
// pool.
#include <algorithm>

#include "postgres_connection.hpp"

struct postgres_connection::cancel_request {
  uv_work_t work;
  PGcancel* what;
  crochet::deferred<postgres_rows> held;  // the call is not finished meanwhile; a stop waits for it
  postgres_connection* owner;             // null: destroyed
  bool again, sent;
};

postgres_connection::~postgres_connection() {
  if (cancelling_ != nullptr) cancelling_->owner = nullptr;
  lost();
}

// [give up]
// The on-cancel hook.
void postgres_connection::give_up(const question* which) {
  const bool first = which == questions_.front().get();
  if (first && state_ == state::busy) return cancel_in_server(false);  // the server's answer settles it
  const auto it = std::find_if(questions_.begin(), questions_.end(), [&](auto& one) { return one.get() == which; });
  const auto unsent = std::move(*it);
  questions_.erase(it);
  unsent->answer.reject(CROCHET_ECANCELED);
}

void postgres_connection::cancel_in_server(bool again) {
  cancelling_ = new cancel_request{{}, PQgetCancel(pg_), questions_.front()->answer, this, again, false};
  cancelling_->work.data = cancelling_;
  const auto in_pool = [](uv_work_t* work) {
    auto* request = static_cast<cancel_request*>(work->data);
    char why[256];
    if (request->again) uv_sleep(10);
    request->sent = PQcancel(request->what, why, sizeof why) == 1;  // returns when the server has signalled its process
  };
  const auto on_loop = [](uv_work_t* work, int) {
    const std::unique_ptr<cancel_request> request(static_cast<cancel_request*>(work->data));
    PQfreeCancel(request->what);
    postgres_connection* owner = request->owner;
    if (owner == nullptr) return;
    owner->cancelling_ = nullptr;
    if (owner->state_ != state::busy) return owner->go_on();
    if (!request->sent) return owner->lost();  // it can't be stopped: begin anew
    owner->cancel_in_server(true);             // it may have come before the query did, which it does not hit then
  };
  uv_queue_work(crochet_current_uv(), &cancelling_->work, in_pool, on_loop);
}
// [end give up]

void postgres_connection::lost() {
  const postgres_error why(pg_ == nullptr ? "no memory for a connection" : PQerrorMessage(pg_));
  unwatch();
  PQfinish(std::exchange(pg_, nullptr));
  state_ = state::none;
  for (const auto& each : std::exchange(questions_, {})) each->answer.reject(why);
}
