// SPDX-License-Identifier: MIT
#include "operations/command.hpp"

#include <new>
#include <stdexcept>
#include <utility>

#include "base/deadline.hpp"

using namespace crochet;

namespace {

// Makes something that needs memory, and puts it where it belongs; running out of it is a code, and changes nothing.
template <typename Change>
int with_memory(const Change& change) {
  try {
    change();
    return CROCHET_OK;
  } catch (const std::bad_alloc&) {
    return CROCHET_ENOMEM;
  } catch (const std::length_error&) {
    return CROCHET_ENOMEM;
  }
}

std::vector<std::string> copy_of(const char* const* strings) {
  std::vector<std::string> copied;
  while (*strings != nullptr) copied.emplace_back(*strings++);
  return copied;
}

}  // namespace

int crochet_command_new(const char* file, crochet_command** out_command) {
  if (out_command == nullptr) return CROCHET_EINVAL;
  *out_command = nullptr;
  if (file == nullptr) return CROCHET_EINVAL;
  return with_memory([&] {
    std::string copied(file);
    *out_command = new crochet_command{};
    (*out_command)->file = std::move(copied);
  });
}

void crochet_command_free(crochet_command* command) {
  if (!is_command(command)) return;
  command->mark = 0;
  delete command;
}

int crochet_command_set_arguments(crochet_command* command, const char* const* arguments) {
  if (!is_command(command)) return CROCHET_EINVAL;
  return with_memory(
      [&] { command->arguments = arguments == nullptr ? std::vector<std::string>() : copy_of(arguments); });
}

int crochet_command_add_argument(crochet_command* command, const char* argument) {
  if (!is_command(command) || argument == nullptr) return CROCHET_EINVAL;
  return with_memory([&] { command->arguments.emplace_back(argument); });
}

int crochet_command_set_environment(crochet_command* command, const char* const* environment) {
  if (!is_command(command)) return CROCHET_EINVAL;
  if (environment == nullptr) {
    command->environment.reset();
    return CROCHET_OK;
  }
  return with_memory([&] { command->environment = copy_of(environment); });
}

int crochet_command_set_directory(crochet_command* command, const char* directory) {
  if (!is_command(command)) return CROCHET_EINVAL;
  if (directory == nullptr) {
    command->directory.reset();
    return CROCHET_OK;
  }
  return with_memory([&] { command->directory = std::string(directory); });
}

int crochet_command_set_input(crochet_command* command, const void* bytes, size_t length) {
  if (!is_command(command) || (bytes == nullptr && length != 0)) return CROCHET_EINVAL;
  if (bytes == nullptr) {
    command->input.reset();
    return CROCHET_OK;
  }
  return with_memory([&] {
    std::string copied;
    copied.assign(static_cast<const char*>(bytes), length);  // which asks first whether any object is that long
    command->input = std::move(copied);
  });
}

int crochet_command_set_output_limit(crochet_command* command, size_t bytes) {
  if (!is_command(command)) return CROCHET_EINVAL;
  command->output_limit = bytes;
  return CROCHET_OK;
}

int crochet_command_set_kill_after(crochet_command* command, int64_t kill_after_ns) {
  if (!is_command(command) || !valid_timeout(kill_after_ns)) return CROCHET_EINVAL;
  command->kill_after_ns = kill_after_ns;
  return CROCHET_OK;
}

int crochet_command_set_linger(crochet_command* command, int64_t linger_ns) {
  if (!is_command(command) || !valid_timeout(linger_ns)) return CROCHET_EINVAL;
  command->linger_ns = linger_ns;
  return CROCHET_OK;
}
