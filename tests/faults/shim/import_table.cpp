// SPDX-License-Identifier: MIT
#include "import_table.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace shim {
namespace {

#if defined(__x86_64__)
constexpr unsigned kData = R_X86_64_GLOB_DAT;
constexpr unsigned kJump = R_X86_64_JUMP_SLOT;
constexpr unsigned kPointer = R_X86_64_64;  // in a table of functions, as libuv's of an allocator
#elif defined(__aarch64__)
constexpr unsigned kData = R_AARCH64_GLOB_DAT;
constexpr unsigned kJump = R_AARCH64_JUMP_SLOT;
constexpr unsigned kPointer = R_AARCH64_ABS64;
#else
#error "the relocations of this machine are not known"
#endif

struct Search {
  const char* part;
  Function (*instead)(const char*, Function, void*);
  void* arg;
  bool found;
};

struct Tables {
  const ElfW(Sym) * symbols = nullptr;
  const char* strings = nullptr;
  const ElfW(Rela) * lists[2] = {};
  std::size_t sizes[2] = {};
};

Tables tables_of(const dl_phdr_info& library) {
  Tables tables;
  for (int i = 0; i < library.dlpi_phnum; ++i) {
    if (library.dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
    const auto* entry = reinterpret_cast<const ElfW(Dyn)*>(library.dlpi_addr + library.dlpi_phdr[i].p_vaddr);
    for (; entry->d_tag != DT_NULL; ++entry) {
      // The C library has made addresses of them.
      const auto* at = reinterpret_cast<const char*>(entry->d_un.d_ptr);
      switch (entry->d_tag) {
        case DT_SYMTAB: tables.symbols = reinterpret_cast<const ElfW(Sym)*>(at); break;
        case DT_STRTAB: tables.strings = at; break;
        case DT_RELA: tables.lists[0] = reinterpret_cast<const ElfW(Rela)*>(at); break;
        case DT_RELASZ: tables.sizes[0] = entry->d_un.d_val / sizeof(ElfW(Rela)); break;
        case DT_JMPREL: tables.lists[1] = reinterpret_cast<const ElfW(Rela)*>(at); break;
        case DT_PLTRELSZ: tables.sizes[1] = entry->d_un.d_val / sizeof(ElfW(Rela)); break;
        default: break;
      }
    }
  }
  return tables;
}

// Is it the library's own? Then nobody has called it yet, and the linker has not looked for it.
bool lies_in(const dl_phdr_info& library, std::uintptr_t address) {
  for (int i = 0; i < library.dlpi_phnum; ++i) {
    const ElfW(Phdr)& part = library.dlpi_phdr[i];
    const std::uintptr_t begin = library.dlpi_addr + part.p_vaddr;
    if (part.p_type == PT_LOAD && address >= begin && address < begin + part.p_memsz) return true;
  }
  return false;
}

void put(Function* place, Function function) {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  auto* const begin = reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(place) / page * page);
  if (mprotect(begin, page, PROT_READ | PROT_WRITE) == 0) *place = function;  // it was made read-only after loading
}

int look_at(dl_phdr_info* library, std::size_t, void* arg) {
  auto& search = *static_cast<Search*>(arg);
  const char* const file = std::strrchr(library->dlpi_name, '/');
  if (std::strstr(file == nullptr ? library->dlpi_name : file, search.part) == nullptr) return 0;
  search.found = true;
  const Tables tables = tables_of(*library);
  for (int list = 0; list < 2; ++list) {
    for (std::size_t i = 0; i < tables.sizes[list]; ++i) {
      const ElfW(Rela)& entry = tables.lists[list][i];
      const auto kind = static_cast<unsigned>(ELF64_R_TYPE(entry.r_info));
      if ((kind != kData && kind != kJump && kind != kPointer) || entry.r_addend != 0) continue;
      const ElfW(Sym)& symbol = tables.symbols[ELF64_R_SYM(entry.r_info)];
      if (symbol.st_shndx != SHN_UNDEF) continue;
      const char* const name = tables.strings + symbol.st_name;
      auto* const place = reinterpret_cast<Function*>(library->dlpi_addr + entry.r_offset);
      Function now = *place;
      if (now == nullptr) continue;  // weak, and nowhere
      if (lies_in(*library, reinterpret_cast<std::uintptr_t>(now)))
        now = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
      if (const Function other = search.instead(name, now, search.arg)) put(place, other);
    }
  }
  return 1;
}

}  // namespace

bool replace_imports(const char* part, Function (*instead)(const char*, Function, void*), void* arg) {
  Search search{part, instead, arg, false};
  dl_iterate_phdr(look_at, &search);
  return search.found;
}

}  // namespace shim
