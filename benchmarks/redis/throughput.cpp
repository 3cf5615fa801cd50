// SPDX-License-Identifier: MIT
// Threads that each send a command to Redis and wait for its answer, again and again, for a while: how many in all?
//
//   redis-bench shared|own|mutex THREADS MILLISECONDS PORT
//
// shared: the example's one connection, on crochet's loop. own: a connection for each thread, by hiredis' blocking API.
// mutex: one such connection, and a mutex around it.
#include <hiredis/hiredis.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "harness/clock.hpp"
#include "shared_redis.hpp"

namespace {

void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "redis-bench: %s\n", what);
  std::exit(EXIT_FAILURE);
}

using command = std::function<void()>;  // sends one, and has the answer

class blocking_redis {
 public:
  explicit blocking_redis(int port) : context_(redisConnect("127.0.0.1", port)) {
    must(context_ != nullptr && context_->err == 0, "no connection");
  }
  blocking_redis(const blocking_redis&) = delete;
  blocking_redis& operator=(const blocking_redis&) = delete;
  ~blocking_redis() { redisFree(context_); }
  void increment() {
    auto* reply = static_cast<redisReply*>(redisCommand(context_, "INCR %s", "counter"));
    must(reply != nullptr && reply->type == REDIS_REPLY_INTEGER, "no answer");
    freeReplyObject(reply);
  }

 private:
  redisContext* context_;
};

std::vector<command> commands(const std::string& peer, std::size_t threads, int port) {
  if (peer == "shared") {
    const auto redis = std::make_shared<shared_redis>("127.0.0.1", port);
    return std::vector<command>(threads, [redis] { redis->command({"INCR", "counter"}); });
  }
  if (peer == "mutex") {
    struct locked {
      std::mutex mutex;
      blocking_redis redis;
    };
    const auto one = std::shared_ptr<locked>(new locked{{}, blocking_redis(port)});
    return std::vector<command>(threads, [one] {
      const std::lock_guard<std::mutex> lock(one->mutex);
      one->redis.increment();
    });
  }
  must(peer == "own", "which peer? (shared, own, mutex)");
  std::vector<command> all;
  while (all.size() < threads) {
    all.emplace_back([redis = std::make_shared<blocking_redis>(port)] { redis->increment(); });
  }
  return all;
}

double cpu_seconds() {  // of all threads
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

struct figures {
  std::uint64_t commands;
  double seconds, cpu;
};

figures measure(const std::vector<command>& each, std::chrono::milliseconds time) {
  std::atomic<std::uint64_t> sum{0};
  std::atomic<bool> over{false};
  for (const command& one : each) one();  // connected
  const std::int64_t begin = bench::monotonic_ns();
  const double cpu = cpu_seconds();
  std::vector<std::thread> threads;
  for (const command& one : each) {
    threads.emplace_back([&] {
      std::uint64_t count = 0;
      for (; !over.load(std::memory_order_relaxed); ++count) one();
      sum.fetch_add(count, std::memory_order_relaxed);
    });
  }
  std::this_thread::sleep_for(time);
  over.store(true, std::memory_order_relaxed);
  for (std::thread& thread : threads) thread.join();
  return {sum.load(std::memory_order_relaxed), static_cast<double>(bench::monotonic_ns() - begin) / 1e9,
          cpu_seconds() - cpu};
}

}  // namespace

int main(int argc, char** argv) {
  must(argc == 5, "redis-bench shared|own|mutex THREADS MILLISECONDS PORT");
  crochet::setup();
  const figures got = measure(commands(argv[1], std::strtoul(argv[2], nullptr, 10), std::atoi(argv[4])),
                              std::chrono::milliseconds(std::atoi(argv[3])));
  std::printf("{\"commands\": %llu, \"seconds\": %.6f, \"cpu\": %.6f}\n", static_cast<unsigned long long>(got.commands),
              got.seconds, got.cpu);
  must(crochet::shutdown(std::chrono::seconds(10)) == crochet::stop_outcome::ended, "the loop did not end");
}
