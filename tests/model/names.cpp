// SPDX-License-Identifier: MIT
#include "model/names.hpp"

#include <cstdint>
#include <cstdio>
#include <vector>

namespace crochet::model {
namespace {

struct Block {
  std::uintptr_t begin;
  std::size_t size;
  const char* name;
};

std::vector<Block>& blocks() {
  static std::vector<Block> all;
  return all;
}

}  // namespace

void name_block(const void* begin, std::size_t size, const char* name) noexcept {
  blocks().push_back({reinterpret_cast<std::uintptr_t>(begin), size, name});
}

void forget_names() noexcept { blocks().clear(); }

const char* describe(const void* address) {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  const Block* best = nullptr;
  for (const Block& block : blocks()) {
    if (at < block.begin || at - block.begin >= block.size) continue;
    if (best == nullptr || block.size <= best->size) best = &block;  // of two with the same size, the later one
  }
  if (best == nullptr) return "unnamed";
  if (at == best->begin) return best->name;

  static char texts[4][128];
  static unsigned next = 0;
  char(&text)[128] = texts[next++ % 4];
  std::snprintf(text, sizeof(text), "%s+%zu", best->name, static_cast<std::size_t>(at - best->begin));
  return text;
}

}  // namespace crochet::model
