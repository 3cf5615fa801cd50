// SPDX-License-Identifier: MIT
// Errors of results, names of codes, the version.
#include "base/status.hpp"
#include "capi/entry.hpp"

using namespace crochet;

namespace {

// The failed call an error belongs to; null: none.
const Call* open(const crochet_error* error) {
  const Target target = target_of(error);
  return alive(target) ? target.call : nullptr;
}

}  // namespace

int crochet_error_code(const crochet_error* error) {
  const Call* call = open(error);
  return call == nullptr ? CROCHET_EINVAL : call->error_code();
}

const char* crochet_error_message(const crochet_error* error) {
  const Call* call = open(error);
  return call == nullptr ? "" : call->error_message();
}

const char* crochet_error_label(const crochet_error* error) {
  const Call* call = open(error);
  return call == nullptr ? "" : call->label();
}

void* crochet_error_payload(const crochet_error* error, uint64_t type) {
  const Call* call = open(error);
  return call == nullptr ? nullptr : call->error_payload(type);
}

const char* crochet_status_name(int status) { return status_name(status); }

const char* crochet_status_message(int status) { return status_message(status); }

uint32_t crochet_version(void) {
  return static_cast<uint32_t>(CROCHET_VERSION_MAJOR) << 16 | CROCHET_VERSION_MINOR << 8 | CROCHET_VERSION_PATCH;
}
