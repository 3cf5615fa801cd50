// SPDX-License-Identifier: MIT
// What a child writes: our end of a pipe, and what came through it, up to a limit.
#pragma once

#include <uv.h>

#include <cstddef>
#include <utility>

#include "operations/descriptor.hpp"
#include "operations/process_exit.hpp"

namespace crochet {

class Output {
 public:
  explicit Output(std::size_t limit) : limit_(limit) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // 0: `*out_child_end` is for the child, and handle() is to be closed. Otherwise libuv's code.
  int open(uv_loop_t* uv, Descriptor* out_child_end);
  // From now on `on_end(owner)` is called, once, when nobody can write any more.
  void start(void (*on_end)(void* owner), void* owner);
  bool is_at_end() const { return at_end_; }
  // Takes what is in the pipe now; what comes later is lost.
  void cut_off();
  // Before the handle is closed, or without one.
  void close_descriptor() { pipe_.close(); }
  uv_handle_t* handle() { return reinterpret_cast<uv_handle_t*>(&poll_); }
  Written take() { return std::move(written_); }

 private:
  void readable(int status);
  long read_some();  // how many bytes; 0: the end; below: none now
  bool make_room();

  const std::size_t limit_;
  std::size_t capacity_ = 0;  // without the 0 behind
  Written written_;
  bool at_end_ = false;
  Descriptor pipe_;
  uv_poll_t poll_{};
  void (*on_end_)(void* owner) = nullptr;
  void* owner_ = nullptr;
};

}  // namespace crochet
