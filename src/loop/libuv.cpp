// SPDX-License-Identifier: MIT
// What the library wants to know of the libuv it runs with: does it fit, and what do its codes mean.
#include <uv.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/log.hpp"
#include "base/status.hpp"
#include "crochet.h"
#include "loop/loop.hpp"

namespace crochet {

static_assert(UV_ECANCELED == -ECANCELED, "a rejection with either is taken for a cancellation");

int check_libuv() {
  const unsigned found = uv_version();
  const bool same_major = found >> 16 == UV_VERSION_HEX >> 16;
  const bool same_sizes = uv_loop_size() == sizeof(uv_loop_t) && uv_handle_size(UV_ASYNC) == sizeof(uv_async_t) &&
                          uv_handle_size(UV_PREPARE) == sizeof(uv_prepare_t) &&
                          uv_handle_size(UV_CHECK) == sizeof(uv_check_t) &&
                          uv_handle_size(UV_IDLE) == sizeof(uv_idle_t) && uv_handle_size(UV_TIMER) == sizeof(uv_timer_t);
  if (same_major && same_sizes && found >= UV_VERSION_HEX) return CROCHET_OK;
  log(LogLevel::kError, "built against libuv %d.%d.%d, but found %u.%u.%u at run time%s: refused", UV_VERSION_MAJOR,
      UV_VERSION_MINOR, UV_VERSION_PATCH, found >> 16, (found >> 8) & 0xff, found & 0xff,
      same_sizes ? "" : ", with other sizes of its structures");
  return CROCHET_EVERSION;
}

void foreign_status(int status, char* name, std::size_t name_size, char* message, std::size_t message_size) noexcept {
  char text[128];
  uv_err_name_r(status, text, sizeof text);
  const bool known = std::strchr(text, ' ') == nullptr;  // else "Unknown system error 7"
  std::snprintf(name, name_size, known ? "UV_%s" : "UNKNOWN", text);
  uv_strerror_r(status, text, sizeof text);
  std::snprintf(message, message_size, "%s", text);
}

}  // namespace crochet
