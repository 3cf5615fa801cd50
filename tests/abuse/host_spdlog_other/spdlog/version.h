// SPDX-License-Identifier: MIT
// Makes another spdlog of the one that is installed, for row F5: this folder comes first in the include path, and what
// lies in it changes the next file of the same name. Classes keep their names, and so do their functions' symbols; their
// layouts, and places in tables of virtual functions, are others. Who mixes the two up crashes.
#pragma once
#include_next <spdlog/version.h>
#undef SPDLOG_VER_MINOR
#define SPDLOG_VER_MINOR 99
