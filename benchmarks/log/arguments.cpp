// SPDX-License-Identifier: MIT
#include "arguments.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "harness/number.hpp"

namespace bench {
namespace {

constexpr char kUsage[] =
    "log-bench [--peer empty|crochet|crochet-off|overrun_oldest|block|deque|synchronous]\n"
    "          [--workload flood|bursts|fast] [--messages N] [--loop-cpu N] [--log-cpu N]\n";

[[noreturn]] void refuse() {
  std::fputs(kUsage, stderr);
  std::exit(2);
}

template <class Number>
void number(std::string_view word, Number* out) {
  if (!read_number(word, out)) refuse();
}

}  // namespace

Arguments read_arguments(int count, char** words) {
  Arguments read;
  for (int i = 1; i < count; i += 2) {
    if (i + 1 == count) refuse();
    const std::string_view name = words[i];
    const std::string_view value = words[i + 1];
    if (name == "--peer")
      read.peer = value;
    else if (name == "--workload")
      read.workload = value;
    else if (name == "--messages")
      number(value, &read.messages);
    else if (name == "--loop-cpu")
      number(value, &read.loop_cpu);
    else if (name == "--log-cpu")
      number(value, &read.log_cpu);
    else
      refuse();
  }
  if (read.workload != "flood" && read.workload != "bursts" && read.workload != "fast") refuse();
  return read;
}

}  // namespace bench
