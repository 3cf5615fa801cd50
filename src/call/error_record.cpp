// SPDX-License-Identifier: MIT
#include "call/error_record.hpp"

#include <cstdlib>
#include <cstring>
#include <new>

#include "call/call.hpp"
#include "log/drop.hpp"

namespace crochet {

ErrorRecord* ErrorRecord::make(int code, const char* message, std::uint64_t type, void* payload,
                               crochet_drop_fn* payload_drop) {
  const std::size_t length = message == nullptr ? 0 : strnlen(message, kLongestMessage);
  void* memory = std::malloc(sizeof(ErrorRecord) + length + 1);
  if (memory == nullptr) return nullptr;
  auto* record = new (memory) ErrorRecord{code, type, payload, payload_drop};
  if (length != 0) std::memcpy(record->message(), message, length);
  record->message()[length] = '\0';
  return record;
}

void ErrorRecord::end(void* record) {
  auto* self = static_cast<ErrorRecord*>(record);
  if (self->payload_drop != nullptr) run_drop(self->payload_drop, self->payload);
  std::free(self);
}

}  // namespace crochet
