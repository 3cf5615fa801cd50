// SPDX-License-Identifier: MIT
// Lists of calls by their links, which are pushed newest first.
#pragma once

#include "call/call.hpp"

namespace crochet {

inline Call* reversed(Call* list) {
  Call* result = nullptr;
  while (list != nullptr) {
    Call* next = list->next;
    list->next = result;
    result = list;
    list = next;
  }
  return result;
}

}  // namespace crochet
