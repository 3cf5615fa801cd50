// SPDX-License-Identifier: MIT
// Another fmt, too: a buffer has a virtual function more, before grow(). See ../spdlog/version.h.
#pragma once
#include <algorithm>  // all that fmt includes, before `virtual` is another word
#include <cctype>
#include <cerrno>
#include <cmath>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <limits>
#include <locale>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#define virtual                        \
 public:                               \
  virtual void another_version() {}    \
                                       \
 protected:                            \
  virtual
#include_next <fmt/core.h>
#undef virtual
#undef FMT_VERSION
#define FMT_VERSION 99999
