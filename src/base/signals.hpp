// SPDX-License-Identifier: MIT
// Blocks this thread's signals for a scope, so that a thread started in it never runs a handler of the host's.
#pragma once

#include <pthread.h>

#include <csignal>
#include <initializer_list>

namespace crochet {

// All but the synchronous ones: crash handlers and sanitizers need them.
class SignalsBlocked {
 public:
  enum Which {
    kAllButChilds,  // SIGCHLD stays open where it was: libuv learns from it that a child process has ended
    kChildsToo,
  };

  explicit SignalsBlocked(Which which) {
    pthread_sigmask(SIG_SETMASK, nullptr, &before_);
    sigset_t blocked;
    sigfillset(&blocked);
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT}) sigdelset(&blocked, signal);
    if (which == kAllButChilds && sigismember(&before_, SIGCHLD) == 0) sigdelset(&blocked, SIGCHLD);
    pthread_sigmask(SIG_SETMASK, &blocked, nullptr);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace crochet
