// SPDX-License-Identifier: MIT
// Fixtures, and what every test file here begins with.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "api/support/gate.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.hpp"

namespace hpp {

using namespace std::chrono_literals;

// No wait of a test that passes takes as long: then something hangs.
inline constexpr auto kKillTimer = 60s;

class ShutDownAfterwards : public testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(crochet::shutdown(10s), crochet::stop_outcome::ended); }
};

class WithLoop : public ShutDownAfterwards {
 protected:
  void SetUp() override { crochet::setup(); }
};

inline bool on_loop() { return crochet_current_loop() != nullptr; }

// The code of the error that body() throws; CROCHET_OK when it throws none.
template <class Body>
int code_of(Body&& body) {
  try {
    body();
  } catch (const crochet::error& e) {
    return e.code();
  }
  return CROCHET_OK;
}

// Holds the loop's thread in a call until it is let go, so that calls made meanwhile stay queued.
class Blocker {
 public:
  template <class Where>
  explicit Blocker(const Where& where)
      : call_(where.run([this] {
          entered_.open();
          leave_.wait();
        })) {
    entered_.wait();
  }
  Blocker()
      : call_(crochet::run([this] {
          entered_.open();
          leave_.wait();
        })) {
    entered_.wait();
  }
  Blocker(const Blocker&) = delete;
  Blocker& operator=(const Blocker&) = delete;
  ~Blocker() { unblock(); }

  void let_go() { leave_.open(); }
  void unblock() {
    let_go();
    call_.join(kKillTimer);
  }

 private:
  contract::Gate entered_;
  contract::Gate leave_;
  crochet::eventual_result<void> call_;
};

}  // namespace hpp

#if defined(CONTRACT_THREAD_SANITIZER)
// libstdc++ counts the references of an exception_ptr inside its shared library, where the sanitizer does not see it:
// it takes the freeing of an exception by its last owner for a race with what another owner read before.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:std::__exception_ptr::exception_ptr::_M_release\n";
}
#endif
