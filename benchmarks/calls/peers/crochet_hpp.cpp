// SPDX-License-Identifier: MIT
// crochet, by its C++ header: lambdas, and results that hold values.
#include <array>
#include <crochet.hpp>
#include <utility>

#include "../program.hpp"
#include "libuv_watch.hpp"

namespace bench {
namespace {

class CrochetHppPeer {
 public:
  explicit CrochetHppPeer(const Arguments& asked) {
    accept_variants(asked, {});
    crochet::setup();
    on_loop([this] { watch_.begin(crochet_current_uv()); });
  }
  ~CrochetHppPeer() {
    on_loop([this] { watch_.end(); });
    crochet::shutdown(std::chrono::seconds(1));
  }

  void on_loop(const std::function<void()>& function) {
    crochet::run([&] { function(); }).wait();
  }

  class Caller {
   public:
    Caller(CrochetHppPeer& /*peer*/, std::size_t /*number*/) {}

    int call_and_wait() {
      return crochet::run([] { return 1; }).wait();
    }

    std::size_t burst(std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) results_[i] = crochet::run([] { return 1; });
      std::size_t sum = 0;
      for (std::size_t i = 0; i < count; ++i) sum += static_cast<std::size_t>(std::move(results_[i]).wait());
      return sum;
    }

    // Its results are thrown away: the header has no call without one.
    void fire(Tally& tally, std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) crochet::run([&tally] { tally.add_one(); });
    }

   private:
    std::array<crochet::eventual_result<int>, kBurst> results_;
  };

 private:
  LibuvWatch watch_;
};

}  // namespace
}  // namespace bench

int main(int count, char** words) { return bench::run_program<bench::CrochetHppPeer>("crochet.hpp", count, words); }
