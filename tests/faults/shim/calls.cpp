// SPDX-License-Identifier: MIT
#include "calls.hpp"

#include <fcntl.h>
#include <linux/futex.h>
#include <netdb.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>

namespace shim {
namespace {

constexpr Class kMemory = Class::kMemory;
constexpr Class kThreads = Class::kThreads;
constexpr Class kLibuv = Class::kLibuv;
constexpr Class kSystem = Class::kSystem;
constexpr Class kTransient = Class::kTransient;

constexpr int kPidfdOpen = 434;
constexpr int kPidfdSendSignal = 424;

bool waits(Arguments& a) { return a[0] == SYS_futex && (a[2] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET; }
bool opens_process(Arguments& a) { return a[0] == kPidfdOpen; }
bool signals_process(Arguments& a) { return a[0] == kPidfdSendSignal; }
bool duplicates(Arguments& a) { return static_cast<int>(a[1]) == F_DUPFD_CLOEXEC; }
bool adds(Arguments& a) { return static_cast<int>(a[1]) == EPOLL_CTL_ADD; }
bool has_name(Arguments& a) { return a[0] != 0; }

// A pipe or an eventfd of one's own is never damaged; a file may be.
bool is_file(Arguments& a) {
  struct stat found {};
  return fstat(static_cast<int>(a[0]), &found) == 0 && S_ISREG(found.st_mode);
}

}  // namespace

const Call kCalls[] = {
    {"malloc", kMemory, Says::kNull, ENOMEM},
    {"calloc", kMemory, Says::kNull, ENOMEM},
    {"realloc", kMemory, Says::kNull, ENOMEM},
    {"aligned_alloc", kMemory, Says::kNull, ENOMEM},
    {"posix_memalign", kMemory, Says::kCode, ENOMEM},
    {"mmap64", kMemory, Says::kMinusOne, ENOMEM},
    {"_Znwm", kMemory, Says::kThrows, 0},
    {"_Znam", kMemory, Says::kThrows, 0},
    {"_ZnwmSt11align_val_t", kMemory, Says::kThrows, 0},
    {"_ZnwmRKSt9nothrow_t", kMemory, Says::kNull, 0},
    {"_ZnamRKSt9nothrow_t", kMemory, Says::kNull, 0},
    {"_ZnwmSt11align_val_tRKSt9nothrow_t", kMemory, Says::kNull, 0},
    {"_ZNSt13runtime_errorC1EPKc", kMemory, Says::kThrows, 0},
    {"_ZNSt13runtime_errorC2EPKc", kMemory, Says::kThrows, 0},
    {"_ZNSt13runtime_errorC1ERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE", kMemory, Says::kThrows, 0},
    {"_ZNSt13runtime_errorC2ERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE", kMemory, Says::kThrows, 0},
    {"__cxa_demangle", kMemory, Says::kNull, 0},
    {"__cxa_atexit", kMemory, Says::kMinusOne, 0},
    {"__register_atfork", kMemory, Says::kCode, ENOMEM, nullptr, "pthread_atfork"},
    {"fdopen", kMemory, Says::kNull, ENOMEM},
    {"posix_spawn_file_actions_addclosefrom_np", kMemory, Says::kCode, ENOMEM},
    {"posix_spawn_file_actions_adddup2", kMemory, Says::kCode, ENOMEM},
    {"posix_spawn_file_actions_addfchdir_np", kMemory, Says::kCode, ENOMEM},

    {"pthread_attr_init", kThreads, Says::kCode, ENOMEM},
    {"pthread_attr_setstacksize", kThreads, Says::kCode, EINVAL},
    {"pthread_create", kThreads, Says::kCode, EAGAIN},
    {"pthread_key_create", kThreads, Says::kCode, EAGAIN},
    {"pthread_setname_np", kThreads, Says::kCode, ENOENT},  // without /proc
    {"pthread_setspecific", kThreads, Says::kCode, ENOMEM},
    {"pthread_tryjoin_np", kTransient, Says::kCode, EBUSY},

    {"uv_async_init", kLibuv, Says::kNegative, EMFILE},
    {"uv_cancel", kLibuv, Says::kNegative, EBUSY},
    {"uv_getaddrinfo", kLibuv, Says::kNegative, ENOMEM},
    {"uv_if_indextoiid", kLibuv, Says::kNegative, ENXIO},
    {"uv_loop_init", kLibuv, Says::kNegative, EMFILE},
    {"uv_loop_init", kMemory, Says::kNegative, ENOMEM},
    {"uv_poll_init", kLibuv, Says::kNegative, ENOMEM},

    {"close", kSystem, Says::kDoneAndMinusOne, EIO},
    {"dladdr", kSystem, Says::kNothing, 0},
    {"epoll_create1", kSystem, Says::kMinusOne, EMFILE},
    {"epoll_create1", kMemory, Says::kMinusOne, ENOMEM},
    {"epoll_ctl", kSystem, Says::kMinusOne, ENOSPC, adds},
    {"epoll_ctl", kMemory, Says::kMinusOne, ENOMEM, adds},
    {"epoll_pwait", kTransient, Says::kMinusOne, EINTR},
    {"epoll_wait", kTransient, Says::kMinusOne, EINTR},
    {"eventfd", kSystem, Says::kMinusOne, EMFILE},
    {"eventfd", kMemory, Says::kMinusOne, ENOMEM},
    {"faccessat", kSystem, Says::kMinusOne, EACCES},
    {"fclose", kSystem, Says::kDoneAndMinusOne, ENOSPC},
    {"fcntl64", kSystem, Says::kMinusOne, EMFILE, duplicates},
    {"fflush", kSystem, Says::kMinusOne, ENOSPC, has_name},
    {"fstat64", kSystem, Says::kMinusOne, ENOMEM},
    {"fwrite", kSystem, Says::kNothing, ENOSPC},
    {"getaddrinfo", kSystem, Says::kCode, EAI_MEMORY},
    {"getnameinfo", kSystem, Says::kCode, EAI_MEMORY},
    {"getrandom", kSystem, Says::kMinusOne, ENOSYS},
    {"getrandom", kTransient, Says::kMinusOne, EINTR},
    {"kill", kSystem, Says::kMinusOne, ESRCH},
    {"memfd_create", kSystem, Says::kMinusOne, EMFILE},
    {"memfd_create", kMemory, Says::kMinusOne, ENOMEM},
    {"mkdir", kSystem, Says::kMinusOne, ENOSPC},
    {"nanosleep", kTransient, Says::kMinusOne, EINTR},
    {"open64", kSystem, Says::kMinusOne, EMFILE},
    {"open64", kMemory, Says::kMinusOne, ENOMEM},
    {"pipe2", kSystem, Says::kMinusOne, EMFILE},
    {"posix_spawn", kSystem, Says::kCode, EAGAIN},
    {"posix_spawn", kMemory, Says::kCode, ENOMEM},
    {"pwrite64", kSystem, Says::kMinusOne, ENOSPC},
    {"pwrite64", kTransient, Says::kMinusOne, EINTR},
    {"read", kSystem, Says::kMinusOne, EIO, is_file},
    {"read", kTransient, Says::kMinusOne, EINTR},
    {"remove", kSystem, Says::kMinusOne, EACCES},
    {"rename", kSystem, Says::kMinusOne, EACCES},
    {"sched_getaffinity", kSystem, Says::kMinusOne, EINVAL},  // more CPUs than the set has room for
    {"setvbuf", kSystem, Says::kMinusOne, EBADF},
    {"sigtimedwait", kTransient, Says::kMinusOne, EAGAIN},
    {"stat64", kSystem, Says::kMinusOne, EACCES},
    {"syscall", kSystem, Says::kMinusOne, EMFILE, opens_process, "pidfd_open"},
    {"syscall", kSystem, Says::kMinusOne, EPERM, signals_process, "pidfd_send_signal"},
    {"syscall", kTransient, Says::kMinusOne, EINTR, waits, "futex"},
    {"vsnprintf", kSystem, Says::kMinusOne, EILSEQ},
    {"waitid", kSystem, Says::kMinusOne, ECHILD},  // the host was quicker
    {"write", kTransient, Says::kMinusOne, EINTR},
    {nullptr, kMemory, Says::kNull, 0},
};

namespace {
constexpr const char* kRuntime =
    "of the compiler's and the sanitizers' run-time libraries: nothing to fail, or it throws what it is told";
constexpr const char* kPure = "looks at memory only";
constexpr const char* kRight = "only for wrong arguments";
constexpr const char* kGives = "gives back what was had";
constexpr const char* kAnswers = "every answer is a right one";
}  // namespace

const NeverFails kNeverFails[] = {
    {"_ITM_*", kRuntime},
    {"_Unwind_*", kRuntime},
    {"_Z*", kRuntime},
    {"__asan_*", kRuntime},
    {"__cxa_*", kRuntime},
    {"__gcov_*", kRuntime},
    {"__gmon_start__", kRuntime},
    {"__gxx_personality_v0", kRuntime},
    {"__lsan_*", kRuntime},
    {"__sanitizer_*", kRuntime},
    {"__sched_cpucount", kPure},
    {"__stack_chk_fail", kRuntime},
    {"__tls_get_addr", kRuntime},
    {"__tsan_*", kRuntime},
    {"__ubsan_*", kRuntime},
    {"__udivti3", kPure},
    {"__umodti3", kPure},
    {"__environ", "data"},
    {"__errno_location", "data"},
    {"__libc_single_threaded", "data"},
    {"environ", "data"},
    {"stderr", "data"},
    {"ceil", kPure},
    {"mem*", kPure},
    {"str*", kPure},
    {"bcmp", kPure},
    {"snprintf", "formats numbers and plain strings, for which it needs no memory"},
    {"fprintf", "to stderr; nobody looks whether it was written"},
    {"__isoc99_sscanf", kPure},
    {"__isoc23_*", kPure},
    {"__*_chk", "as what it checks"},
    {"gmtime_r", "for times of this age of the world"},
    {"localtime_r", "for times of this age of the world"},
    {"ntohs", kPure},
    {"sigaddset", kPure},
    {"sigdelset", kPure},
    {"sigemptyset", kPure},
    {"sigfillset", kPure},
    {"sigismember", kPure},
    {"sigpending", kRight},
    {"clock_gettime", kRight},
    {"free", kGives},
    {"closelog", kGives},
    {"openlog", "has no result"},
    {"syslog", "has no result"},
    {"fileno", kRight},
    {"getenv", kAnswers},
    {"secure_getenv", kAnswers},
    {"getpid", kAnswers},
    {"gettid", kAnswers},
    {"isatty", kAnswers},
    {"getrlimit64", kRight},
    {"ioctl", "FIONREAD of a pipe of its own"},
    {"sysconf", kRight},
    {"posix_spawn_file_actions_init", kRight},
    {"posix_spawn_file_actions_destroy", kGives},
    {"posix_spawnattr_destroy", kGives},
    {"posix_spawnattr_init", kRight},
    {"posix_spawnattr_setflags", kRight},
    {"posix_spawnattr_setsigdefault", kRight},
    {"posix_spawnattr_setsigmask", kRight},
    {"pthread_attr_destroy", kGives},
    {"pthread_detach", kGives},
    {"pthread_exit", "does not return"},
    {"pthread_mutex_lock", kRight},
    {"pthread_mutex_unlock", kGives},
    {"pthread_once", kRight},
    {"pthread_self", kAnswers},
    {"pthread_setcancelstate", kRight},
    {"pthread_sigmask", kRight},
    {"uv_async_send", kRight},
    {"uv_backend_fd", kAnswers},
    {"uv_check_init", kRight},
    {"uv_check_start", kRight},
    {"uv_close", kGives},
    {"uv_freeaddrinfo", kGives},
    {"uv_getnameinfo", kRight},
    {"uv_handle_get_type", kPure},
    {"uv_handle_size", kPure},
    {"uv_handle_type_name", kPure},
    {"uv_idle_init", kRight},
    {"uv_idle_start", kRight},
    {"uv_idle_stop", kGives},
    {"uv_ip4_addr", kAnswers},
    {"uv_ip4_name", kRight},
    {"uv_ip6_addr", kAnswers},
    {"uv_ip6_name", kRight},
    {"uv_is_active", kPure},
    {"uv_is_closing", kPure},
    {"uv_loop_close", "once everything is closed"},
    {"uv_loop_size", kPure},
    {"uv_poll_start", kRight},
    {"uv_poll_stop", kGives},
    {"uv_prepare_init", kRight},
    {"uv_prepare_start", kRight},
    {"uv_ref", kPure},
    {"uv_run", "what fails in it is libuv's own"},
    {"uv_stop", kPure},
    {"uv_timer_init", kRight},
    {"uv_timer_start", kRight},
    {"uv_timer_stop", kGives},
    {"uv_translate_sys_error", kPure},
    {"uv_unref", kPure},
    {"uv_update_time", kRight},
    {"uv_version", kPure},
    {"uv_walk", kPure},
    {nullptr, nullptr},
};

}  // namespace shim
