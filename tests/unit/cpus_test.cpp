// SPDX-License-Identifier: MIT
// CPUs that may be used: affinity, and quotas read from a made-up system.
#include "base/cpus.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

static std::atomic<bool> too_many_cpus{false};

// In place of the system's, for the library too.
extern "C" int sched_getaffinity(pid_t pid, std::size_t size, cpu_set_t* set) noexcept {
  if (too_many_cpus) {  // the set is too small for them
    errno = EINVAL;
    return -1;
  }
  return syscall(SYS_sched_getaffinity, pid, size, set) < 0 ? -1 : 0;
}

namespace crochet {
namespace {

int affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  EXPECT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
  return CPU_COUNT(&set);
}

class Cpus : public testing::Test {
 protected:
  void SetUp() override {
    root_ = std::filesystem::temp_directory_path() / ("crochet-cpus-" + std::to_string(getpid()));
    std::filesystem::remove_all(root_);
    write("proc/self/cgroup", "0::/a/b\n");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void write(const std::string& name, const std::string& text) {
    const auto path = root_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  // With as many CPUs as there are, or less: the quota.
  int usable() { return usable_cpus(root_.c_str()); }
  int at_most(int quota) { return std::min(affinity(), quota); }

  std::filesystem::path root_;
};

TEST_F(Cpus, AreThoseOfTheAffinityWithoutGroups) {
  std::filesystem::remove_all(root_);
  EXPECT_EQ(usable(), affinity());
}

TEST_F(Cpus, AreThoseOfTheAffinityWithoutAQuota) {
  write("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  EXPECT_EQ(usable(), affinity());
}

TEST_F(Cpus, AreTheQuotaRoundedDown) {
  write("sys/fs/cgroup/a/b/cpu.max", "199999 100000\n");
  EXPECT_EQ(usable(), 1);
  write("sys/fs/cgroup/a/b/cpu.max", "200000 100000\n");
  EXPECT_EQ(usable(), at_most(2));
  write("sys/fs/cgroup/a/b/cpu.max", "50000 100000\n");
  EXPECT_EQ(usable(), 1) << "at least one";
}

TEST_F(Cpus, AreTheLeastOfAllGroupsAbove) {
  write("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  write("sys/fs/cgroup/a/cpu.max", "100000 100000\n");
  EXPECT_EQ(usable(), 1);
  write("sys/fs/cgroup/a/cpu.max", "max 100000\n");
  write("sys/fs/cgroup/cpu.max", "100000 100000\n");  // as a container sees its own
  EXPECT_EQ(usable(), 1);
}

TEST_F(Cpus, AreTheQuotaOfVersionOneOfGroups) {
  write("proc/self/cgroup", "12:pids:/x\n4:cpuset:/no\n3:cpu,cpuacct:/c\n1:name=systemd:/\n");
  write("sys/fs/cgroup/cpu/c/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/cpu/c/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(usable(), affinity());
  write("sys/fs/cgroup/cpu/c/cpu.cfs_quota_us", "150000\n");
  EXPECT_EQ(usable(), 1);
  write("sys/fs/cgroup/cpu/no/cpu.cfs_quota_us", "100000\n");
}

TEST_F(Cpus, AreTheQuotaWhereverTheGroupsOfVersionOneNameThem) {
  write("proc/self/cgroup", "3:cpuacct,cpu:/c\n");
  write("sys/fs/cgroup/cpu/c/cpu.cfs_quota_us", "100000\n");
  EXPECT_EQ(usable(), affinity()) << "without a period";
  write("sys/fs/cgroup/cpu/c/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(usable(), 1);
  write("proc/self/cgroup", "3:cpuacct,cpuset:/c\n");
  EXPECT_EQ(usable(), affinity()) << "not of these";
}

TEST_F(Cpus, AreNotReadFromWhatMakesNoSense) {
  for (const char* text : {"", "\n", "max", "x y\n", "-5 100000\n", "100000 0\n", "100000\n"}) {
    write("sys/fs/cgroup/a/b/cpu.max", text);
    EXPECT_EQ(usable(), affinity()) << text;
  }
  for (const char* text : {"", "0\n", "0:\n", "::::\n", "garbage", "0::"}) {
    write("proc/self/cgroup", text);
    EXPECT_EQ(usable(), affinity()) << text;
  }
  write("proc/self/cgroup", "0::/" + std::string(5000, 'a'));
  EXPECT_EQ(usable(), affinity());
}

TEST_F(Cpus, AreNotReadFromPathsThatAreTooLong) {
  EXPECT_EQ(usable_cpus(std::string(PATH_MAX, 'x').c_str()), affinity());
  // Room for the group, and none for a file of it.
  const std::size_t used = (root_ / "sys/fs/cgroup/").native().size();
  write("proc/self/cgroup", "0::/" + std::string(PATH_MAX - 4 - used, 'a'));
  EXPECT_EQ(usable(), affinity());
}

TEST_F(Cpus, AreNotReadWhereOnlyTheMountHasATooLongPath) {
  constexpr std::size_t kFits = PATH_MAX - sizeof "/proc/self/cgroup";  // and what is one longer does not
  const auto top = root_;
  std::string root = root_.native();
  while (root.size() + 200 < kFits) root += "/" + std::string(99, 'd');
  root += "/" + std::string(kFits - root.size() - 1, 'd');
  root_ = root;
  write("proc/self/cgroup", "3:cpu:/\n");
  EXPECT_TRUE(std::ifstream(root_ / "proc/self/cgroup").good());
  EXPECT_EQ(usable(), affinity());
  root_ = top;
}

TEST_F(Cpus, AreTheQuotaWhereThereAreMoreThanASetHasRoomFor) {
  write("sys/fs/cgroup/a/b/cpu.max", "200000 100000\n");
  too_many_cpus = true;
  EXPECT_EQ(usable(), 2);
  std::filesystem::remove_all(root_);
  EXPECT_EQ(usable(), INT_MAX);
  too_many_cpus = false;
}

TEST_F(Cpus, AreOneForAThreadThatMayUseOne) {
  std::thread pinned([this] {
    cpu_set_t all, one;
    CPU_ZERO(&all);
    CPU_ZERO(&one);
    ASSERT_EQ(sched_getaffinity(0, sizeof all, &all), 0);
    std::size_t cpu = 0;
    while (!CPU_ISSET(cpu, &all)) ++cpu;
    CPU_SET(cpu, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    EXPECT_EQ(usable(), 1);
  });
  pinned.join();
}

TEST(CpusOfThisSystem, AreOneAtLeast) { EXPECT_GE(usable_cpus(), 1); }

}  // namespace
}  // namespace crochet
