// SPDX-License-Identifier: MIT
// A download in the background of a web application: the result is stashed, its number goes into the user's session as
// text, and a later request, in another thread, asks whether the page is there.
#include <map>
#include <thread>

#include "local_server.hpp"
#include "page_downloader.hpp"

using namespace std::chrono_literals;

namespace {

using session = std::map<std::string, std::string>;

std::string request_start(const page_downloader& downloader, session& user, const std::string& url) {
  user["download"] = std::to_string(downloader.start(url).stash());
  return "started";
}

std::string request_look(session& user) {
  auto result = crochet::retrieve_result<page>(std::stoull(user.at("download")));  // ours now: the number is used up
  user.erase("download");
  if (!result.ready(50ms)) {
    user["download"] = std::to_string(result.stash());
    return "not yet";
  }
  try {
    return std::to_string(result.wait().body.size()) + " bytes";
  } catch (const transfer_error& e) {
    return std::string("failed: ") + e.what();
  }
}

}  // namespace

int main() {
  crochet::setup();
  {
    const local_server server;
    transfer_options options;
    options.use_proxy = false;
    const page_downloader downloader(options);
    session user;
    std::string answer = request_start(downloader, user, server.url("/big"));
    std::thread([&] {
      while ((answer = request_look(user)) == "not yet") std::puts("not yet");
    }).join();
    std::printf("%s\n", answer.c_str());
    MUST(answer == std::to_string(SERVER_BIG) + " bytes");

    // One that does not come: it is still there when the server stops, which ends it.
    request_start(downloader, user, server.url("/slow"));
    MUST(server.wait_slow(1));
    MUST(request_look(user) == "not yet");
    auto given_up = crochet::retrieve_result<page>(std::stoull(user.at("download")));
    given_up.cancel();
    given_up.join();
    MUST(server.wait_aborted(1));
    std::puts("given up: the server saw the transfer aborted");
  }
  return crochet::shutdown(10s) == crochet::stop_outcome::ended ? EXIT_SUCCESS : EXIT_FAILURE;
}
