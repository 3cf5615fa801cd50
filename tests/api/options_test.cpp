// SPDX-License-Identifier: MIT
// How a loop is made: crochet_options_...
#include <gtest/gtest.h>
#include <pthread.h>
#include <uv.h>

#include <array>
#include <string>

#include "api/provokes.hpp"
#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/host_loop.hpp"
#include "api/support/owned.hpp"
#include "crochet.h"

namespace contract {
namespace {

class Options : public ShutDownAfterwards {
 protected:
  void SetUp() override { ASSERT_EQ(crochet_options_new(options_.out()), CROCHET_OK); }

  // What the thread of a loop with these options is called.
  std::string name_of_thread(const crochet_options* options) {
    OwnedLoop loop;
    EXPECT_EQ(crochet_loop_new(options, loop.out()), CROCHET_OK);
    std::array<char, 64> name{};
    EXPECT_EQ(on_loop(loop.get(), [&name] { pthread_getname_np(pthread_self(), name.data(), name.size()); }),
              CROCHET_OK);
    EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
    return name.data();
  }

  OwnedOptions options_;
};

TEST_F(Options, AreMadeWithTheDefaults) {
  PROVOKES(crochet_options_new, CROCHET_OK);
  ASSERT_NE(options_.get(), nullptr);
  EXPECT_EQ(name_of_thread(options_.get()), "crochet");
  EXPECT_EQ(name_of_thread(nullptr), "crochet");
}

TEST_F(Options, NeedSomewhereToGo) {
  PROVOKES(crochet_options_new, CROCHET_EINVAL);
  EXPECT_EQ(crochet_options_new(nullptr), CROCHET_EINVAL);
}

TEST_F(Options, FreeOfNullDoesNothing) { crochet_options_free(nullptr); }

TEST_F(Options, NameTheThread) {
  PROVOKES(crochet_options_set_thread_name, CROCHET_OK);
  std::string name = "weaver";
  EXPECT_EQ(crochet_options_set_thread_name(options_.get(), name.c_str()), CROCHET_OK);
  name.assign("XXXXXX");  // copied
  EXPECT_EQ(name_of_thread(options_.get()), "weaver");
}

TEST_F(Options, KeepFifteenBytesOfAName) {
  EXPECT_EQ(crochet_options_set_thread_name(options_.get(), "abcdefghijklmnopqrstuvwxyz"), CROCHET_OK);
  EXPECT_EQ(name_of_thread(options_.get()), "abcdefghijklmno");
}

TEST_F(Options, KeepTheNameSetLast) {
  EXPECT_EQ(crochet_options_set_thread_name(options_.get(), "a-long-one"), CROCHET_OK);
  EXPECT_EQ(crochet_options_set_thread_name(options_.get(), "short"), CROCHET_OK);
  EXPECT_EQ(name_of_thread(options_.get()), "short");
}

TEST_F(Options, RefuseNoNameAndNoOptions) {
  PROVOKES(crochet_options_set_thread_name, CROCHET_EINVAL);
  EXPECT_EQ(crochet_options_set_thread_name(options_.get(), "before"), CROCHET_OK);
  EXPECT_EQ(crochet_options_set_thread_name(options_.get(), nullptr), CROCHET_EINVAL);
  EXPECT_EQ(crochet_options_set_thread_name(nullptr, "name"), CROCHET_EINVAL);
  EXPECT_EQ(name_of_thread(options_.get()), "before");
}

TEST_F(Options, TakeKeepAliveAsAnAnswerToAQuestion) {
  PROVOKES(crochet_options_set_keep_alive, CROCHET_OK);
  PROVOKES(crochet_options_set_keep_alive, CROCHET_EINVAL);
  EXPECT_EQ(crochet_options_set_keep_alive(options_.get(), 0), CROCHET_OK);
  EXPECT_EQ(crochet_options_set_keep_alive(options_.get(), 1), CROCHET_OK);
  EXPECT_EQ(crochet_options_set_keep_alive(options_.get(), 2), CROCHET_EINVAL);
  EXPECT_EQ(crochet_options_set_keep_alive(options_.get(), -1), CROCHET_EINVAL);
  EXPECT_EQ(crochet_options_set_keep_alive(nullptr, 1), CROCHET_EINVAL);
}

TEST_F(Options, WithoutKeepAliveLetTheHostsLoopReturnWithoutRunningWhatIsQueued) {
  ASSERT_EQ(crochet_options_set_keep_alive(options_.get(), 0), CROCHET_OK);
  HostLoop host;
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_adopt(host.uv(), options_.get(), loop.out()), CROCHET_OK);
  bool ran = false;
  ASSERT_EQ(run(
                loop.get(), [&ran](crochet_deferred*) { ran = true; }, nullptr),
            CROCHET_OK);
  EXPECT_EQ(host.run(), 0);
  EXPECT_FALSE(ran);

  // With something alive it runs; and nothing of the library's keeps the loop from returning then.
  uv_idle_t idle;
  ASSERT_EQ(uv_idle_init(host.uv(), &idle), 0);
  idle.data = &ran;
  ASSERT_EQ(uv_idle_start(&idle,
                          [](uv_idle_t* handle) {
                            if (*static_cast<bool*>(handle->data)) uv_idle_stop(handle);
                          }),
            0);
  EXPECT_EQ(host.run(), 0);
  EXPECT_TRUE(ran);

  uv_close(reinterpret_cast<uv_handle_t*>(&idle), nullptr);
  EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_EINPROGRESS);
  EXPECT_EQ(host.run(), 0);
}

TEST_F(Options, WithoutKeepAliveLetTheReleaseSettleWhatIsQueued) {
  ASSERT_EQ(crochet_options_set_keep_alive(options_.get(), 0), CROCHET_OK);
  HostLoop host;
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_adopt(host.uv(), options_.get(), loop.out()), CROCHET_OK);
  OwnedResult result;
  ASSERT_EQ(crochet_run(loop.get(), resolve_null, nullptr, nullptr, result.out()), CROCHET_OK);
  EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_EINPROGRESS);
  EXPECT_EQ(host.run(), 0);
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_ESTOPPED);
}

}  // namespace
}  // namespace contract
