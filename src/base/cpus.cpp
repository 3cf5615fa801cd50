// SPDX-License-Identifier: MIT
// Control groups: /proc/self/cgroup has a line "0::PATH" for version 2, and "N:LIST:PATH" with "cpu" in LIST for
// version 1. The quota of a group, and of each above it, stands in cpu.max as "QUOTA PERIOD" or "max PERIOD"; for
// version 1 in cpu.cfs_quota_us, -1 being none, and cpu.cfs_period_us.
#include "base/cpus.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace crochet {
namespace {

constexpr int kNoQuota = INT_MAX;

// False: it can't be read. What does not fit is left out.
bool read_file(const char* path, char* text, std::size_t size) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  std::size_t length = 0;
  while (length < size - 1) {
    const ssize_t got = ::read(file, text + length, size - 1 - length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    length += static_cast<std::size_t>(got);
  }
  text[length] = '\0';
  close(file);
  return true;
}

// False: it is too long to be one.
bool join(char (&path)[PATH_MAX], const char* a, const char* b, const char* c = "") {
  const int length = std::snprintf(path, sizeof path, "%s%s%s", a, b, c);
  return length >= 0 && static_cast<std::size_t>(length) < sizeof path;
}

int whole_cpus(long long quota, long long period) {
  if (quota <= 0 || period <= 0) return kNoQuota;
  return static_cast<int>(std::clamp<long long>(quota / period, 1, kNoQuota));
}

bool read_number(const char* folder, const char* name, long long* out) {
  char path[PATH_MAX];
  char text[64];
  if (!join(path, folder, name) || !read_file(path, text, sizeof text)) return false;
  char* end = text;
  *out = std::strtoll(text, &end, 10);
  return end != text;
}

int quota_of_group(const char* folder) {
  char path[PATH_MAX];
  char text[64];
  long long quota = 0;
  long long period = 0;
  if (join(path, folder, "/cpu.max") && read_file(path, text, sizeof text)) {
    char* end = text;
    quota = std::strtoll(text, &end, 10);  // "max" is no number: 0
    return whole_cpus(quota, std::strtoll(end, nullptr, 10));
  }
  if (!read_number(folder, "/cpu.cfs_quota_us", &quota) || !read_number(folder, "/cpu.cfs_period_us", &period)) {
    return kNoQuota;
  }
  return whole_cpus(quota, period);
}

// `group`: a path from the mount on; its parents count as well.
int quota_of_groups(const char* mount, char* group) {
  int least = kNoQuota;
  for (;;) {
    char folder[PATH_MAX];
    if (join(folder, mount, group)) least = std::min(least, quota_of_group(folder));
    char* last = std::strrchr(group, '/');
    if (last == nullptr) return least;
    *last = '\0';
  }
}

bool has_cpu(const char* list) {
  for (const char* at = list; at != nullptr; at = std::strchr(at, ',')) {
    if (*at == ',') ++at;
    if (std::strncmp(at, "cpu", 3) == 0 && (at[3] == '\0' || at[3] == ',')) return true;
  }
  return false;
}

int quota(const char* root) {
  char path[PATH_MAX];
  char groups[4096];
  if (!join(path, root, "/proc/self/cgroup") || !read_file(path, groups, sizeof groups)) return kNoQuota;
  int least = kNoQuota;
  char* rest = nullptr;
  for (char* line = strtok_r(groups, "\n", &rest); line != nullptr; line = strtok_r(nullptr, "\n", &rest)) {
    char* list = std::strchr(line, ':');
    char* group = list == nullptr ? nullptr : std::strchr(list + 1, ':');
    if (group == nullptr) continue;
    *group++ = '\0';
    ++list;
    const bool is_version_2 = *list == '\0';
    if (!is_version_2 && !has_cpu(list)) continue;
    char mount[PATH_MAX];
    if (!join(mount, root, "/sys/fs/cgroup", is_version_2 ? "" : "/cpu")) continue;
    least = std::min(least, quota_of_groups(mount, group));
  }
  return least;
}

}  // namespace

int usable_cpus(const char* root) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  // More CPUs than the set has room for: more than enough.
  const int count = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : kNoQuota;
  return std::min(std::max(count, 1), quota(root));
}

}  // namespace crochet
