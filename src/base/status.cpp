// SPDX-License-Identifier: MIT
#include "base/status.hpp"

#include "crochet.h"

namespace crochet {
namespace {

struct Status {
  int code;
  const char* name;
  const char* message;
};

constexpr Status kTable[] = {
#define STATUS(name, message) \
  { CROCHET_##name, "CROCHET_" #name, message }
    STATUS(OK, "success"),
    STATUS(EFAILED, "the call failed"),
    STATUS(ECANCELED, "the call was cancelled"),
    STATUS(ESTOPPED, "the loop has stopped"),
    STATUS(EBROKEN, "every deferred was released and none was settled"),
    STATUS(ENOTRUN, "the loop stopped before the function started"),
    STATUS(ETIMEDOUT, "the wait ran out of time"),
    STATUS(EINTR, "the wait was interrupted"),
    STATUS(EDEADLK, "a loop's thread must not block"),
    STATUS(EFORKED, "a forked child has no loop until it is set up; handles from before the fork are dead"),
    STATUS(EINVAL, "invalid argument or stale handle"),
    STATUS(ENOMEM, "out of memory"),
    STATUS(ENOTSETUP, "the default loop is not set up"),
    STATUS(EALREADY, "already done"),
    STATUS(EINPROGRESS, "under way"),
    STATUS(EBUSY, "stopped, but handles of the host's are still open"),
    STATUS(EPENDING, "not settled yet"),
    STATUS(ETAKEN, "the value was taken by somebody else"),
    STATUS(ENOENT, "no such stashed result, or no such name"),
    STATUS(ETYPE, "stashed with another type"),
    STATUS(ENOSPC, "the stash, the log or its list of sinks is full"),
    STATUS(EVERSION, "the libuv found at run time does not fit the one built against"),
    STATUS(EEXPIRED, "the call did not start by its deadline"),
    STATUS(EAGAIN, "as many calls are queued as the loop's limit lets in"),
    STATUS(ECLOSED, "the completion queue was closed"),
#undef STATUS
};

const Status* find(int code) {
  for (const Status& status : kTable) {
    if (status.code == code) return &status;
  }
  return nullptr;
}

}  // namespace

const char* status_name(int status) noexcept {
  if (const Status* own = find(status)) return own->name;
  const char* foreign = foreign_status_name(status);
  return foreign != nullptr ? foreign : "UNKNOWN";
}

const char* status_message(int status) noexcept {
  if (const Status* own = find(status)) return own->message;
  const char* foreign = foreign_status_message(status);
  return foreign != nullptr ? foreign : "a code of the application's own";
}

}  // namespace crochet
