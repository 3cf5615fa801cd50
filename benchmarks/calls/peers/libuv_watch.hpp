// SPDX-License-Identifier: MIT
// A descriptor that a libuv loop waits for, as any program with I/O has one, so that no loop may do without epoll. The
// loop's thread only.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>
#include <uv.h>

#include "../peer.hpp"

namespace bench {

class LibuvWatch {
 public:
  void begin(uv_loop_t* loop) {
    must(uv_poll_init(loop, &poll_, event_) == 0, "uv_poll_init");
    uv_poll_start(&poll_, UV_READABLE, [](uv_poll_t* /*poll*/, int /*status*/, int /*events*/) {});
  }
  void end() {
    uv_close(reinterpret_cast<uv_handle_t*>(&poll_), nullptr);
    close(event_);
  }

 private:
  const int event_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  uv_poll_t poll_{};
};

}  // namespace bench
