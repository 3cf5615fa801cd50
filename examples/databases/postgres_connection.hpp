// SPDX-License-Identifier: MIT
// A connection to PostgreSQL on a loop, by libpq's asynchronous functions: one query at a time, the others queue. One
// that is given up is cancelled in the server. Keep it in a crochet::loop_owned, as postgres.hpp does.
#pragma once
#include <libpq-fe.h>
#include <uv.h>

#include <crochet.hpp>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

struct postgres_error : std::runtime_error {
  using runtime_error::runtime_error;
};
using postgres_rows = std::vector<std::vector<std::string>>;

class postgres_connection {  // the loop's thread only
 public:
  explicit postgres_connection(std::string where) : where_(std::move(where)) {}
  postgres_connection(const postgres_connection&) = delete;
  postgres_connection& operator=(const postgres_connection&) = delete;
  ~postgres_connection();

  // Cancelling it, as a time-out does, makes the server stop it.
  crochet::deferred<postgres_rows> query(std::string sql);

 private:
  enum class state { none, connecting, idle, busy };
  struct question {
    std::string sql;
    crochet::deferred<postgres_rows> answer{};
    postgres_rows rows{};
    std::string failure{};
    bool stopped = false;  // by a cancel, says the server
  };
  struct cancel_request;

  void go_on();
  void connect();
  void go_on_connecting();
  void take_results();
  void answered();
  void lost();
  void give_up(const question* which);
  void cancel_in_server(bool again);
  void watch(int events);
  void unwatch();

  std::string where_;
  PGconn* pg_ = nullptr;
  uv_poll_t* poll_ = nullptr;  // of its socket; libuv has it for a while longer
  state state_ = state::none;
  std::deque<std::unique_ptr<question>> questions_;  // when busy, the server is at the first one
  cancel_request* cancelling_ = nullptr;             // under way: the next query would be hit by it
};
