// SPDX-License-Identifier: MIT
// One connection to Redis for many threads: command() blocks, any thread may call it, and nobody need know of the loop.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "redis_connection.hpp"

class shared_redis {
 public:
  // Connects with the first command, and again with the first one after the connection was lost.
  shared_redis(std::string address, int port) : connection_(std::in_place, std::move(address), port) {}

  // What Redis answers, or redis_error. When the time is over: crochet::timeout_error; the answer, when it comes, is
  // thrown away, and the other threads' commands are not disturbed.
  std::string command(const std::vector<std::string>& words,
                      crochet::timeout patience = std::chrono::seconds(60)) const {
    return connection_.wait_for(patience, &redis_connection::command, "shared_redis::command")(words);
  }

 private:
  crochet::loop_owned<redis_connection> connection_;
};
