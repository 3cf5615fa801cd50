// SPDX-License-Identifier: MIT
// Runs a scenario twice in this process, the first time with a plan, and says what came of it: for sweep.py. "warm":
// three times, and with the plan for the second time, when all is made that lasts as long as the process.
//
//     faults-scenarios --list              the scenarios
//     faults-scenarios --table             the calls that the shim knows: faults_write_table()
//     faults-scenarios SCENARIO [PLAN [THREADS [warm]]]
//
// Lines, besides the shim's: "code RUN FUNCTION CODE", "used FUNCTION", "broken RUN FILE:LINE WHAT", "descriptors N",
// "threads N", and "done" as the last. THREADS: so many are right at the end; a thread that was joined may still be
// listed for a moment, and is waited for.
#include <dirent.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "faults/scenarios/scenario.hpp"
#include "faults/shim/faults.h"

namespace faults {
namespace {

constexpr unsigned kSeconds = 120;  // the last resort, where nobody else has a timer

int run_number = 1;
std::mutex mutex;
std::set<std::pair<std::string, int>> codes;
std::set<std::string> used;

constexpr std::size_t kMostTokens = 4096;
std::atomic<int> drops[kMostTokens];
std::atomic<std::size_t> made{0};

std::size_t count_in(const char* path) {
  std::size_t count = 0;
  DIR* const directory = opendir(path);
  if (directory == nullptr) return 0;
  while (const dirent* entry = readdir(directory)) count += entry->d_name[0] != '.' ? 1 : 0;
  closedir(directory);
  return count;
}

void look_at_tokens() {
  for (std::size_t i = 0; i < made; ++i) {
    const int times = drops[i].exchange(0);
    if (times != 1) {
      std::printf("broken %d token %zu of %zu was dropped %d times\n", run_number, i, made.load(), times);
    }
  }
  made = 0;
}

void run(const Scenario& scenario, const char* plan) {
  scenario.run(Armed(plan));
  look_at_tokens();
  for (const auto& [function, code] : codes) std::printf("code %d %s %d\n", run_number, function.c_str(), code);
  for (const auto& function : used) std::printf("used %s\n", function.c_str());
  std::fflush(stdout);
  codes.clear();
  used.clear();
  ++run_number;
}

template <class Visit>
void for_each_scenario(const Visit& visit) {
  for (const Scenario* list :
       {kLifecycle, kCalls, kResults, kQueues, kLog, kOperations, kLooking, headers_scenarios()}) {
    for (; list->name != nullptr; ++list) visit(*list);
  }
}

}  // namespace

void Armed::begin() const { MUST(faults_begin(plan_) == 0); }
void Armed::end() const { faults_end(); }

void note(const char* function, int code) {
  const std::lock_guard lock(mutex);
  codes.emplace(function, code);
  used.insert(function);
}

void note(const char* function) {
  const std::lock_guard lock(mutex);
  used.insert(function);
}

void broken(const char* file, int line, const char* what) {
  const char* const name = std::strrchr(file, '/');
  std::printf("broken %d %s:%d %s\n", run_number, name == nullptr ? file : name + 1, line, what);
  std::fflush(stdout);
}

void* token() {
  const std::size_t i = made++;
  if (i >= kMostTokens) std::abort();
  return &drops[i];
}

void drop_token(void* token) { ++*static_cast<std::atomic<int>*>(token); }

void gives_token(crochet_deferred* deferred, void*) {
  MUST(CALL(crochet_resolve, deferred, token(), drop_token) != CROCHET_ENOMEM);
}

void fails(crochet_deferred* deferred, void*) {
  MUST(CALL(crochet_reject, deferred, CROCHET_EFAILED, "as it was meant to") != CROCHET_ENOMEM);
}

void settle(const Result& result) {
  if (!result) return;
  const int code = CALL(crochet_result_wait, result.get(), CROCHET_FOREVER);
  CALL(crochet_result_join, result.get(), CROCHET_FOREVER);
  MUST(CALL(crochet_result_status, result.get()) == code);
  CALL(crochet_result_value, result.get());
  const crochet_error* const error = CALL(crochet_result_error, result.get());
  MUST((error == nullptr) == (code == CROCHET_OK));
  if (error == nullptr) return;
  CALL(crochet_error_code, error);
  MUST(CALL(crochet_error_message, error)[0] != '\0');
  MUST(CALL(crochet_error_label, error) != nullptr);
  CALL(crochet_error_payload, error, 1u);
}

void set_up() { MUST(CALL(crochet_setup, nullptr) == CROCHET_OK); }
void shut_down() { MUST(CALL(crochet_shutdown, CROCHET_SECOND) == CROCHET_OK); }

}  // namespace faults

int main(int count, char** words) {
  using namespace faults;
  const std::string name = count > 1 ? words[1] : "";
  if (name == "--table") return faults_write_table(STDOUT_FILENO), EXIT_SUCCESS;
  alarm(kSeconds);
  bool found = false;
  for_each_scenario([&](const Scenario& scenario) {
    if (name == "--list") std::puts(scenario.name);
    if (name != scenario.name) return;
    found = true;
    if (count > 4) run(scenario, nullptr);
    run(scenario, count > 2 ? words[2] : nullptr);
    std::printf("fires %ld\n", faults_fired());
    if (count <= 2) {
      std::fflush(stdout);
      faults_report(STDOUT_FILENO);  // of the first run
    }
    run(scenario, nullptr);
  });
  if (name == "--list") return EXIT_SUCCESS;
  if (!found) return std::fprintf(stderr, "no scenario \"%s\"\n", name.c_str()), EXIT_FAILURE;
  std::printf("end\n");
  std::fflush(stdout);
  faults_report(STDOUT_FILENO);
  const std::size_t threads = count > 3 ? std::strtoul(words[3], nullptr, 10) : 0;
  const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(3);
  while (threads != 0 && count_in("/proc/self/task") > threads && std::chrono::steady_clock::now() < late)
    sched_yield();
  std::printf("descriptors %zu\nthreads %zu\ndone\n", count_in("/proc/self/fd"), count_in("/proc/self/task"));
  std::fflush(stdout);
  return EXIT_SUCCESS;
}
