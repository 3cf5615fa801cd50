// SPDX-License-Identifier: MIT
// What makes a blocked loop look at its queue: a descriptor of our own that libuv polls, or libuv's uv_async_t where
// that does not work. docs/design/0008 tells why not uv_async_t alone.
#pragma once

#include <uv.h>

#include "base/atomic.hpp"
#include "base/descriptor_identity.hpp"

namespace crochet {

class WakeUp {
 public:
  using Callback = void(void* owner);

  WakeUp() = default;
  WakeUp(const WakeUp&) = delete;
  WakeUp& operator=(const WakeUp&) = delete;

  // ---- The loop's thread, or before it runs.

  // The descriptor alone, which open() would make. Before uv_loop_init(): so that its number is below libuv's own,
  // whose table of watchers has room for it then, and need not grow (for want of memory libuv would abort). 0, or
  // libuv's code.
  int make_descriptor();
  void drop_descriptor();
  // `woken` runs there, once or more after send(). 0, or a code of libuv's; then nothing is open. may_run: nobody else
  // has handles on the loop, and it may be run here, to see whether a descriptor of our own wakes it.
  int open(uv_loop_t* uv, bool may_run, void* owner, Callback* woken);
  // `closed` runs once libuv has let go of it. No send() may come any more, or be under way.
  void close(Callback* closed);
  // As uv_ref() and uv_unref(): does it keep uv_run() going?
  void ref() { uv_ref(handle()); }
  void unref() { uv_unref(handle()); }

  // ---- Any thread.

  void send();  // one system call
  bool is_ours() const { return identity_.is(descriptor_); }

  bool has_own_descriptor() const { return own_; }
  int descriptor() const { return descriptor_; }

  // Until a loop was not woken by one. relaxed: publishes nothing.
  static Atomic<bool> own_descriptors_work;

 private:
  bool poll_own(uv_loop_t* uv);
  int open_async(uv_loop_t* uv);
  void remember(int descriptor);
  uv_handle_t* handle() { return reinterpret_cast<uv_handle_t*>(&handle_); }
  bool wakes(uv_loop_t* uv);

  union {
    uv_poll_t poll;
    uv_async_t async;
  } handle_;
  bool own_ = false;     // fixed by open(), as all of these
  int descriptor_ = -1;  // ours, or the uv_async_t's
  DescriptorIdentity identity_;
  void* owner_ = nullptr;
  Callback* woken_ = nullptr;
  Callback* closed_ = nullptr;
};

}  // namespace crochet
