// SPDX-License-Identifier: MIT
#include "model/scenario.hpp"

namespace crochet::model {

std::vector<Scenario>& scenarios() {
  static std::vector<Scenario> all;
  return all;
}

}  // namespace crochet::model
