// SPDX-License-Identifier: MIT
// Many threads, one connection to Redis: each gets its own answers, and is told when time or the connection is lost.
//
//   shared_redis PORT     eight threads count together; exit code 0 only if the sum is right, and all are told when the
//                         connection is lost
//   shared_redis PORT -   a command of each line of standard input, and what came of it
#include "shared_redis.hpp"

#include <atomic>
#include <chrono>
#include <iostream>
#include <iterator>
#include <sstream>
#include <thread>

#include "../must.h"

using namespace std::chrono_literals;

namespace {

constexpr int kThreads = 8, kEach = 500;

template <class F>
void in_threads(F f) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(f);
  for (std::thread& each : threads) each.join();
}

void count(const shared_redis& redis) {
  const std::string counter = "crochet:counter";
  redis.command({"DEL", counter});
  in_threads([&] {
    int before = 0;
    for (int i = 0; i < kEach; ++i) {
      const int mine = std::stoi(redis.command({"INCR", counter}));  // its own answer, not another thread's
      const int seen = std::stoi(redis.command({"GET", counter}));
      MUST(mine > before && seen >= mine);
      before = mine;
    }
  });
  MUST(redis.command({"GET", counter}) == std::to_string(kThreads * kEach));
  std::cout << kThreads << " threads, one connection: " << kThreads * kEach << " increments" << std::endl;
}

void lose_time(const shared_redis& redis, const shared_redis& other) {
  try {
    redis.command({"BLPOP", "crochet:empty", "0"}, 50ms);
    MUST(false);
  } catch (const crochet::timeout_error& e) {
    std::cout << "given up: " << e.what() << std::endl;
  }
  other.command({"RPUSH", "crochet:empty", "too late"});  // so that answer comes now, and is nobody's
  MUST(redis.command({"ECHO", "still here"}) == "still here");
}

void lose_connection(const shared_redis& redis, const shared_redis& other) {
  std::atomic<int> told{0};
  std::thread killer([&] {
    while (told < kThreads)  // some may have come late, and wait for a new one
      if (other.command({"INFO", "clients"}).find("blocked_clients:1") != std::string::npos)
        other.command({"CLIENT", "KILL", "TYPE", "normal"});  // all but this one
  });
  in_threads([&] {
    try {
      redis.command({"BLPOP", "crochet:nothing", "0"});  // all wait for the first one's
      MUST(false);
    } catch (const redis_error& e) {
      MUST(std::string(e.what()).find("connection lost") == 0);
      ++told;
    }
  });
  killer.join();
  MUST(redis.command({"PING"}) == "PONG");  // the next command connects anew
  std::cout << "connection lost: all were told, and the next command found a new one" << std::endl;
}

void interpret(const shared_redis& redis) {
  for (std::string line; std::getline(std::cin, line);) try {
      std::istringstream in(line);
      std::cout << redis.command({std::istream_iterator<std::string>(in), {}}) << std::endl;
    } catch (const std::runtime_error& e) {
      std::cout << "error: " << e.what() << std::endl;
    }
}

}  // namespace

int main(int argc, char** argv) {
  MUST(argc > 1);
  const int port = std::stoi(argv[1]);
  crochet::setup();
  {
    const shared_redis redis("127.0.0.1", port), other("127.0.0.1", port);
    if (argc > 2) interpret(redis);
    else count(redis), lose_time(redis, other), lose_connection(redis, other);
  }
  MUST(crochet::shutdown(10s) == crochet::stop_outcome::ended);
}
