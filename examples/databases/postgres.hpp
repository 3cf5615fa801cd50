// SPDX-License-Identifier: MIT
// PostgreSQL for threads: query() blocks, any thread may call it, and what it gives up does not run on in the server.
#pragma once

#include <string>
#include <utility>

#include "postgres_connection.hpp"

class postgres {
 public:
  // As for libpq: "host=/run/postgresql dbname=test". Connects with the first query, and anew when that was lost.
  explicit postgres(std::string where) : connection_(std::in_place, std::move(where)) {}

  // The rows, or postgres_error. When the time is over: crochet::timeout_error at once, and the server is told to stop.
  postgres_rows query(std::string sql, crochet::timeout patience) const {
    return connection_.wait_for(patience, &postgres_connection::query, "postgres::query")(std::move(sql));
  }

 private:
  crochet::loop_owned<postgres_connection> connection_;
};
