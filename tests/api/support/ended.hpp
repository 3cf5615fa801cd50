// SPDX-License-Identifier: MIT
// A finished result for each of the ways in which a call can end.
#pragma once

#include <gtest/gtest.h>

#include <array>

#include "api/support/closure.hpp"
#include "api/support/durations.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "crochet.h"

namespace contract {

inline constexpr std::array kFinalCodes = {CROCHET_OK, CROCHET_EFAILED, CROCHET_ECANCELED, CROCHET_ESTOPPED,
                                           CROCHET_EBROKEN};
inline constexpr std::array kFailures = {CROCHET_EFAILED, CROCHET_ECANCELED, CROCHET_ESTOPPED, CROCHET_EBROKEN};

// A call that ended with `final_code`; needs the default loop, or none for CROCHET_ESTOPPED. Failures count as
// observed, so that no test logs them.
inline OwnedResult ended(int final_code) {
  if (final_code == CROCHET_ESTOPPED) {
    OwnedLoop loop;
    EXPECT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    Pending call(loop.get());
    EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
    crochet_result_error(call.result.get());
    return std::move(call.result);
  }
  Pending call;
  switch (final_code) {
    case CROCHET_OK: EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK); break;
    case CROCHET_EFAILED: EXPECT_EQ(crochet_reject(call.deferred.get(), -1, "failed"), CROCHET_OK); break;
    case CROCHET_ECANCELED: EXPECT_EQ(crochet_result_cancel(call.result.get(), nullptr), CROCHET_OK); break;
    case CROCHET_EBROKEN: break;
    default: ADD_FAILURE() << final_code << " ends no call";
  }
  call.deferred.reset();
  crochet_result_error(call.result.get());
  EXPECT_EQ(crochet_result_join(call.result.get(), kKillTimer), CROCHET_OK);
  return std::move(call.result);
}

}  // namespace contract
