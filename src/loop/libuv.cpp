// SPDX-License-Identifier: MIT
// What the library wants to know of the libuv it runs with: does it fit, and what do its codes mean.
#include <uv.h>

#include <cerrno>

#include "base/status.hpp"
#include "crochet.h"
#include "log/log.hpp"
#include "loop/loop.hpp"

namespace crochet {

static_assert(UV_ECANCELED == -ECANCELED, "a rejection with either is taken for a cancellation");

int check_libuv() {
  const unsigned found = uv_version();
  const bool same_major = found >> 16 == UV_VERSION_HEX >> 16;
  const bool same_sizes =
      uv_loop_size() == sizeof(uv_loop_t) && uv_handle_size(UV_ASYNC) == sizeof(uv_async_t) &&
      uv_handle_size(UV_POLL) == sizeof(uv_poll_t) && uv_handle_size(UV_PREPARE) == sizeof(uv_prepare_t) &&
      uv_handle_size(UV_CHECK) == sizeof(uv_check_t) && uv_handle_size(UV_IDLE) == sizeof(uv_idle_t) &&
      uv_handle_size(UV_TIMER) == sizeof(uv_timer_t);
  if (same_major && same_sizes && found >= UV_VERSION_HEX) return CROCHET_OK;
  log(LogLevel::kError, "built against libuv %d.%d.%d, but found %u.%u.%u at run time%s: refused", UV_VERSION_MAJOR,
      UV_VERSION_MINOR, UV_VERSION_PATCH, found >> 16, (found >> 8) & 0xff, found & 0xff,
      same_sizes ? "" : ", with other sizes of its structures");
  return CROCHET_EVERSION;
}

// Of the libuv built against; a newer one at run time may know more. Static strings, as its own functions can't
// promise.
const char* foreign_status_name(int status) noexcept {
  switch (status) {
#define NAME(code, message) \
  case UV_##code: return "UV_" #code;
    UV_ERRNO_MAP(NAME)
#undef NAME
    default: return nullptr;
  }
}

const char* foreign_status_message(int status) noexcept {
  switch (status) {
#define MESSAGE(code, message) \
  case UV_##code: return message;
    UV_ERRNO_MAP(MESSAGE)
#undef MESSAGE
    default: return nullptr;
  }
}

}  // namespace crochet
