// SPDX-License-Identifier: MIT
#include "arguments.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "harness/number.hpp"

namespace bench {
namespace {

constexpr char kUsage[] =
    "--workload w1|w2|w3|w4|w5|w6|w8cancel|w8stop|w9|w9alone [--placement same|cross] [--operations N]\n"
    "[--producers P] [--cpus 0,1] [--variant NAME]\n"
    "  --cpus  the first caller's, the loop's (cross; same: the first); caller i's is number i modulo their count\n";

[[noreturn]] void refuse() {
  std::fputs(kUsage, stderr);
  std::exit(2);
}

template <class Number>
Number number(std::string_view word) {
  Number read{};
  if (!read_number(word, &read)) refuse();
  return read;
}

std::vector<int> numbers(std::string_view words) {
  std::vector<int> read;
  for (;;) {
    const std::size_t comma = words.find(',');
    read.push_back(number<int>(words.substr(0, comma)));
    if (comma == std::string_view::npos) return read;
    words.remove_prefix(comma + 1);
  }
}

}  // namespace

Arguments read_arguments(int count, char** words) {
  Arguments read;
  for (int i = 1; i < count; i += 2) {
    if (i + 1 == count) refuse();
    const std::string_view name = words[i];
    const std::string_view value = words[i + 1];
    if (name == "--workload")
      read.workload = value;
    else if (name == "--variant")
      read.variant = value;
    else if (name == "--placement" && (value == "same" || value == "cross"))
      read.same = value == "same";
    else if (name == "--operations")
      read.operations = number<std::uint64_t>(value);
    else if (name == "--producers")
      read.callers = number<std::size_t>(value);
    else if (name == "--cpus")
      read.cpus = numbers(value);
    else
      refuse();
  }
  if (read.callers == 0 || read.operations == 0) refuse();
  return read;
}

void accept_variants(const Arguments& asked, const std::vector<std::string_view>& known) {
  if (asked.variant.empty() || std::find(known.begin(), known.end(), asked.variant) != known.end()) return;
  std::fprintf(stderr, "this peer has no variant \"%s\"\n", asked.variant.c_str());
  std::exit(2);
}

}  // namespace bench
