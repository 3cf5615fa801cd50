// SPDX-License-Identifier: MIT
// A download in the background of a web application whose requests are served by threads. The first request of a
// session starts it on the loop and stashes its result, whose number becomes the session's cookie; later ones look how
// far it is.
//
//   web_download URL [PORT]
#include <iostream>
#include <regex>
#include <string>

#include "cpp/page_downloader.hpp"
#include "serve.hpp"

using namespace std::chrono_literals;

namespace {

using download = crochet::eventual_result<page>;

std::string escaped(const std::string& text) {
  std::string html;
  for (const char c : text) {
    if (c == '<') html += "&lt;";
    else if (c == '&') html += "&amp;";
    else html += c;
  }
  return html;
}

std::string html(const std::string& heading, const std::string& text) {
  return R"(<!doctype html><html lang="en"><meta charset="utf-8"><title>Download</title><style>
body { font: 18px/1.5 sans-serif; max-width: 34em; margin: 1em auto } h1 { font-size: 1.3em; color: #9c2f5c }
pre { background: #f6f1f3; padding: 1em; white-space: pre-wrap }</style><h1>)" +
         escaped(heading) + "</h1><pre>" + escaped(text) + R"(</pre><p><a href="/">Look again</a></p></html>)";
}

// [look]
// The one that the session's cookie stands for. Empty: there is none, or it was another server's.
download of_session(const httplib::Request& request) {
  static const std::regex cookie(R"((?:^|; )download=(\d{1,19})(?:;|$))");
  const std::string cookies = request.get_header_value("Cookie");
  std::smatch found;
  if (!std::regex_search(cookies, found, cookie)) return {};
  try {
    return crochet::retrieve_result<page>(std::stoull(found[1]));  // ours now: the number is used up
  } catch (const crochet::error&) {
    return {};
  }
}

std::string show(download ready) {
  try {
    const page got = std::move(ready).wait();
    if (got.status != 200) throw std::runtime_error("the server answered with status " + std::to_string(got.status));
    return html("The page: " + std::to_string(got.body.size()) + " bytes", got.body);
  } catch (const std::exception& e) {
    return html("It failed", e.what());
  }
}

// On a thread of the web server's, which never waits for a download.
void look(const page_downloader& downloader, const std::string& url, const httplib::Request& request,
          httplib::Response& response) {
  download mine = of_session(request);
  const bool is_new = !mine;
  if (is_new) mine = downloader.start(url);
  if (!is_new && mine.ready()) {
    response.set_header("Set-Cookie", "download=; Max-Age=0");
    response.set_content(show(std::move(mine)), "text/html");
  } else {
    response.set_header("Set-Cookie", "download=" + std::to_string(mine.stash()) + "; HttpOnly; SameSite=Lax");
    response.set_content(html(is_new ? "Starting" : "In progress", url), "text/html");
  }
}
// [end look]

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: web_download URL [PORT]\n";
    return 2;
  }
  crochet::setup();
  crochet::stash_limits(10'000, 10min);  // for those who never come back
  const page_downloader downloader;
  const auto answer = [&](const httplib::Request& request, httplib::Response& response) {
    look(downloader, argv[1], request, response);
  };
  const bool served = serve(argc > 2 ? std::stoi(argv[2]) : 0, answer);
  return crochet::shutdown(10s) == crochet::stop_outcome::ended && served ? 0 : 1;  // aborts what is still under way
}
