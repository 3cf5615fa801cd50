// SPDX-License-Identifier: MIT
// Measures one peer under one workload, and prints what it saw as one line of JSON. rounds.py runs it many times.
#include <crochet.h>
#include <sys/resource.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>

#include "arguments.hpp"
#include "peer.hpp"
#include "sink.hpp"
#include "workload.hpp"

namespace {

using namespace bench;

constexpr std::int64_t kSlowLineNs = 100'000;
constexpr std::uint64_t kBurst = 500;  // half of what the queues hold

constexpr double kParts[] = {0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999};

Plan plan_of(const Arguments& asked) {
  if (asked.workload == "flood") return {asked.messages, 0, kSlowLineNs, asked.loop_cpu};
  if (asked.workload == "bursts") return {asked.messages, kBurst, kSlowLineNs, asked.loop_cpu};
  return {asked.messages, kBurst, 0, asked.loop_cpu};
}

// Each place of a queue has been used, each thread has run.
void warm_up(const Arguments& asked, Peer& peer, Sink& sink) {
  Measured ignored;
  run({std::uint64_t{4} * kPlaces, kBurst, 0, asked.loop_cpu}, peer, sink, &ignored);
}

std::uint64_t counter(const char* name) {
  std::uint64_t count = 0;
  crochet_log_counter(name, &count);
  return count;
}

void print(const Arguments& asked, const Measured& measured, const Peer& peer, const Sink& sink) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("{\"peer\": \"%s\", \"workload\": \"%s\", \"loop_cpu\": %d, \"log_cpu\": %d", asked.peer.data(),
              asked.workload.data(), asked.loop_cpu, asked.log_cpu);
  const auto number = [](const char* name, auto value) {
    std::printf(", \"%s\": %lld", name, static_cast<long long>(value));
  };
  number("messages", measured.messages);
  number("refused", measured.refused);
  number("overwritten", peer.overwritten());
  number("written_in_all", sink.written());
  number("own_lines", sink.own_lines());
  number("backlog", measured.backlog);
  number("line_ns", sink.mean_line_ns());
  number("crochet_written", counter("messages_written"));
  number("crochet_dropped", counter("messages_dropped"));
  number("iterations", measured.iterations.total());
  number("total_ns", measured.total_ns);
  number("cpu_ns", measured.cpu_ns);
  number("waited_ns", measured.waited_ns);
  number("max_ns", measured.iterations.max());
  number("peak_kib", usage.ru_maxrss);
  std::printf(", \"quantiles\": {");
  const char* between = "";
  for (const double part : kParts) {
    std::printf("%s\"%g\": %" PRIu64, between, part, measured.iterations.quantile(part));
    between = ", ";
  }
  std::printf("}}\n");
}

}  // namespace

int main(int count, char** words) {
  const Arguments asked = read_arguments(count, words);
  Sink sink(asked.log_cpu);
  if (crochet_setup(nullptr) != CROCHET_OK) return EXIT_FAILURE;
  crochet_log_remove(CROCHET_LOG_DEFAULT_SINK);
  crochet_log_set_level(CROCHET_LOG_INFO);
  {
    const auto peer = new_peer(asked.peer, sink);
    if (peer == nullptr) {
      std::fprintf(stderr, "log-bench: there is no peer \"%s\"\n", asked.peer.data());
      return 2;
    }
    Measured measured;
    warm_up(asked, *peer, sink);
    run(plan_of(asked), *peer, sink, &measured);
    peer->finish();
    print(asked, measured, *peer, sink);
  }
  return crochet_shutdown(CROCHET_SECOND) == CROCHET_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
