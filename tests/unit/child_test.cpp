// SPDX-License-Identifier: MIT
// Where a child's program is looked for, and which failure of a place ends the search; no process is started.
#include "operations/child.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <unistd.h>
#include <uv.h>

#include <cerrno>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "operations/launch.hpp"

namespace {

// What each place answers: 0, or why it can't be started. The rest has nothing there.
std::map<std::string, int> places;
std::vector<std::string> tried;

int answer_of(const char* path) {
  const auto place = places.find(path);
  return place == places.end() ? ENOENT : place->second;
}

}  // namespace

// In place of the system's, for the library too.
extern "C" int posix_spawn(pid_t* pid, const char* path, const posix_spawn_file_actions_t*, const posix_spawnattr_t*,
                           char* const*, char* const*) {
  tried.emplace_back(path);
  *pid = 1;
  return answer_of(path);
}
extern "C" int faccessat(int, const char* path, int mode, int flags) noexcept {
  const bool is_there = answer_of(path) != ENOENT;
  errno = mode == F_OK && flags == 0 ? ENOENT : EINVAL;  // on success, of an earlier call
  return is_there && errno == ENOENT ? 0 : -1;
}

namespace crochet {
namespace {

class Search : public testing::Test {
 protected:
  void SetUp() override {
    places.clear();
    tried.clear();
  }
  // As when the PATH is /a:/b:/c.
  static int start() {
    crochet_command command;
    command.file = "it";
    std::unique_ptr<Launch> launch;
    EXPECT_EQ(Launch::of(command, &launch), CROCHET_OK);
    launch->programs = {"/a/it", "/b/it", "/c/it"};
    Child child;
    const char* what = nullptr;
    return child.start(*launch, STDOUT_FILENO, STDERR_FILENO, &what);
  }
};

TEST_F(Search, EndsWhereTheProgramIs) {
  places = {{"/b/it", 0}, {"/c/it", 0}};
  EXPECT_EQ(start(), 0);
  EXPECT_EQ(tried, (std::vector<std::string>{"/b/it"})) << "a place without it costs no process";
}

TEST_F(Search, GoesOnBehindAPlaceThatOnlySeemsToHaveIt) {
  for (const int error : {ENOTDIR, EACCES, ENODEV, ESTALE, ETIMEDOUT}) {
    SetUp();
    places = {{"/a/it", error}, {"/c/it", 0}};
    EXPECT_EQ(start(), 0) << error;
    EXPECT_EQ(tried, (std::vector<std::string>{"/a/it", "/c/it"}));
  }
}

TEST_F(Search, EndsWithAnyOtherFailure) {
  for (const int error : {ENOEXEC, ENOMEM, E2BIG, EAGAIN, EIO, EINVAL}) {
    SetUp();
    places = {{"/a/it", error}, {"/c/it", 0}};
    EXPECT_EQ(start(), error == ENOEXEC ? UV_EFTYPE : uv_translate_sys_error(error));
    EXPECT_EQ(tried, (std::vector<std::string>{"/a/it"}));
  }
}

TEST_F(Search, TellsThatItMayNotBeStartedRatherThanThatItIsNotThere) {
  EXPECT_EQ(start(), UV_ENOENT);
  EXPECT_TRUE(tried.empty());
  places = {{"/b/it", EACCES}, {"/c/it", ENOTDIR}};
  EXPECT_EQ(start(), UV_EACCES);
  places = {{"/b/it", ENOTDIR}};
  EXPECT_EQ(start(), UV_ENOENT) << "of the last place";
}

}  // namespace
}  // namespace crochet
