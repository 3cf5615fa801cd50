// SPDX-License-Identifier: MIT
// What scenarios have in common. A scenario uses a part of the library, takes whatever code comes back, and says which;
// sweep.py knows which codes are documented. What must hold whatever fails is looked at here: MUST, and the tokens.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include "crochet.h"

namespace faults {

// The part of a scenario in which calls are counted, and may fail.
class Armed {
 public:
  explicit Armed(const char* plan) : plan_(plan) {}
  void begin() const;
  void end() const;

 private:
  const char* const plan_;
};

struct Scenario {
  const char* name;
  void (*run)(const Armed& armed);
};

// What has come back of a function; what happened otherwise.
void note(const char* function, int code);
void note(const char* function);
void broken(const char* file, int line, const char* what);

template <class F, class... A>
auto call(const char* name, F* function, A... a) {
  using Gives = decltype(function(a...));
  if constexpr (std::is_void_v<Gives>) {
    function(a...);
    note(name);
  } else {
    const Gives got = function(a...);
    if constexpr (std::is_same_v<Gives, int>) note(name, got);
    else note(name);
    return got;
  }
}

#define CALL(function, ...) ::faults::call(#function, function __VA_OPT__(, ) __VA_ARGS__)
#define MUST(condition) ((condition) ? void() : ::faults::broken(__FILE__, __LINE__, #condition))

// Something to be owned: each is dropped exactly once.
void* token();
void drop_token(void* token);

// A handle that is released.
template <class T, void (*kRelease)(T*)>
class Handle {
 public:
  Handle() = default;
  ~Handle() { reset(); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  T* get() const { return handle_; }
  explicit operator bool() const { return handle_ != nullptr; }
  T** out() { return reset(), &handle_; }
  T* give() { return std::exchange(handle_, nullptr); }
  void reset() {
    if (handle_ != nullptr) kRelease(std::exchange(handle_, nullptr));
  }

 private:
  T* handle_ = nullptr;
};

inline void release_result(crochet_result* r) { CALL(crochet_result_release, r); }
inline void release_deferred(crochet_deferred* d) { CALL(crochet_deferred_release, d); }
inline void release_loop(crochet_loop* l) { CALL(crochet_loop_release, l); }
inline void free_options(crochet_options* o) { CALL(crochet_options_free, o); }
using Result = Handle<crochet_result, release_result>;
using Deferred = Handle<crochet_deferred, release_deferred>;
using Loop = Handle<crochet_loop, release_loop>;
using Options = Handle<crochet_options, free_options>;

// Functions of calls, and what settles them.
void gives_token(crochet_deferred* deferred, void* arg);
void fails(crochet_deferred* deferred, void* arg);

// Waits until it is settled, which it must be some day, and looks at all that it says.
void settle(const Result& result);

// The default loop, without faults.
void set_up();
void shut_down();

// Of the files of this folder.
extern const Scenario kLifecycle[];
extern const Scenario kCalls[];
extern const Scenario kResults[];
extern const Scenario kQueues[];
extern const Scenario kLog[];
extern const Scenario kOperations[];
extern const Scenario kLooking[];
const Scenario* headers_scenarios();  // of the module whose own memory can fail, too

}  // namespace faults
