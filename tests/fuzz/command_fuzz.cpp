// SPDX-License-Identifier: MIT
// Fuzz target: what a child process is given of a command, an environment and a PATH; with each allocation failing.
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crochet.h"
#include "fuzz/support/bytes.hpp"
#include "fuzz/support/failing_allocation.hpp"
#include "fuzz/support/story.hpp"
#include "operations/command.hpp"
#include "operations/launch.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using fuzz::found;
using fuzz::tell;

using Strings = std::vector<std::string>;

std::string read_text(fuzz::Bytes& bytes, std::size_t most) {
  std::string text = bytes.text(most);
  text.resize(std::min(text.size(), text.find('\0')));
  return text;
}

std::vector<const char*> pointers(const Strings& strings) {
  std::vector<const char*> made;
  for (const std::string& string : strings) made.push_back(string.c_str());
  made.push_back(nullptr);
  return made;
}

void compare(const char* what, const std::vector<char*>& given, const Strings& expected) {
  if (given.size() != expected.size() + 1 || given.back() != nullptr) found("%s: %zu strings", what, given.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (expected[i] != given[i]) found("%s: \"%s\", not \"%s\"", what, given[i], expected[i].c_str());
  }
}

// Where execvp() would look.
Strings places(const std::string& file, const std::string& path) {
  if (file.empty() || file.find('/') != std::string::npos) return {file};
  Strings found_places;
  std::string directory;
  for (const char byte : path + ":") {
    if (byte != ':') {
      directory += byte;
      continue;
    }
    found_places.push_back((directory.empty() ? "." : directory) + "/" + file);
    directory.clear();
  }
  return found_places;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  fuzz::begin_story();
  fuzz::Bytes bytes(data, size);
  const std::string file = read_text(bytes, 40);
  const std::string path = read_text(bytes, 80);
  setenv("PATH", path.c_str(), 1);
  tell("command \"%s\", PATH \"%s\"", file.c_str(), path.c_str());
  crochet_command* command = nullptr;
  if (crochet_command_new(file.c_str(), &command) != CROCHET_OK) found("command_new");
  Strings arguments;
  std::optional<Strings> environment;
  std::optional<std::string> input;
  for (int i = 0; i < 40 && !bytes.at_end(); ++i) {
    const unsigned how = bytes.pick(6);
    const int nth = bytes.one_in(4) ? static_cast<int>(bytes.pick(4)) : -1;
    Strings strings;
    if (how == 1 || how == 3) {
      for (unsigned count = bytes.pick(6); count > 0; --count) strings.push_back(read_text(bytes, 60));
    }
    const std::string text = how == 0 || how == 4 || how == 5 ? read_text(bytes, 300) : "";
    const std::vector<const char*> given = pointers(strings);
    tell("way %u, %zu strings, %zu bytes, allocation %d fails", how, strings.size(), text.size(), nth);
    int code;
    bool failed;
    {
      const fuzz::FailingAllocation failing(nth);
      switch (how) {
        case 0: code = crochet_command_add_argument(command, text.c_str()); break;
        case 1: code = crochet_command_set_arguments(command, given.data()); break;
        case 2: code = crochet_command_set_arguments(command, nullptr); break;
        case 3: code = crochet_command_set_environment(command, given.data()); break;
        case 4: code = crochet_command_set_directory(command, text.c_str()); break;
        default: code = crochet_command_set_input(command, text.data(), text.size()); break;
      }
      failed = failing.has_failed();
    }
    if (code != CROCHET_OK && !(failed && code == CROCHET_ENOMEM)) found("%s", crochet_status_name(code));
    if (code != CROCHET_OK) continue;
    if (how == 0) arguments.push_back(text);
    if (how == 1 || how == 2) arguments = strings;
    if (how == 3) environment = strings;
    if (how == 5) input = text;
  }
  std::unique_ptr<crochet::Launch> launch;
  const int status = crochet::Launch::of(*command, &launch);
  if (status != CROCHET_OK) found("launch: %s", crochet_status_name(status));
  crochet_command_free(command);  // the launch has its own
  Strings all = {file};
  all.insert(all.end(), arguments.begin(), arguments.end());
  compare("arguments", launch->arguments, all);
  if (environment) compare("environment", launch->environment, *environment);
  if (launch->programs != places(file, path)) found("other places");
  if (input) {
    std::string content(input->size() + 1, '\0');
    const ssize_t length = pread(launch->input.get(), content.data(), content.size(), 0);
    if (length != static_cast<ssize_t>(input->size()) ||
        std::memcmp(content.data(), input->data(), input->size()) != 0) {
      found("another input");
    }
  }
  return 0;
}
