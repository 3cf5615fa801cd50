// SPDX-License-Identifier: MIT
#include "clock.hpp"

#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace bench {
namespace {

std::int64_t read(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

std::int64_t monotonic_ns() { return read(CLOCK_MONOTONIC); }
std::int64_t real_ns() { return read(CLOCK_REALTIME); }
std::int64_t cpu_ns() { return read(CLOCK_THREAD_CPUTIME_ID); }

std::int64_t waited_ns() {
  long long ran = 0;
  long long waited = 0;
  std::FILE* file = std::fopen("/proc/thread-self/schedstat", "re");
  if (file == nullptr) return 0;
  if (std::fscanf(file, "%lld %lld", &ran, &waited) != 2) waited = 0;
  std::fclose(file);
  return waited;
}

std::uint32_t thread_id() {
  thread_local const auto id = static_cast<std::uint32_t>(gettid());
  return id;
}

void pin_to(int cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<unsigned>(cpu), &one);
  if (sched_setaffinity(0, sizeof one, &one) == 0) return;
  std::perror("benchmark: sched_setaffinity");
  std::exit(EXIT_FAILURE);
}

}  // namespace bench
