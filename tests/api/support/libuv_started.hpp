// SPDX-License-Identifier: MIT
// The first loop of a process sets up what libuv keeps for all of them until the end: two descriptors, a fork handler.
// It aborts when there is no memory for that, and the descriptors stay: tests that count or forbid begin with this.
#pragma once

#include <gtest/gtest.h>
#include <uv.h>

namespace contract {

inline void start_libuv() {
  uv_loop_t first;
  EXPECT_EQ(uv_loop_init(&first), 0);
  EXPECT_EQ(uv_loop_close(&first), 0);
}

}  // namespace contract
