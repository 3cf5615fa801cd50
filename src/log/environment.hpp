// SPDX-License-Identifier: MIT
// What the variable CROCHET_LOG says: a level and sinks, with commas between them.
#pragma once

#include <string_view>

#include "log/level.hpp"

namespace crochet {

class LogEnvironment {
 public:
  explicit constexpr LogEnvironment(std::string_view text) : text_(text) {}

  // The last level it names; without one, the level of the beginning.
  LogLevel level() const noexcept;

  // visit(kind, argument) for each sink: "stderr", "file" or "syslog", and what stands behind its colon.
  template <class Visit>
  void for_each_sink(Visit&& visit) const {
    for_each_word([&](std::string_view kind, std::string_view argument) {
      if (is_sink(kind, argument)) visit(kind, argument);
    });
  }
  // visit(word) for each word that is neither a level nor a sink.
  template <class Visit>
  void for_each_mistake(Visit&& visit) const {
    for_each_word([&](std::string_view kind, std::string_view argument) {
      LogLevel level{};
      if (!is_sink(kind, argument) && !(argument.data() == nullptr && find_level(kind, &level))) visit(kind);
    });
  }

 private:
  static bool is_sink(std::string_view kind, std::string_view argument) noexcept;

  // argument.data() is null when there is no colon.
  template <class Visit>
  void for_each_word(Visit&& visit) const {
    std::string_view rest = text_;
    while (!rest.empty()) {
      const std::string_view word = rest.substr(0, rest.find(','));
      rest.remove_prefix(word.size() < rest.size() ? word.size() + 1 : rest.size());
      if (word.empty()) continue;
      const std::size_t colon = word.find(':');
      visit(word.substr(0, colon), colon == std::string_view::npos ? std::string_view{} : word.substr(colon + 1));
    }
  }

  std::string_view text_;
};

// The process's own; empty in a program with more rights than its user.
LogEnvironment log_environment() noexcept;

}  // namespace crochet
