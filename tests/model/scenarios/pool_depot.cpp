// SPDX-License-Identifier: MIT
// The depot, on slots of the model's own: no magazine is lost, none is handed out twice, what is in it comes with it.
#include "call/depot.hpp"

#include "model/control.hpp"
#include "model/names.hpp"
#include "model/scenario.hpp"

namespace crochet {
namespace {

struct Slots {
  static constexpr std::uint32_t kCount = 3;  // and none, at 0

  Atomic<std::uint64_t> links[kCount + 1];
  Plain<int> contents[kCount + 1];
  bool held[kCount + 1] = {};

  Atomic<std::uint64_t>& link(std::uint32_t index) { return links[index]; }
};

struct DepotUsers {
  Depot<Slots> depot;
  Slots slots;
  int expected = 0;

  explicit DepotUsers(std::uint32_t magazines) : expected(static_cast<int>(magazines)) {
    model::name(depot, "depot");
    model::name(slots.links, "links");
    for (std::uint32_t i = magazines; i > 0; --i) give({i, 10 + i});
  }
  Depot<Slots>::Magazine take() {
    const auto magazine = depot.pop(slots);
    if (magazine.first == 0) return magazine;
    MODEL_EXPECT(!slots.held[magazine.first]);
    slots.held[magazine.first] = true;
    MODEL_EXPECT(magazine.count == 10 + magazine.first);
    slots.contents[magazine.first] += 1;
    return magazine;
  }
  void give(Depot<Slots>::Magazine magazine) {
    if (magazine.first == 0) return;
    slots.held[magazine.first] = false;
    slots.contents[magazine.first] += 1;
    depot.push(slots, magazine);
  }
  void end() {
    int count = 0;
    while (take().first != 0) ++count;
    MODEL_EXPECT(count == expected);
  }
};

// One takes two and gives back the first, which is the ABA: the head looks as before, the stack below is another.
MODEL_SCENARIO(pool_depot_three_threads, 3) : DepotUsers {
  pool_depot_three_threads() : DepotUsers(2) {}
  void thread(int t) {
    const auto first = take();
    if (t > 0) return give(first);
    const auto second = take();
    give(first);
    give(second);
  }
};

MODEL_SCENARIO(pool_depot_two_takers_of_three, 2) : DepotUsers {
  pool_depot_two_takers_of_three() : DepotUsers(3) {}
  void thread(int t) {
    const auto first = take();
    if (t > 0) return give(first);
    const auto second = take();
    give(first);
    give(second);
  }
};

}  // namespace
}  // namespace crochet
