// SPDX-License-Identifier: MIT
// A child process: started, signalled, and reaped by a descriptor of its own, without SIGCHLD.
#pragma once

#include <spawn.h>
#include <sys/types.h>

#include "operations/descriptor.hpp"
#include "operations/launch.hpp"

namespace crochet {

class Child {
 public:
  struct Exit {
    int status = -1;  // -1: ended by a signal, or somebody else took the status
    int signal = 0;
  };

  // What keeps it from starting; `*out_what`, static, says what that is about: the program, or something else.
  int start(Launch& launch, int output, int errors, const char** out_what);

  pid_t pid() const { return pid_; }
  // Readable when it has ended. None: the system has no such descriptors (Linux before 5.3): look from time to time.
  int descriptor() const { return descriptor_.get(); }
  void close_descriptor() { descriptor_.close(); }

  void signal(int number) const;
  // True: it has ended, and is gone.
  bool reap(Exit* out_exit) const;

 private:
  int spawn(Launch& launch, int directory, const posix_spawn_file_actions_t* actions,
            const posix_spawnattr_t* attributes);
  int reap(int id_type, unsigned id, Exit* out_exit) const;

  pid_t pid_ = -1;
  Descriptor descriptor_;
};

}  // namespace crochet
