// SPDX-License-Identifier: MIT
// A blocking API in front of a loop that its users need not know of. May be used by many threads at once, and destroyed
// at any time and on any thread, the loop's included: before, during and after a shutdown.
#pragma once

#include <string>
#include <utility>

#include "transfers.hpp"

class page_downloader {
 public:
  explicit page_downloader(transfer_options options = {}) : transfers_(std::in_place, std::move(options)) {}

  // Blocks. When the time is over: aborts the transfer and throws crochet::timeout_error.
  page get(std::string url, crochet::timeout patience = {}) const {
    return transfers_.wait_for(patience, &transfers::get, "page_downloader::get")(std::move(url));
  }
  // Does not block.
  crochet::eventual_result<page> start(std::string url) const {
    return transfers_.run(&transfers::get, std::move(url));
  }

 private:
  crochet::loop_owned<transfers> transfers_;
};
