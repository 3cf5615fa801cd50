// SPDX-License-Identifier: MIT
// What functions are called, as far as the dynamic linker knows.
#include "base/symbol.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <string>

namespace crochet {
namespace {

std::string name_of(const void* function) {
  char name[kLongestSymbol];
  name_of_function(function, name);
  return name;
}

// The C++ library's: exported, and nothing else lies there.
const char* terminate() { return static_cast<const char*>(dlsym(RTLD_DEFAULT, "_ZSt9terminatev")); }

void nobody_else_sees_this() {}

TEST(Symbol, OfAnExportedFunctionIsItsNameAsItIsWritten) { EXPECT_EQ(name_of(terminate()), "std::terminate()"); }

TEST(Symbol, OfAFunctionInCIsThatOfTheLinker) {
  EXPECT_EQ(name_of(dlsym(RTLD_DEFAULT, "gnu_get_libc_version")), "gnu_get_libc_version");
}

TEST(Symbol, OfNoExportedFunctionIsItsFileAndPlace) {
  const auto* function = reinterpret_cast<const char*>(&nobody_else_sees_this);
  Dl_info info{};
  ASSERT_NE(dladdr(function, &info), 0);
  char expected[kLongestSymbol];
  std::snprintf(expected, sizeof expected, "unit-symbol+0x%zx",
                static_cast<std::size_t>(function - static_cast<const char*>(info.dli_fbase)));
  EXPECT_EQ(name_of(function), expected);
}

TEST(Symbol, BeforeAnAddressIsNoNameOfIt) {
  EXPECT_EQ(name_of(terminate() + 1).rfind("libstdc++.so", 0), 0u) << name_of(terminate() + 1);
}

TEST(Symbol, OfWhatLiesInNoFileIsItsAddress) {
  const int local = 0;
  char expected[kLongestSymbol];
  std::snprintf(expected, sizeof expected, "%p", static_cast<const void*>(&local));
  EXPECT_EQ(name_of(&local), expected);
}

}  // namespace
}  // namespace crochet
