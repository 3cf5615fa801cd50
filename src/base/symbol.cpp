// SPDX-License-Identifier: MIT
#include "base/symbol.hpp"

#include <cxxabi.h>
#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace crochet {
namespace {

void copy(const char* text, char (&out)[kLongestSymbol]) { std::snprintf(out, sizeof out, "%s", text); }

}  // namespace

void name_of_function(const void* function, char (&out)[kLongestSymbol]) noexcept {
  Dl_info found{};
  if (dladdr(function, &found) == 0) {
    std::snprintf(out, sizeof out, "%p", function);
    return;
  }
  // Another symbol that lies before it is no name of this one.
  if (found.dli_sname != nullptr && found.dli_saddr == function) {
    int status = 0;
    char* readable = abi::__cxa_demangle(found.dli_sname, nullptr, nullptr, &status);
    copy(readable != nullptr ? readable : found.dli_sname, out);
    std::free(readable);
    return;
  }
  const char* file = found.dli_fname == nullptr ? "" : found.dli_fname;
  const char* slash = std::strrchr(file, '/');
  const auto offset = reinterpret_cast<std::uintptr_t>(function) - reinterpret_cast<std::uintptr_t>(found.dli_fbase);
  std::snprintf(out, sizeof out, "%s+0x%zx", slash == nullptr ? file : slash + 1, static_cast<std::size_t>(offset));
}

}  // namespace crochet
