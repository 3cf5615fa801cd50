// SPDX-License-Identifier: MIT
// The echo of w9 for those whose loop is libuv's: what is read from a socket is written there. The loop's thread only.
#pragma once

#include <uv.h>

#include "../peer.hpp"

namespace bench {

class LibuvEcho {
 public:
  void begin(uv_loop_t* loop, int socket) {
    uv_pipe_init(loop, &pipe_, 0);
    pipe_.data = this;
    must(uv_pipe_open(&pipe_, socket) == 0, "uv_pipe_open");
    uv_read_start(reinterpret_cast<uv_stream_t*>(&pipe_), give_room, write_back);
  }
  void end() { uv_close(reinterpret_cast<uv_handle_t*>(&pipe_), nullptr); }

 private:
  static void give_room(uv_handle_t* handle, std::size_t /*wanted*/, uv_buf_t* out_room) {
    auto* self = static_cast<LibuvEcho*>(handle->data);
    *out_room = uv_buf_init(self->text_, sizeof self->text_);
  }
  static void write_back(uv_stream_t* stream, ssize_t length, const uv_buf_t* text) {
    if (length <= 0) return;
    const uv_buf_t seen = uv_buf_init(text->base, static_cast<unsigned>(length));
    must(uv_try_write(stream, &seen, 1) == length, "uv_try_write");
  }

  uv_pipe_t pipe_{};
  char text_[4096] = {};
};

}  // namespace bench
