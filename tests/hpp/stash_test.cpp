// SPDX-License-Identifier: MIT
// stash, retrieve_result, and the numbers that tell types apart.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hpp/support/with_loop.hpp"

namespace stashed {
struct Page {
  std::string text;
};
template <class T>
struct Box {};
namespace {
struct Private {};
}  // namespace
}  // namespace stashed

template <>
inline constexpr std::uint64_t crochet::type_id<stashed::Private> = 1234;

namespace hpp {
namespace {

using crochet::eventual_result;
using crochet::retrieve_result;
using crochet::type_id;

class Stash : public WithLoop {};

TEST_F(Stash, GivesTheResultBackOnce) {
  auto result = crochet::run([] { return stashed::Page{"kept"}; });
  const std::uint64_t uid = result.stash();
  EXPECT_GT(uid, 0U);
  EXPECT_LT(uid, std::uint64_t{1} << 63);
  EXPECT_EQ(retrieve_result<stashed::Page>(uid).wait().text, "kept");
  EXPECT_EQ(code_of([&] { retrieve_result<stashed::Page>(uid); }), CROCHET_ENOENT);
  EXPECT_EQ(code_of([&] { retrieve_result<stashed::Page>(0); }), CROCHET_ENOENT);
}
TEST_F(Stash, RefusesAnotherTypeAndKeepsIt) {
  const std::uint64_t uid = crochet::run([] { return stashed::Page{"kept"}; }).stash();
  EXPECT_EQ(code_of([&] { retrieve_result<std::string>(uid); }), CROCHET_ETYPE);
  EXPECT_EQ(code_of([&] { retrieve_result<void>(uid); }), CROCHET_ETYPE);
  EXPECT_EQ(retrieve_result<stashed::Page>(uid).wait().text, "kept");
}
TEST_F(Stash, KeepsCallsThatStillRunFailuresAndNothing) {
  crochet::deferred<int> source;
  const std::uint64_t running = source.result().stash();
  const std::uint64_t failed = crochet::run([]() -> int { throw std::domain_error("stashed"); }).stash();
  const std::uint64_t nothing = crochet::run([] {}).stash();
  auto result = retrieve_result<int>(running);
  EXPECT_FALSE(result.ready());
  source.resolve(5);
  EXPECT_EQ(result.wait(), 5);
  EXPECT_THROW(retrieve_result<int>(failed).wait(), std::domain_error);
  retrieve_result<void>(nothing).wait();
}
TEST_F(Stash, BothHandlesHaveTheValue) {
  auto result = crochet::run([] { return std::string("both"); });
  const std::uint64_t uid = result.stash();
  EXPECT_EQ(retrieve_result<std::string>(uid).wait(), "both");
  EXPECT_EQ(std::move(result).wait(), "both");
}
TEST_F(Stash, TakesATypeOfNoNameByItsNumber) {
  const std::uint64_t uid = crochet::run([] { return stashed::Private(); }).stash();
  retrieve_result<stashed::Private>(uid).wait();
}

TEST(TypeId, TellsTypesApart) {
  const std::vector<std::uint64_t> ids = {type_id<void>,
                                          type_id<int>,
                                          type_id<long>,
                                          type_id<unsigned>,
                                          type_id<int*>,
                                          type_id<const int*>,
                                          type_id<std::string>,
                                          type_id<std::vector<int>>,
                                          type_id<std::vector<long>>,
                                          type_id<std::unique_ptr<int>>,
                                          type_id<stashed::Page>,
                                          type_id<stashed::Box<int>>,
                                          type_id<stashed::Box<stashed::Page>>,
                                          type_id<int (*)(int)>,
                                          type_id<std::exception_ptr>};
  for (std::size_t i = 0; i < ids.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(ids[i], ids[j]) << i << " and " << j;
  }
}
TEST(TypeId, IsTheHashOfTheNameAlone) {
  EXPECT_EQ(type_id<int>, crochet::detail::hash("int"));
  EXPECT_EQ(type_id<stashed::Page>, crochet::detail::hash("stashed::Page"));
  EXPECT_EQ(crochet::detail::hash(""), 14695981039346656037U);
  EXPECT_EQ(crochet::detail::hash("foobar"), 0x85944171f73967e8U) << "FNV-1a, 64 bits";
}
TEST(TypeId, KnowsLocalTypesWhereTheyShow) {
  using crochet::detail::name_of;
  struct Local {};
  const auto lambda = [] {};
  static_assert(name_of<decltype(lambda)>::is_local());
  static_assert(name_of<stashed::Private>::is_local());
  static_assert(name_of<std::vector<stashed::Private>>::is_local());
#ifndef __clang__
  static_assert(name_of<Local>::is_local());
#endif
  static_assert(!name_of<stashed::Page>::is_local());
  static_assert(!name_of<int (*)(std::string)>::is_local());
  static_assert(!name_of<int (stashed::Page::*)(int) const>::is_local());
  static_assert(!name_of<std::map<std::string, std::vector<int>>>::is_local());
  static_assert(type_id<stashed::Private> == 1234);
}

}  // namespace
}  // namespace hpp
