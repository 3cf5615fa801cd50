// SPDX-License-Identifier: MIT
//
// crochet_completion.hpp: many eventual_results of crochet.hpp, as they come. Headers only, over the C ABI only.
//
//   for (auto& page : crochet::as_completed(pages)) std::cout << page.take();     // the fastest first
//   std::size_t first = crochet::wait_any(5s, pages);                             // or timeout_error
//   auto all = crochet::when_all(std::move(pages));                               // eventual_result<vector<string>>, at once
//   crochet::completion_queue queue;                                              // for an event loop of your own
//   queue.watch(page, 7);
//   poll(queue.descriptor()); for (auto& done : queue.drain()) show(done.tag());
#ifndef CROCHET_COMPLETION_HPP
#define CROCHET_COMPLETION_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "crochet.hpp"

namespace crochet {
inline namespace v0_1 {

namespace detail {
using completion_queue_ref =
    owner<crochet_completion_queue, crochet_completion_queue_retain, crochet_completion_queue_release>;
}  // namespace detail

// ---- Completion queues ----------------------------------------------------------------------------------------------

/// A settled result that a queue handed out.
class completion {
 public:
  completion(crochet_result* taken_over, std::uint64_t tag) : ref_(taken_over), tag_(tag) {}
  std::uint64_t tag() const noexcept { return tag_; }
  crochet_result* handle() const noexcept { return ref_.get(); }
  /// The result, of the type that was watched; nobody checks that. A shared one.
  template <class T>
  eventual_result<T> result() const {
    return eventual_result<T>(detail::result_ref(ref_).leave(), true);
  }

 private:
  detail::result_ref ref_;
  std::uint64_t tag_;
};

/// Hands results out as they settle. A copy is one more reference to the same queue. See
/// crochet_completion_queue_new().
class completion_queue {
 public:
  completion_queue() { detail::check(crochet_completion_queue_new(ref_.out())); }
  crochet_completion_queue* handle() const noexcept { return ref_.get(); }

  /// The tag comes back with the result, of which the queue keeps a reference. See crochet_completion_queue_watch().
  template <class T>
  void watch(const eventual_result<T>& result, std::uint64_t tag) const {
    detail::check(crochet_completion_queue_watch(handle(), result.handle(), tag));
  }
  /// False: it was or will be handed out, or was never watched. See crochet_completion_queue_unwatch().
  template <class T>
  bool unwatch(const eventual_result<T>& result) const {
    const int status = crochet_completion_queue_unwatch(handle(), result.handle());
    if (status != CROCHET_EALREADY && status != CROCHET_ENOENT) detail::check(status);
    return status == CROCHET_OK;
  }
  /// Blocks until one is there, or throws timeout_error. Empty: the queue was closed, and nothing is left in it. See
  /// crochet_completion_queue_next().
  std::optional<completion> next(timeout time = {}) const {
    crochet_result* result = nullptr;
    std::uint64_t tag = 0;
    const int status = crochet_completion_queue_next(handle(), time.ns(), &result, &tag);
    if (status == CROCHET_ECLOSED) return std::nullopt;
    detail::check(status);
    return completion(result, tag);
  }
  /// What is there, and no more than `most`; never blocks. For loops' threads, too. See
  /// crochet_completion_queue_drain().
  std::vector<completion> drain(std::size_t most = 64) const {
    std::vector<crochet_result*> results(most);
    std::vector<std::uint64_t> tags(most);
    std::vector<completion> completions;
    completions.reserve(most);
    std::size_t count = 0;
    const int status = crochet_completion_queue_drain(handle(), most, results.data(), tags.data(), &count);
    if (status != CROCHET_ECLOSED) detail::check(status);
    for (std::size_t i = 0; i < count; ++i) completions.emplace_back(results[i], tags[i]);
    return completions;
  }
  /// Readable while something is there, or once it is closed. See crochet_completion_queue_descriptor().
  int descriptor() const {
    int descriptor = -1;
    detail::check(crochet_completion_queue_descriptor(handle(), &descriptor));
    return descriptor;
  }
  /// See crochet_completion_queue_close().
  void close() const { detail::check(crochet_completion_queue_close(handle())); }

 private:
  detail::completion_queue_ref ref_;
};

// ---- Waiting for many -----------------------------------------------------------------------------------------------

namespace detail {
template <class R>
struct result_type;
template <class T>
struct result_type<eventual_result<T>> {
  using type = T;
};
template <class Range>
using element_of = std::decay_t<decltype(*std::begin(std::declval<Range&>()))>;

template <class Range>
std::vector<crochet_result*> handles_of(const Range& results) {
  std::vector<crochet_result*> handles;
  for (const auto& result : results) handles.push_back(result.handle());
  return handles;
}
inline std::size_t wait_any(timeout time, crochet_result* const* results, std::size_t count) {
  std::size_t index = count;
  check(crochet_wait_any(results, count, time.ns(), &index));
  return index;
}

// The results of a range of others', in the order in which they settle, the time being for all. One pass.
template <class Range>
class completed {
 public:
  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = element_of<Range>;
    using difference_type = std::ptrdiff_t;
    using pointer = value_type*;
    using reference = value_type&;

    reference operator*() const { return *owner_->present_; }
    pointer operator->() const { return owner_->present_; }
    iterator& operator++() { return owner_->advance(), *this; }
    void operator++(int) { owner_->advance(); }
    friend bool operator==(const iterator& a, const iterator& b) { return a.at_end() == b.at_end(); }
    friend bool operator!=(const iterator& a, const iterator& b) { return !(a == b); }

   private:
    friend class completed;
    explicit iterator(completed* owner) : owner_(owner) {}
    bool at_end() const { return owner_ == nullptr || owner_->present_ == nullptr; }
    completed* owner_;
  };

  completed(timeout time, Range& results) : begun_(std::chrono::steady_clock::now()), time_(time) {
    for (auto& result : results) {
      results_.push_back(&result);
      queue_.watch(result, results_.size() - 1);
    }
  }
  iterator begin() { return advance(), iterator(this); }
  iterator end() { return iterator(nullptr); }

 private:
  void advance() {
    if (handed_out_++ == results_.size()) {
      present_ = nullptr;
      return;
    }
    present_ = results_[queue_.next(left())->tag()];
  }
  timeout left() const {
    if (time_.ns() == CROCHET_FOREVER) return {};
    const auto passed = std::chrono::steady_clock::now() - begun_;
    return std::chrono::nanoseconds(time_.ns()) - std::chrono::duration_cast<std::chrono::nanoseconds>(passed);
  }

  completion_queue queue_;
  std::vector<element_of<Range>*> results_;
  element_of<Range>* present_ = nullptr;
  std::size_t handed_out_ = 0;
  std::chrono::steady_clock::time_point begun_;
  timeout time_;
};
}  // namespace detail

/// Blocks until one of them is settled, however it is: its place; or throws timeout_error. A range of eventual_results,
/// or several of any types. See crochet_wait_any().
template <class Range, class = detail::element_of<Range>>
std::size_t wait_any(timeout time, const Range& results) {
  const auto handles = detail::handles_of(results);
  return detail::wait_any(time, handles.data(), handles.size());
}
template <class... T>
std::size_t wait_any(timeout time, const eventual_result<T>&... results) {
  const std::array<crochet_result*, sizeof...(T)> handles{results.handle()...};
  return detail::wait_any(time, handles.data(), handles.size());
}

/// Blocks until all of them are settled, however they are; or throws timeout_error. See crochet_wait_all().
template <class Range, class = detail::element_of<Range>>
void wait_all(timeout time, const Range& results) {
  const auto handles = detail::handles_of(results);
  detail::check(crochet_wait_all(handles.data(), handles.size(), time.ns()));
}
template <class... T>
void wait_all(timeout time, const eventual_result<T>&... results) {
  const std::array<crochet_result*, sizeof...(T)> handles{results.handle()...};
  detail::check(crochet_wait_all(handles.data(), handles.size(), time.ns()));
}

/// The results of a range, in the order in which they settle: for (auto& result : as_completed(results)). It blocks in
/// between, and throws timeout_error when the time, for all of them, is over. The range must stay as it is meanwhile.
template <class Range>
detail::completed<Range> as_completed(timeout time, Range& results) {
  return {time, results};
}
template <class Range>
detail::completed<Range> as_completed(Range& results) {
  return {{}, results};
}

// ---- A result of many -----------------------------------------------------------------------------------------------

/// Which was settled first, and all of them.
template <class T>
struct first_of {
  first_of(std::size_t first, std::vector<eventual_result<T>> all) : index(first), results(std::move(all)) {}
  first_of(first_of&&) = default;
  first_of& operator=(first_of&&) = default;
  std::size_t index;
  std::vector<eventual_result<T>> results;
};

namespace detail {
// What several after-calls of one loop share: all of it is touched on that loop's thread.
template <class T, class Value>
struct gathering {
  std::vector<eventual_result<T>> results;
  deferred<Value> outcome;
  std::size_t left = results.size();

  explicit gathering(std::vector<eventual_result<T>> from) : results(std::move(from)) {}
  void cancel() const {
    for (const auto& result : results)
      if (result) result.cancel();
  }
};

// The body of the after-call of the i-th. One that never runs: the loop has stopped.
template <class State, class Settled>
struct part {
  std::shared_ptr<State> state;
  Settled settled;
  std::size_t i;
  part(std::shared_ptr<State> of, const Settled& then, std::size_t index) : state(std::move(of)), settled(then), i(index) {}
  part(part&&) = default;
  ~part() {
    if (state) crochet_reject(state->outcome.handle(), CROCHET_ESTOPPED, nullptr);
  }
  void operator()() { settled(*std::exchange(state, nullptr), i); }
};

template <class T>
void refuse_empty(const std::vector<eventual_result<T>>& results) {
  for (const auto& result : results)
    if (!result) refuse(CROCHET_EINVAL);
}

// Starts settled(state, i) on this loop when the i-th has settled; cancelling the outcome cancels all.
template <class T, class Value, class Settled>
deferred<Value> gather(std::vector<eventual_result<T>> results, const Settled& settled) {
  refuse_empty(results);
  const auto state = std::make_shared<gathering<T, Value>>(std::move(results));
  const deferred<Value> outcome = state->outcome;
  // The state holds the deferred, and must not be held by its hook.
  const std::weak_ptr<gathering<T, Value>> weak = state;
  if (!outcome.on_cancel([weak](const deferred<Value>& d) {
        if (const auto it = weak.lock()) it->cancel();
        d.reject(CROCHET_ECANCELED);
      })) {
    return outcome;
  }
  for (std::size_t i = 0; i < state->results.size(); ++i) {
    submit<part<gathering<T, Value>, Settled>>(crochet_current_loop(), {state->results[i].handle()}, state, settled, i);
  }
  return outcome;
}

template <class T>
deferred<std::conditional_t<std::is_void_v<T>, void, std::vector<T>>> gather_all(std::vector<eventual_result<T>> results) {
  using value = std::conditional_t<std::is_void_v<T>, void, std::vector<T>>;
  const auto finish = [](gathering<T, value>& state) {
    if constexpr (std::is_void_v<T>) {
      state.outcome.resolve();
    } else {
      std::vector<T> values;
      values.reserve(state.results.size());
      for (auto& result : state.results) values.push_back(result.take());
      state.outcome.resolve(std::move(values));
    }
  };
  if (results.empty()) {
    gathering<T, value> nothing({});
    finish(nothing);
    return nothing.outcome;
  }
  return gather<T, value>(std::move(results), [finish](gathering<T, value>& state, std::size_t i) {
    if (const std::exception_ptr failure = state.results[i].original_failure()) {
      state.outcome.reject(failure);
    } else if (--state.left == 0) {
      // A value that can't be taken or copied is the outcome's failure.
      detail::settle(state.outcome.handle(), [&] { return finish(state), CROCHET_OK; });
    }
  });
}

template <class T>
deferred<first_of<T>> gather_any(std::vector<eventual_result<T>> results) {
  if (results.empty()) refuse(CROCHET_EINVAL);
  return gather<T, first_of<T>>(std::move(results), [](gathering<T, first_of<T>>& state, std::size_t i) {
    if (state.left == 0) return;
    state.left = 0;
    state.outcome.resolve(i, std::move(state.results));
  });
}
}  // namespace detail

/// The values of all, in their order, when the last is there (of void: nothing); or the first failure, at once. Blocks
/// nobody. It comes together on the default loop, or on the one given. Cancelling it cancels all of them. With an empty
/// result among them it fails with CROCHET_EINVAL.
template <class T>
auto when_all(std::vector<eventual_result<T>> results) {
  return run(detail::gather_all<T>, std::move(results));
}
template <class T>
auto when_all(const loop& on, std::vector<eventual_result<T>> results) {
  return on.run(detail::gather_all<T>, std::move(results));
}

/// The first that is settled, however it is, and all of them, to go on with. Blocks nobody. Cancelling it cancels all
/// of them. Of none, or with an empty result among them, it fails with CROCHET_EINVAL.
template <class T>
auto when_any(std::vector<eventual_result<T>> results) {
  return run(detail::gather_any<T>, std::move(results));
}
template <class T>
auto when_any(const loop& on, std::vector<eventual_result<T>> results) {
  return on.run(detail::gather_any<T>, std::move(results));
}

}  // namespace v0_1
}  // namespace crochet

#endif  // CROCHET_COMPLETION_HPP
