// SPDX-License-Identifier: MIT
// Names and messages of status codes: the one table.
#pragma once

namespace crochet {

const char* status_name(int status) noexcept;     // "CROCHET_EINVAL", "UV_ENOENT", "UNKNOWN"; static
const char* status_message(int status) noexcept;  // static

// Codes that are not the library's are libuv's; asked of the loop layer, which defines these. Static; null: unknown.
const char* foreign_status_name(int status) noexcept;
const char* foreign_status_message(int status) noexcept;

}  // namespace crochet
