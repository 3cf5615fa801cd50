// SPDX-License-Identifier: MIT
#include "model/weakened.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

namespace crochet::model {
namespace {

constexpr const char* kNames[] = {"relaxed", "acquire", "release"};
constexpr std::memory_order kOrders[] = {std::memory_order_relaxed, std::memory_order_acquire,
                                         std::memory_order_release};

[[noreturn]] void refuse(const char* text) {
  std::fprintf(stderr, "CROCHET_WEAKENED: not understood: %s\n", text);
  std::_Exit(2);
}

class Table {
 public:
  Table() {
    if (const char* text = std::getenv("CROCHET_WEAKENED")) read(text);
    if (std::getenv("CROCHET_REACHED") != nullptr) std::atexit([] { table().print_reached(); });
  }

  static Table& table() {
    static Table the_table;
    return the_table;
  }

  std::memory_order order(int number, std::memory_order written) {
    Entry& entry = entries_[number];
    entry.reached = true;
    return entry.is_weakened ? entry.order : written;
  }

 private:
  struct Entry {
    std::memory_order order;
    bool is_weakened;
    bool reached;
  };

  void read(const char* text) {
    while (*text != '\0') {
      char* end = nullptr;
      const long number = std::strtol(text, &end, 10);
      if (end == text || *end != '=' || number < 0 || number >= kMostOrders) refuse(text);
      const std::size_t length = std::strcspn(end + 1, ",");
      entries_[number] = {order_named(end + 1, length), true, false};
      text = end + 1 + length;
      if (*text == ',') ++text;
    }
  }

  static std::memory_order order_named(const char* name, std::size_t length) {
    for (std::size_t i = 0; i < std::size(kNames); ++i) {
      if (std::strlen(kNames[i]) == length && std::strncmp(kNames[i], name, length) == 0) return kOrders[i];
    }
    refuse(name);
  }

  void print_reached() const {
    std::printf("reached:");
    for (int i = 0; i < kMostOrders; ++i) {
      if (entries_[i].reached) std::printf(" %d", i);
    }
    std::printf("\n");
  }

  Entry entries_[kMostOrders] = {};
};

}  // namespace

std::memory_order weakened(int number, std::memory_order written) noexcept {
  static Table& table = Table::table();
  return table.order(number, written);
}

}  // namespace crochet::model
