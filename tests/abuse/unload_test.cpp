// SPDX-License-Identifier: MIT
// Abuse by loading: rows B10 and B11. This program is not linked with the library: it loads it, copies of it, and a
// plugin that is linked with it.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "abuse/own_process.hpp"  // not in_own_process(), which is for programs that are linked with the library
#include "api/support/durations.hpp"
#include "api/support/in_child.hpp"
#include "api/support/libuv_started.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"

namespace contract {
namespace {

constexpr int kStatus = 42;
constexpr int kTimes = kSanitized ? 100 : 1000;

void exit_with_own_status(int failed) { std::exit(failed == 0 ? kStatus : kHasFailed); }

// How many mappings of this process are of a file whose path ends so.
int mappings_of(const std::string& end) {
  std::ifstream maps("/proc/self/maps");
  int count = 0;
  for (std::string line; std::getline(maps, line);) count += line.ends_with(end) ? 1 : 0;
  return count;
}

// An object that is loaded for a scope.
class Loaded {
 public:
  explicit Loaded(const std::string& path) : handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    EXPECT_NE(handle_, nullptr) << dlerror();
  }
  Loaded(const Loaded&) = delete;
  Loaded& operator=(const Loaded&) = delete;
  ~Loaded() { unload(); }

  void unload() {
    void* const handle = std::exchange(handle_, nullptr);
    if (handle != nullptr && dlclose(handle) != 0) ADD_FAILURE() << dlerror();
  }

  template <typename Function>
  Function* find(const char* name) {
    void* const found = dlsym(handle_, name);
    EXPECT_NE(found, nullptr) << dlerror();
    return reinterpret_cast<Function*>(found);
  }

 private:
  void* handle_;
};

// The functions of one copy of the library. They can be called when it has been unloaded, too.
struct Functions {
  decltype(&crochet_setup) setup;
  decltype(&crochet_shutdown) shutdown;
  decltype(&crochet_wait_for) wait_for;
  decltype(&crochet_current_loop) current_loop;
  decltype(&crochet_resolve) resolve;

  explicit Functions(Loaded& library)
      : setup(library.find<decltype(crochet_setup)>("crochet_setup")),
        shutdown(library.find<decltype(crochet_shutdown)>("crochet_shutdown")),
        wait_for(library.find<decltype(crochet_wait_for)>("crochet_wait_for")),
        current_loop(library.find<decltype(crochet_current_loop)>("crochet_current_loop")),
        resolve(library.find<decltype(crochet_resolve)>("crochet_resolve")) {}

  // Runs body() on the default loop, and returns the status of that call.
  template <typename Body>
  int on_loop(const Body& body) const {
    struct Argument {
      const Functions& library;
      const Body& body;
    } argument{*this, body};
    return wait_for(
        nullptr,
        [](crochet_deferred* deferred, void* arg) {
          const Argument& call = *static_cast<Argument*>(arg);
          call.body();
          call.library.resolve(deferred, nullptr, nullptr);
        },
        &argument, nullptr, kForever, nullptr);
  }

  // The loop and its thread; nothing if there is none.
  std::pair<crochet_loop*, pid_t> loop() const {
    std::pair<crochet_loop*, pid_t> found{};
    EXPECT_EQ(on_loop([&found, this] { found = {current_loop(), gettid()}; }), CROCHET_OK);
    return found;
  }
};

// What the process has before the library is there, and must have again afterwards.
class Belongings {
 public:
  void expect_unchanged() const {
    expect_no_thread_but(threads_);
    EXPECT_EQ(names_in("/proc/self/fd"), descriptors_);
  }

 private:
  static std::size_t count_threads() {
    start_libuv();
    return threads_at_rest();
  }

  std::size_t threads_ = count_threads();
  std::set<std::string> descriptors_ = names_in("/proc/self/fd");
};

// ---- B10: loaded and unloaded

TEST(AbuseB10, LoadedUsedAndUnloadedAThousandTimesItLeavesNothing) {
  EXPECT_EQ(status_of_child([] {
              ASSERT_EQ(mappings_of(CROCHET_LIBRARY), 0) << "this program must not be linked with it";
              const Belongings belongings;
              int mappings = 0;
              for (int i = 0; i < kTimes; ++i) {
                Loaded library(CROCHET_LIBRARY);
                const Functions crochet(library);
                ASSERT_EQ(crochet.setup(nullptr), CROCHET_OK);
                ASSERT_NE(crochet.loop().first, nullptr);
                ASSERT_EQ(crochet.shutdown(kSecond), CROCHET_OK);
                library.unload();
                if (i == 0) mappings = mappings_of(CROCHET_LIBRARY);
              }
              belongings.expect_unchanged();
              EXPECT_EQ(mappings_of(CROCHET_LIBRARY), mappings);
            }),
            0);
}

TEST(AbuseB10, UnloadedWithALiveLoopItGoesOn) {
  EXPECT_EQ(status_of_child(
                [] {
                  Loaded library(CROCHET_LIBRARY);
                  const Functions crochet(library);
                  ASSERT_EQ(crochet.setup(nullptr), CROCHET_OK);
                  const auto loop = crochet.loop();
                  library.unload();
                  EXPECT_EQ(crochet.loop(), loop);
                  for (int i = 0; i < kTimes; ++i) {
                    Loaded again(CROCHET_LIBRARY);
                    ASSERT_EQ(Functions(again).loop(), loop);
                  }
                  EXPECT_EQ(crochet.shutdown(kSecond), CROCHET_OK);
                },
                exit_with_own_status),
            kStatus);
}

TEST(AbuseB10, ExitAfterItWasUnloadedWithALiveLoopKeepsItsStatus) {
  EXPECT_EQ(status_of_child(
                [] {
                  Loaded library(CROCHET_LIBRARY);
                  const Functions crochet(library);
                  ASSERT_EQ(crochet.setup(nullptr), CROCHET_OK);
                  ASSERT_NE(crochet.loop().first, nullptr);
                },
                exit_with_own_status),
            kStatus);
}

TEST(AbuseB10, APluginUnloadedWithALiveLoopLeavesTheLibraryRunning) {
  EXPECT_EQ(status_of_child(
                [] {
                  for (int i = 0; i < kTimes; ++i) {
                    Loaded plugin(PLUGIN);
                    ASSERT_EQ(plugin.find<int()>("plugin_use")(), CROCHET_OK);
                  }
                  EXPECT_EQ(mappings_of(PLUGIN), 0) << "the plugin itself is unloaded";
                  Loaded library(CROCHET_LIBRARY);
                  EXPECT_NE(Functions(library).loop().first, nullptr);
                },
                exit_with_own_status),
            kStatus);
}

TEST(AbuseB10, APluginMayStopItsLoopWhileItIsUnloaded) {
  EXPECT_EQ(status_of_child(
                [] {
                  const Belongings belongings;
                  for (int i = 0; i < kTimes; ++i) {
                    Loaded plugin(PLUGIN);
                    int code = CROCHET_EPENDING;
                    ASSERT_EQ(plugin.find<int(int*)>("plugin_use_own_loop")(&code), CROCHET_OK);
                    plugin.unload();
                    ASSERT_EQ(code, CROCHET_OK);
                  }
                  belongings.expect_unchanged();
                },
                exit_with_own_status),
            kStatus);
}

// ---- B11: two copies, each of which has a state of its own

// A second copy: the loader takes another file for another library, whatever its soname.
std::string copy_of_the_library() {
  const std::filesystem::path copy =
      std::filesystem::current_path() / ("crochet-copy-" + std::to_string(getpid()) + ".so");
  std::filesystem::copy_file(CROCHET_LIBRARY, copy, std::filesystem::copy_options::overwrite_existing);
  return copy;
}

struct TwoCopies {
  const std::string path = copy_of_the_library();
  Loaded one{CROCHET_LIBRARY};
  Loaded other{path};
  const Functions a{one};
  const Functions b{other};

  TwoCopies() {
    std::filesystem::remove(path);
    EXPECT_NE(a.setup, b.setup);
    EXPECT_EQ(a.setup(nullptr), CROCHET_OK);
    EXPECT_EQ(b.setup(nullptr), CROCHET_OK);
  }
};

TEST(AbuseB11, TwoCopiesHaveLoopsOfTheirOwn) {
  EXPECT_EQ(status_of_child(
                [] {
                  const Belongings belongings;
                  TwoCopies crochet;
                  EXPECT_NE(crochet.a.loop().second, crochet.b.loop().second);

                  // The loop's thread of the one is any thread to the other: it may wait there.
                  EXPECT_EQ(crochet.a.on_loop([&crochet] {
                    EXPECT_EQ(crochet.b.current_loop(), nullptr);
                    EXPECT_EQ(crochet.b.on_loop([&crochet] { EXPECT_EQ(crochet.a.current_loop(), nullptr); }),
                              CROCHET_OK);
                    EXPECT_EQ(crochet.a.on_loop([] {}), CROCHET_EDEADLK);
                  }),
                            CROCHET_OK);

                  EXPECT_EQ(crochet.a.shutdown(kSecond), CROCHET_OK);
                  EXPECT_EQ(crochet.a.on_loop([] {}), CROCHET_ESTOPPED);
                  EXPECT_EQ(crochet.b.on_loop([] {}), CROCHET_OK);
                  EXPECT_EQ(crochet.a.setup(nullptr), CROCHET_OK);
                  EXPECT_EQ(crochet.b.shutdown(kSecond), CROCHET_OK);
                  EXPECT_EQ(crochet.a.on_loop([] {}), CROCHET_OK);
                  EXPECT_EQ(crochet.b.on_loop([] {}), CROCHET_ESTOPPED);
                  EXPECT_EQ(crochet.a.shutdown(kSecond), CROCHET_OK);
                  belongings.expect_unchanged();
                },
                exit_with_own_status),
            kStatus);
}

TEST(AbuseB11, BothStopWhenTheProcessExits) {
  EXPECT_EQ(status_of_child(
                [] {
                  TwoCopies crochet;
                  EXPECT_NE(crochet.a.loop().second, crochet.b.loop().second);
                },
                exit_with_own_status),
            kStatus);
}

TEST(AbuseB11, AForkedChildMaySetUpEachOfThem) {
  SKIP_UNDER_THREAD_SANITIZER("knows no threads in a child that was forked beside others");
  EXPECT_EQ(status_of_child(
                [] {
                  TwoCopies crochet;
                  in_child([&crochet] {
                    EXPECT_EQ(crochet.a.on_loop([] {}), CROCHET_EFORKED);
                    EXPECT_EQ(crochet.a.setup(nullptr), CROCHET_OK);
                    EXPECT_EQ(crochet.a.on_loop([] {}), CROCHET_OK);
                    EXPECT_EQ(crochet.b.on_loop([] {}), CROCHET_EFORKED);
                    EXPECT_EQ(crochet.b.setup(nullptr), CROCHET_OK);
                    EXPECT_EQ(crochet.b.on_loop([] {}), CROCHET_OK);
                    EXPECT_EQ(crochet.a.shutdown(kSecond), CROCHET_OK);
                    EXPECT_EQ(crochet.b.shutdown(kSecond), CROCHET_OK);
                  });
                  EXPECT_EQ(crochet.a.on_loop([] {}), CROCHET_OK);
                  EXPECT_EQ(crochet.b.on_loop([] {}), CROCHET_OK);
                },
                exit_with_own_status),
            kStatus);
}

}  // namespace
}  // namespace contract
