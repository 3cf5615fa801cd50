// SPDX-License-Identifier: MIT
//
// crochet_coro.hpp: coroutines on crochet's loops, from C++20 on. A coroutine is a function that runs on a loop's thread and
// waits there without blocking it. Over crochet.hpp and crochet.h only.
//
//   crochet::task<std::size_t> measure(std::string url) {
//     for (int attempt = 0; attempt < 3; ++attempt) {
//       const std::string page = co_await get_page(url);   // a deferred, an eventual_result of any loop, another task
//       if (!page.empty()) co_return page.size();
//       co_await crochet::sleep(100ms);
//     }
//     throw std::runtime_error("no page");
//   }
//   crochet::eventual_result<std::size_t> size = crochet::run(measure, "http://localhost:8000/");
//
//   - task<T> is accepted wherever a function's return type is looked at: run, run_many, run_in_loop, wait_for, then, of
//     loop and loop_owned as well; the result is that of T. Not in a cork, nor by every().
//   - The function, what a lambda captured, and the arguments live until the coroutine has ended.
//   - A coroutine stays on the loop that it was started on, whatever it awaits: between two co_awaits nothing else runs
//     there.
//   - What an awaited thing's wait() would throw, its co_await throws.
//   - Cancelling the result ends what is awaited, and lets no later co_await begin. See task.
#ifndef CROCHET_CORO_HPP
#define CROCHET_CORO_HPP

#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "crochet.hpp"

#ifndef __cpp_impl_coroutine
#error "crochet_coro.hpp needs a compiler with coroutines, and -std=c++20 or newer"
#endif

namespace crochet {
inline namespace v0_1 {

template <class T> class task;

namespace detail {
class activity;
template <class T> struct promise;
template <class T> struct running;
template <class T> class child;
struct is_cancelled_query {};
template <class X>
struct shielded_awaitable {
  X awaitable;
};
}  // namespace detail

// ---- Coroutines -----------------------------------------------------------------------------------------------------

/// What a coroutine returns that awaits things on a loop and ends with a T. It is lazy: nothing of it runs until it is
/// awaited by another one (then at once, on the same loop) or was returned by a function that crochet runs. It is awaited
/// once: co_await f(), or co_await std::move(task).
///
/// What can be awaited, and who owns it:
///   task<T>                     is run; as if its body stood here
///   deferred<T>, an rvalue      waits until it is settled; gives the T
///   eventual_result<T>, rvalue  the same; gives the T
///   eventual_result<T>, lvalue  waits; lends a const T& that is good as long as the eventual_result is
///   crochet::sleep(time), crochet::is_cancelled(), crochet::shielded(any of these)
/// What is settled already is not waited for: the coroutine goes on at once.
///
/// When the result of the call is cancelled, or its loop stops, the coroutine is asked to end. The wait that is in
/// progress is ended: what is owned (a deferred; an rvalue that is not shared) is cancelled in turn, and the coroutine goes
/// on when that has ended, however it does; otherwise it goes on at once with cancelled_error, and what it awaited is left
/// alone. Each later co_await throws cancelled_error at once, and cancels what it owns, unless it is shielded. What the
/// coroutine makes of that is its outcome: a value counts, cancelled_error is "cancelled". When the loop stops, every wait
/// ends, shielded or not, with loop_stopped; none begins any more.
template <class T = void>
class [[nodiscard]] task {
  static_assert(std::is_void_v<T> || (std::is_object_v<T> && !std::is_array_v<T> && !std::is_const_v<T>),
                "crochet: a coroutine gives void or a value; no reference, no array, not const");

 public:
  using promise_type = detail::promise<T>;

  task() = default;
  task(task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  task& operator=(task other) noexcept { return std::swap(frame_, other.frame_), *this; }
  ~task() {
    if (frame_) frame_.destroy();
  }
  explicit operator bool() const noexcept { return static_cast<bool>(frame_); }

 private:
  friend promise_type;
  friend detail::running<T>;
  friend detail::child<T>;
  explicit task(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
  promise_type& promise() const { return frame_.promise(); }

  std::coroutine_handle<promise_type> frame_;
};

/// co_await crochet::is_cancelled(): was this coroutine asked to end? For loops that await nothing, and to tell which
/// failure is worth a clean-up that awaits.
inline detail::is_cancelled_query is_cancelled() { return {}; }

/// co_await crochet::shielded(x): waits for x although the coroutine was asked to end, or is while it waits; if x is a task,
/// all that it awaits is shielded. For clean-up. Only the stop of the loop ends it.
template <class X>
detail::shielded_awaitable<X> shielded(X&& awaitable) {
  return {std::forward<X>(awaitable)};
}

// ==== Below: how it is done ==========================================================================================
//
// One call of a coroutine is an `activity`: it lies in the call's storage and holds a deferred of it. A chain of
// coroutines awaits each other; the innermost awaits a result, by an after-call on the loop. All of it happens on the
// loop's thread. The ways in are:
//   the call itself    follow() starts the chain
//   the after-call     resumes it: the result is settled
//   the on-cancel hook somebody cancels, or the loop stops: ends the wait
//   an at-stop call    ends the wait when the loop stops after the hook was used up by a cancel
// An after-call that never starts is not heard of: the stop drops it on whichever thread finds it, perhaps one of the
// host's. The hook or the at-stop call follows on the loop's thread. If that is stuck, or was ended, neither comes, and
// the coroutine is left suspended with all that it holds: nobody else may touch it.

namespace detail {
class wait;

class activity {
 public:
  using action = void(activity&);
  // `finish`: the outermost coroutine has ended. `lose`: the thread ends in one. Afterwards the activity may be gone.
  activity(action* finish, action* lose) : finish_(finish), lose_(lose) {}
  activity(const activity&) = delete;
  activity& operator=(const activity&) = delete;

  // Resumes one coroutine after the other until one waits, or the outermost has ended; the compiler need know no tail
  // calls, and the stack does not grow.
  void go(std::coroutine_handle<> first) {
    next = first;
    try {
      while (next) std::exchange(next, nullptr).resume();
    } catch (...) {  // a forced unwind, and nothing else: the thread ends
      lose_(*this);
      throw;
    }
    if (waiting == nullptr) finish_(*this);
  }
  void go_on();

  // Somebody cancels, or the loop stops.
  static void ask(crochet_deferred*, void* self) { static_cast<activity*>(self)->ask(); }

  [[noreturn]] void throw_why() const {
    if (stopped) throw loop_stopped(CROCHET_ESTOPPED);
    throw cancelled_error(CROCHET_ECANCELED);
  }
  bool refuses() const noexcept { return asked && shields == 0; }

  deferred_ref outer;
  std::coroutine_handle<> next;  // to be resumed by go()
  wait* waiting = nullptr;       // the innermost coroutine's
  unsigned shields = 0;          // shielded co_awaits that are in progress
  bool asked = false;            // to end
  bool stopped = false;          // by the stop of the loop

 protected:
  ~activity() = default;
  // The last use of it. Not begun once it was settled: the hook needs no reference.
  deferred_ref leave() {
    crochet_result_cancel(at_stop_.get(), nullptr);
    at_stop_ = result_ref();
    return std::move(outer);
  }

 private:
  void ask();
  // Has the stop of the loop end the wait from now on, since the hook is used up.
  int watch_for_stop() {
    call_ref call;
    // NOLINTNEXTLINE(bugprone-sizeof-expression): a pointer is what is stored
    int status = crochet_call_new(crochet_current_loop(), sizeof(activity*), call.out());
    if (status == CROCHET_OK) status = crochet_call_set_at_stop(call.get());
    if (status != CROCHET_OK) return status;
    ::new (crochet_call_storage(call.get())) activity*(this);
    return crochet_call_run(call.leave(), at_stop, nullptr, at_stop_.out());
  }
  static void at_stop(crochet_deferred* deferred, void* storage);

  action* const finish_;
  action* const lose_;
  result_ref at_stop_;
};

// One co_await of a result.
class wait {
 public:
  wait(activity& of, crochet_result* source, bool owned)
      : of_(of), source_(crochet_result_retain(source)), owned_(owned) {}
  wait(const wait&) = delete;
  wait& operator=(const wait&) = delete;
  ~wait() {
    if (owned_ && pending()) crochet_result_cancel(source_.get(), nullptr);
  }
  bool await_ready() {
    refused_ = of_.refuses();
    return refused_ || !pending();
  }
  bool await_suspend(std::coroutine_handle<> who) {
    status_ = begin();
    if (status_ == CROCHET_ESTOPPED) {
      // If nobody has asked yet, the stop has the hook before it, which ends this wait.
      of_.stopped = crochet_deferred_is_cancelled(of_.outer.get()) != 0;
      if (!of_.stopped) status_ = CROCHET_OK;
    }
    if (status_ != CROCHET_OK) return false;
    who_ = who;
    of_.waiting = this;
    return true;
  }

  // Ends what is awaited, if it is this coroutine's; otherwise the wait.
  void cancel() {
    if (owned_) crochet_result_cancel(source_.get(), nullptr);
    else if (pending()) give_up();
  }
  // Ends the wait here and now.
  void give_up() {
    const result_ref after = std::move(after_);
    crochet_result_cancel(after.get(), nullptr);  // from here on it does not start
    of_.go_on();
  }
  std::coroutine_handle<> who() const noexcept { return who_; }

 protected:
  // Throws when the result is not settled.
  void end() const {
    if (refused_) of_.throw_why();
    if (status_ == CROCHET_ESTOPPED) throw loop_stopped(status_);
    check(status_);
    if (pending()) of_.throw_why();
  }

 private:
  bool pending() const noexcept { return crochet_result_status(source_.get()) == CROCHET_EPENDING; }
  int begin() {
    call_ref call;
    // NOLINTNEXTLINE(bugprone-sizeof-expression): a pointer is what is stored
    int status = crochet_call_new(crochet_current_loop(), sizeof(wait*), call.out());
    if (status == CROCHET_OK) status = crochet_call_set_after(call.get(), source_.get());
    if (status != CROCHET_OK) return status;
    ::new (crochet_call_storage(call.get())) wait*(this);
    return crochet_call_run(call.leave(), after, nullptr, after_.out());
  }
  static void after(crochet_deferred* deferred, void* storage) {
    wait* const self = *static_cast<wait**>(storage);
    crochet_resolve(deferred, nullptr, nullptr);
    self->of_.go_on();
  }

  activity& of_;
  const result_ref source_;
  result_ref after_;
  std::coroutine_handle<> who_;
  const bool owned_;
  bool refused_ = false;
  int status_ = CROCHET_OK;
};

inline void activity::go_on() { go(std::exchange(waiting, nullptr)->who()); }

inline void activity::ask() {
  asked = true;
  if (waiting == nullptr) return;
  const int status = watch_for_stop();
  if (status != CROCHET_OK) {  // it is the stop; or there is no memory, and nothing could end the wait later
    stopped = status == CROCHET_ESTOPPED;
    waiting->give_up();
  } else if (shields == 0) {
    waiting->cancel();
  }
}

inline void activity::at_stop(crochet_deferred* deferred, void* storage) {
  activity* const self = *static_cast<activity**>(storage);
  crochet_resolve(deferred, nullptr, nullptr);
  self->stopped = true;
  if (self->waiting != nullptr) self->waiting->give_up();
}

// Awaits a result that belongs to the coroutine.
template <class T>
class owned_wait : public wait {
 public:
  owned_wait(activity& of, eventual_result<T> result)
      : wait(of, result.handle(), !result.shared()), result_(std::move(result)) {}
  T await_resume() { return end(), result_.take(); }

 private:
  eventual_result<T> result_;
};

// Awaits a result that somebody else has.
template <class T>
class lent_wait : public wait {
 public:
  lent_wait(activity& of, const eventual_result<T>& result) : wait(of, result.handle(), false), result_(result) {}
  typename eventual_result<T>::reference await_resume() { return end(), result_.value(); }

 private:
  const eventual_result<T>& result_;
};

// Awaits another coroutine.
template <class T>
class child {
 public:
  child(activity& of, task<T> it) : of_(of), it_(std::move(it)) {
    if (!it_) refuse(CROCHET_EINVAL);
  }
  child(const child&) = delete;
  child& operator=(const child&) = delete;
  bool await_ready() { return refused_ = of_.refuses(); }
  void await_suspend(std::coroutine_handle<> who) {
    it_.promise().part_of = &of_;
    it_.promise().parent = who;
    of_.next = it_.frame_;
  }
  T await_resume() {
    if (refused_) of_.throw_why();
    return it_.promise().outcome();
  }

 private:
  activity& of_;
  task<T> it_;
  bool refused_ = false;
};

template <class Inner>
class shielded_wait {
 public:
  template <class Promise, class X>
  shielded_wait(Promise& promise, X&& awaitable)
      : of_(*promise.part_of), inner_(promise.await_transform(std::forward<X>(awaitable))) {}
  shielded_wait(const shielded_wait&) = delete;
  shielded_wait& operator=(const shielded_wait&) = delete;
  bool await_ready() {
    ++of_.shields;
    return inner_.await_ready();
  }
  auto await_suspend(std::coroutine_handle<> who) { return inner_.await_suspend(who); }
  decltype(auto) await_resume() {
    --of_.shields;
    return inner_.await_resume();
  }

 private:
  activity& of_;
  Inner inner_;
};

struct promise_base {
  struct ended : std::suspend_always {
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> who) const noexcept {
      const promise_base& self = who.promise();
      self.part_of->next = self.parent;
    }
  };
  std::suspend_always initial_suspend() const noexcept { return {}; }
  ended final_suspend() const noexcept { return {}; }
  // As in settle().
  __attribute__((no_sanitize("null", "alignment"))) void unhandled_exception() {
    try {
      throw;
    } catch (const forced_unwind&) {
      throw;
    } catch (...) {
      failure = std::current_exception();
    }
  }

  template <class T>
  child<T> await_transform(task<T>&& it) const {
    return {*part_of, std::move(it)};
  }
  template <class T>
  owned_wait<T> await_transform(eventual_result<T>&& result) const {
    return {*part_of, std::move(result)};
  }
  template <class T>
  lent_wait<T> await_transform(eventual_result<T>& result) const {
    return {*part_of, result};
  }
  template <class T>
  lent_wait<T> await_transform(const eventual_result<T>& result) const {
    return {*part_of, result};
  }
  template <class T>
  owned_wait<T> await_transform(deferred<T>&& it) const {
    return {*part_of, deferred<T>(std::move(it)).result()};
  }
  template <class X>
  auto await_transform(shielded_awaitable<X>&& it) const {
    using inner = decltype(await_transform(std::forward<X>(it.awaitable)));
    return shielded_wait<inner>(*this, std::forward<X>(it.awaitable));
  }
  auto await_transform(is_cancelled_query) const {
    struct answer : std::suspend_never {
      bool value;
      bool await_resume() const noexcept { return value; }
    };
    return answer{{}, part_of->asked};
  }
  template <class T>
  std::suspend_never await_transform(task<T>&) const {
    static_assert(!std::is_same_v<T, T>, "crochet: a task is awaited once: co_await std::move(task)");
    return {};
  }
  template <class T>
  std::suspend_never await_transform(deferred<T>&) const {
    static_assert(!std::is_same_v<T, T>,
                  "crochet: who awaits a deferred must not keep it from being broken: co_await std::move(deferred)");
    return {};
  }
  template <class X>
  std::suspend_never await_transform(X&&) const {
    static_assert(!std::is_same_v<X, X>,
                  "crochet: a coroutine awaits a task, a deferred, an eventual_result, or what crochet_coro.hpp gives");
    return {};
  }

  activity* part_of = nullptr;
  std::coroutine_handle<> parent;  // the coroutine that awaits this one; null: it is the outermost
  std::exception_ptr failure;
};

template <class T>
struct promise : promise_base {
  task<T> get_return_object() { return task<T>(std::coroutine_handle<promise>::from_promise(*this)); }
  template <class U = T>
  void return_value(U&& u) {
    static_assert(std::is_constructible_v<T, U>, "crochet: what is co_returned does not make the task's type");
    value.emplace(std::forward<U>(u));
  }
  T outcome() {
    if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
    return std::move(*value);
  }
  std::optional<T> value;
};
template <>
struct promise<void> : promise_base {
  task<void> get_return_object();
  void return_void() const noexcept {}
  void outcome() {
    if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
  }
};
inline task<void> promise<void>::get_return_object() {
  return task<void>(std::coroutine_handle<promise>::from_promise(*this));
}

// The activity of a call whose function returned a task<T>; the value lies beside it.
template <class T>
struct running : activity, room<T> {
  running()
      : activity([](activity& it) { static_cast<running&>(it).finish(); },
                 [](activity& it) { static_cast<running&>(it).lose(); }) {}
  int follow(crochet_deferred* deferred, task<T> started) {
    if (!started) refuse(CROCHET_EINVAL);
    outer = deferred_ref(crochet_deferred_retain(deferred));
    if (!outer) refuse(CROCHET_EINVAL);
    const int status = crochet_deferred_on_cancel(deferred, ask, static_cast<activity*>(this), nullptr);
    if (status != CROCHET_OK) {
      outer = deferred_ref();
      if (status != CROCHET_EALREADY) refuse(status);
      return crochet_reject(deferred, CROCHET_ECANCELED, nullptr);  // asked to end before it began
    }
    outermost_ = std::move(started);
    outermost_.promise().part_of = this;
    go(outermost_.frame_);
    return CROCHET_OK;
  }

 private:
  // The deferred goes last: with it goes what the coroutine refers to, and this.
  void finish() {
    const deferred_ref deferred = leave();
    promise<T>& ended = outermost_.promise();
    if (!ended.failure) {
      detail::settle(deferred.get(), [&] {
        return detail::resolve<T>(deferred.get(), this->place(), [&]() -> T { return ended.outcome(); });
      });
    } else if (is_the_stop(ended.failure)) {
      ended.failure = nullptr;
      crochet_reject(deferred.get(), CROCHET_ECANCELED, nullptr);
    } else {
      detail::reject(deferred.get(), std::exchange(ended.failure, nullptr));
    }
    outermost_ = task<T>();
  }
  void lose() {
    const deferred_ref deferred = leave();
    outermost_ = task<T>();
    crochet_reject(deferred.get(), CROCHET_ESTOPPED, nullptr);
  }
  // Is it what the waits threw since the loop stops? Then this is how the call ends, and no failure of its own.
  bool is_the_stop(const std::exception_ptr& failure) const {
    if (!stopped) return false;
    try {
      std::rethrow_exception(failure);
    } catch (const loop_stopped&) {
      return true;
    } catch (...) {
      return false;
    }
  }

  task<T> outermost_;
};

// ---- What crochet.hpp asks about a function's return type -----------------------------------------------------------

template <class T>
struct returned<task<T>> : returned<deferred<T>> {};
template <class T>
inline constexpr bool refers_to_body<task<T>> = true;
template <class T>
struct beside_body<task<T>> {
  using type = running<T>;
};

// A parameter that refers to an argument must bind to the argument itself. What can't be looked into (a generic lambda, an
// overloaded function) is let pass.
template <class...>
struct types {};
template <class R, class... P>
types<P...> parameters_of(R (*)(P...));
template <class R, class C, class... P>
types<P...> parameters_of(R (C::*)(P...));
template <class R, class C, class... P>
types<P...> parameters_of(R (C::*)(P...) const);
template <class R, class C, class... P>
types<P...> parameters_of(R (C::*)(P...) &);
template <class R, class C, class... P>
types<P...> parameters_of(R (C::*)(P...) const&);

template <class T>
inline constexpr bool is_reference_wrapper = false;
template <class T>
inline constexpr bool is_reference_wrapper<std::reference_wrapper<T>> = true;

template <class P, class A>
inline constexpr bool binds = !std::is_reference_v<P> || is_reference_wrapper<std::remove_cvref_t<A>> ||
                              std::is_convertible_v<std::remove_cvref_t<A>*, std::remove_cvref_t<P>*>;
template <class... P, class... A>
constexpr bool all_bind(types<P...>, types<A...>) {
  if constexpr (sizeof...(P) == sizeof...(A)) return (binds<P, A> && ...);
  else return true;
}
template <class... P, class Object, class... A>
constexpr bool all_bind_behind(types<P...> parameters, types<Object, A...>) {
  return detail::all_bind(parameters, types<A...>());
}
template <class T, class F, class... A>
inline constexpr bool arguments_last<task<T>, F, A...> = [] {
  if constexpr (requires { detail::parameters_of(&F::operator()); })
    return detail::all_bind(decltype(detail::parameters_of(&F::operator()))(), types<A...>());
  else if constexpr (!requires(F f) { detail::parameters_of(f); }) return true;
  else if constexpr (std::is_member_function_pointer_v<F>)
    return detail::all_bind_behind(decltype(detail::parameters_of(std::declval<F>()))(), types<A...>());
  else return detail::all_bind(decltype(detail::parameters_of(std::declval<F>()))(), types<A...>());
}();

// A coroutine on an object of a loop_owned<T>: this does not end while that lasts.
template <class T>
class use {
 public:
  explicit use(owned<T>& it) : it_(it) { ++it_.users; }
  use(const use&) = delete;
  use& operator=(const use&) = delete;
  ~use() {
    if (--it_.users == 0 && it_.ending) it_.end();
  }

 private:
  owned<T>& it_;
};
template <class R>
struct lasting<task<R>> {
  template <class T, class F, class... A>
  static task<R> visit(const std::shared_ptr<owned<T>>& it, F& f, A&&... arguments) {
    static_assert(arguments_last<task<R>, F, T, A...>,
                  "crochet: an argument is converted for this call, and the coroutine refers to what comes of it after "
                  "that is gone: take it by value, or pass the parameter's own type");
    const use<T> in_use(*it);
    co_return co_await std::apply(std::move(f), std::forward_as_tuple(it->get(), std::forward<A>(arguments)...));
  }
};

// then() of a coroutine: the value lives as long as it.
template <class T, class F>
struct continuation<T, T, F, std::enable_if_t<refers_to_body<std::invoke_result_t<F, T>>>> {
  eventual_result<T> source;
  F f;
  std::optional<T> value{};
  static_assert(arguments_last<std::invoke_result_t<F, T>, F, T>,
                "crochet: the value is converted for this call, and the coroutine refers to what comes of it");
  decltype(auto) operator()() {
    value.emplace(source.take());
    return std::apply(std::move(f), std::forward_as_tuple(std::move(*value)));
  }
};
}  // namespace detail

}  // namespace v0_1
}  // namespace crochet

#endif  // CROCHET_CORO_HPP
