// SPDX-License-Identifier: MIT
#include "operations/output.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace crochet {
namespace {

constexpr std::size_t kFirstRoom = 4096;
constexpr std::size_t kThrownAwayAtOnce = std::size_t{16} * 1024;
constexpr int kBehindStandard = 3;

// Where the host has closed its own 0 to 2: the child's end must be none of those that it is copied to.
int out_of_the_way(Descriptor* descriptor) {
  if (descriptor->get() >= kBehindStandard) return 0;
  Descriptor other(fcntl(descriptor->get(), F_DUPFD_CLOEXEC, kBehindStandard));
  if (!other) return uv_translate_sys_error(errno);
  *descriptor = std::move(other);
  return 0;
}

}  // namespace

int Output::open(uv_loop_t* uv, Descriptor* out_child_end) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return uv_translate_sys_error(errno);
  pipe_ = Descriptor(ends[0]);
  Descriptor child_end(ends[1]);
  int status = out_of_the_way(&child_end);
  if (status == 0) status = uv_poll_init(uv, &poll_, pipe_.get());  // which makes it non-blocking
  if (status != 0) return status;
  poll_.data = this;
  *out_child_end = std::move(child_end);
  return 0;
}

void Output::start(void (*on_end)(void* owner), void* owner) {
  on_end_ = on_end;
  owner_ = owner;
  uv_poll_start(&poll_, UV_READABLE,
                [](uv_poll_t* poll, int status, int) { static_cast<Output*>(poll->data)->readable(status); });
}

// Once each time, so that a child that writes without a pause leaves the others their turn.
void Output::readable(int status) {
  if (status == 0 && read_some() != 0) return;
  at_end_ = true;
  uv_poll_stop(&poll_);
  on_end_(owner_);
}

long Output::read_some() {
  char thrown_away[kThrownAwayAtOnce];
  const bool keeps = make_room();
  char* const where = keeps ? written_.bytes.get() + written_.length : thrown_away;
  const std::size_t room = keeps ? capacity_ - written_.length : sizeof thrown_away;
  const ssize_t count = read(pipe_.get(), where, room);
  if (count < 0) return errno == EAGAIN || errno == EINTR ? -1 : 0;
  if (!keeps) {
    written_.truncated = written_.truncated || count > 0;
  } else {
    written_.length += static_cast<std::size_t>(count);
    written_.bytes.get()[written_.length] = '\0';
  }
  return count;
}

bool Output::make_room() {
  if (written_.truncated) return false;  // nothing is left out in the middle
  if (written_.length < capacity_) return true;
  if (capacity_ >= limit_) return false;
  const std::size_t larger = std::min(std::max(kFirstRoom, capacity_ * 2), limit_);
  void* const grown = std::realloc(written_.bytes.get(), larger + 1);
  if (grown == nullptr) return false;
  static_cast<void>(written_.bytes.release());
  written_.bytes.reset(static_cast<char*>(grown));
  capacity_ = larger;
  return true;
}

void Output::cut_off() {
  if (at_end_) return;
  int left = 0;
  ioctl(pipe_.get(), FIONREAD, &left);
  long count = 0;
  // Not more than that: somebody may write for ever. What follows the last byte may be the end.
  do {
    count = read_some();
    left -= static_cast<int>(count);
  } while (count > 0 && left >= 0);
  at_end_ = count == 0;
  if (!at_end_) written_.truncated = true;
}

}  // namespace crochet
