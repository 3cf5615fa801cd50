// SPDX-License-Identifier: MIT
// What a program saw: figures by name, printed as one line of JSON.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "arguments.hpp"

namespace bench {

class Measured {
 public:
  void add(std::string name, double value) { figures_.emplace_back(std::move(name), value); }
  void print(const char* peer, const Arguments& asked) const;

 private:
  std::vector<std::pair<std::string, double>> figures_;
};

}  // namespace bench
