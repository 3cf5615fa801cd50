// SPDX-License-Identifier: MIT
// Unit tests of functions that are made to run on the loop: wrapped() is the function itself, to be called without a
// loop; and a deferred that the test settles stands for the network.
#include <crochet.hpp>
#include <functional>

#include "local_server.hpp"

using namespace std::chrono_literals;

namespace {

// What is to be tested. fetch is a transport: anything that gives a deferred text.
using transport = std::function<crochet::deferred<std::string>(const std::string& url)>;

// [tested]
std::string title_of(const std::string& page) {
  const auto begin = page.find("<title>");
  const auto end = page.find("</title>");
  if (begin == std::string::npos || end == std::string::npos) throw std::invalid_argument("a page without a title");
  return page.substr(begin + 7, end - begin - 7);
}
const auto parse_title = crochet::run_in_loop(title_of);

crochet::eventual_result<std::string> get_title(const transport& fetch, const std::string& url) {
  return crochet::run(fetch, url).then(title_of);
}
// [end tested]

}  // namespace

int main() {
  // [alone]
  // The function itself: no loop, no thread, no setup.
  MUST(parse_title.wrapped()("<title>Crochet</title>") == "Crochet");
  try {
    parse_title.wrapped()("nothing");
    MUST(false);
  } catch (const std::invalid_argument&) {
  }
  // [end alone]

  // With a transport of the test's own.
  crochet::setup();
  // [faked]
  {
    crochet::deferred<std::string> page;
    const auto fake = [page](const std::string& url) {
      MUST(url == "http://example/");
      return page;
    };
    auto title = get_title(fake, "http://example/");
    MUST(!title.ready());
    page.resolve("<title>Faked</title>");
    MUST(title.wait() == "Faked");
  }
  // [end faked]

  auto failing =
      get_title([](const std::string&) -> crochet::deferred<std::string> { throw std::runtime_error("down"); }, "x");
  try {
    failing.wait();
    MUST(false);
  } catch (const std::runtime_error& e) {
    MUST(e.what() == std::string("down"));
  }
  std::puts("both tests passed");
  return crochet::shutdown(1s) == crochet::stop_outcome::ended ? EXIT_SUCCESS : EXIT_FAILURE;
}
