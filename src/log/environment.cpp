// SPDX-License-Identifier: MIT
#include "log/environment.hpp"

#include <cstdlib>

namespace crochet {

LogLevel LogEnvironment::level() const noexcept {
  LogLevel level = LogLevel::kWarning;  // stderr is for what needs somebody's attention
  for_each_word([&level](std::string_view word, std::string_view argument) {
    if (argument.data() == nullptr) find_level(word, &level);
  });
  return level;
}

bool LogEnvironment::is_sink(std::string_view kind, std::string_view argument) noexcept {
  if (kind == "file") return !argument.empty();
  return (kind == "stderr" && argument.data() == nullptr) || kind == "syslog";
}

LogEnvironment log_environment() noexcept {
  const char* text = secure_getenv("CROCHET_LOG");
  return LogEnvironment(text == nullptr ? std::string_view{} : std::string_view(text));
}

}  // namespace crochet
