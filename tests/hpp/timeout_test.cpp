// SPDX-License-Identifier: MIT
// Times: every std::chrono duration has a meaning, and none is another's.
#include <cfloat>
#include <limits>

#include "hpp/support/with_loop.hpp"

namespace hpp {
namespace {

using crochet::timeout;
using seconds_f = std::chrono::duration<double>;
using seconds_l = std::chrono::duration<long double>;
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

TEST(Timeout, ConvertsExactly) {
  EXPECT_EQ(timeout(5s).ns(), 5'000'000'000);
  EXPECT_EQ(timeout(1ms).ns(), 1'000'000);
  EXPECT_EQ(timeout(1ns).ns(), 1);
  EXPECT_EQ(timeout(1h).ns(), 3'600'000'000'000);
  EXPECT_EQ(timeout(seconds_f(0.5)).ns(), 500'000'000);
  EXPECT_EQ(timeout(std::chrono::nanoseconds(kMost - 1)).ns(), kMost - 1);
  EXPECT_EQ(timeout(std::chrono::duration<int, std::ratio<1, 3>>(3)).ns(), 1'000'000'000);
}
TEST(Timeout, DefaultMadeIsForEver) { EXPECT_EQ(timeout().ns(), CROCHET_FOREVER); }
TEST(Timeout, RoundsUp) {
  EXPECT_EQ(timeout(std::chrono::duration<int, std::pico>(1)).ns(), 1);
  EXPECT_EQ(timeout(std::chrono::duration<int, std::pico>(1001)).ns(), 2);
  EXPECT_EQ(timeout(std::chrono::duration<int, std::ratio<1, 3>>(1)).ns(), 333'333'334);
}

TEST(AbuseA2, NegativeTimesLookAndReturn) {
  EXPECT_EQ(timeout(-1ns).ns(), 0) << "and not for ever";
  EXPECT_EQ(timeout(0s).ns(), 0);
  EXPECT_EQ(timeout(std::chrono::hours::min()).ns(), 0);
  EXPECT_EQ(timeout(std::chrono::nanoseconds::min()).ns(), 0);
  EXPECT_EQ(timeout(seconds_f(-DBL_MIN)).ns(), 0);
  EXPECT_EQ(timeout(seconds_f(-std::numeric_limits<double>::infinity())).ns(), 0);
}
TEST(AbuseA2, HugeTimesAreVeryLong) {
  EXPECT_EQ(timeout(std::chrono::hours::max()).ns(), kMost);
  EXPECT_EQ(timeout(std::chrono::nanoseconds::max()).ns(), kMost);
  EXPECT_EQ(timeout(std::chrono::duration<unsigned long long>::max()).ns(), kMost);
  EXPECT_EQ(timeout(std::chrono::duration<std::int64_t, std::exa>::max()).ns(), kMost);
  EXPECT_EQ(timeout(seconds_f(1e300)).ns(), kMost);
  EXPECT_EQ(timeout(seconds_f(std::numeric_limits<double>::infinity())).ns(), kMost);
  EXPECT_EQ(timeout(seconds_l(LDBL_MAX)).ns(), kMost);
  EXPECT_EQ(timeout(std::chrono::milliseconds(std::int64_t{1} << 32)).ns(), (std::int64_t{1} << 32) * 1'000'000);
}
TEST(AbuseA2, DenormalTimesAreOneNanosecond) {
  EXPECT_EQ(timeout(seconds_f(std::numeric_limits<double>::denorm_min())).ns(), 1);
  EXPECT_EQ(timeout(seconds_f(DBL_MIN)).ns(), 1);
  EXPECT_EQ(timeout(std::chrono::duration<float, std::nano>(1e-30F)).ns(), 1);
}
TEST(AbuseA2, NotANumberIsAnInvalidArgument) {
  EXPECT_THROW(timeout(seconds_f(std::numeric_limits<double>::quiet_NaN())), std::invalid_argument);
  EXPECT_THROW(timeout(seconds_f(-std::numeric_limits<double>::quiet_NaN())), std::invalid_argument);
}

class AbuseA2Waits : public WithLoop {};

TEST_F(AbuseA2Waits, NeverEndAtOnceForHugeTimes) {
  contract::Gate gate;
  auto patient = crochet::wait_for(std::chrono::hours::max(), [&gate] { gate.wait(); });
  std::thread opener([&gate] { gate.open(); });
  patient();
  opener.join();
  auto result = crochet::run([] { return 1; });
  EXPECT_EQ(result.wait(seconds_f(1e300)), 1);
  EXPECT_EQ(result.wait(seconds_f(std::numeric_limits<double>::infinity())), 1);
  result.join(std::chrono::hours::max());
}
TEST_F(AbuseA2Waits, LookOnceForNegativeTimes) {
  const Blocker blocker;
  auto result = crochet::run([] { return 1; });
  EXPECT_THROW(result.wait(-1ns), crochet::timeout_error);
  EXPECT_THROW(result.wait(std::chrono::hours::min()), crochet::timeout_error);
  EXPECT_FALSE(result.ready(-5s));
  EXPECT_THROW(result.join(-1ns), crochet::timeout_error);
}
TEST_F(AbuseA2Waits, RefuseNotANumberBeforeAnythingRuns) {
  const seconds_f nan(std::numeric_limits<double>::quiet_NaN());
  auto result = crochet::run([] { return 1; });
  EXPECT_THROW(result.wait(nan), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(crochet::wait_for(nan, [] {})), std::invalid_argument);
  EXPECT_EQ(result.wait(), 1);
}
TEST_F(AbuseA2Waits, RefuseAGraceWithoutEnd) {
  EXPECT_EQ(code_of([] { crochet::shutdown({}); }), CROCHET_EINVAL);
}

}  // namespace
}  // namespace hpp
