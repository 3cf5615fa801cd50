// SPDX-License-Identifier: MIT
// A process that may not open (m)any descriptors. A child each: the limit is the process's.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include "api/support/closure.hpp"
#include "api/support/in_child.hpp"
#include "api/support/owned.hpp"
#include "crochet.h"

namespace contract {
namespace {

// Lets the process open `more` further descriptors; restores the limit at the end.
class FewDescriptors {
 public:
  explicit FewDescriptors(rlim_t more) {
    const int lowest_free = dup(STDIN_FILENO);
    EXPECT_GE(lowest_free, 0);
    close(lowest_free);
    // Makes the log: a sanitizer looks at the types of objects through a pipe, for which it needs descriptors.
    EXPECT_EQ(crochet_log_remove(0), CROCHET_ENOENT);
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0);
    rlimit few = before_;
    few.rlim_cur = static_cast<rlim_t>(lowest_free) + more;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  }
  ~FewDescriptors() { EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before_), 0); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  rlimit before_ = {};
};

TEST(FewDescriptorsTest, MakeSetupFailWithLibuvsCodeAndItMayBeRetried) {
  in_child([] {
    {
      const FewDescriptors none(0);
      EXPECT_EQ(crochet_setup(nullptr), UV_EMFILE);
    }
    EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

TEST(FewDescriptorsTest, MakeSetupFailOrWorkHoweverManyThereAre) {
  for (rlim_t more = 0; more <= 20; ++more) {
    in_child([more] {
      int code;
      {
        const FewDescriptors few(more);
        code = crochet_setup(nullptr);
        if (code == CROCHET_OK) {
          EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
        }
      }
      EXPECT_TRUE(code == CROCHET_OK || code == UV_EMFILE) << code << " with " << more;
      EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
      EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
      EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
    });
  }
}

TEST(FewDescriptorsTest, MakeLoopNewFailWithLibuvsCodeAndItMayBeRetried) {
  in_child([] {
    OwnedLoop loop;
    {
      const FewDescriptors none(0);
      EXPECT_EQ(crochet_loop_new(nullptr, loop.out()), UV_EMFILE);
      EXPECT_EQ(loop.get(), nullptr);
    }
    EXPECT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    EXPECT_EQ(on_loop(loop.get(), [] {}), CROCHET_OK);
    EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  });
}

}  // namespace
}  // namespace contract
