// SPDX-License-Identifier: MIT
// Stands between the libraries and what they call: counts, lets fail, follows memory.
//
// One function stands in for all: it takes eight words and passes them on, which on the machines at hand is how each of
// the calls in the table gets its arguments, those with a variable number too.
#include <execinfo.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "blocks.hpp"
#include "calls.hpp"
#include "faults.h"
#include "import_table.hpp"

namespace shim {
namespace {

// ---- The plan

// relaxed throughout: tests order what they look at by themselves, and a count that two threads race for is one all the
// same.
constexpr auto kRelaxed = std::memory_order_relaxed;
std::atomic<bool> active{false};
std::atomic<long> counts[kLibraries][kClasses];
std::atomic<long> fired{0};
std::atomic<const char*> last_fired{"-"};
struct Plan {
  Library library = Library::kCrochet;
  Class its_class = Class::kMemory;
  long first = 0;  // 0: nothing fails
  bool goes_on = false;
} plan;
bool traces = false;

// What libuv is at, for crochet, on this thread.
thread_local const char* t_in_uv = nullptr;

__attribute__((format(printf, 2, 3))) void say(int descriptor, const char* format, ...) {
  char line[256];
  va_list rest;
  va_start(rest, format);
  const int length = std::vsnprintf(line, sizeof line, format, rest);
  va_end(rest);
  (void)!write(descriptor, line, static_cast<std::size_t>(length));
}

const char* place_in_uv() { return t_in_uv == nullptr ? "-" : t_in_uv; }

void tell(Library library, const Call& call) {
  const char* const name = call.shown == nullptr ? call.name : call.shown;
  last_fired.store(name, kRelaxed);
  if (fired.fetch_add(1, kRelaxed) == 0) {
    say(STDOUT_FILENO, "fired %s %s %s in %s\n", kLibraryNames[static_cast<int>(library)],
        kClassNames[static_cast<int>(call.its_class)], name, place_in_uv());
  }
  if (!traces) return;
  void* frames[32];
  backtrace_symbols_fd(frames, backtrace(frames, 32), STDERR_FILENO);
  say(STDERR_FILENO, "%s", "\n");
}

bool shall_fail(Library library, const Call& call) {
  const auto l = static_cast<std::size_t>(library);
  const auto c = static_cast<std::size_t>(call.its_class);
  const long number = counts[l][c].fetch_add(1, kRelaxed) + 1;
  if (plan.first == 0 || plan.library != library || plan.its_class != call.its_class) return false;
  return plan.goes_on ? number >= plan.first : number == plan.first;
}

// ---- The stand-ins

struct Import {
  Library library;
  const char* name;
  const Call* calls;  // those of its name; null: never fails
  Function original;
};

constexpr std::size_t kMost = 512;
Import imports[kMost];
std::size_t import_count = 0;

// Null: it may succeed.
const Call* failing(const Import& import, Arguments& arguments) {
  if (!active.load(kRelaxed) || import.calls == nullptr) return nullptr;
  if (import.library == Library::kLibuv && t_in_uv == nullptr) return nullptr;  // it works for a host
  const Call* found = nullptr;
  for (const Call* call = import.calls; call->name != nullptr && std::strcmp(call->name, import.name) == 0; ++call) {
    if (call->when != nullptr && !call->when(arguments)) continue;
    if (shall_fail(import.library, *call) && found == nullptr) found = call;
  }
  if (found != nullptr) tell(import.library, *found);
  return found;
}

long fail(const Call& call) {
  if (call.error != 0) errno = call.error;
  switch (call.says) {
    case Says::kDoneAndMinusOne:
    case Says::kMinusOne: return -1;
    case Says::kNull:
    case Says::kNothing: return 0;
    case Says::kCode: return call.error;
    case Says::kNegative: return -call.error;
    case Says::kThrows: throw std::bad_alloc();
  }
  return 0;
}

bool is(const Import& import, const char* name) { return std::strcmp(import.name, name) == 0; }
bool begins(const Import& import, const char* with) { return std::strncmp(import.name, with, std::strlen(with)) == 0; }

// Before: a block that is given back may be somebody else's at once.
void follow_before(const Import& import, Arguments& a) {
  const bool frees =
      is(import, "free") || is(import, "realloc") || begins(import, "_ZdlPv") || begins(import, "_ZdaPv");
  if (frees) forget_block(reinterpret_cast<void*>(a[0]));
}

void follow_after(const Import& import, Arguments& a, long got) {
  const int kept = errno;
  const auto first = static_cast<std::size_t>(a[0]);
  const auto second = static_cast<std::size_t>(a[1]);
  const auto* block = reinterpret_cast<const void*>(got);
  if (is(import, "malloc") || begins(import, "_Znwm") || begins(import, "_Znam")) {
    remember_block(import.library, import.name, block, first);
  } else if (is(import, "calloc")) {
    remember_block(import.library, import.name, block, first * second);
  } else if (is(import, "realloc") || is(import, "aligned_alloc")) {
    remember_block(import.library, import.name, block, second);
  }
  errno = kept;
}

struct Birth {
  Function body;
  long arg;
};

void* pool_thread(void* arg) {
  const Birth birth = *static_cast<Birth*>(arg);
  delete static_cast<Birth*>(arg);
  t_in_uv = "pool";
  return reinterpret_cast<void*>(birth.body(birth.arg, 0, 0, 0, 0, 0, 0, 0));
}

class InUv {
 public:
  explicit InUv(const Import& import) {
    if (import.library == Library::kCrochet && begins(import, "uv_")) t_in_uv = import.name;
  }
  ~InUv() { t_in_uv = before_; }
  InUv(const InUv&) = delete;
  InUv& operator=(const InUv&) = delete;

 private:
  const char* const before_ = t_in_uv;
};

long stand_in(const Import& import, long (&a)[8]) {
  if (is(import, "abort") || is(import, "__assert_fail")) {
    say(STDOUT_FILENO, "aborts %s in %s after %s\n", kLibraryNames[static_cast<int>(import.library)], place_in_uv(),
        last_fired.load(kRelaxed));
    _exit(FAULTS_ABORTED);
  }
  const Call* const call = failing(import, a);
  if (call != nullptr && call->says != Says::kDoneAndMinusOne) return fail(*call);
  follow_before(import, a);
  if (import.library == Library::kLibuv && is(import, "pthread_create") && t_in_uv != nullptr) {
    a[3] = reinterpret_cast<long>(new Birth{reinterpret_cast<Function>(a[2]), a[3]});
    a[2] = reinterpret_cast<long>(&pool_thread);
  }
  const InUv in_uv(import);
  const long got = import.original(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);
  follow_after(import, a, got);
  return call != nullptr ? fail(*call) : got;
}

template <std::size_t kPlace>
long stand_in_at(long a, long b, long c, long d, long e, long f, long g, long h) {
  long arguments[8] = {a, b, c, d, e, f, g, h};
  return stand_in(imports[kPlace], arguments);
}

template <std::size_t... kPlaces>
constexpr std::array<Function, sizeof...(kPlaces)> stand_ins(std::index_sequence<kPlaces...>) {
  return {&stand_in_at<kPlaces>...};
}
constexpr auto kStandIns = stand_ins(std::make_index_sequence<kMost>());

const Call* calls_of(const char* name) {
  for (const Call* call = kCalls; call->name != nullptr; ++call) {
    if (std::strcmp(call->name, name) == 0) return call;
  }
  return nullptr;
}

// Those that can fail, end memory or the process, and libuv's own.
Function instead(const char* name, Function now, void* arg) {
  const Import import{*static_cast<Library*>(arg), name, calls_of(name), now};
  const bool matters = import.calls != nullptr || is(import, "free") || begins(import, "_ZdlPv") ||
                       begins(import, "_ZdaPv") || is(import, "abort") || is(import, "__assert_fail") ||
                       (import.library == Library::kCrochet && begins(import, "uv_"));
  if (!matters || import_count == kMost) return nullptr;
  imports[import_count] = import;
  return kStandIns[import_count++];
}

__attribute__((constructor)) void put_into_import_tables() {
  constexpr const char* kFiles[kLibraries] = {"libcrochet.so", "libuv.so", "faults-headers"};
  traces = std::getenv("FAULTS_TRACE") != nullptr;
  for (std::size_t i = 0; i < kLibraries; ++i) {
    auto library = static_cast<Library>(i);
    replace_imports(kFiles[i], instead, &library);
  }
  if (const char* wanted = std::getenv("FAULTS")) {
    if (faults_begin(wanted) != 0) say(STDERR_FILENO, "FAULTS: \"%s\" is no plan\n", wanted);
  }
}

// The place of a word among names; -1: it is none of them.
template <std::size_t kCount>
int place_of(const char* const (&names)[kCount], const char* word) {
  for (std::size_t i = 0; i < kCount; ++i) {
    if (std::strcmp(names[i], word) == 0) return static_cast<int>(i);
  }
  return -1;
}

bool parse(const char* text, Plan* out) {
  char library[16];
  char its_class[16];
  char plus = 0;
  const int parts = std::sscanf(text, "%15[a-z]:%15[a-z]:%ld%c", library, its_class, &out->first, &plus);
  if (parts < 3 || out->first < 1 || (parts == 4 && plus != '+')) return false;
  const int l = place_of(kLibraryNames, library);
  const int c = place_of(kClassNames, its_class);
  if (l < 0 || c < 0) return false;
  out->library = static_cast<Library>(l);
  out->its_class = static_cast<Class>(c);
  out->goes_on = plus == '+';
  return true;
}

}  // namespace
}  // namespace shim

using namespace shim;

int faults_begin(const char* text) {
  Plan wanted;
  if (text != nullptr && *text != '\0' && !parse(text, &wanted)) return -1;
  active.store(false, kRelaxed);
  plan = wanted;
  for (auto& of_library : counts) {
    for (auto& count : of_library) count.store(0, kRelaxed);
  }
  fired.store(0, kRelaxed);
  active.store(true, std::memory_order_release);
  return 0;
}

void faults_end(void) { active.store(false, std::memory_order_release); }

long faults_fired(void) { return fired.load(kRelaxed); }

void faults_report(int descriptor) {
  for (std::size_t l = 0; l < kLibraries; ++l) {
    for (std::size_t c = 0; c < kClasses; ++c) {
      say(descriptor, "count %s %s %ld\n", kLibraryNames[l], kClassNames[c], counts[l][c].load(kRelaxed));
    }
  }
  for_each_kind_of_block(
      [](Library library, const char* function, std::size_t size, long count, void* to) {
        say(*static_cast<int*>(to), "live %s %s %zu %ld\n", kLibraryNames[static_cast<int>(library)], function, size,
            count);
      },
      &descriptor);
}

void faults_write_table(int descriptor) {
  for (const Call* call = kCalls; call->name != nullptr; ++call) {
    say(descriptor, "%s %s\n", call->name, kClassNames[static_cast<int>(call->its_class)]);
  }
  for (const NeverFails* entry = kNeverFails; entry->name != nullptr; ++entry) {
    say(descriptor, "%s - %s\n", entry->name, entry->why);
  }
}
