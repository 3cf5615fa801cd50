// SPDX-License-Identifier: MIT
// Names and messages of status codes: the one table.
#pragma once

#include <cstddef>

namespace crochet {

const char* status_name(int status) noexcept;     // "CROCHET_EINVAL", "UV_ENOENT", "UNKNOWN"
const char* status_message(int status) noexcept;  // static, or this thread's until its next call

// Codes that are not the library's are libuv's; asked of the loop layer, which defines this. Writes name and message.
void foreign_status(int status, char* name, std::size_t name_size, char* message, std::size_t message_size) noexcept;

}  // namespace crochet
