// SPDX-License-Identifier: MIT
#include "loop/wake_up.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

namespace crochet {

constinit Atomic<bool> WakeUp::own_descriptors_work{true};

int WakeUp::make_descriptor() {
  if (!own_descriptors_work.load(relaxed)) return 0;
  const int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (descriptor < 0) return uv_translate_sys_error(errno);
  remember(descriptor);
  return 0;
}

void WakeUp::drop_descriptor() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

int WakeUp::open(uv_loop_t* uv, bool may_run, void* owner, Callback* woken) {
  owner_ = owner;
  woken_ = woken;
  own_ = (descriptor_ >= 0 || make_descriptor() == 0) && poll_own(uv);
  if (own_ && may_run && !wakes(uv)) {
    own_descriptors_work.store(false, relaxed);
    close([](void*) {});
    uv_run(uv, UV_RUN_NOWAIT);
    own_ = false;
  }
  if (own_) return 0;
  drop_descriptor();
  return open_async(uv);
}

bool WakeUp::poll_own(uv_loop_t* uv) {
  if (descriptor_ < 0 || uv_poll_init(uv, &handle_.poll, descriptor_) != 0) return false;
  handle_.poll.data = this;
  // Its own errors are those of a wrong argument.
  (void)uv_poll_start(&handle_.poll, UV_READABLE, [](uv_poll_t* poll, int, int) {
    auto* self = static_cast<WakeUp*>(poll->data);
    std::uint64_t sent = 0;
    // Before the callback: what is sent from here on wakes again. Nothing to be read is no harm.
    (void)!::read(self->descriptor_, &sent, sizeof sent);
    self->woken_(self->owner_);
  });
  return true;
}

int WakeUp::open_async(uv_loop_t* uv) {
  const int status = uv_async_init(uv, &handle_.async, [](uv_async_t* async) {
    auto* self = static_cast<WakeUp*>(async->data);
    self->woken_(self->owner_);
  });
  if (status != 0) return status;
  handle_.async.data = this;
  remember(uv->async_io_watcher.fd);
  return 0;
}

void WakeUp::remember(int descriptor) {
  descriptor_ = descriptor;
  identity_ = DescriptorIdentity(descriptor);
}

void WakeUp::close(Callback* closed) {
  closed_ = closed;
  uv_close(handle(), [](uv_handle_t* handle) {
    auto* self = static_cast<WakeUp*>(handle->data);
    if (self->own_ && self->is_ours()) ::close(self->descriptor_);
    self->descriptor_ = -1;
    self->closed_(self->owner_);
  });
}

void WakeUp::send() {
  if (!own_) {
    uv_async_send(&handle_.async);
    return;
  }
  constexpr std::uint64_t kOne = 1;
  // Full after 2^64 - 2 sends that nobody read, and then it is readable.
  while (::write(descriptor_, &kOne, sizeof kOne) < 0 && errno == EINTR) {
  }
}

// ---- The trial ----

// A loop that nobody else has handles on yet.
bool WakeUp::wakes(uv_loop_t* uv) {
  int woken = 0;
  void* const owner = std::exchange(owner_, &woken);
  Callback* const callback = std::exchange(woken_, [](void* count) { ++*static_cast<int*>(count); });
  uv_run(uv, UV_RUN_NOWAIT);
  const bool woken_by_nobody = woken != 0;
  send();
  uv_run(uv, UV_RUN_NOWAIT);
  owner_ = owner;
  woken_ = callback;
  return !woken_by_nobody && woken == 1;
}

}  // namespace crochet
