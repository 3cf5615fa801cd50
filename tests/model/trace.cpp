// SPDX-License-Identifier: MIT
#include "model/trace.hpp"

#include <cstring>

namespace crochet::model {
namespace {

constexpr std::size_t kPlaceColumn = 76;

std::string place(Where where) {
  if (where.file == nullptr) return "";
  const char* slash = std::strrchr(where.file, '/');
  return std::string(slash == nullptr ? where.file : slash + 1) + ":" + std::to_string(where.line);
}

}  // namespace

void Trace::add(int thread, const std::string& step, Where where) {
  std::string line = thread == kMain ? "main  " : "T" + std::to_string(thread) + "    ";
  line += step;
  const std::string at = place(where);
  if (!at.empty()) {
    line.resize(line.size() < kPlaceColumn ? kPlaceColumn : line.size() + 1, ' ');
    line += at;
  }
  lines_.push_back(line);
}

std::string Trace::text() const {
  std::string all;
  for (const std::string& line : lines_) all += "  " + line + "\n";
  return all;
}

}  // namespace crochet::model
