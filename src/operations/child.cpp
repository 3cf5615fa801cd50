// SPDX-License-Identifier: MIT
// By posix_spawn() rather than uv_spawn(): see docs/design, "a child's end is a descriptor". What libuv starts it waits
// for itself, on SIGCHLD; what it has not started it leaves alone.
#include "operations/child.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <uv.h>

#include <cerrno>
#include <csignal>

namespace crochet {
namespace {

// What is in system headers of later years only.
constexpr int kByDescriptor = 3;  // P_PIDFD
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

// The first error of many steps, positive; later steps are left out.
class Steps {
 public:
  void then(int error) {
    if (error_ == 0) error_ = error;
  }
  int error() const { return error_; }

 private:
  int error_ = 0;
};

class Actions {
 public:
  Actions() { steps_.then(posix_spawn_file_actions_init(&actions_)); }
  ~Actions() { posix_spawn_file_actions_destroy(&actions_); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;

  void change_directory(int directory) { steps_.then(posix_spawn_file_actions_addfchdir_np(&actions_, directory)); }
  void duplicate(int from, int to) { steps_.then(posix_spawn_file_actions_adddup2(&actions_, from, to)); }
  void close_from([[maybe_unused]] int first) {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
    steps_.then(posix_spawn_file_actions_addclosefrom_np(&actions_, first));
#endif
  }
  int error() const { return steps_.error(); }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
  Steps steps_;
};

// No signal is blocked or ignored, whatever the thread and the host have.
class Attributes {
 public:
  Attributes() {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    steps_.then(posix_spawnattr_init(&attributes_));
    steps_.then(posix_spawnattr_setsigmask(&attributes_, &none));
    steps_.then(posix_spawnattr_setsigdefault(&attributes_, &all));
    steps_.then(posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  }
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;

  int error() const { return steps_.error(); }
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
  Steps steps_;
};

bool may_lie_elsewhere(int error) {
  return error == ENOENT || error == ENOTDIR || error == EACCES || error == ENODEV || error == ESTALE ||
         error == ETIMEDOUT;
}

}  // namespace

int Child::start(Launch& launch, int output, int errors, const char** out_what) {
  const crochet_command& command = launch.command;
  Descriptor directory;
  *out_what = "the working directory";
  if (command.directory) {
    directory = Descriptor(open(command.directory->c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory) return uv_translate_sys_error(errno);
  }
  *out_what = "/dev/null";
  Descriptor nothing;
  if (!launch.input) {
    nothing = Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!nothing) return uv_translate_sys_error(errno);
  }
  *out_what = command.file.c_str();
  Actions actions;
  if (directory) actions.change_directory(directory.get());
  actions.duplicate(launch.input ? launch.input.get() : nothing.get(), STDIN_FILENO);
  actions.duplicate(output, STDOUT_FILENO);
  actions.duplicate(errors, STDERR_FILENO);
  actions.close_from(STDERR_FILENO + 1);
  const Attributes attributes;
  Steps steps;
  steps.then(actions.error());
  steps.then(attributes.error());
  if (steps.error() == 0) {
    steps.then(spawn(launch, directory ? directory.get() : AT_FDCWD, actions.get(), attributes.get()));
  }
  // libuv has no name for ENOEXEC.
  if (steps.error() != 0) return steps.error() == ENOEXEC ? UV_EFTYPE : uv_translate_sys_error(steps.error());
  // Its number is its own until it is reaped: by us, unless the host waits for any child.
  descriptor_ = Descriptor(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  return 0;
}

// What posix_spawnp() does, by the PATH of when it was run: getenv() is not for the loop's thread. As there, EACCES
// says more than that it is not in the last place.
int Child::spawn(Launch& launch, int directory, const posix_spawn_file_actions_t* actions,
                 const posix_spawnattr_t* attributes) {
  int error = ENOENT;
  for (const std::string& program : launch.programs) {
    int here = faccessat(directory, program.c_str(), F_OK, 0) == 0 ? 0 : errno;  // a place without it costs no process
    if (here != ENOENT) {
      here =
          posix_spawn(&pid_, program.c_str(), actions, attributes, launch.arguments.data(), launch.environment.data());
    }
    if (here == 0 || !may_lie_elsewhere(here)) return here;
    if (error != EACCES) error = here;
  }
  return error;
}

void Child::signal(int number) const {
  if (descriptor_) {
    if (syscall(SYS_pidfd_send_signal, descriptor_.get(), number, nullptr, 0) == 0) return;
    // ESRCH: the host has reaped it, and its number may be a stranger's. Only a system or a sandbox without this call
    // leaves the number.
    if (errno != ENOSYS && errno != EPERM) return;
  }
  kill(pid_, number);
}

// 1: it has ended. 0: not yet. -1: there are no such ids.
int Child::reap(int id_type, unsigned id, Exit* out_exit) const {
  siginfo_t info{};
  if (waitid(static_cast<idtype_t>(id_type), id, &info, WEXITED | WNOHANG) != 0) {
    // ECHILD: somebody else was quicker, and knows how it ended.
    if (errno == ECHILD) *out_exit = {};
    return errno == ECHILD ? 1 : errno == EINVAL ? -1 : 0;
  }
  if (info.si_pid == 0) return 0;
  const bool by_itself = info.si_code == CLD_EXITED;
  *out_exit = {by_itself ? info.si_status : -1, by_itself ? 0 : info.si_status};
  return 1;
}

bool Child::reap(Exit* out_exit) const {
  int ended = descriptor_ ? reap(kByDescriptor, static_cast<unsigned>(descriptor_.get()), out_exit) : -1;
  if (ended < 0) ended = reap(P_PID, static_cast<unsigned>(pid_), out_exit);
  return ended == 1;
}

}  // namespace crochet
