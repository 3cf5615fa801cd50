// SPDX-License-Identifier: MIT
// Is a descriptor still what it was? A host that closes every one it does not know may have got the number for
// something else, where nothing must be written, and which must not be closed. (All eventfds have one inode: another
// one of the host's is not told apart.)
#pragma once

#include <sys/stat.h>

#include <cerrno>

namespace crochet {

class DescriptorIdentity {
 public:
  DescriptorIdentity() = default;
  explicit DescriptorIdentity(int descriptor) {  // it is open
    struct stat found {};
    if (fstat(descriptor, &found) != 0) return;
    device_ = found.st_dev;
    inode_ = found.st_ino;
  }

  // Where the system can't say, now or then, it is taken for what it was: only a closed one is surely another.
  bool is(int descriptor) const {
    struct stat now {};
    if (fstat(descriptor, &now) != 0) return errno != EBADF;
    return (now.st_dev == device_ && now.st_ino == inode_) || (device_ == 0 && inode_ == 0);
  }

 private:
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace crochet
