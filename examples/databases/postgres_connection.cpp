// SPDX-License-Identifier: MIT
// libpq says what it waits for, libuv says when that has come. How a query is given up: postgres_giving_up.cpp.
#include "postgres_connection.hpp"

crochet::deferred<postgres_rows> postgres_connection::query(std::string sql) {
  auto made = std::make_unique<question>(question{std::move(sql)});
  auto answer = made->answer;
  if (!answer.on_cancel([this, it = made.get()] { give_up(it); })) return answer;
  questions_.push_back(std::move(made));
  go_on();
  return answer;
}

void postgres_connection::go_on() {
  if (questions_.empty() || cancelling_ != nullptr) return;
  if (state_ == state::none) return connect();
  if (state_ != state::idle) return;
  if (PQsendQuery(pg_, questions_.front()->sql.c_str()) == 0) return lost();
  state_ = state::busy;
  watch(UV_READABLE | UV_WRITABLE);
}

void postgres_connection::connect() {
  // Or the server, since release 14, would go on with a query when we are gone.
  const char* const names[] = {"dbname", "options", nullptr};
  const char* const values[] = {where_.c_str(), "-c client_connection_check_interval=1s", nullptr};
  pg_ = PQconnectStartParams(names, values, 1);  // 1: dbname is a whole connection string
  if (pg_ == nullptr || PQstatus(pg_) == CONNECTION_BAD) return lost();
  state_ = state::connecting;
  watch(UV_WRITABLE);
}

void postgres_connection::go_on_connecting() {
  unwatch();  // it may be another socket afterwards
  switch (PQconnectPoll(pg_)) {
    case PGRES_POLLING_READING: return watch(UV_READABLE);
    case PGRES_POLLING_WRITING: return watch(UV_WRITABLE);
    case PGRES_POLLING_OK: break;
    default: return lost();
  }
  PQsetnonblocking(pg_, 1);
  state_ = state::idle;
  watch(UV_READABLE);  // the end of the connection would come that way
  go_on();
}

void postgres_connection::take_results() {
  const int unsent = state_ == state::busy ? PQflush(pg_) : 0;
  if (unsent < 0 || PQconsumeInput(pg_) == 0) return lost();
  watch(unsent > 0 ? UV_READABLE | UV_WRITABLE : UV_READABLE);
  while (state_ == state::busy && PQisBusy(pg_) == 0) {
    const std::unique_ptr<PGresult, void (*)(PGresult*)> result(PQgetResult(pg_), PQclear);
    if (result == nullptr) return answered();
    question& asked = *questions_.front();
    const char* code = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
    if (code != nullptr) asked.failure = PQresultErrorMessage(result.get());
    if (code != nullptr && std::string(code) == "57014") asked.stopped = true;  // query_canceled
    for (int row = 0; row < PQntuples(result.get()); ++row) {
      auto& to = asked.rows.emplace_back();
      for (int i = 0; i < PQnfields(result.get()); ++i) to.emplace_back(PQgetvalue(result.get(), row, i));
    }
  }
}

void postgres_connection::answered() {
  const auto asked = std::move(questions_.front());
  questions_.pop_front();
  state_ = state::idle;
  if (asked->stopped && asked->answer.is_cancelled()) asked->answer.reject(CROCHET_ECANCELED);
  else if (!asked->failure.empty()) asked->answer.reject(postgres_error(asked->failure));
  else asked->answer.resolve(std::move(asked->rows));
  go_on();
}

void postgres_connection::watch(int events) {
  if (poll_ == nullptr) {
    poll_ = new uv_poll_t;
    uv_poll_init(crochet_current_uv(), poll_, PQsocket(pg_));
    poll_->data = this;
  }
  uv_poll_start(poll_, events, [](uv_poll_t* poll, int, int) {
    auto* self = static_cast<postgres_connection*>(poll->data);
    if (self->state_ == state::connecting) self->go_on_connecting();
    else self->take_results();
  });
}

void postgres_connection::unwatch() {
  if (poll_ == nullptr) return;
  uv_close(reinterpret_cast<uv_handle_t*>(std::exchange(poll_, nullptr)),
           [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
}
