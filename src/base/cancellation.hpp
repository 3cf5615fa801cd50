// SPDX-License-Identifier: MIT
// Keeps a host's thread from being cancelled for a scope: inside functions that know of no forced unwind.
#pragma once

#include <pthread.h>

namespace crochet {

class CancellationOff {
 public:
  CancellationOff() { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  ~CancellationOff() { pthread_setcancelstate(before_, nullptr); }
  CancellationOff(const CancellationOff&) = delete;
  CancellationOff& operator=(const CancellationOff&) = delete;

 private:
  int before_ = 0;
};

}  // namespace crochet
