// SPDX-License-Identifier: MIT
//
// crochet_operations.hpp: the ready-made operations of crochet.h for C++17: names and addresses, child processes. Headers
// only, over the C ABI only.
//
//   for (const crochet::address& found : crochet::getaddrinfo("localhost", "80").wait()) std::cout << found.text << '\n';
//   std::cout << crochet::command("ls").argument("-l").run().wait().output();
//
// As in crochet.hpp, "see" names the functions of crochet.h that do the work. What can't be accepted throws an `error`; what
// fails later is the failure of the result: a failed_error with libuv's code. Values are cheap to copy, and read-only.
//
// A result here is that of a second call, which runs when C's has settled. It ends earlier in two cases: a stop settles it
// at once, while a child goes on through the grace; and join() on a look-up cancelled while it ran does not wait for the
// resolver.
#ifndef CROCHET_OPERATIONS_HPP
#define CROCHET_OPERATIONS_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crochet.hpp"

namespace crochet {
inline namespace v0_1 {

namespace detail {
using command_ref = owner<crochet_command, nullptr, crochet_command_free>;
inline const char* text_or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }
template <class T> eventual_result<T> opened(crochet_loop* loop, int status, crochet_result* taken_over);
}  // namespace detail

// ---- Names and addresses --------------------------------------------------------------------------------------------

/// One of addresses; lent as long as one copy of those is there.
struct address {
  std::string_view text;  // "127.0.0.1", "::1"
  int port;
  int family, socktype, protocol;  // the system's numbers
  const void* sockaddr;            // as bind() and connect() take it
  std::size_t sockaddr_length;
};

/// What getaddrinfo() found, in its order. See crochet_addresses_...().
class addresses {
 public:
  explicit addresses(std::shared_ptr<const crochet_addresses> value) : value_(std::move(value)) {}
  std::size_t size() const noexcept { return crochet_addresses_count(value_.get()); }
  /// Behind the last: all empty.
  address operator[](std::size_t index) const {
    const crochet_addresses* all = value_.get();
    std::size_t length = 0;
    const void* sockaddr = crochet_addresses_sockaddr(all, index, &length);
    return {crochet_addresses_text(all, index),     crochet_addresses_port(all, index),
            crochet_addresses_family(all, index),   crochet_addresses_socktype(all, index),
            crochet_addresses_protocol(all, index), sockaddr, length};
  }
  std::string_view canonical_name() const noexcept { return crochet_addresses_canonical_name(value_.get()); }

  class iterator {  // for range-for
   public:
    iterator(std::shared_ptr<const crochet_addresses> all, std::size_t at) : all_(std::move(all)), at_(at) {}
    address operator*() const { return addresses(all_)[at_]; }
    iterator& operator++() { return ++at_, *this; }
    bool operator!=(const iterator& other) const noexcept { return at_ != other.at_; }

   private:
    std::shared_ptr<const crochet_addresses> all_;
    std::size_t at_;
  };
  iterator begin() const { return {value_, 0}; }
  iterator end() const { return {value_, size()}; }

 private:
  std::shared_ptr<const crochet_addresses> value_;
};

/// The system's numbers, as ::getaddrinfo() takes them; 0: any, none.
struct lookup_hints {
  int family = 0;
  int socktype = 0;
  int protocol = 0;
  int flags = 0;
};

/// An empty node is this machine, an empty service port 0. See crochet_getaddrinfo().
inline eventual_result<addresses> getaddrinfo(const std::string& node, const std::string& service = {},
                                              const lookup_hints& hints = {});
inline eventual_result<addresses> getaddrinfo(const loop& on, const std::string& node, const std::string& service = {},
                                              const lookup_hints& hints = {});

/// What getnameinfo() found. See crochet_name_info_...().
class name_info {
 public:
  explicit name_info(std::shared_ptr<const crochet_name_info> value) : value_(std::move(value)) {}
  std::string_view host() const noexcept { return crochet_name_info_host(value_.get()); }
  std::string_view service() const noexcept { return crochet_name_info_service(value_.get()); }

 private:
  std::shared_ptr<const crochet_name_info> value_;
};

/// Of an address as text, or of one that getaddrinfo() found. See crochet_getnameinfo_text(), crochet_getnameinfo().
inline eventual_result<name_info> getnameinfo(const std::string& text, int port, int flags = 0);
inline eventual_result<name_info> getnameinfo(const loop& on, const std::string& text, int port, int flags = 0);
inline eventual_result<name_info> getnameinfo(const address& whose, int flags = 0);
inline eventual_result<name_info> getnameinfo(const loop& on, const address& whose, int flags = 0);

// ---- Child processes ------------------------------------------------------------------------------------------------

/// How a child process ended, and what it wrote. See crochet_process_exit_...().
class process_exit {
 public:
  explicit process_exit(std::shared_ptr<const crochet_process_exit> value) : value_(std::move(value)) {}
  bool success() const noexcept { return status() == 0; }
  int status() const noexcept { return crochet_process_exit_status(value_.get()); }
  int signal() const noexcept { return crochet_process_exit_signal(value_.get()); }
  std::int64_t pid() const noexcept { return crochet_process_exit_pid(value_.get()); }
  std::string_view output() const noexcept { return text(crochet_process_exit_stdout); }
  std::string_view errors() const noexcept { return text(crochet_process_exit_stderr); }
  bool output_truncated() const noexcept { return crochet_process_exit_stdout_truncated(value_.get()) != 0; }
  bool errors_truncated() const noexcept { return crochet_process_exit_stderr_truncated(value_.get()) != 0; }

 private:
  std::string_view text(const char* (*get)(const crochet_process_exit*, std::size_t*)) const noexcept {
    std::size_t length = 0;
    const char* bytes = get(value_.get(), &length);
    return {bytes, length};
  }
  std::shared_ptr<const crochet_process_exit> value_;
};

/// What to run, and how; may be run any number of times. Move-only. See crochet_command_new() and the setters there.
class command {
 public:
  explicit command(const std::string& file) { detail::check(crochet_command_new(file.c_str(), ref_.out())); }
  command(command&&) = default;
  command& operator=(command&&) = default;
  crochet_command* handle() const noexcept { return ref_.get(); }

  command& argument(const std::string& text) & { return set(crochet_command_add_argument(handle(), text.c_str())); }
  command& arguments(const std::vector<std::string>& all) & {
    return set(crochet_command_set_arguments(handle(), pointers(all).data()));
  }
  command& environment(const std::vector<std::string>& all) & {
    return set(crochet_command_set_environment(handle(), pointers(all).data()));
  }
  command& directory(const std::string& path) & { return set(crochet_command_set_directory(handle(), path.c_str())); }
  command& input(std::string_view bytes) & {
    return set(crochet_command_set_input(handle(), bytes.empty() ? "" : bytes.data(), bytes.size()));
  }
  command& output_limit(std::size_t bytes) & { return set(crochet_command_set_output_limit(handle(), bytes)); }
  command& kill_after(timeout time) & { return set(crochet_command_set_kill_after(handle(), time.ns())); }
  command& linger(timeout time) & { return set(crochet_command_set_linger(handle(), time.ns())); }

  // The same in a row, on one that has no name yet.
  command&& argument(const std::string& text) && { return std::move(argument(text)); }
  command&& arguments(const std::vector<std::string>& all) && { return std::move(arguments(all)); }
  command&& environment(const std::vector<std::string>& all) && { return std::move(environment(all)); }
  command&& directory(const std::string& path) && { return std::move(directory(path)); }
  command&& input(std::string_view bytes) && { return std::move(input(bytes)); }
  command&& output_limit(std::size_t bytes) && { return std::move(output_limit(bytes)); }
  command&& kill_after(timeout time) && { return std::move(kill_after(time)); }
  command&& linger(timeout time) && { return std::move(linger(time)); }

  /// Cancelling the result ends the child. See crochet_command_run().
  eventual_result<process_exit> run() const { return run_on(nullptr); }
  eventual_result<process_exit> run(const loop& on) const { return run_on(on.handle()); }

 private:
  command& set(int status) { return detail::check(status), *this; }
  static std::vector<const char*> pointers(const std::vector<std::string>& strings) {
    std::vector<const char*> all;
    for (const std::string& string : strings) all.push_back(string.c_str());
    all.push_back(nullptr);
    return all;
  }
  eventual_result<process_exit> run_on(crochet_loop* on) const {
    crochet_result* result = nullptr;
    const int status = crochet_command_run(handle(), on, &result);
    return detail::opened<process_exit>(on, status, result);
  }
  detail::command_ref ref_;
};

// ==== Below: how it is done ==========================================================================================

namespace detail {
template <class T> struct c_value;
template <> struct c_value<addresses> { using type = crochet_addresses; };
template <> struct c_value<name_info> { using type = crochet_name_info; };
template <> struct c_value<process_exit> { using type = crochet_process_exit; };

// The body of an after-call of `inner`, whose value is one of C's: settles `outer` with one of C++'s.
template <class T>
struct wrapping {
  deferred_ref outer;
  result_ref inner;
  void operator()() {
    detail::settle(outer.get(), [this]() -> int {
      void* value = nullptr;
      crochet_drop_fn* drop = nullptr;
      if (crochet_result_take(inner.get(), &value, &drop) != CROCHET_OK)
        return detail::pass_on(outer.get(), inner.get()), CROCHET_OK;
      using c_type = typename c_value<T>::type;
      std::shared_ptr<const c_type> taken(static_cast<c_type*>(value), [drop](c_type* it) { drop(it); });
      return detail::resolve<T>(outer.get(), nullptr, [&] { return T(std::move(taken)); });
    });
  }
  ~wrapping() { crochet_reject(outer.get(), CROCHET_ESTOPPED, nullptr); }  // if it never started
};

// A second call, so that T is its value's type. Cancelling it cancels the first, and it is settled when that one is.
template <class T>
eventual_result<T> opened(crochet_loop* loop, int status, crochet_result* taken_over) {
  check(status);
  const result_ref inner(taken_over);
  try {
    deferred_ref outer;
    crochet_result* result = nullptr;
    check(crochet_deferred_new(loop, nullptr, nullptr, outer.out(), &result));
    eventual_result<T> wrapped(result);
    detail::cancel_through(outer.get(), inner.get());
    detail::submit<wrapping<T>>(loop, {inner.get()}, outer, inner);
    return wrapped;
  } catch (...) {
    crochet_result_cancel(inner.get(), nullptr);
    throw;
  }
}

inline eventual_result<addresses> getaddrinfo(crochet_loop* on, const std::string& node, const std::string& service,
                                              const lookup_hints& hints) {
  crochet_result* result = nullptr;
  const int status = crochet_getaddrinfo(on, text_or_null(node), text_or_null(service), hints.family, hints.socktype,
                                         hints.protocol, hints.flags, &result);
  return opened<addresses>(on, status, result);
}
inline eventual_result<name_info> getnameinfo(crochet_loop* on, const std::string& text, int port, int flags) {
  crochet_result* result = nullptr;
  const int status = crochet_getnameinfo_text(on, text.c_str(), port, flags, &result);
  return opened<name_info>(on, status, result);
}
inline eventual_result<name_info> getnameinfo(crochet_loop* on, const address& whose, int flags) {
  crochet_result* result = nullptr;
  const int status = crochet_getnameinfo(on, whose.sockaddr, whose.sockaddr_length, flags, &result);
  return opened<name_info>(on, status, result);
}
}  // namespace detail

inline eventual_result<addresses> getaddrinfo(const std::string& node, const std::string& service,
                                              const lookup_hints& hints) {
  return detail::getaddrinfo(nullptr, node, service, hints);
}
inline eventual_result<addresses> getaddrinfo(const loop& on, const std::string& node, const std::string& service,
                                              const lookup_hints& hints) {
  return detail::getaddrinfo(on.handle(), node, service, hints);
}
inline eventual_result<name_info> getnameinfo(const std::string& text, int port, int flags) {
  return detail::getnameinfo(nullptr, text, port, flags);
}
inline eventual_result<name_info> getnameinfo(const loop& on, const std::string& text, int port, int flags) {
  return detail::getnameinfo(on.handle(), text, port, flags);
}
inline eventual_result<name_info> getnameinfo(const address& whose, int flags) {
  return detail::getnameinfo(nullptr, whose, flags);
}
inline eventual_result<name_info> getnameinfo(const loop& on, const address& whose, int flags) {
  return detail::getnameinfo(on.handle(), whose, flags);
}

}  // namespace v0_1
}  // namespace crochet

#endif  // CROCHET_OPERATIONS_HPP
