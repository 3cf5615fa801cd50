// SPDX-License-Identifier: MIT
// A libuv loop that the test's own thread runs: what a host with a loop of its own brings along.
#pragma once

#include <gtest/gtest.h>
#include <uv.h>

namespace contract {

class HostLoop {
 public:
  HostLoop() { EXPECT_EQ(uv_loop_init(&uv_), 0); }
  HostLoop(const HostLoop&) = delete;
  HostLoop& operator=(const HostLoop&) = delete;
  // By now the library must have released it, and the test must have closed its own handles.
  ~HostLoop() {
    if (!closed_) {
      EXPECT_EQ(uv_loop_close(&uv_), 0);
    }
  }

  uv_loop_t* uv() { return &uv_; }
  int run(uv_run_mode mode = UV_RUN_DEFAULT) { return uv_run(&uv_, mode); }
  int close() {
    const int code = uv_loop_close(&uv_);
    closed_ = code == 0;
    return code;
  }

 private:
  uv_loop_t uv_;
  bool closed_ = false;
};

}  // namespace contract
