// SPDX-License-Identifier: MIT
// The import tables of the libraries that this process has loaded: where the addresses lie of what they call elsewhere.
#pragma once

namespace shim {

using Function = long (*)(long, long, long, long, long, long, long, long);

// Asked for each function that the first library with `part` in the name of its file imports: what is to be called in
// its place; null: as before. `now` is what is called. False: there is no such library.
bool replace_imports(const char* part, Function (*instead)(const char* name, Function now, void* arg), void* arg);

}  // namespace shim
