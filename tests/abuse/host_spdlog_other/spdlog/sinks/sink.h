// SPDX-License-Identifier: MIT
// A sink has a virtual function more, before log(): see ../version.h.
#pragma once
#include <spdlog/details/log_msg.h>
#include <spdlog/formatter.h>
#define log             \
  another_version() {}  \
  virtual void log
#include_next <spdlog/sinks/sink.h>
#undef log
