// SPDX-License-Identifier: MIT
// Orders of the code under test that can be made weaker while the program runs: for orders.py, which puts weakened()
// around every order of a copy of the sources. So one program serves for all mutants.
//
//   CROCHET_WEAKENED=17=acquire,20=relaxed   these numbers have other orders than are written
//   CROCHET_REACHED=1                        at exit, prints the numbers of the orders that were used at all
#pragma once

#include <atomic>

namespace crochet::model {

inline constexpr int kMostOrders = 4096;

std::memory_order weakened(int number, std::memory_order written) noexcept;

}  // namespace crochet::model
