// SPDX-License-Identifier: MIT
// Why a call failed: crochet_error_...
#include <gtest/gtest.h>
#include <uv.h>

#include <string>

#include "api/provokes.hpp"
#include "api/support/blocked_loop.hpp"
#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/ended.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "crochet.h"

namespace contract {
namespace {

class Error : public WithDefaultLoop {};

// The error of a call rejected with `code` and `message`.
struct Rejected {
  Rejected(int code, const char* message) {
    EXPECT_EQ(crochet_reject(call.deferred.get(), code, message), CROCHET_OK);
    error = crochet_result_error(call.result.get());
  }

  Pending call;
  const crochet_error* error = nullptr;
};

TEST_F(Error, HasTheCodeThatWasRejected) {
  for (const int code : {-1, static_cast<int>(UV_ENOENT), CROCHET_ETIMEDOUT, -30000, -2147483647 - 1}) {
    EXPECT_EQ(crochet_error_code(Rejected(code, "why").error), code);
  }
}

TEST_F(Error, HasAFailuresCodeWhenTheRejectedOneIsNone) {
  EXPECT_EQ(crochet_error_code(Rejected(0, "why").error), CROCHET_EFAILED);
  EXPECT_EQ(crochet_error_code(Rejected(1, "why").error), CROCHET_EFAILED);
  EXPECT_EQ(crochet_error_code(Rejected(2147483647, "why").error), CROCHET_EFAILED);
}

TEST_F(Error, HasACopyOfTheMessage) {
  std::string message = "the needle is bent";
  Rejected rejected(-1, message.c_str());
  message.assign(message.size(), 'X');
  EXPECT_STREQ(crochet_error_message(rejected.error), "the needle is bent");
}

TEST_F(Error, HasTheCodesOwnMessageWhenThereIsNone) {
  for (const int code : {CROCHET_EFAILED, static_cast<int>(UV_ENOENT), -30000}) {
    const std::string own = crochet_status_message(code);
    EXPECT_EQ(crochet_error_message(Rejected(code, nullptr).error), own);
    EXPECT_EQ(crochet_error_message(Rejected(code, "").error), own);
  }
}

TEST_F(Error, DoesNotInterpretTheMessage) {
  EXPECT_STREQ(crochet_error_message(Rejected(-1, "100 %s {} \xff \n").error), "100 %s {} \xff \n");
}

TEST_F(Error, LivesAsLongAsItsResult) {
  Rejected rejected(-1, "why");
  rejected.call.deferred.reset();
  OwnedResult second(crochet_result_retain(rejected.call.result.get()));
  rejected.call.result.reset();
  EXPECT_STREQ(crochet_error_message(rejected.error), "why");
  EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  EXPECT_STREQ(crochet_error_message(rejected.error), "why");
}

TEST_F(Error, SaysHowACallEndedThatNobodyRejected) {
  EXPECT_EQ(crochet_error_code(crochet_result_error(ended(CROCHET_ECANCELED).get())), CROCHET_ECANCELED);
  EXPECT_EQ(crochet_error_code(crochet_result_error(ended(CROCHET_ESTOPPED).get())), CROCHET_ESTOPPED);
  EXPECT_EQ(crochet_error_code(crochet_result_error(ended(CROCHET_EBROKEN).get())), CROCHET_EBROKEN);
  for (const int code : {CROCHET_ECANCELED, CROCHET_ESTOPPED, CROCHET_EBROKEN}) {
    OwnedResult result = ended(code);
    EXPECT_STREQ(crochet_error_message(crochet_result_error(result.get())), crochet_status_message(code));
  }
}

TEST_F(Error, OfACallThatNeverStartedSaysThatItIsSafeToRepeat) {
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  Pending first;
  OwnedCall call;
  ASSERT_EQ(crochet_call_new(loop.get(), 0, call.out()), CROCHET_OK);
  ASSERT_EQ(crochet_call_set_after(call.get(), first.result.get()), CROCHET_OK);
  OwnedResult result;
  ASSERT_EQ(crochet_call_run(call.release(), resolve_null, nullptr, result.out()), CROCHET_OK);
  ASSERT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_ESTOPPED);
  EXPECT_EQ(crochet_error_code(crochet_result_error(result.get())), CROCHET_ENOTRUN);
}

TEST_F(Error, TellsTheLabelOfTheCallHoweverItFailed) {
  Pending never;
  for (const bool cancelled : {false, true}) {
    OwnedCall call;
    ASSERT_EQ(crochet_call_new(nullptr, 0, call.out()), CROCHET_OK);
    ASSERT_EQ(crochet_call_set_label(call.get(), "look up a name"), CROCHET_OK);
    if (cancelled) {
      ASSERT_EQ(crochet_call_set_after(call.get(), never.result.get()), CROCHET_OK);
    }
    OwnedResult result;
    ASSERT_EQ(crochet_call_run(call.release(), reject_plainly, nullptr, result.out()), CROCHET_OK);
    if (cancelled) {
      ASSERT_EQ(crochet_result_cancel(result.get(), nullptr), CROCHET_OK);
    }
    EXPECT_NE(crochet_result_wait(result.get(), kForever), CROCHET_OK);
    EXPECT_STREQ(crochet_error_label(crochet_result_error(result.get())), "look up a name");
  }
}

TEST_F(Error, WithoutALabelHasAnEmptyOne) { EXPECT_STREQ(crochet_error_label(Rejected(-1, "why").error), ""); }

TEST_F(Error, GivesThePayloadToWhoKnowsItsType) {
  DropCounter payload;
  Pending call;
  ASSERT_EQ(crochet_reject_with(call.deferred.get(), -1, nullptr, 7, payload.pointer(), DropCounter::drop), CROCHET_OK);
  const crochet_error* const error = crochet_result_error(call.result.get());
  EXPECT_EQ(crochet_error_payload(error, 7), payload.pointer());
  EXPECT_EQ(crochet_error_payload(error, 8), nullptr);
  EXPECT_EQ(crochet_error_payload(error, 0), nullptr);
  EXPECT_EQ(crochet_error_payload(Rejected(-1, "why").error, 7), nullptr);
}

TEST_F(Error, OfNullIsHarmless) {
  EXPECT_EQ(crochet_error_code(nullptr), CROCHET_EINVAL);
  EXPECT_STREQ(crochet_error_message(nullptr), "");
  EXPECT_STREQ(crochet_error_label(nullptr), "");
  EXPECT_EQ(crochet_error_payload(nullptr, 7), nullptr);
}

}  // namespace
}  // namespace contract
