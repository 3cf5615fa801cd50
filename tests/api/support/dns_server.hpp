// SPDX-License-Identifier: MIT
// A name server on 127.0.0.1, port 53, with a thread of its own, that knows one host:
//
//   host.test             192.0.2.7 and 2001:db8::7, and the way back
//   slow.test, held.test  the same as host.test, but the answer waits until release()
//   silent.test           never an answer
//   anything else         there is no such name
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace contract {

class DnsServer {
 public:
  DnsServer() : socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(53);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(pipe2(end_.data(), O_CLOEXEC), 0);
    thread_ = std::thread([this] { serve(); });
  }
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;
  ~DnsServer() {
    release();
    close(end_[1]);
    thread_.join();
    close(end_[0]);
    close(socket_);
  }

  // Until somebody has asked for that name.
  void wait_until_asked(const std::string& name) {
    std::unique_lock lock(mutex_);
    asked_.wait(lock, [&] {
      for (const std::string& asked : names_) {
        if (asked == name) return true;
      }
      return false;
    });
  }

  // Answers what was held, and holds nothing more.
  void release() {
    std::vector<Question> held;
    {
      const std::lock_guard lock(mutex_);
      holds_ = false;
      held.swap(held_);
    }
    for (const Question& question : held) answer(question);
  }

 private:
  static constexpr std::uint8_t kA = 1;
  static constexpr std::uint8_t kPtr = 12;
  static constexpr std::uint8_t kAaaa = 28;

  struct Question {
    std::vector<std::uint8_t> packet;
    sockaddr_in from{};
    std::string name;
    std::uint8_t type = 0;
  };

  void serve() {
    std::array<pollfd, 2> watched{{{socket_, POLLIN, 0}, {end_[0], POLLIN, 0}}};
    while (poll(watched.data(), watched.size(), -1) >= 0 && watched[1].revents == 0) {
      Question question;
      question.packet.resize(512);
      socklen_t size = sizeof question.from;
      const ssize_t length = recvfrom(socket_, question.packet.data(), question.packet.size(), 0,
                                      reinterpret_cast<sockaddr*>(&question.from), &size);
      if (length > 12) {
        question.packet.resize(static_cast<std::size_t>(length));
        serve(std::move(question));
      }
    }
  }

  void serve(Question question) {
    // The name: parts with their lengths before them, and 0; then type and class. What follows is left out.
    std::size_t at = 12;
    while (at < question.packet.size() && question.packet[at] != 0) {
      const std::size_t length = question.packet[at];
      if (!question.name.empty()) question.name += '.';
      for (std::size_t i = at + 1; i <= at + length && i < question.packet.size(); ++i) {
        question.name += static_cast<char>(question.packet[i]);
      }
      at += length + 1;
    }
    if (at + 5 > question.packet.size()) return;
    question.type = question.packet[at + 2];
    question.packet.resize(at + 5);
    {
      const std::lock_guard lock(mutex_);
      names_.push_back(question.name);
      asked_.notify_all();
      if (question.name == "silent.test") return;
      if (holds_ && (question.name == "slow.test" || question.name == "held.test")) {
        held_.push_back(std::move(question));
        return;
      }
    }
    answer(question);
  }

  void answer(const Question& question) const {
    const bool is_back = question.name == "7.2.0.192.in-addr.arpa";
    const bool is_known =
        is_back || question.name == "host.test" || question.name == "slow.test" || question.name == "held.test";
    std::vector<std::uint8_t> data;
    if (is_known && !is_back && question.type == kA) data = {192, 0, 2, 7};
    if (is_known && !is_back && question.type == kAaaa) data = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7};
    if (is_back && question.type == kPtr) data = {4, 'h', 'o', 's', 't', 4, 't', 'e', 's', 't', 0};

    std::vector<std::uint8_t> packet = question.packet;
    packet[2] = 0x81;                                               // an answer
    packet[3] = static_cast<std::uint8_t>(is_known ? 0x80 : 0x83);  // 3: there is no such name
    packet[5] = 1;
    packet[7] = data.empty() ? 0 : 1;
    packet[9] = packet[11] = 0;
    if (!data.empty()) {
      // The name is the question's; class 1; good for 0 seconds.
      const auto length = static_cast<std::uint8_t>(data.size());
      for (const std::uint8_t byte :
           std::array<std::uint8_t, 12>{0xc0, 12, 0, question.type, 0, 1, 0, 0, 0, 0, 0, length}) {
        packet.push_back(byte);
      }
      packet.insert(packet.end(), data.begin(), data.end());
    }
    sendto(socket_, packet.data(), packet.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&question.from),
           sizeof question.from);
  }

  const int socket_;
  std::array<int, 2> end_{};
  std::mutex mutex_;
  std::condition_variable asked_;
  std::vector<std::string> names_;  // all that were asked for
  std::vector<Question> held_;
  bool holds_ = true;
  std::thread thread_;
};

}  // namespace contract
