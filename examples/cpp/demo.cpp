// SPDX-License-Identifier: MIT
// The demo: downloads through a libuv loop in a thread of its own.
//
//   demo          from a server inside the program: a success, a failure, a time-out, a cancellation, a stash; exit
//                 code 0 only if everything was as it must be
//   demo URL...   gets the pages and prints them
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <thread>

#include "local_server.hpp"
#include "page_downloader.hpp"

using namespace std::chrono_literals;

namespace {

constexpr auto kPatience = 60s;

// One line: what was tried, how long it took since the last line, what came of it.
void report(const char* what, const std::string& outcome) {
  static auto before = std::chrono::steady_clock::now();
  const auto now = std::chrono::steady_clock::now();
  std::printf("  %-14s %8.1f ms   %s\n", what, std::chrono::duration<double, std::milli>(now - before).count(),
              outcome.c_str());
  std::fflush(stdout);
  before = now;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// A port that is taken, so that nobody else gets it, but refuses connections.
class refusing_port {
 public:
  refusing_port() : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    MUST(bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    MUST(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  refusing_port(const refusing_port&) = delete;
  refusing_port& operator=(const refusing_port&) = delete;
  ~refusing_port() { close(fd_); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

 private:
  int fd_;
  int port_;
};

void show_success(const page_downloader& downloader, const local_server& server, const char* what) {
  const page got = downloader.get(server.url("/hello"), kPatience);
  MUST(got.status == 200);
  report(what, "status " + std::to_string(got.status) + ", " + std::to_string(got.body.size()) +
                   " bytes: " + first_line(got.body));
}

void show_failure(const page_downloader& downloader) {
  const refusing_port port;
  try {
    downloader.get(port.url(), kPatience);
    MUST(false);
  } catch (const transfer_error& e) {
    MUST(e.code == CURLE_COULDNT_CONNECT);
    report("failure", e.what());
  }
}

void show_time_out(const page_downloader& downloader, const local_server& server) {
  const int aborted = server.aborted();
  const int slow = server.slow();
  for (auto patience = 250ms;; patience *= 2) {  // on a busy machine the request may not have reached the server
    try {
      downloader.get(server.url("/slow"), patience);
      MUST(false);
    } catch (const crochet::timeout_error&) {
    }
    if (server.slow() == slow) continue;
    MUST(server.wait_aborted(aborted + 1));
    report("time-out",
           "given up after " + std::to_string(patience.count()) + " ms; the server saw the transfer aborted");
    return;
  }
}

void show_cancellation(const page_downloader& downloader, const local_server& server) {
  const int aborted = server.aborted();
  const int slow = server.slow();
  auto result = downloader.start(server.url("/slow"));
  MUST(server.wait_slow(slow + 1));
  MUST(result.cancel() == crochet::cancel_outcome::requested);
  try {
    result.wait();
    MUST(false);
  } catch (const crochet::cancelled_error& e) {
    MUST(server.wait_aborted(aborted + 1));
    report("cancellation", std::string(e.what()) + "; the server saw the transfer aborted");
  }
}

void show_stash(const page_downloader& downloader, const local_server& server) {
  const std::string uid = std::to_string(downloader.start(server.url("/big")).stash());
  std::string outcome;
  std::thread([&] {
    const page got = crochet::retrieve_result<page>(std::stoull(uid)).wait(kPatience);
    outcome = "uid " + uid + ", retrieved once, in another thread: " + std::to_string(got.body.size()) + " bytes";
  }).join();
  report("stash", outcome);
}

void show_continuation(const page_downloader& downloader, const local_server& server) {
  auto length =
      downloader.start(server.url("/hello")).then([](page p) { return first_line(p.body); }).then(&std::string::size);
  report("continuation",
         "the first line has " + std::to_string(length.wait(kPatience)) + " letters, counted on the loop");
}

int show_everything() {
  const std::uint32_t version = crochet_version();
  std::printf("crochet %u.%u.%u, libuv %s, libcurl %s\n", version >> 16, version >> 8 & 255, version & 255,
              uv_version_string(), curl_version_info(CURLVERSION_NOW)->version);
  report("start", "");
  const local_server http;
  const local_server https(true);
  report("local servers", "http and https");
  crochet::setup();
  report("setup", "the loop runs in a thread of its own");
  {
    const page_downloader downloader({"", false});
    show_success(downloader, http, "success");
    show_success(page_downloader({https.certificate(), false}), https, "success, https");
    show_failure(downloader);
    show_time_out(downloader, http);
    show_cancellation(downloader, http);
    show_stash(downloader, http);
    show_continuation(downloader, http);
  }
  MUST(crochet::shutdown(10s) == crochet::stop_outcome::ended);
  report("shutdown", "nothing is left on the loop");
  std::puts("everything was as it must be");
  return EXIT_SUCCESS;
}

bool print_page(const page_downloader& downloader, const std::string& url) {
  try {
    const page got = downloader.get(url, kPatience);
    if (got.status < 400) return static_cast<bool>(std::cout << got.body << std::flush);
    std::cerr << url << ": HTTP status " << got.status << '\n';
  } catch (const std::exception& e) {
    std::cerr << url << ": " << e.what() << '\n';
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 1) return show_everything();
  bool fine = true;
  crochet::setup();
  {
    const page_downloader downloader;
    for (int i = 1; i < argc; ++i) fine = print_page(downloader, argv[i]) && fine;
  }
  MUST(crochet::shutdown(10s) == crochet::stop_outcome::ended);
  return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
