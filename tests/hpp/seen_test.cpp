// SPDX-License-Identifier: MIT
// What goes on, in C++: listings, histograms, the watchdog.
#include <sstream>
#include <stdexcept>
#include <string>

#include "hpp/support/with_loop.hpp"

namespace hpp {
namespace {

class Seen : public WithLoop {};

TEST_F(Seen, ListsAsTextAndAsJsonIntoAStringOrAStream) {
  crochet::deferred<int> open;
  auto result = crochet::run([&open] { return open; });
  EXPECT_NE(crochet::dump().find(": pending"), std::string::npos);
  EXPECT_EQ(crochet::dump(crochet::dump_format::json).rfind("{\"version\":", 0), 0u);
  std::ostringstream stream;
  crochet::dump_to(stream, crochet::dump_format::json);
  EXPECT_NE(stream.str().find("\"state\":\"pending\""), std::string::npos);
  const crochet::loop other;
  EXPECT_EQ(other.dump().find(": pending"), std::string::npos);
  open.resolve(3);
  EXPECT_EQ(result.wait(), 3);
}

TEST_F(Seen, AStreamThatThrowsEndsTheListing) {
  struct Full {
    void write(const char*, std::ptrdiff_t) { throw std::runtime_error("full"); }
  } full;
  EXPECT_THROW(crochet::dump_to(full), crochet::error);
}

TEST_F(Seen, HistogramsAreReadByName) {
  const crochet::loop other;
  for (int i = 0; i < 100; ++i) other.run([] {}).wait();
  const crochet::histogram run = other.histogram("run_ns");
  EXPECT_EQ(run.counts.size(), std::size_t{CROCHET_HISTOGRAM_BUCKETS});
  EXPECT_GT(run.sum.count(), 0);
  EXPECT_THROW(other.histogram("no such"), crochet::error);
}

TEST_F(Seen, TheWatchdogIsStartedAndStopped) {
  crochet::start_watchdog(10s);
  crochet::start_watchdog(20s);
  crochet::run([] { crochet::stop_watchdog(); }).wait();
  crochet::stop_watchdog();
  EXPECT_THROW(crochet::start_watchdog(0s), crochet::error);
}

}  // namespace
}  // namespace hpp
