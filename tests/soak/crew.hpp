// SPDX-License-Identifier: MIT
// The workers of a soak: threads that do one kind of thing round after round, until all are asked to stand still for a
// checkpoint. Who does not come to the end of a round is named.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace soak {

using Random = std::mt19937_64;

// Says what is wrong, and goes on: counted.
void failed(const char* format, ...) __attribute__((format(printf, 1, 2)));
void passed();
long failures();
long passes();

class Crew {
 public:
  Crew() = default;
  ~Crew() { end(); }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  // `round` is done again and again. It leaves nothing of its own outstanding.
  void add(std::string name, std::uint64_t seed, std::function<void(Random&)> round);
  // Returns when every worker stands still, between two rounds; or false: who does not come is reported.
  bool stand_still(std::chrono::seconds patience);
  // Each that has done no round since the last look is reported.
  void check_progress();
  void go_on();
  void end();
  std::uint64_t rounds() const;

 private:
  struct Worker {
    std::string name;
    std::thread thread;
    std::atomic<std::uint64_t> rounds{0};  // relaxed: a count
    std::uint64_t seen = 0;
    bool stands = false;  // guarded by mutex_
  };
  bool may_go_on(Worker& worker);

  std::mutex mutex_;
  std::condition_variable changed_;
  bool pausing_ = false;
  bool ending_ = false;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace soak
