// SPDX-License-Identifier: MIT
// Runs another program to its end, with the kill timer of a forked child, and tells its exit status.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "api/support/in_child.hpp"

namespace contract {

inline int status_of_program(const std::vector<std::string>& words) {
  return status_of_child([&words] {
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());  // the alarm is kept
    ADD_FAILURE() << words[0] << ": " << std::strerror(errno);
  });
}

}  // namespace contract
