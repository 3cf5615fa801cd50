// SPDX-License-Identifier: MIT
// The C examples' server for C++, and MUST(condition): every example is a test as well.
#pragma once

extern "C" {
#include "server.h"
}

#include <cstdio>
#include <cstdlib>
#include <string>

#define MUST(condition)                                                                \
  do {                                                                                 \
    if (!(condition)) {                                                                \
      std::fprintf(stderr, "%s:%d: must be so: %s\n", __FILE__, __LINE__, #condition); \
      std::exit(EXIT_FAILURE);                                                         \
    }                                                                                  \
  } while (0)

class local_server {
 public:
  explicit local_server(bool https = false) : server_(server_start(https ? 1 : 0)) { MUST(server_ != nullptr); }
  local_server(const local_server&) = delete;
  local_server& operator=(const local_server&) = delete;
  ~local_server() { server_stop(server_); }

  std::string url(const char* path) const {
    char text[SERVER_URL_SIZE];
    server_url(server_, path, text);
    return text;
  }
  std::string certificate() const {
    const char* pem = server_certificate(server_);
    return pem == nullptr ? "" : pem;
  }
  int slow() const { return server_slow(server_); }
  int aborted() const { return server_aborted(server_); }
  bool wait_slow(int count) const { return server_wait_slow(server_, count) != 0; }
  bool wait_aborted(int count) const { return server_wait_aborted(server_, count) != 0; }

 private:
  server* server_;
};
