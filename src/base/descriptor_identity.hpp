// SPDX-License-Identifier: MIT
// Is a descriptor still what it was? A host that closes every one it does not know may have got the number for
// something else, where nothing must be written, and which must not be closed. (All eventfds have one inode: another
// one of the host's is not told apart.)
#pragma once

#include <sys/stat.h>

namespace crochet {

class DescriptorIdentity {
 public:
  DescriptorIdentity() = default;
  explicit DescriptorIdentity(int descriptor) { (void)look(descriptor, this); }  // it is open

  bool is(int descriptor) const {
    DescriptorIdentity now;
    return look(descriptor, &now) && now.device_ == device_ && now.inode_ == inode_;
  }

 private:
  static bool look(int descriptor, DescriptorIdentity* out) {
    struct stat found {};
    if (fstat(descriptor, &found) != 0) return false;
    out->device_ = found.st_dev;
    out->inode_ = found.st_ino;
    return true;
  }

  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace crochet
