// SPDX-License-Identifier: MIT
// A libuv at run time that is not the one built against. This program defines the functions that the library asks, so
// that it asks these; elsewhere they answer as libuv does.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <uv.h>

#include <string>

#include "api/provokes.hpp"
#include "api/support/closure.hpp"
#include "api/support/host_loop.hpp"
#include "api/support/in_child.hpp"
#include "api/support/log_capture.hpp"
#include "api/support/owned.hpp"
#include "crochet.h"

namespace {

unsigned fake_version = 0;
const char* fake_version_string = nullptr;
std::size_t fake_loop_size = 0;
std::size_t fake_handle_size = 0;
int fake_init_code = 0;  // of the handles that may wake a loop

template <typename Function>
Function libuvs(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

unsigned int uv_version(void) { return fake_version != 0 ? fake_version : libuvs<unsigned (*)()>("uv_version")(); }

const char* uv_version_string(void) {
  return fake_version_string != nullptr ? fake_version_string : libuvs<const char* (*)()>("uv_version_string")();
}

size_t uv_loop_size(void) { return fake_loop_size != 0 ? fake_loop_size : libuvs<size_t (*)()>("uv_loop_size")(); }

size_t uv_handle_size(uv_handle_type type) {
  return fake_handle_size != 0 ? fake_handle_size : libuvs<size_t (*)(uv_handle_type)>("uv_handle_size")(type);
}

int uv_async_init(uv_loop_t* loop, uv_async_t* async, uv_async_cb callback) {
  using Init = int (*)(uv_loop_t*, uv_async_t*, uv_async_cb);
  return fake_init_code != 0 ? fake_init_code : libuvs<Init>("uv_async_init")(loop, async, callback);
}

int uv_poll_init(uv_loop_t* loop, uv_poll_t* poll, int descriptor) {
  using Init = int (*)(uv_loop_t*, uv_poll_t*, int);
  return fake_init_code != 0 ? fake_init_code : libuvs<Init>("uv_poll_init")(loop, poll, descriptor);
}

}  // extern "C"

namespace contract {
namespace {

constexpr unsigned version(unsigned major, unsigned minor, unsigned patch) { return major << 16 | minor << 8 | patch; }

std::string built_against() {
  return std::to_string(UV_VERSION_MAJOR) + "." + std::to_string(UV_VERSION_MINOR) + "." +
         std::to_string(UV_VERSION_PATCH);
}

TEST(LibuvFit, IsWhatItIs) {
  in_child([] {
    EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

TEST(LibuvFit, OfAnotherMajorVersionIsRefusedEverywhereAndBothAreNamed) {
  PROVOKES(crochet_setup, CROCHET_EVERSION);
  PROVOKES(crochet_no_setup, CROCHET_EVERSION);
  PROVOKES(crochet_loop_new, CROCHET_EVERSION);
  PROVOKES(crochet_loop_adopt, CROCHET_EVERSION);
  in_child([] {
    fake_version = version(2, 3, 4);
    fake_version_string = "2.3.4";
    LogCapture log;
    EXPECT_EQ(crochet_setup(nullptr), CROCHET_EVERSION);
    OwnedLoop loop;
    EXPECT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_EVERSION);
    EXPECT_EQ(loop.get(), nullptr);
    HostLoop host;
    EXPECT_EQ(crochet_no_setup(host.uv(), nullptr), CROCHET_EVERSION);
    EXPECT_EQ(crochet_loop_adopt(host.uv(), nullptr, loop.out()), CROCHET_EVERSION);
    EXPECT_EQ(loop.get(), nullptr);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
    const std::string text = log.stop();
    EXPECT_NE(text.find("2.3.4"), std::string::npos) << text;
    EXPECT_NE(text.find(built_against()), std::string::npos) << text;
  });
}

TEST(LibuvFit, OlderThanTheOneBuiltAgainstIsRefused) {
  in_child([] {
    fake_version = version(1, 1, 0);
    fake_version_string = "1.1.0";
    EXPECT_EQ(crochet_setup(nullptr), CROCHET_EVERSION);
    fake_version = 0;
    fake_version_string = nullptr;
    EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

TEST(LibuvFit, NewerOfTheSameMajorVersionWorks) {
  in_child([] {
    fake_version = version(UV_VERSION_MAJOR, 200, 0);
    EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

TEST(LibuvFit, WithOtherSizesIsRefused) {
  in_child([] {
    fake_loop_size = sizeof(uv_loop_t) + 8;
    EXPECT_EQ(crochet_setup(nullptr), CROCHET_EVERSION);
    fake_loop_size = 0;
    fake_handle_size = 8;
    EXPECT_EQ(crochet_setup(nullptr), CROCHET_EVERSION);
    fake_handle_size = 0;
    EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

TEST(LibuvFit, ThatCannotMakeAHandleHasItsCodePassedOn) {
  in_child([] {
    HostLoop host;
    OwnedLoop loop;
    fake_init_code = UV_EMFILE;
    EXPECT_EQ(crochet_loop_adopt(host.uv(), nullptr, loop.out()), UV_EMFILE);
    EXPECT_EQ(loop.get(), nullptr);
    EXPECT_EQ(crochet_no_setup(host.uv(), nullptr), UV_EMFILE);
    EXPECT_EQ(crochet_current_loop(), nullptr);
    fake_init_code = 0;
    // A failure leaves nothing behind: neither on the host's loop nor on this thread.
    EXPECT_EQ(crochet_loop_adopt(host.uv(), nullptr, loop.out()), CROCHET_OK);
    EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_EINPROGRESS);
    EXPECT_EQ(host.run(), 0);
    EXPECT_EQ(host.close(), 0);
  });
}

}  // namespace
}  // namespace contract
