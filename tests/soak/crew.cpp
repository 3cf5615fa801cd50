// SPDX-License-Identifier: MIT
#include "soak/crew.hpp"

#include <cstdarg>
#include <cstdio>

namespace soak {
namespace {

std::atomic<long> failure_count{0};
std::atomic<long> pass_count{0};

}  // namespace

void failed(const char* format, ...) {
  const long number = failure_count.fetch_add(1, std::memory_order_relaxed);
  if (number > 50) return;
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  std::fprintf(stderr, "FAILED: %s\n", text);
}
void passed() { pass_count.fetch_add(1, std::memory_order_relaxed); }
long failures() { return failure_count.load(std::memory_order_relaxed); }
long passes() { return pass_count.load(std::memory_order_relaxed); }

void Crew::add(std::string name, std::uint64_t seed, std::function<void(Random&)> round) {
  auto worker = std::make_unique<Worker>();
  Worker& it = *worker;
  it.name = std::move(name);
  workers_.push_back(std::move(worker));
  it.thread = std::thread([this, &it, seed, round = std::move(round)] {
    Random random(seed);
    while (may_go_on(it)) {
      round(random);
      it.rounds.fetch_add(1, std::memory_order_relaxed);
    }
  });
}

bool Crew::may_go_on(Worker& worker) {
  std::unique_lock lock(mutex_);
  if (pausing_) {
    worker.stands = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !pausing_ || ending_; });
    worker.stands = false;
  }
  return !ending_;
}

bool Crew::stand_still(std::chrono::seconds patience) {
  std::unique_lock lock(mutex_);
  pausing_ = true;
  const auto all_stand = [this] {
    for (const auto& worker : workers_) {
      if (!worker->stands) return false;
    }
    return true;
  };
  if (changed_.wait_for(lock, patience, all_stand)) return true;
  for (const auto& worker : workers_) {
    if (!worker->stands) failed("stuck: %s", worker->name.c_str());
  }
  return false;
}

void Crew::check_progress() {
  for (const auto& worker : workers_) {
    const std::uint64_t now = worker->rounds.load(std::memory_order_relaxed);
    if (now == worker->seen) failed("stuck: %s has done nothing since the last checkpoint", worker->name.c_str());
    else passed();
    worker->seen = now;
  }
}

void Crew::go_on() {
  const std::lock_guard lock(mutex_);
  pausing_ = false;
  changed_.notify_all();
}

void Crew::end() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    pausing_ = false;
    changed_.notify_all();
  }
  for (const auto& worker : workers_) {
    if (worker->thread.joinable()) worker->thread.join();
  }
}

std::uint64_t Crew::rounds() const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers_) sum += worker->rounds.load(std::memory_order_relaxed);
  return sum;
}

}  // namespace soak
