// SPDX-License-Identifier: MIT
// The steps of one execution, one readable line each. Kept only when a failure is played again.
#pragma once

#include <string>
#include <vector>

#include "model/clock.hpp"
#include "model/where.hpp"

namespace crochet::model {

class Trace {
 public:
  void add(int thread, const std::string& step, Where where);
  std::string text() const;

 private:
  std::vector<std::string> lines_;
};

}  // namespace crochet::model
