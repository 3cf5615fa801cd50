// SPDX-License-Identifier: MIT
// A network of the test's own: a loopback interface and nothing else, where the C library's resolver asks 127.0.0.1
// only. In namespaces of Linux: as root, or where users may make namespaces.
#pragma once

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

namespace contract {

class OwnNetwork {
 public:
  // Moves this process into it; before it has a second thread. "": it is there; otherwise why not.
  static std::string enter() {
    const uid_t user = geteuid();
    const gid_t group = getegid();
    if (unshare(CLONE_NEWNS | CLONE_NEWNET) != 0) {
      // Not root: then as the root of a namespace of users.
      if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) != 0) return failure("unshare");
      write_file("/proc/self/setgroups", "deny");
      write_file("/proc/self/uid_map", "0 " + std::to_string(user) + " 1");
      write_file("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
    }
    if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return failure("mount --make-rprivate");
    if (!bring_loopback_up()) return failure("bringing lo up");
    std::string problem = replace("/etc/resolv.conf", resolver_patience(kPatient));
    if (problem.empty()) problem = replace("/etc/nsswitch.conf", "hosts: files dns\nservices: files\n");
    if (problem.empty()) problem = replace("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n");
    return problem;
  }

  // Who waits in vain waits no longer than that, while one of these is there. The resolver looks at its file each time.
  class Impatience {
   public:
    Impatience() { write_file("/etc/resolv.conf", resolver_patience(kImpatient)); }
    Impatience(const Impatience&) = delete;
    Impatience& operator=(const Impatience&) = delete;
    ~Impatience() { write_file("/etc/resolv.conf", resolver_patience(kPatient)); }
  };

 private:
  // Seconds: a server that gets no time for a while answers all the same.
  static constexpr int kPatient = 9;
  static constexpr int kImpatient = 1;
  // One try.
  static std::string resolver_patience(int seconds) {
    return "nameserver 127.0.0.1\noptions timeout:" + std::to_string(seconds) + " attempts:1\n";
  }
  static std::string failure(const std::string& what) { return what + ": " + std::strerror(errno); }

  static void write_file(const char* path, const std::string& text) {
    const int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return;
    [[maybe_unused]] const ssize_t written = write(file, text.data(), text.size());
    close(file);
  }

  static bool bring_loopback_up() {
    const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP;
    const bool is_up = ioctl(any, SIOCSIFFLAGS, &request) == 0;
    close(any);
    return is_up;
  }

  // For this process alone.
  static std::string replace(const char* path, const std::string& text) {
    char own[] = "/tmp/crochet-XXXXXX";
    const int file = mkstemp(own);
    if (file < 0) return failure(own);
    const bool is_whole = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    close(file);
    const bool is_there = is_whole && mount(own, path, nullptr, MS_BIND, nullptr) == 0;
    const std::string problem = is_there ? "" : failure(std::string("mount over ") + path);
    unlink(own);
    return problem;
  }
};

}  // namespace contract
