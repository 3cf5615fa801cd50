// SPDX-License-Identifier: MIT
// An exchange rate that is fetched again and again on the loop, and shown by a web page whose threads wait for nothing:
// they read the latest.
//
//   exchange_rate URL [SECONDS [PORT]]     the URL answers with a number
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>

#include "cpp/page_downloader.hpp"
#include "serve.hpp"

using namespace std::chrono_literals;

namespace {

// [rate]
// May be asked by any thread at any time; no user of it hears of a loop.
class exchange_rate {
 public:
  exchange_rate(std::string url, crochet::timeout period)
      : url_(std::move(url)), fetching_(crochet::every(period, [this] { return fetch(); })) {}
  exchange_rate(const exchange_rate&) = delete;
  exchange_rate& operator=(const exchange_rate&) = delete;
  ~exchange_rate() {
    fetching_.cancel();
    fetching_.join();  // now nothing on the loop uses this object
  }

  // Nothing, before the first has come.
  std::optional<double> latest() const {
    const double rate = rate_;
    return rate > 0 ? std::optional(rate) : std::nullopt;
  }

 private:
  // A round, on the loop's thread. The next begins when it is due and this one is over; if it failed, none would.
  crochet::eventual_result<void> fetch() {
    return downloader_.start(url_).then([this](crochet::eventual_result<page> answer) {
      try {
        const page got = answer.take();
        const double rate = std::strtod(got.body.c_str(), nullptr);
        if (got.status != 200 || !(rate > 0)) throw std::runtime_error(std::to_string(got.status) + ", " + got.body);
        rate_ = rate;
      } catch (const std::exception& e) {
        std::cerr << "the last rate stays: " << e.what() << '\n';
      }
    });
  }

  const std::string url_;
  const page_downloader downloader_{{{}, true, 10s}};
  std::atomic<double> rate_ = 0;
  const crochet::eventual_result<void> fetching_;
};
// [end rate]

std::string html(const std::optional<double>& rate) {
  std::ostringstream page;
  page << R"(<!doctype html><html lang="en"><meta charset="utf-8"><title>Exchange rate</title><style>
body { font: 18px/1.5 sans-serif; max-width: 34em; margin: 1em auto } b { font-size: 2em; color: #9c2f5c }
</style><p>1 euro is</p><p><b>)";
  if (rate) page << *rate;
  else page << "not known yet";
  page << "</b></p><p>US dollars.</p></html>";
  return page.str();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: exchange_rate URL [SECONDS [PORT]]\n";
    return 2;
  }
  crochet::setup();
  bool served = false;
  {
    const exchange_rate rate(argv[1], std::chrono::duration<double>(argc > 2 ? std::stod(argv[2]) : 30));
    const auto show = [&rate](const httplib::Request&, httplib::Response& response) {
      response.set_content(html(rate.latest()), "text/html");
    };
    served = serve(argc > 3 ? std::stoi(argv[3]) : 0, show);
  }
  return crochet::shutdown(10s) == crochet::stop_outcome::ended && served ? 0 : 1;
}
