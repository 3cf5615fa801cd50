// SPDX-License-Identifier: MIT
// Pages by URL, http or https: libcurl's multi interface on a libuv loop. An object of this class belongs to its loop's
// thread: keep it in a crochet::loop_owned<transfers>.
#pragma once

#include <curl/curl.h>
#include <uv.h>

#include <chrono>
#include <crochet.hpp>
#include <string>
#include <unordered_set>

struct page {
  long status = 0;  // of HTTP: 200, 404 ...
  std::string body;
};

// libcurl failed, and says why.
struct transfer_error : std::runtime_error {
  transfer_error(CURLcode c, const char* text) : std::runtime_error(text), code(c) {}
  CURLcode code;
};

struct transfer_options {
  std::string certificate{};                // PEM; empty: the system's
  bool use_proxy = true;                    // the environment's
  std::chrono::milliseconds time_limit{0};  // of a transfer; 0: none
};

class transfers {
 public:
  explicit transfers(transfer_options options = {});
  transfers(const transfers&) = delete;
  transfers& operator=(const transfers&) = delete;
  // Aborts what still runs.
  ~transfers();

  // Cancelling aborts the transfer. Failures: transfer_error.
  crochet::deferred<page> get(const std::string& url);

 private:
  struct transfer;
  struct watch;

  void go_on(curl_socket_t socket, int events);
  void end(transfer* which);
  static int on_socket(CURL* easy, curl_socket_t socket, int what, void* self, void* watched);
  static int on_timeout(CURLM* multi, long milliseconds, void* self);

  transfer_options options_;
  uv_loop_t* loop_;
  uv_timer_t* timer_;  // libuv has it for a while longer than this object lives, as it has every watch
  CURLM* multi_;
  std::unordered_set<transfer*> running_;
};
