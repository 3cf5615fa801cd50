// SPDX-License-Identifier: MIT
#include "base/event_descriptor.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace crochet {
namespace {

class KeptErrno {
 public:
  ~KeptErrno() { errno = kept_; }

 private:
  const int kept_ = errno;
};

}  // namespace

int EventDescriptor::open() noexcept {
  const int number = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (number < 0) return -errno;
  identity_ = DescriptorIdentity(number);
  number_.store(number, release);
  return 0;
}

void EventDescriptor::close() noexcept {
  const int number = number_.load(acquire);
  number_.store(-1, relaxed);
  if (number >= 0 && identity_.is(number)) ::close(number);
}

void EventDescriptor::raise() noexcept {
  const int number = number_.load(acquire);
  const KeptErrno keeping;
  if (number < 0 || !identity_.is(number)) return;
  constexpr std::uint64_t kOne = 1;
  // It never fills up: it is read in between.
  while (::write(number, &kOne, sizeof kOne) < 0 && errno == EINTR) {
  }
}

void EventDescriptor::lower() noexcept {
  const int number = number_.load(acquire);
  const KeptErrno keeping;
  if (number < 0 || !identity_.is(number)) return;
  std::uint64_t raised = 0;
  while (::read(number, &raised, sizeof raised) < 0 && errno == EINTR) {
  }
}

}  // namespace crochet
