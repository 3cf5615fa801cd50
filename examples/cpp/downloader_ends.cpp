// SPDX-License-Identifier: MIT
// A page_downloader is destroyed safely whenever and wherever: with transfers under way, on the loop's thread, and
// before, during and after a shutdown.
#include <functional>
#include <memory>
#include <thread>

#include "local_server.hpp"
#include "page_downloader.hpp"

using namespace std::chrono_literals;

namespace {

std::unique_ptr<page_downloader> make() {
  transfer_options options;
  options.use_proxy = false;
  return std::make_unique<page_downloader>(options);
}

bool is_stopped(const std::function<void()>& call) {
  try {
    call();
  } catch (const crochet::loop_stopped&) {
    return true;
  } catch (const crochet::cancelled_error&) {
    return true;  // the downloader's own end came first
  }
  return false;
}

}  // namespace

int main() {
  const local_server server;
  const std::string hello = server.url("/hello");
  const std::string slow = server.url("/slow");

  // Before a shutdown, with a transfer under way: that is aborted.
  crochet::setup();
  auto downloader = make();
  MUST(downloader->get(hello, 60s).status == 200);
  auto under_way = downloader->start(slow);
  MUST(server.wait_slow(1));
  downloader.reset();
  try {
    under_way.wait();
    MUST(false);
  } catch (const crochet::cancelled_error& e) {
    std::printf("destroyed with a transfer under way: %s\n", e.what());
  }
  MUST(server.wait_aborted(1));

  // On the loop's thread. A blocking call there is refused, and does nothing.
  downloader = make();
  crochet::run([&downloader, hello] {
    try {
      downloader->get(hello);
      MUST(false);
    } catch (const crochet::deadlock_error& e) {
      std::printf("on the loop's thread: %s\n", e.what());
    }
    downloader.reset();
  }).wait();

  // During a shutdown, while other threads download.
  downloader = make();
  std::thread user([&downloader, &slow] { MUST(is_stopped([&] { downloader->get(slow); })); });
  MUST(server.wait_slow(2));
  std::thread stopper([] { MUST(crochet::shutdown(10s) == crochet::stop_outcome::ended); });
  user.join();
  downloader.reset();
  stopper.join();
  MUST(server.wait_aborted(2));
  std::puts("destroyed during a shutdown");

  // After a shutdown.
  crochet::setup();
  downloader = make();
  MUST(downloader->get(hello, 60s).status == 200);
  MUST(crochet::shutdown(10s) == crochet::stop_outcome::ended);
  MUST(is_stopped([&] { downloader->get(hello); }));
  downloader.reset();
  std::puts("destroyed after a shutdown");
  return EXIT_SUCCESS;
}
