// SPDX-License-Identifier: MIT
#include "soak/sample.hpp"

#include <dirent.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <climits>
#include <fstream>

#include "crochet.h"
#include "soak/crew.hpp"

namespace soak {
namespace {

long entries(const char* path) {
  long count = 0;
  DIR* const directory = opendir(path);
  if (directory == nullptr) return -1;
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count - 2;
}

std::uint64_t log_counter(const char* name) {
  std::uint64_t count = 0;
  if (crochet_log_counter(name, &count) != CROCHET_OK) failed("no counter %s", name);
  return count;
}

}  // namespace

Sample Sample::now(double seconds) {
  Sample sample;
  sample.seconds = seconds;
  long pages = 0;
  long resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  sample.rss_kib = resident * (sysconf(_SC_PAGESIZE) / 1024);
  sample.heap_kib = static_cast<long>(mallinfo2().uordblks / 1024);
  sample.descriptors = entries("/proc/self/fd") - 1;  // the one that reads this
  sample.threads = entries("/proc/self/task");
  sample.log_written = log_counter("messages_written");
  sample.log_dropped = log_counter("messages_dropped");
  sample.log_abandoned = log_counter("messages_abandoned");
  return sample;
}

void print_head(std::FILE* csv) {
  std::fputs(
      "seconds,accepted,run,cancelled,stopped,expired,refused,rss_kib,heap_kib,descriptors,threads,log_written,"
      "log_dropped,log_abandoned,restarts,forks\n",
      csv);
}

void print(const Sample& sample, const Accounts& accounts, std::FILE* csv) {
  std::printf(
      "%7.1f s  %ld accepted = %ld run + %ld cancelled + %ld stopped + %ld expired, %ld refused; %ld KiB resident, "
      "%ld KiB of heap, %ld descriptors, %ld threads; log %" PRIu64 " written, %" PRIu64 " dropped\n",
      sample.seconds, accounts.accepted.load(), accounts.run.load(), accounts.cancelled.load(), accounts.stopped.load(),
      accounts.expired.load(), accounts.refused.load(), sample.rss_kib, sample.heap_kib, sample.descriptors,
      sample.threads, sample.log_written, sample.log_dropped);
  std::fflush(stdout);
  if (csv == nullptr) return;
  std::fprintf(csv, "%.1f,%ld,%ld,%ld,%ld,%ld,%ld,%ld,%ld,%ld,%ld,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%ld,%ld\n",
               sample.seconds, accounts.accepted.load(), accounts.run.load(), accounts.cancelled.load(),
               accounts.stopped.load(), accounts.expired.load(), accounts.refused.load(), sample.rss_kib,
               sample.heap_kib, sample.descriptors, sample.threads, sample.log_written, sample.log_dropped,
               sample.log_abandoned, accounts.restarts.load(), accounts.forks.load());
  std::fflush(csv);
}

void check_flat(const std::vector<Sample>& samples) {
  if (samples.size() < 6) return failed("%zu checkpoints are too few to say that anything is flat", samples.size());
  const std::size_t third = samples.size() / 3;
  const auto check = [&](const char* what, long Sample::*of, long slack) {
    long level = 0;
    for (std::size_t i = third; i < 2 * third; ++i) level = std::max(level, samples[i].*of);
    long least = LONG_MAX;
    for (std::size_t i = 2 * third; i < samples.size(); ++i) least = std::min(least, samples[i].*of);
    std::printf("%s: %ld at the most in the middle third, %ld at the least in the last\n", what, level, least);
    if (least <= level + slack) passed();
    else failed("%s grew from %ld to %ld", what, level, least);
  };
  check("KiB of heap in use", &Sample::heap_kib, 64);  // a thread's cache, more or less
  check("descriptors", &Sample::descriptors, 0);
  check("threads", &Sample::threads, 0);
}

}  // namespace soak
