// SPDX-License-Identifier: MIT
// The header in a program and in a shared object with hidden visibility at once: the same types match across.
#include "hpp/plugin.hpp"
#include "hpp/support/with_loop.hpp"

namespace hpp {
namespace {

class Plugin : public WithLoop {};

TEST_F(Plugin, ResultsMadeThereAreReadTakenAndContinuedHere) {
  EXPECT_EQ(plugin::load("there").wait().text, "there");
  auto later = plugin::load_later("later");
  EXPECT_EQ(later.then([](const plugin::Page& p) { return p.text.size(); }).wait(), 5U);
  EXPECT_EQ(std::move(later).wait().text, "later");
  EXPECT_EQ(crochet::run([] { return plugin::load_later("flattened"); }).wait().text, "flattened");
}
TEST_F(Plugin, StashedThereIsFoundHereAndTheOtherWay) {
  EXPECT_EQ(crochet::retrieve_result<plugin::Page>(plugin::stash_page("to here")).wait().text, "to here");
  const std::uint64_t uid = crochet::run([] { return plugin::Page{"to there"}; }).stash();
  EXPECT_EQ(plugin::retrieve_page(uid), "to there");
  EXPECT_EQ(code_of([] { crochet::retrieve_result<std::string>(plugin::stash_page("x")); }), CROCHET_ETYPE);
}
TEST_F(Plugin, ExceptionsAreCaughtByTheirClassOnTheOtherSide) {
  EXPECT_THROW(plugin::fail().wait(), plugin::PluginError);
  EXPECT_EQ(plugin::caught_as([] { plugin::fail().wait(); }), "plugin");
  EXPECT_EQ(plugin::caught_as([] {
              const crochet::deferred<int> never;
              crochet::run([never] { return never; }).wait(1ms);
            }),
            "timeout");
  EXPECT_EQ(plugin::caught_as([] { throw crochet::cancelled_error(CROCHET_ECANCELED); }), "cancelled");
  EXPECT_EQ(plugin::caught_as([] { throw crochet::loop_stopped(CROCHET_ESTOPPED); }), "stopped");
  EXPECT_EQ(plugin::caught_as([] { crochet::run([] { return crochet::deferred<int>(); }).wait(); }), "failed");
  const crochet::deferred<int> never;
  auto result = crochet::run([never] { return never; });
  EXPECT_EQ(plugin::cancel_and_tell(result), "cancelled");
}

}  // namespace
}  // namespace hpp
