// SPDX-License-Identifier: MIT
// W9: a client that sends 64 bytes over a socket pair, and waits for the loop to send them back; beside it, or not, a
// producer with bursts of calls. The loop has a CPU of its own but for the client: "same" puts the client there,
// "cross" where the producer is.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "arguments.hpp"
#include "bursts.hpp"
#include "harness/clock.hpp"
#include "measured.hpp"
#include "peer.hpp"
#include "samples.hpp"

namespace bench {

inline void ping_pong(int socket, std::uint64_t times, Samples& samples) {
  char text[64] = {};
  samples.clear();
  for (std::uint64_t i = 0; i < times; ++i) {
    const std::int64_t before = monotonic_ns();
    must(write(socket, text, sizeof text) == sizeof text, "writing to the socket");
    for (std::size_t there = 0; there < sizeof text;) {
      const ssize_t more = read(socket, text + there, sizeof text - there);
      must(more > 0, "reading from the socket");
      there += static_cast<std::size_t>(more);
    }
    samples.add(monotonic_ns() - before);
  }
}

template <class Peer>
void measure_echo(Peer& peer, const Arguments& asked, bool alone, Measured* out_measured) {
  int sockets[2];
  must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0, "socketpair");
  peer.echo(sockets[1]);
  std::atomic<bool> is_over{false};
  std::atomic<std::uint64_t> bursts{0};
  std::thread producer;
  if (!alone) {
    producer = std::thread([&] {
      pin_to(asked.cpus[0]);
      typename Peer::Caller caller(peer, 0);
      while (!is_over.load(std::memory_order_relaxed)) {
        must(caller.burst(kBurst) == kBurst, "the results of a burst");
        bursts.fetch_add(1, std::memory_order_relaxed);
      }
    });
    while (bursts.load(std::memory_order_relaxed) < 32) std::this_thread::yield();
  }
  Samples samples(asked.operations);
  std::thread client([&] {
    pin_to(asked.same ? asked.loop_cpu() : asked.cpus[0]);
    ping_pong(sockets[0], std::min<std::uint64_t>(asked.operations, 1000), samples);
    const std::uint64_t before = bursts.load(std::memory_order_relaxed);
    const std::int64_t begin = monotonic_ns();
    ping_pong(sockets[0], asked.operations, samples);
    const double ns = static_cast<double>(monotonic_ns() - begin);
    out_measured->add("ns", ns / static_cast<double>(asked.operations));
    const auto calls = static_cast<double>((bursts.load(std::memory_order_relaxed) - before) * kBurst);
    out_measured->add("calls_per_second", calls / ns * 1e9);
  });
  client.join();
  is_over.store(true, std::memory_order_relaxed);
  if (producer.joinable()) producer.join();
  peer.end_echo();
  close(sockets[0]);
  out_measured->add("p50", samples.quantile(0.5));
  out_measured->add("p99", samples.quantile(0.99));
  out_measured->add("p999", samples.quantile(0.999));
}

}  // namespace bench
