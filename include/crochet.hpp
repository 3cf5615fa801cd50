// SPDX-License-Identifier: MIT
//
// crochet.hpp: crochet.h for C++17. Functions run on a libuv loop's thread; what they return or throw comes out of
// wait(), in any thread. Headers only, over the C ABI only: everything that must be atomic happens behind it.
//
//   crochet::setup();
//   auto download = crochet::run_in_loop([](std::string url) { return get_page(url); });  // it gives a deferred
//   auto result = download("http://localhost:8000/");     // an eventual_result<std::string>, at once
//   std::cout << result.wait();                           // the page, or throws what get_page threw
//   auto patient = crochet::wait_for(5s, get_page);       // blocks; after 5 s it cancels and throws timeout_error
//
// This is no second contract: "see" names the functions of crochet.h that do the work. What is added here:
//   - Arguments are decay-copied into the call, as by std::thread: pass std::ref(x) only if x outlives the call.
//   - Where C returns another code than CROCHET_OK, an `error` with that code is thrown; its class tells whether the
//     call is over (call_error) or only this wait (wait_error).
//   - What a destructor throws is logged when the library ends the object, and std::terminate() when this header does.
//   - An object is one thread's at a time; its const functions may be called by many.
#ifndef CROCHET_HPP
#define CROCHET_HPP

#include <cxxabi.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <iterator>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "crochet.h"

namespace crochet {
inline namespace v0_1 {
static_assert(CROCHET_VERSION_MAJOR == 0 && CROCHET_VERSION_MINOR == 1, "crochet.hpp and crochet.h are no pair");

template <class T> class eventual_result;
template <class T> class deferred;
enum class dump_format;
struct options;

// ---- Errors, outcomes, times ----------------------------------------------------------------------------------------

/// The library said no. The classes below say what that means; the code is one of crochet.h's or libuv's.
class CROCHET_API error : public std::runtime_error {
 public:
  explicit error(int code) : error(code, crochet_status_message(code)) {}
  error(int code, const std::string& text) : std::runtime_error(text), code_(code) {}
  int code() const noexcept { return code_; }

 private:
  int code_;
};

// clang-format off
/// This wait has ended, the call has not: wait again, or cancel.
struct CROCHET_API wait_error : error { using error::error; };
struct CROCHET_API timeout_error : wait_error { using wait_error::wait_error; };
struct CROCHET_API interrupted_error : wait_error { using wait_error::wait_error; };
struct CROCHET_API deadlock_error : wait_error { using wait_error::wait_error; };  // a loop's thread must not block

/// Final: this is how the call ended. A failure that was an exception is thrown itself instead, the same object; only
/// when that was a wait_error, it is a failed_error here: a function's time-out is never taken for the wait's.
struct CROCHET_API call_error : error { using error::error; };
struct CROCHET_API failed_error : call_error { using call_error::call_error; };
struct CROCHET_API expired_error : failed_error { using failed_error::failed_error; };  // not started by its deadline
struct CROCHET_API cancelled_error : call_error { using call_error::call_error; };
struct CROCHET_API broken_error : call_error { using call_error::call_error; };  // nobody was left to settle it
struct CROCHET_API loop_stopped : call_error { using call_error::call_error;
  bool never_started() const noexcept { return code() == CROCHET_ENOTRUN; }      // safe to repeat
};

/// What a cancel did: see CROCHET_CANCEL_...
enum class cancel_outcome {
  not_run = CROCHET_CANCEL_NOT_RUN, requested = CROCHET_CANCEL_REQUESTED, too_late = CROCHET_CANCEL_TOO_LATE };
/// What a stop did: see crochet_loop_stop().
enum class stop_outcome {
  ended = CROCHET_OK, in_progress = CROCHET_EINPROGRESS, handles_open = CROCHET_EBUSY, stuck = CROCHET_ETIMEDOUT };
// clang-format on

/// How long at most: any std::chrono duration, rounded up to nanoseconds. A negative one is 0, a huge one very long, a
/// NaN is std::invalid_argument. Default-made: for ever.
class timeout {
 public:
  timeout() = default;
  template <class R, class P>
  timeout(const std::chrono::duration<R, P>& time)
      : ns_(saturated(static_cast<long double>(time.count()) * P::num * 1e9L / P::den)) {}
  std::int64_t ns() const noexcept { return ns_; }

 private:
  static std::int64_t saturated(long double exact) {
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    if (exact != exact) throw std::invalid_argument("crochet: a time that is not a number");
    if (exact <= 0) return 0;
    if (exact >= static_cast<long double>(most)) return most;
    const auto whole = static_cast<std::int64_t>(exact);
    return static_cast<long double>(whole) < exact ? whole + 1 : whole;
  }
  std::int64_t ns_ = CROCHET_FOREVER;
};

// ---- Type numbers, for the stash ------------------------------------------------------------------------------------

namespace detail {
constexpr std::uint64_t hash(std::string_view text) {  // FNV-1a
  std::uint64_t h = 14695981039346656037U;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return h;
}
template <class T>
struct name_of {
  static constexpr auto text() {
    const std::string_view all = __PRETTY_FUNCTION__;
    const auto begin = all.find("T = ") + 4;
    return all.substr(begin, all.size() - begin - 1);
  }
  // By these signs a local or unnamed type shows. (clang spells a local class like one that is not.)
  static constexpr bool is_local() {
    for (const std::string_view sign : {"(anonymous", "{anonymous", "(unnamed", "<unnamed", "(lambda", "<lambda",
                                        ")::", ") const::"})
      if (text().find(sign) != std::string_view::npos) return true;
    return false;
  }
};
}  // namespace detail

/// The number under which values of T are stashed: a hash of the name that this compiler gives T. Specialise it for a
/// type that other compilers' code shall find: template <> inline constexpr std::uint64_t crochet::type_id<page> = 7;
template <class T>
inline constexpr std::uint64_t type_id = detail::hash(detail::name_of<T>::text());
#ifdef _LIBCPP_VERSION
template <> inline constexpr std::uint64_t type_id<std::exception_ptr> = detail::hash("exception_ptr of libc++");
#else
template <> inline constexpr std::uint64_t type_id<std::exception_ptr> = detail::hash("exception_ptr of libstdc++");
#endif

// ---- What the classes below are made of -----------------------------------------------------------------------------

namespace detail {
[[noreturn]] inline void refuse(int status) {
  switch (status) {
    case CROCHET_ETIMEDOUT: throw timeout_error(status);
    case CROCHET_EINTR: throw interrupted_error(status);
    case CROCHET_EDEADLK: throw deadlock_error(status);
    case CROCHET_ESTOPPED: throw loop_stopped(CROCHET_ENOTRUN);  // the loop did not even take the call
    default: throw error(status);
  }
}
inline void check(int status) {
  if (status != CROCHET_OK) refuse(status);
}
inline stop_outcome check_stopped(int status) {
  if (status != CROCHET_EINPROGRESS && status != CROCHET_EBUSY && status != CROCHET_ETIMEDOUT) check(status);
  return static_cast<stop_outcome>(status);
}

// Can a T be copied? A container says yes whatever it holds.
template <class T, class = void>
struct is_copyable : std::is_copy_constructible<T> {};
template <class T>
struct is_copyable<T, std::enable_if_t<!std::is_same_v<typename T::value_type, T>>>
    : std::conjunction<std::is_copy_constructible<T>, is_copyable<typename T::value_type>> {};

// One reference to a C handle; a copy is one more.
template <class Handle, Handle* (*Retain)(Handle*), void (*Release)(Handle*)>
class owner {
 public:
  owner() = default;
  explicit owner(Handle* taken_over) noexcept : handle_(taken_over) {}
  owner(const owner& other) : handle_(other ? Retain(other.handle_) : nullptr) {
    if (other && handle_ == nullptr) refuse(CROCHET_EINVAL);
  }
  owner(owner&& other) noexcept : handle_(other.leave()) {}
  owner& operator=(owner other) noexcept { return std::swap(handle_, other.handle_), *this; }
  ~owner() {
    if (handle_ != nullptr) Release(handle_);
  }
  explicit operator bool() const noexcept { return handle_ != nullptr; }
  Handle* get() const noexcept { return handle_; }
  Handle* leave() noexcept { return std::exchange(handle_, nullptr); }
  Handle** out() noexcept { return &handle_; }  // while it is empty

 private:
  Handle* handle_ = nullptr;
};
using loop_ref = owner<crochet_loop, crochet_loop_retain, crochet_loop_release>;
using result_ref = owner<crochet_result, crochet_result_retain, crochet_result_release>;
using deferred_ref = owner<crochet_deferred, crochet_deferred_retain, crochet_deferred_release>;
using call_ref = owner<crochet_call, nullptr, crochet_call_discard>;
using options_ref = owner<crochet_options, nullptr, crochet_options_free>;
using cork_ref = owner<crochet_cork, nullptr, crochet_cork_free>;

// What follows below, as far as the classes need to know it.
inline std::exception_ptr failure_of(crochet_result* result);
inline void check_value(int status, crochet_result* result);
inline bool is_failure(int status);
struct start {
  crochet_result* after = nullptr;
  bool at_stop = false;
  const char* label = nullptr;
  std::int64_t delay_ns = 0;
  std::int64_t deadline_ns = CROCHET_FOREVER;
  bool is_plain() const {
    return after == nullptr && !at_stop && label == nullptr && delay_ns == 0 && deadline_ns == CROCHET_FOREVER;
  }
};
inline int reject(crochet_deferred* deferred, std::exception_ptr exception);
template <class Body> int settle(crochet_deferred* deferred, Body&& body);
template <class T, class Make> int resolve(crochet_deferred* deferred, void* room, Make&& make);
template <class Body, class... X> auto submit(crochet_loop* loop, const start& how, X&&... x);
template <class F, class Range> auto submit_many(crochet_loop* loop, const F& f, Range&& range);
template <class Result, class F> Result every(crochet_loop* loop, timeout first, timeout period, F&& f);
template <class Result> Result sleep(crochet_loop* loop, timeout duration);
template <class Body, class... X> void gather(crochet_cork* cork, X&&... x);
template <class Seen, class T, class F> auto after(crochet_loop* loop, eventual_result<T> source, F&& f);
template <class T> int follow(crochet_deferred* outer, deferred<T> inner);
template <class T> int follow(crochet_deferred* outer, eventual_result<T> inner);
template <class T> constexpr void check_stashable();
template <class T> void end_on_heap(void* value);
template <class F, class... A> struct bound;
template <class T> struct beside;
template <class T> struct owned;
template <class R> struct lasting;  // crochet_coro.hpp has it
inline options_ref make(const options& from);
template <class Stream> void dump(crochet_loop* loop, Stream& out, dump_format format);
inline std::string dumped(crochet_loop* loop, dump_format format);

// The argument of a hand-made call, ended with its last deferred; until then one thread's at a time.
struct hand_made {
  result_ref result;
  deferred_ref outer;    // of the call whose function returned this deferred
  bool watched = false;  // somebody else has the result, too
  static void end(void* arg);
};

// Where a function runs. Default-made: on the default loop.
struct place {
  loop_ref loop;
  bool given = false;
  crochet_loop* handle() const {
    if (given && !loop) refuse(CROCHET_EINVAL);
    return loop.get();
  }
  template <class F, class... A>
  auto run(const char* label, F&& f, A&&... a) const {
    return run_as({nullptr, false, label}, std::forward<F>(f), std::forward<A>(a)...);
  }
  template <class F, class... A>
  auto run_as(const start& how, F&& f, A&&... a) const {
    using body = bound<std::decay_t<F>, std::decay_t<A>...>;
    return detail::submit<body>(handle(), how, std::in_place, std::forward<F>(f), std::forward<A>(a)...);
  }
  template <class F, class Range>
  auto run_many(const F& f, Range&& range) const {
    return detail::submit_many(handle(), f, std::forward<Range>(range));
  }
  template <class F>
  auto every(timeout first, timeout period, F&& f) const {
    return detail::every<eventual_result<void>>(handle(), first, period, std::forward<F>(f));
  }
  template <class Result = eventual_result<void>>
  Result sleep(timeout duration) const { return detail::sleep<Result>(handle(), duration); }
};
}  // namespace detail

// ---- Running functions on a loop ------------------------------------------------------------------------------------

/// What run_in_loop() and wait_for() make of a function: calling it runs a copy of the function on the loop. That of
/// run_in_loop() returns the eventual_result at once. That of wait_for() blocks and returns the value; when the time is
/// over before the call is decided, it cancels and throws timeout_error. On a loop's thread: deadlock_error, nothing
/// is run.
template <class F, class Place, bool Waits>
class [[nodiscard]] decorated {
 public:
  decorated(F f, Place where, const char* label, timeout time)
      : f_(std::move(f)), where_(std::move(where)), label_(label), time_(time) {}
  template <class... A>
  auto operator()(A&&... arguments) const& {
    static_assert(std::is_copy_constructible_v<F>,
                  "crochet: a function that can't be copied can be called once: std::move(decorated)(...)");
    check_wait();
    return finish(where_.run(label_, f_, std::forward<A>(arguments)...));
  }
  template <class... A>
  auto operator()(A&&... arguments) && {
    check_wait();
    return finish(where_.run(label_, std::move(f_), std::forward<A>(arguments)...));
  }
  const F& wrapped() const noexcept { return f_; }

 private:
  static void check_wait() {
    if (Waits && crochet_current_loop() != nullptr) detail::refuse(CROCHET_EDEADLK);
  }
  template <class T>
  auto finish(eventual_result<T> result) const {
    if constexpr (!Waits) {
      return result;
    } else {
      int status = crochet_result_wait(result.handle(), time_.ns());
      if (status == CROCHET_ETIMEDOUT && result.cancel() == cancel_outcome::too_late)
        status = crochet_result_wait(result.handle(), CROCHET_FOREVER);
      detail::check_value(status, result.handle());
      return result.take();
    }
  }

  F f_;
  Place where_;
  const char* label_;
  timeout time_;
};

/// The ways to run a function, which namespace crochet (on the default loop), `loop` and `loop_owned<T>` share.
/// f is a function, a lambda or a member of a class; it returns void, a value, or a deferred or eventual_result of one;
/// with crochet_coro.hpp also a coroutine's task.
/// `label`, a static string, is named in errors. See crochet_run(), crochet_wait_for(), crochet_call_set_label().
template <class Place>
class runs {
 public:
  template <class F, class... A>
  auto run(F&& f, A&&... arguments) const {
    return where_.run(nullptr, std::forward<F>(f), std::forward<A>(arguments)...);
  }
  /// run(f, element) for each element of a range, in its order, queued together: a vector of eventual_results. f is
  /// copied for each; elements are moved out of an rvalue range that owns them, and copied out of others. If it throws,
  /// nothing runs. (When the default loop is replaced in that very moment, results for the former are empty.) See
  /// crochet_call_run_many().
  template <class F, class Range>
  auto run_many(F&& f, Range&& range) const {
    return where_.run_many(f, std::forward<Range>(range));
  }
  /// run(), but it starts no sooner than that long from now. See crochet_call_set_delay_ns().
  template <class F, class... A>
  auto run_after(timeout delay, F&& f, A&&... arguments) const {
    return where_.run_as({nullptr, false, nullptr, delay.ns()}, std::forward<F>(f), std::forward<A>(arguments)...);
  }
  /// run(), but if it has not started by then, it never runs, and that is an expired_error. See
  /// crochet_call_set_deadline_ns().
  template <class F, class... A>
  auto run_within(timeout time, F&& f, A&&... arguments) const {
    return where_.run_as({nullptr, false, nullptr, 0, time.ns()}, std::forward<F>(f), std::forward<A>(arguments)...);
  }
  /// Calls f() or, if it takes a number, f(missed), now and each period from now, or first after another time; until it
  /// throws, what it returns fails, or the result is cancelled. f returns void, or a deferred or eventual_result, which
  /// is awaited; rounds that become due meanwhile are missed. See crochet_every().
  template <class F>
  auto every(timeout first, timeout period, F&& f) const {
    return where_.every(first, period, std::forward<F>(f));
  }
  template <class F>
  auto every(timeout period, F&& f) const {
    return where_.every(std::chrono::nanoseconds(0), period, std::forward<F>(f));
  }
  /// A result that comes by itself. See crochet_sleep().
  auto sleep(timeout duration) const { return where_.sleep(duration); }
  template <class F>
  auto run_in_loop(F f, const char* label = nullptr) const {
    return decorated<F, Place, false>(std::move(f), where_, label, {});
  }
  template <class F>
  auto wait_for(timeout time, F f, const char* label = nullptr) const {
    return decorated<F, Place, true>(std::move(f), where_, label, time);
  }

 protected:
  Place where_;
};

template <class F, class... A>
auto run(F&& f, A&&... arguments) {
  return detail::place().run(nullptr, std::forward<F>(f), std::forward<A>(arguments)...);
}
template <class F, class Range>
auto run_many(F&& f, Range&& range) {
  return detail::place().run_many(f, std::forward<Range>(range));
}
template <class F, class... A>
auto run_after(timeout delay, F&& f, A&&... arguments) {
  return runs<detail::place>().run_after(delay, std::forward<F>(f), std::forward<A>(arguments)...);
}
template <class F, class... A>
auto run_within(timeout time, F&& f, A&&... arguments) {
  return runs<detail::place>().run_within(time, std::forward<F>(f), std::forward<A>(arguments)...);
}
template <class F>
auto every(timeout first, timeout period, F&& f) {
  return detail::place().every(first, period, std::forward<F>(f));
}
template <class F>
auto every(timeout period, F&& f) {
  return runs<detail::place>().every(period, std::forward<F>(f));
}
/// A result that comes by itself: on the loop whose thread this is, or else on the default one. See crochet_sleep().
inline eventual_result<void> sleep(timeout duration);
template <class F>
auto run_in_loop(F f, const char* label = nullptr) {
  return runs<detail::place>().run_in_loop(std::move(f), label);
}
template <class F>
auto wait_for(timeout time, F f, const char* label = nullptr) {
  return runs<detail::place>().wait_for(time, std::move(f), label);
}

// ---- Loops ----------------------------------------------------------------------------------------------------------

/// As long as a wake-up takes on this machine. See CROCHET_SPIN_MEASURED.
inline constexpr std::chrono::nanoseconds spin_measured{CROCHET_SPIN_MEASURED};

/// How a loop is made: see crochet_options_set_...().
struct options {
  std::string thread_name{};
  bool keep_alive = true;
  std::size_t stack_size = 0;
  std::chrono::nanoseconds loop_spin{0};  // how long the loop, and who waits for it, look before they sleep; or spin_measured
  std::chrono::nanoseconds wait_spin{0};
  crochet_thread_fn* first = nullptr;  // the thread hooks; their argument must outlive the loop
  crochet_thread_fn* last = nullptr;
  void* hooks_argument = nullptr;
  std::uint64_t queue_limit = 0;  // calls queued and not started; 0: no limit. Beyond it: an error with CROCHET_EAGAIN,
  timeout queue_wait = std::chrono::nanoseconds(0);  // after waiting that long for room
};

/// See crochet_setup(), crochet_no_setup().
inline void setup(const options& how = {}) { detail::check(crochet_setup(detail::make(how).get())); }
inline void no_setup(uv_loop_s* uv, const options& how = {}) {
  detail::check(crochet_no_setup(uv, detail::make(how).get()));
}
/// For applications, never for libraries. See crochet_shutdown().
inline stop_outcome shutdown(timeout grace) { return detail::check_stopped(crochet_shutdown(grace.ns())); }
/// See crochet_stash_limits().
inline void stash_limits(std::uint32_t capacity, timeout time_to_live = {}) {
  detail::check(crochet_stash_limits(capacity, time_to_live.ns()));
}

/// Forms of a listing.
enum class dump_format { text = CROCHET_DUMP_TEXT, json = CROCHET_DUMP_JSON };

/// Lists the loops and all calls that are not finished; into whatever has write(bytes, length), as a std::ostream has. See
/// crochet_dump().
template <class Stream>
void dump_to(Stream& out, dump_format format = dump_format::text) { detail::dump(nullptr, out, format); }
/// The same as a string.
inline std::string dump(dump_format format = dump_format::text) { return detail::dumped(nullptr, format); }

/// Reports in the log what blocks a loop for longer than that, while it does. See crochet_watchdog_start().
inline void start_watchdog(timeout threshold) { detail::check(crochet_watchdog_start(threshold.ns())); }
/// See crochet_watchdog_stop(); on a loop's thread it ends a moment later.
inline void stop_watchdog() {
  const int code = crochet_watchdog_stop();
  if (code != CROCHET_EINPROGRESS) detail::check(code);
}

/// How long calls took: how many fell into each bucket of crochet_histogram_bound(), and the sum.
struct histogram {
  std::vector<std::uint64_t> counts;
  std::chrono::nanoseconds sum;
};

/// A further loop, of its own thread or of the libuv loop that this thread runs. Destroying it asks it to stop with no
/// grace, and waits for nothing. See crochet_loop_new(), crochet_loop_adopt(), crochet_loop_stop().
class loop : public runs<detail::place> {
 public:
  explicit loop(const options& how = {}) {
    where_.given = true;
    detail::check(crochet_loop_new(detail::make(how).get(), where_.loop.out()));
  }
  explicit loop(uv_loop_s* uv, const options& how = {}) {
    where_.given = true;
    detail::check(crochet_loop_adopt(uv, detail::make(how).get(), where_.loop.out()));
  }
  loop(loop&&) = default;
  loop& operator=(loop&&) = default;
  stop_outcome stop(timeout grace) const { return detail::check_stopped(crochet_loop_stop(handle(), grace.ns())); }
  /// See crochet_loop_counter().
  std::uint64_t counter(const char* name) const {
    std::uint64_t count = 0;
    detail::check(crochet_loop_counter(handle(), name, &count));
    return count;
  }
  /// See crochet_loop_histogram().
  crochet::histogram histogram(const char* name) const {
    std::vector<std::uint64_t> counts(CROCHET_HISTOGRAM_BUCKETS);
    std::uint64_t sum_ns = 0;
    const auto capacity = static_cast<std::uint32_t>(counts.size());
    detail::check(crochet_loop_histogram(handle(), name, counts.data(), capacity, &sum_ns));
    return {std::move(counts), std::chrono::nanoseconds(static_cast<std::int64_t>(sum_ns))};
  }
  /// Of this loop alone: see crochet::dump().
  std::string dump(dump_format format = dump_format::text) const { return detail::dumped(handle(), format); }
  crochet_loop* handle() const { return where_.handle(); }
};

/// Gathers calls that nobody waits for, and queues them together: at flush(), or when it is destroyed. They are for the
/// default loop of now, or for the loop given, and start in the order made. See crochet_cork_run().
class cork {
 public:
  cork() : cork(nullptr) {}
  explicit cork(const loop& on) : cork(on.handle()) {}
  cork(cork&&) = default;
  cork& operator=(cork&&) = default;
  crochet_cork* handle() const noexcept { return ref_.get(); }

  /// What f returns is thrown away; what it throws is a failure that nobody looks at, and logged.
  template <class F, class... A>
  void run(F&& f, A&&... arguments) {
    using body = detail::bound<std::decay_t<F>, std::decay_t<A>...>;
    detail::gather<body>(handle(), std::in_place, std::forward<F>(f), std::forward<A>(arguments)...);
  }
  /// loop_stopped: none of them runs. See crochet_cork_flush().
  void flush() { detail::check(crochet_cork_flush(handle())); }

 private:
  explicit cork(crochet_loop* on) { detail::check(crochet_cork_new(on, ref_.out())); }
  detail::cork_ref ref_;
};

// ---- The caller's side ----------------------------------------------------------------------------------------------

/// The result of a call that may still be running. Destroying it neither waits nor cancels. An empty one, default-made
/// or moved-from, refuses everything with CROCHET_EINVAL. A shared one (by share, stash, or then on an lvalue) copies
/// the value where another moves it out; if the value can't be copied, the first taker gets it.
template <class T>
class eventual_result {
  static_assert(std::is_void_v<T> || (std::is_object_v<T> && !std::is_array_v<T> && !std::is_const_v<T>),
                "crochet: a result is void or a value; no reference, no array, not const");

 public:
  using reference = std::conditional_t<std::is_void_v<T>, void, std::add_lvalue_reference_t<const T>>;

  eventual_result() = default;
  explicit eventual_result(crochet_result* taken_over, bool shared = false) : ref_(taken_over), shared_(shared) {}
  eventual_result(eventual_result&&) = default;
  eventual_result& operator=(eventual_result&&) = default;
  explicit operator bool() const noexcept { return static_cast<bool>(ref_); }
  crochet_result* handle() const noexcept { return ref_.get(); }

  /// Blocks: the value, lent by an lvalue, moved out of an rvalue; or throws how the call ended; or timeout_error, and
  /// nothing has changed. See crochet_result_wait().
  reference wait(timeout time = {}) const& { return look(crochet_result_wait(handle(), time.ns())), lend(); }
  T wait(timeout time = {}) && { return look(crochet_result_wait(handle(), time.ns())), move_out(); }
  /// The same without blocking, for loops' threads. Not settled yet: an error with CROCHET_EPENDING.
  reference value() const { return look(crochet_result_status(handle())), lend(); }
  T take() { return look(crochet_result_status(handle())), move_out(); }

  /// Is it settled? Never throws the failure, never counts as looking at it. With a time it blocks that long.
  bool ready() const { return settled(crochet_result_status(handle())); }
  bool ready(timeout time) const { return settled(crochet_result_wait(handle(), time.ns())); }
  /// What wait() would throw, or null: there is a value, or it is not settled. (Here a wait_error is itself.)
  std::exception_ptr original_failure() const { return detail::failure_of(handle()); }

  /// Waits for nothing. See crochet_result_cancel().
  cancel_outcome cancel() const {
    int outcome = 0;
    detail::check(crochet_result_cancel(handle(), &outcome));
    return static_cast<cancel_outcome>(outcome);
  }
  /// Blocks until nothing of the call is left, however it ended: what it used may be freed. loop_stopped: it may not.
  /// See crochet_result_join().
  void join(timeout time = {}) const {
    const int status = crochet_result_join(handle(), time.ns());
    if (status == CROCHET_ESTOPPED) throw loop_stopped(status);
    detail::check(status);
  }
  /// Waits throw interrupted_error. See crochet_result_interrupt().
  void interrupt() const { detail::check(crochet_result_interrupt(handle())); }

  /// Does another result of the same call exist, or did one?
  bool shared() const noexcept { return shared_; }
  /// One more result of the same call.
  eventual_result share() {
    eventual_result other;
    other.ref_ = ref_;
    other.shared_ = shared_ = true;
    return other;
  }
  /// A number for retrieve_result<T>(). See crochet_result_stash().
  std::uint64_t stash() {
    detail::check_stashable<T>();
    std::uint64_t uid = 0;
    detail::check(crochet_result_stash(handle(), type_id<T>, &uid));
    shared_ = true;
    return uid;
  }
  /// Runs f(value) when the value is there, and returns the result of that: on the loop whose thread this is, or else
  /// the default one; or on the loop given. From an rvalue f gets the value itself. A failure goes past f into the new
  /// result, unless f takes an eventual_result<T>, whose take() tells it. Cancelling the new result leaves this one
  /// alone. See crochet_call_set_after().
  template <class F>
  auto then(F&& f) & { return detail::after<reference>(crochet_current_loop(), share(), std::forward<F>(f)); }
  template <class F>
  auto then(F&& f) && { return detail::after<T>(crochet_current_loop(), std::move(*this), std::forward<F>(f)); }
  template <class F>
  auto then(const loop& on, F&& f) & { return detail::after<reference>(on.handle(), share(), std::forward<F>(f)); }
  template <class F>
  auto then(const loop& on, F&& f) && { return detail::after<T>(on.handle(), std::move(*this), std::forward<F>(f)); }

 private:
  void look(int status) const { detail::check_value(status, handle()); }
  static bool settled(int status) {
    if (status == CROCHET_EPENDING || status == CROCHET_ETIMEDOUT) return false;
    if (!detail::is_failure(status)) detail::check(status);
    return true;
  }
  reference lend() const {
    if constexpr (!std::is_void_v<T>) {
      const void* value = crochet_result_value(handle());
      if (value == nullptr) detail::refuse(CROCHET_ETAKEN);
      return *static_cast<const T*>(value);
    }
  }
  T move_out() {
    if constexpr (!std::is_void_v<T>) {
      if constexpr (detail::is_copyable<T>::value)
        if (shared_) return lend();
      void* value = nullptr;
      crochet_drop_fn* drop = nullptr;
      detail::check(crochet_result_take(handle(), &value, &drop));
      const std::unique_ptr<void, crochet_drop_fn*> taken(drop != nullptr ? value : nullptr, drop);
      return T(std::move(*static_cast<T*>(value)));
    }
  }

  detail::result_ref ref_;
  bool shared_ = false;
};

/// Takes a stashed result back: once. Wrong, used or expired: an error with CROCHET_ENOENT; of another type:
/// CROCHET_ETYPE, and it stays there. See crochet_retrieve_result().
template <class T>
eventual_result<T> retrieve_result(std::uint64_t uid) {
  detail::check_stashable<T>();
  crochet_result* result = nullptr;
  detail::check(crochet_retrieve_result(uid, type_id<T>, &result));
  return eventual_result<T>(result, true);
}

inline eventual_result<void> sleep(timeout duration) {
  return detail::sleep<eventual_result<void>>(crochet_current_loop(), duration);
}

// ---- The producer's side --------------------------------------------------------------------------------------------

/// A result that is not there yet: for a function to return, and to settle later, from any thread. Copies share it; if
/// the last one goes and it is not settled, that is a broken_error. Cancelling the call that returned it reaches its
/// on-cancel hook; that call is finished when the last copy has gone. It can be returned once. A default-made one is a
/// new one, not empty.
template <class T>
class deferred {
 public:
  /// Its hook runs on the loop whose thread this is, or else on the default one; or on the loop given.
  deferred() : deferred(crochet_current_loop()) {}
  explicit deferred(const loop& on) : deferred(on.handle()) {}

  /// The first settling wins; true: it was this one. An exception from T's constructor is a failure. See
  /// crochet_resolve(), crochet_reject(), crochet_reject_with().
  template <class... A>
  bool resolve(A&&... value) const {
    return won(detail::settle(handle(), [&] {
      return detail::resolve<T>(handle(), nullptr, [&]() -> T { return T(std::forward<A>(value)...); });
    }));
  }
  bool reject(int code, const char* message = nullptr) const { return won(crochet_reject(handle(), code, message)); }
  bool reject(const std::exception_ptr& failure) const {
    if (!failure) detail::refuse(CROCHET_EINVAL);
    return won(detail::reject(handle(), failure));
  }
  template <class E, class = std::enable_if_t<std::is_base_of_v<std::exception, E>>>
  bool reject(const E& failure) const { return reject(std::make_exception_ptr(failure)); }

  /// What is called, on the loop's thread, when somebody cancels or the loop stops: f(deferred) or f(). Set it before
  /// you start the operation; false: don't start. f must not capture the deferred, which then never goes: it is handed
  /// one. What f throws is the failure. See crochet_deferred_on_cancel() for the pattern.
  template <class F>
  [[nodiscard]] bool on_cancel(F f) const {
    auto* arg = new hook<F>{std::move(f), state_};
    const int status = crochet_deferred_on_cancel(handle(), hook<F>::call, arg, detail::end_on_heap<hook<F>>);
    if (status != CROCHET_EALREADY) detail::check(status);
    return status == CROCHET_OK;
  }
  bool is_cancelled() const { return crochet_deferred_is_cancelled(handle()) != 0; }

  /// A result of it, for who does not return it. From an rvalue: this copy of the deferred goes, and only a result of
  /// another copy makes it a shared one.
  eventual_result<T> result() & {
    if (!ref_) detail::refuse(CROCHET_EINVAL);
    state_->watched = true;
    return eventual_result<T>(detail::result_ref(state_->result).leave(), true);
  }
  eventual_result<T> result() && {
    if (!ref_) detail::refuse(CROCHET_EINVAL);
    const detail::deferred_ref gone(std::move(ref_));
    const bool shared = std::exchange(state_->watched, true);
    return eventual_result<T>(detail::result_ref(state_->result).leave(), shared);
  }
  crochet_deferred* handle() const noexcept { return ref_.get(); }

 private:
  explicit deferred(crochet_loop* on) : state_(new detail::hand_made) {
    crochet_result* result = nullptr;  // when it is refused, state_ has been ended
    detail::check(crochet_deferred_new(on, state_, detail::hand_made::end, ref_.out(), &result));
    state_->result = detail::result_ref(result);
  }
  deferred(crochet_deferred* taken_over, detail::hand_made* state) : ref_(taken_over), state_(state) {}

  template <class F>
  struct hook {
    F f;
    detail::hand_made* state;
    static void call(crochet_deferred* borrowed, void* arg) {
      detail::settle(borrowed, [=] {
        auto* self = static_cast<hook*>(arg);
        if constexpr (std::is_invocable_v<F&, const deferred&>) {
          const deferred lent(crochet_deferred_retain(borrowed), self->state);
          self->f(lent);
        } else {
          self->f();
        }
        return CROCHET_OK;
      });
    }
  };
  static bool won(int status) {
    if (status == CROCHET_EINVAL) detail::refuse(status);
    return status == CROCHET_OK;
  }
  template <class U> friend int detail::follow(crochet_deferred* outer, deferred<U> inner);

  detail::deferred_ref ref_;
  detail::hand_made* state_;  // good while ref_ is
};

// ---- An object on a loop --------------------------------------------------------------------------------------------

/// A T that is made, used and destroyed on a loop's thread. run(f, args...) calls f(T&, args...) there, also if f is a
/// member function of T. It ends after the calls made before ~loop_owned(), which waits for nothing; or when the loop
/// stops, as an at-stop call. If T's constructor throws, so does every call; later calls throw loop_stopped.
template <class T>
class loop_owned : public runs<detail::beside<T>> {
 public:
  /// On the default loop, or the one given; the arguments are T's.
  loop_owned() : loop_owned(std::in_place) {}
  template <class... A>
  explicit loop_owned(std::in_place_t, A&&... arguments) { begin(std::forward<A>(arguments)...); }
  template <class... A>
  explicit loop_owned(const loop& on, A&&... arguments) {
    this->where_.loop = {detail::loop_ref(crochet_loop_retain(on.handle())), true};
    begin(std::forward<A>(arguments)...);
  }
  loop_owned(loop_owned&&) = default;
  loop_owned& operator=(loop_owned other) noexcept {
    std::swap(this->where_, other.where_);
    std::swap(at_stop_, other.at_stop_);
    return *this;
  }
  ~loop_owned() {
    if (!at_stop_) return;
    auto end = [it = this->where_.it, at_stop = std::move(at_stop_)] {
      it->end();
      at_stop.cancel();
    };
    try {
      // After something that is settled, which is now: an after-call needs no room where the queue has a limit.
      crochet_loop* const loop = this->where_.loop.handle();
      detail::deferred_ref now;
      crochet_result* settled = nullptr;
      detail::check(crochet_deferred_new(loop, nullptr, nullptr, now.out(), &settled));
      const detail::result_ref owner(settled);
      crochet_resolve(now.get(), nullptr, nullptr);
      detail::submit<decltype(end)>(loop, {settled}, std::move(end));
    } catch (const error&) {  // stopped: it ended there; without memory it does when the loop stops
    } catch (const std::bad_alloc&) {
    }
  }

 private:
  template <class... A>
  void begin(A&&... arguments) {
    const auto it = this->where_.it = std::make_shared<detail::owned<T>>();
    auto at_stop = [it] { it->end(); };
    at_stop_ = detail::submit<decltype(at_stop)>(this->where_.loop.handle(), {nullptr, true}, std::move(at_stop));
    auto make = [it](auto&&... x) -> std::enable_if_t<std::is_constructible_v<T, decltype(x)...>> {
      it->make(std::forward<decltype(x)>(x)...);
    };
    this->where_.loop.run(nullptr, std::move(make), std::forward<A>(arguments)...);
  }
  eventual_result<void> at_stop_;
};

// ==== Below: how it is done ==========================================================================================

namespace detail {
template <class T>
constexpr void check_stashable() {
  static_assert(type_id<T> != hash(name_of<T>::text()) || !name_of<T>::is_local(),
                "crochet: a local or unnamed type can't be told from others of its name: specialise crochet::type_id");
}

// ---- Settling: a value is a T, in the call's storage or on the heap; an exception is a payload ----------------------

template <class T> void end_in_place(void* value) { static_cast<T*>(value)->~T(); }
template <class T> void end_on_heap(void* value) { delete static_cast<T*>(value); }

// Settles with what make() returns, built in `room`; null: on the heap.
template <class T, class Make>
int resolve(crochet_deferred* deferred, void* room, Make&& make) {
  if constexpr (std::is_void_v<T>) {
    return make(), crochet_resolve(deferred, nullptr, nullptr);
  } else if (room != nullptr) {
    crochet_drop_fn* const drop = std::is_trivially_destructible_v<T> ? nullptr : end_in_place<T>;
    return crochet_resolve(deferred, ::new (room) T(make()), drop);
  } else {
    return crochet_resolve(deferred, new T(make()), end_on_heap<T>);
  }
}

// Without memory for the payload, code and text remain. No reference to the exception is kept here once it is settled.
inline int reject(crochet_deferred* deferred, int code, const char* text, std::exception_ptr exception) {
  auto* payload = exception ? new (std::nothrow) std::exception_ptr : nullptr;
  if (payload != nullptr) std::swap(*payload, exception);
  return crochet_reject_with(deferred, code, text, type_id<std::exception_ptr>, payload,
                             end_on_heap<std::exception_ptr>);
}

// Null: a foreign exception, which has none.
inline int reject(crochet_deferred* deferred, std::exception_ptr exception) {
  int code = CROCHET_EFAILED;
  const char* text = "an exception that is no std::exception";
  try {
    if (exception) std::rethrow_exception(exception);
  } catch (const error& e) {
    code = e.code(), text = e.what();
  } catch (const std::exception& e) {
    text = e.what();
  } catch (...) {
  }
  return detail::reject(deferred, code, text, std::move(exception));
}

#ifdef __GLIBCXX__
using forced_unwind = abi::__forced_unwind;
#else
struct forced_unwind {};  // other libraries' catch (...) lets it pass
#endif

// Runs body(), which settles; if it throws, that settles. pthread_exit() and thread cancellation pass through: what is
// caught of them is no object.
template <class Body>
__attribute__((no_sanitize("null", "alignment"))) int settle(crochet_deferred* deferred, Body&& body) {
  std::exception_ptr caught;
  try {
    return body();
  } catch (const forced_unwind&) {
    throw;
  } catch (...) {
    caught = std::current_exception();
  }
  return detail::reject(deferred, std::move(caught));
}

inline bool is_failure(int status) { return status <= CROCHET_EFAILED && status >= CROCHET_EBROKEN; }

inline const std::exception_ptr* exception_in(const crochet_error* failure) {
  return static_cast<const std::exception_ptr*>(crochet_error_payload(failure, type_id<std::exception_ptr>));
}

// Null: there is none.
inline std::exception_ptr failure_of(crochet_result* result) {
  const crochet_error* failure = crochet_result_error(result);
  if (failure == nullptr) return nullptr;
  if (const std::exception_ptr* exception = detail::exception_in(failure)) return *exception;
  std::string text = crochet_error_label(failure);
  if (!text.empty()) text += ": ";
  text += crochet_error_message(failure);
  switch (const int code = crochet_error_code(failure)) {
    case CROCHET_ECANCELED: return std::make_exception_ptr(cancelled_error(code, text));
    case CROCHET_EBROKEN: return std::make_exception_ptr(broken_error(code, text));
    case CROCHET_ESTOPPED: case CROCHET_ENOTRUN: return std::make_exception_ptr(loop_stopped(code, text));
    case CROCHET_EEXPIRED: return std::make_exception_ptr(expired_error(code, text));
    default: return std::make_exception_ptr(failed_error(code, text));
  }
}

// `status` is a wait's: throws unless there is a value.
inline void check_value(int status, crochet_result* result) {
  if (status == CROCHET_OK) return;
  const std::exception_ptr failure = is_failure(status) ? detail::failure_of(result) : nullptr;
  if (!failure) refuse(status);
  const crochet_error* why = crochet_result_error(result);
  const int code = crochet_error_code(why);
  if (code == CROCHET_ETIMEDOUT || code == CROCHET_EINTR || code == CROCHET_EDEADLK)
    throw failed_error(code, crochet_error_message(why));
  std::rethrow_exception(failure);
}

// ---- Making calls ---------------------------------------------------------------------------------------------------

// What a function's return type stands for.
template <class R>
struct returned {
  static_assert(!std::is_reference_v<R>,
                "crochet: the function returns a reference, to something on the loop's thread: return a value");
  using value = std::remove_cv_t<std::remove_reference_t<R>>;
  static constexpr bool later = false;
};
template <class T>
struct returned<deferred<T>> {
  using value = T;
  static constexpr bool later = true;
};
template <class T>
struct returned<eventual_result<T>> : returned<deferred<T>> {};

// Does what it returns refer to the function's captures and arguments for as long as it lasts? (A coroutine.)
template <class R>
inline constexpr bool refers_to_body = false;
// If it does: is what the parameters refer to the arguments themselves, and nothing that was made of them for the call?
template <class R, class F, class... A>
inline constexpr bool arguments_last = true;

// A function and its arguments, to be called once. The base takes no room when there are no arguments.
template <class F, class... A>
struct bound : std::tuple<A...> {
  static_assert(std::is_invocable_v<F, A...>,
                "crochet: the function can't be called with these arguments: they arrive as rvalues of their decayed "
                "types; std::ref(x) arrives as a reference");
  template <class G, class... B>
  explicit bound(std::in_place_t, G&& g, B&&... b) : std::tuple<A...>(std::forward<B>(b)...), f(std::forward<G>(g)) {}
  decltype(auto) operator()() {
    static_assert(arguments_last<decltype(std::apply(std::declval<F>(), std::declval<std::tuple<A...>>())), F, A...>,
                  "crochet: an argument is converted for this call, and the coroutine refers to what comes of it after "
                  "that is gone: take it by value, or pass the parameter's own type");
    return std::apply(std::move(f), static_cast<std::tuple<A...>&&>(*this));
  }
  F f;
};

template <class T, class = void>
struct room {
  void* place() { return nullptr; }
};
template <class T>
struct room<T, std::enable_if_t<(sizeof(T) <= 128)>> {
  alignas(T) std::byte bytes[sizeof(T)];
  void* place() { return bytes; }
};
struct no_value_yet {
  bool ended = false;
};
template <class R>
struct beside_body {
  using type = std::conditional_t<returned<R>::later, no_value_yet, room<typename returned<R>::value>>;
};

// What lies in a call's storage: the body, which is called once, and room for the value that it returns.
template <class Body, class R = decltype(std::declval<Body&>()())>
struct frame : beside_body<R>::type {
  using value = typename returned<R>::value;
  template <class... X>
  explicit frame(X&&... x) : body{std::forward<X>(x)...} {}

  // Storage is aligned for max_align_t only.
  static constexpr std::size_t size() {
    constexpr std::size_t align = alignof(frame), given = alignof(std::max_align_t);
    return sizeof(frame) + (align > given ? align - given : 0);
  }
  static void* place_in(void* storage) {
    if constexpr (alignof(frame) <= alignof(std::max_align_t)) return storage;
    const auto beyond = reinterpret_cast<std::uintptr_t>(storage) % alignof(frame);
    return static_cast<std::byte*>(storage) + (beyond == 0 ? 0 : alignof(frame) - beyond);
  }
  static void call(crochet_deferred* deferred, void* storage) {
    auto* self = static_cast<frame*>(place_in(storage));
    detail::settle(deferred, [=]() -> int {
      if constexpr (refers_to_body<R>) {
        return self->follow(deferred, self->body());
      } else if constexpr (returned<R>::later) {
        R inner = self->body();
        self->ended = true;  // it may hold a copy of what it returned, which must not keep itself
        self->body.~Body();
        return detail::follow(deferred, std::move(inner));
      } else {
        return detail::resolve<value>(deferred, self->place(), [self]() -> R { return self->body(); });
      }
    });
  }
  static void drop(void* storage) {
    auto* self = static_cast<frame*>(place_in(storage));
    if constexpr (returned<R>::later && !refers_to_body<R>) {
      if (self->ended) return;
    }
    self->body.~Body();  // the value may live on
  }

  Body body;
};

// A body that returns nothing, and whose bytes fit into the call's argument, needs no storage.
template <class Body, class R = decltype(std::declval<Body&>()())>
struct in_argument {
  static constexpr bool fits =
      std::is_void_v<R> && std::is_trivially_copyable_v<Body> && sizeof(Body) <= sizeof(void*);
  static void* from(Body body) {
    void* argument = nullptr;
    std::memcpy(&argument, &body, sizeof body);
    return argument;
  }
  static void call(crochet_deferred* deferred, void* argument) {
    detail::settle(deferred, [=] {
      alignas(Body) std::byte body[sizeof(Body)];
      std::memcpy(body, &argument, sizeof body);
      (*std::launder(reinterpret_cast<Body*>(body)))();
      return crochet_resolve(deferred, nullptr, nullptr);
    });
  }
};

// Makes a call of Body{x...}().
template <class Body, class... X>
auto submit(crochet_loop* loop, const start& how, X&&... x) {
  using Frame = frame<Body>;
  if constexpr (in_argument<Body>::fits) {
    if (how.is_plain()) {
      crochet_result* result = nullptr;
      check(crochet_run(loop, in_argument<Body>::call, in_argument<Body>::from(Body{std::forward<X>(x)...}), nullptr,
                        &result));
      return eventual_result<void>(result);
    }
  }
  call_ref call;
  check(crochet_call_new(loop, Frame::size(), call.out()));
  if (how.after != nullptr) check(crochet_call_set_after(call.get(), how.after));
  if (how.at_stop) check(crochet_call_set_at_stop(call.get()));
  if (how.label != nullptr) check(crochet_call_set_label(call.get(), how.label));
  if (how.delay_ns != 0) check(crochet_call_set_delay_ns(call.get(), how.delay_ns));
  if (how.deadline_ns != CROCHET_FOREVER) check(crochet_call_set_deadline_ns(call.get(), how.deadline_ns));
  ::new (Frame::place_in(crochet_call_storage(call.get()))) Frame(std::forward<X>(x)...);
  crochet_result* result = nullptr;
  check(crochet_call_run(call.leave(), Frame::call, Frame::drop, &result));
  return eventual_result<typename Frame::value>(result);
}

// Calls that are prepared, each with a Frame in its storage, and not made yet: destroyed, they go with their frames.
template <class Frame>
class prepared_calls {
 public:
  prepared_calls() = default;
  prepared_calls(const prepared_calls&) = delete;
  prepared_calls& operator=(const prepared_calls&) = delete;
  ~prepared_calls() {
    for (crochet_call* call : calls_) {
      if (call == nullptr) continue;
      Frame::drop(crochet_call_storage(call));
      crochet_call_discard(call);
    }
  }
  template <class... X>
  void add(crochet_loop* loop, X&&... x) {
    call_ref call;
    check(crochet_call_new(loop, Frame::size(), call.out()));
    calls_.push_back(nullptr);  // may fail: before there is a frame
    ::new (Frame::place_in(crochet_call_storage(call.get()))) Frame(std::forward<X>(x)...);
    calls_.back() = call.leave();
  }
  auto make() {
    std::vector<eventual_result<typename Frame::value>> results;
    results.reserve(calls_.size());
    std::vector<crochet_result*> handles(calls_.size());
    const auto calls = std::exchange(calls_, {});  // from here on nothing fails
    const int status = crochet_call_run_many(calls.data(), calls.size(), Frame::call, Frame::drop, handles.data());
    bool any = false;
    for (crochet_result* handle : handles) {
      any = any || handle != nullptr;
      results.emplace_back(handle);
    }
    if (!any) check(status);
    return results;
  }

 private:
  std::vector<crochet_call*> calls_;
};

template <class Range>
using iterator_of = std::decay_t<decltype(std::begin(std::declval<Range&>()))>;

// Is it an rvalue whose elements are its own? Not if a const one lets them be changed: a span's belong to others.
template <class Iterator>
constexpr bool lends_const = std::is_const_v<std::remove_reference_t<decltype(*std::declval<Iterator&>())>>;
template <class Range, class = void>
struct gives_elements : std::false_type {};
template <class Range>
struct gives_elements<Range, std::void_t<iterator_of<const Range>>>
    : std::bool_constant<!std::is_lvalue_reference_v<Range> && lends_const<iterator_of<const Range>>> {};

template <class F, class Range>
auto submit_many(crochet_loop* loop, const F& f, Range&& range) {
  using function = std::decay_t<F>;
  using element = typename std::iterator_traits<iterator_of<Range>>::value_type;
  static_assert(std::is_copy_constructible_v<function>,
                "crochet: a function that is run for many elements is copied for each");
  prepared_calls<frame<bound<function, element>>> calls;
  for (auto&& each : range) {
    if constexpr (gives_elements<Range>::value) calls.add(loop, std::in_place, f, std::move(each));
    else calls.add(loop, std::in_place, f, each);
  }
  return calls.make();
}

// A body whose value is thrown away.
template <class Body>
struct valueless : Body {
  using Body::Body;
  void operator()() { static_cast<void>(Body::operator()()); }
  static void call(crochet_deferred* deferred, void* on_heap) {
    detail::settle(deferred, [=] {
      (*static_cast<valueless*>(on_heap))();
      return crochet_resolve(deferred, nullptr, nullptr);
    });
  }
};

template <class Body, class... X>
void gather(crochet_cork* cork, X&&... x) {
  static_assert(!refers_to_body<decltype(std::declval<Body&>()())>,
                "crochet: a cork throws away what a function returns, and a coroutine that nobody awaits never starts: "
                "run() it");
  using body = valueless<Body>;
  using argument = in_argument<body>;
  if constexpr (argument::fits) {
    check(crochet_cork_run(cork, argument::call, argument::from(body(std::forward<X>(x)...)), nullptr));
  } else {
    check(crochet_cork_run(cork, body::call, new body(std::forward<X>(x)...), end_on_heap<body>));
  }
}

// ---- From one call to another ---------------------------------------------------------------------------------------

// Settles `outer` as `inner` ended, if it has, whose value lies on the heap: once, for only one gets the value.
inline void pass_on(crochet_deferred* outer, crochet_result* inner) {
  void* value = nullptr;
  crochet_drop_fn* drop = nullptr;
  if (crochet_result_take(inner, &value, &drop) == CROCHET_OK) {
    crochet_resolve(outer, value, drop);
  } else if (const crochet_error* failure = crochet_result_error(inner)) {
    const std::exception_ptr* exception = detail::exception_in(failure);
    detail::reject(outer, crochet_error_code(failure), crochet_error_message(failure),
                   exception != nullptr ? *exception : nullptr);
  }
}

inline void hand_made::end(void* arg) {
  const std::unique_ptr<hand_made> self(static_cast<hand_made*>(arg));
  if (self->outer) {
    detail::pass_on(self->outer.get(), self->result.get());
  } else if (!self->watched) {
    crochet_result_cancel(self->result.get(), nullptr);  // if it is unsettled, nobody can know: no failure to be logged
  }
}

// Who cancels the outer call cancels the inner one.
inline void cancel_through(crochet_deferred* outer, crochet_result* inner) {
  const int status = crochet_deferred_on_cancel(
      outer, [](crochet_deferred*, void* it) { crochet_result_cancel(static_cast<crochet_result*>(it), nullptr); },
      crochet_result_retain(inner), [](void* it) { crochet_result_release(static_cast<crochet_result*>(it)); });
  if (status == CROCHET_OK) return;
  crochet_result_cancel(inner, nullptr);
  if (status != CROCHET_EALREADY) refuse(status);
}

// The body of an after-call of `inner`: dropped as soon as that is settled, or when the loop stops.
struct relay {
  deferred_ref outer;
  result_ref inner;
  void operator()() const noexcept {}
  ~relay() { detail::pass_on(outer.get(), inner.get()); }
};

template <class T>
int follow(crochet_deferred* outer, deferred<T> inner) {
  if (!inner.ref_) refuse(CROCHET_EINVAL);
  hand_made& state = *inner.state_;
  if (state.outer) throw std::logic_error("crochet: this deferred was returned before");
  state.outer = deferred_ref(crochet_deferred_retain(outer));
  if (crochet_result_status(state.result.get()) == CROCHET_EPENDING) {
    detail::cancel_through(outer, state.result.get());
    try {
      detail::submit<relay>(crochet_current_loop(), {state.result.get()}, state.outer, state.result);
      return CROCHET_OK;
    } catch (const loop_stopped&) {  // it settles the outer one, or hand_made::end() passes it on
    }
  }
  detail::pass_on(outer, state.result.get());
  return CROCHET_OK;
}

// The same for a result, whose value may lie in its call's storage.
template <class T>
struct handover {
  deferred_ref outer;
  eventual_result<T> inner;
  void operator()() {
    const auto take = [this]() -> T { return inner.take(); };
    detail::settle(outer.get(), [&] { return detail::resolve<T>(outer.get(), nullptr, take); });
  }
  ~handover() { crochet_reject(outer.get(), CROCHET_ESTOPPED, nullptr); }  // if it never started
};

template <class T>
int follow(crochet_deferred* outer, eventual_result<T> inner) {
  detail::cancel_through(outer, inner.handle());
  detail::submit<handover<T>>(crochet_current_loop(), {inner.handle()}, deferred_ref(crochet_deferred_retain(outer)),
                      std::move(inner));
  return CROCHET_OK;
}

template <class Seen, class T, class F, class = void>
struct continuation {
  static constexpr bool takes_value = std::is_void_v<T> ? std::is_invocable_v<F> : std::is_invocable_v<F, Seen>;
  static_assert(takes_value || std::is_invocable_v<F, eventual_result<T>>,
                "crochet: the function given to then() takes neither the value nor the eventual_result");
  eventual_result<T> source;
  F f;
  decltype(auto) operator()() {
    if constexpr (!takes_value) {
      return std::move(f)(std::move(source));
    } else if constexpr (std::is_void_v<T>) {
      return source.take(), std::move(f)();
    } else if constexpr (std::is_reference_v<Seen>) {
      static_assert(arguments_last<std::invoke_result_t<F, Seen>, F, Seen>,
                    "crochet: the value is converted for this call, and the coroutine refers to what comes of it");
      return std::apply(std::move(f), std::forward_as_tuple(source.value()));
    } else {
      return std::apply(std::move(f), std::forward_as_tuple(source.take()));
    }
  }
};

template <class Seen, class T, class F>
auto after(crochet_loop* loop, eventual_result<T> source, F&& f) {
  if (!source) refuse(CROCHET_EINVAL);
  const start how = {source.handle()};
  return detail::submit<continuation<Seen, T, std::decay_t<F>>>(loop, how, std::move(source), std::forward<F>(f));
}

// ---- What comes by itself -------------------------------------------------------------------------------------------

template <class F>
struct recurring {
  F f;
  decltype(auto) round(std::uint64_t missed) {
    if constexpr (std::is_invocable_v<F&, std::uint64_t>) return f(missed);
    else return static_cast<void>(missed), f();
  }
  static void call(crochet_deferred* deferred, void* on_heap, std::uint64_t missed) {
    detail::settle(deferred, [=]() -> int {
      auto* self = static_cast<recurring*>(on_heap);
      using result = decltype(self->round(missed));
      static_assert(!refers_to_body<result>,
                    "crochet: every() takes no coroutine: write the loop in one, around a co_await of sleep()");
      if constexpr (returned<result>::later) {
        return detail::follow(deferred, self->round(missed));
      } else {
        static_assert(std::is_void_v<result>,
                      "crochet: a function that runs again and again returns nothing, or a deferred or eventual_result");
        self->round(missed);
        return crochet_resolve(deferred, nullptr, nullptr);
      }
    });
  }
};

template <class Result, class F>
Result every(crochet_loop* loop, timeout first, timeout period, F&& f) {
  using again = recurring<std::decay_t<F>>;
  crochet_result* result = nullptr;
  check(crochet_every(loop, first.ns(), period.ns(), again::call, new again{std::forward<F>(f)}, end_on_heap<again>,
                      &result));
  return Result(result);
}

template <class Result>
Result sleep(crochet_loop* loop, timeout duration) {
  crochet_result* result = nullptr;
  check(crochet_sleep(loop, duration.ns(), &result));
  return Result(result);
}

// ---- Loops and objects on them --------------------------------------------------------------------------------------

inline options_ref make(const options& from) {
  options_ref to;
  check(crochet_options_new(to.out()));
  if (!from.thread_name.empty()) check(crochet_options_set_thread_name(to.get(), from.thread_name.c_str()));
  check(crochet_options_set_keep_alive(to.get(), from.keep_alive ? 1 : 0));
  check(crochet_options_set_stack_size(to.get(), from.stack_size));
  check(crochet_options_set_spin(to.get(), from.loop_spin.count(), from.wait_spin.count()));
  check(crochet_options_set_queue_limit(to.get(), from.queue_limit, from.queue_wait.ns()));
  if (from.first != nullptr || from.last != nullptr) {
    check(crochet_options_set_thread_hooks(to.get(), from.first, from.last, from.hooks_argument, nullptr));
  }
  return to;
}

// Touched on the loop's thread only. When that is stuck for ever, the object is never destroyed.
template <class T>
struct owned {
  T* object = nullptr;
  std::exception_ptr failure;
  unsigned users = 0;  // coroutines that refer to it
  bool ending = false;
  template <class... A>
  __attribute__((no_sanitize("null", "alignment"))) void make(A&&... arguments) {
    try {
      object = new T(std::forward<A>(arguments)...);
    } catch (const forced_unwind&) {
      throw;
    } catch (...) {
      failure = std::current_exception();
      throw;
    }
  }
  T& get() const {
    if (failure) std::rethrow_exception(failure);
    if (object == nullptr) refuse(CROCHET_ESTOPPED);
    return *object;
  }
  void end() {
    ending = true;
    if (users == 0) delete std::exchange(object, nullptr);
  }
};

template <class T>
struct beside {
  place loop;
  std::shared_ptr<owned<T>> it;
  template <class F>
  auto visit(F&& f) const {
    return [it = it, f = std::decay_t<F>(std::forward<F>(f))](auto&&... x) mutable
           -> std::invoke_result_t<std::decay_t<F>, T&, decltype(x)...> {
      using R = std::invoke_result_t<std::decay_t<F>, T&, decltype(x)...>;
      if constexpr (refers_to_body<R>) return lasting<R>::visit(it, f, std::forward<decltype(x)>(x)...);
      else return std::apply(std::move(f), std::forward_as_tuple(it->get(), std::forward<decltype(x)>(x)...));
    };
  }
  template <class F, class... A>
  auto run(const char* label, F&& f, A&&... a) const {
    return loop.run(label, visit(std::forward<F>(f)), std::forward<A>(a)...);
  }
  template <class F, class... A>
  auto run_as(const start& how, F&& f, A&&... a) const {
    return loop.run_as(how, visit(std::forward<F>(f)), std::forward<A>(a)...);
  }
  template <class F>
  auto every(timeout first, timeout period, F&& f) const {
    return loop.every(first, period, visit(std::forward<F>(f)));
  }
  auto sleep(timeout duration) const { return loop.sleep(duration); }
  template <class F, class Range>
  auto run_many(const F& f, Range&& range) const {
    return loop.run_many(visit(f), std::forward<Range>(range));
  }
};

// ---- What goes on ---------------------------------------------------------------------------------------------------

template <class Stream>
void dump(crochet_loop* loop, Stream& out, dump_format format) {
  const auto write = [](void* stream, const char* bytes, std::size_t length) {
    static_cast<Stream*>(stream)->write(bytes, static_cast<std::ptrdiff_t>(length));
    return CROCHET_OK;
  };
  check(crochet_dump(loop, static_cast<int>(format), write, &out));
}

inline std::string dumped(crochet_loop* loop, dump_format format) {
  struct to_string {
    std::string text;
    void write(const char* bytes, std::ptrdiff_t length) { text.append(bytes, static_cast<std::size_t>(length)); }
  } out;
  dump(loop, out, format);
  return std::move(out.text);
}

}  // namespace detail

}  // namespace v0_1
}  // namespace crochet

#include "crochet_log.hpp"

#endif  // CROCHET_HPP
