// SPDX-License-Identifier: MIT
#include "blocks.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <unordered_map>

namespace shim {
namespace {

struct Block {
  Library library;
  const char* function;
  std::size_t size;
};

struct Blocks {
  std::mutex mutex;
  std::unordered_map<std::uintptr_t, Block> of;
};

// Never ended: threads and exit handlers of others still allocate and free.
Blocks& blocks() {
  static auto* const all = new Blocks;
  return *all;
}

// No address: the leak checker must not find the block by it.
std::uintptr_t hidden(const void* block) { return ~reinterpret_cast<std::uintptr_t>(block); }

}  // namespace

void remember_block(Library library, const char* function, const void* block, std::size_t size) {
  if (block == nullptr) return;
  const std::lock_guard lock(blocks().mutex);
  blocks().of[hidden(block)] = {library, function, size};
}

void forget_block(const void* block) {
  if (block == nullptr) return;
  const std::lock_guard lock(blocks().mutex);
  blocks().of.erase(hidden(block));
}

void for_each_kind_of_block(void (*visit)(Library, const char*, std::size_t, long, void*), void* arg) {
  std::map<std::tuple<Library, std::string, std::size_t>, long> kinds;
  {
    const std::lock_guard lock(blocks().mutex);
    for (const auto& [hidden, block] : blocks().of) ++kinds[{block.library, block.function, block.size}];
  }
  for (const auto& [kind, count] : kinds)
    visit(std::get<0>(kind), std::get<1>(kind).c_str(), std::get<2>(kind), count, arg);
}

}  // namespace shim
