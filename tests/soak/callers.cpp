// SPDX-License-Identifier: MIT
#include "soak/callers.hpp"

#include <sched.h>

#include <array>
#include <stdexcept>

namespace soak {
namespace {

enum class Ending { kResolves, kRejects, kLeaves, kThrows, kKeeps, kCount };

// One call. Relaxed counts: who compares them has seen the call end, or looks until they are what they must become.
struct Job {
  Accounts* accounts = nullptr;
  Ending ending = Ending::kResolves;
  bool has_hook = false;
  bool accepted = false;
  crochet_result* result = nullptr;
  std::atomic<int> runs{0};
  std::atomic<int> drops{0};
  std::atomic<int> values{0};
  std::atomic<int> value_drops{0};
  std::atomic<crochet_deferred*> kept{nullptr};

  static void drop(void* job) { static_cast<Job*>(job)->drops.fetch_add(1, std::memory_order_acq_rel); }
  static void drop_value(void* job) { static_cast<Job*>(job)->value_drops.fetch_add(1, std::memory_order_acq_rel); }
  static void drop_storage(void* storage) { drop(*static_cast<Job**>(storage)); }

  static void function(crochet_deferred* deferred, void* job) {
    auto* it = static_cast<Job*>(job);
    it->runs.fetch_add(1, std::memory_order_relaxed);
    if (it->has_hook) {
      const auto hook = [](crochet_deferred* cancelled, void* book) {
        add(static_cast<Accounts*>(book)->hooks);
        crochet_reject(cancelled, CROCHET_ECANCELED, nullptr);
      };
      if (crochet_deferred_on_cancel(deferred, hook, it->accounts, nullptr) != CROCHET_OK) return;
    }
    switch (it->ending) {
      case Ending::kResolves:
        it->values.fetch_add(1, std::memory_order_relaxed);
        crochet_resolve(deferred, it, &drop_value);
        break;
      case Ending::kRejects: crochet_reject(deferred, -7, "a failure of its own"); break;
      case Ending::kThrows: throw std::runtime_error("thrown");
      case Ending::kKeeps: it->kept.store(crochet_deferred_retain(deferred), std::memory_order_release); break;
      default: break;
    }
  }
  static void function_in_storage(crochet_deferred* deferred, void* storage) {
    function(deferred, *static_cast<Job**>(storage));
  }

  void settle_kept() {
    crochet_deferred* const deferred = kept.exchange(nullptr, std::memory_order_acquire);
    if (deferred == nullptr) return;
    values.fetch_add(1, std::memory_order_relaxed);
    crochet_resolve(deferred, this, &drop_value);
    crochet_deferred_release(deferred);
  }
};

class Batch {
 public:
  Batch(Accounts& accounts, Random& random) : accounts_(accounts), random_(random) {}

  void make() {
    std::size_t made = 0;
    while (made < jobs_.size()) {
      switch (random_() % 8) {
        case 0:
        case 1:
        case 2: run(next(made)); break;
        case 3:
        case 4: run_prepared(next(made), made > 1 ? &jobs_[made - 2] : nullptr); break;
        case 5: made += run_many(made); break;
        default: made += run_corked(made); break;
      }
    }
    for (Job& job : jobs_) {
      if (job.result != nullptr && random_() % 8 == 0) crochet_result_cancel(job.result, nullptr);
      if (job.result != nullptr && random_() % 16 == 0) stash_and_retrieve(job);
    }
    bool refused = false;
    for (Job& job : jobs_) {
      refused = refused || !job.accepted;
      end(job);
    }
    // There is no loop at this moment: no use in asking at once again.
    if (refused) std::this_thread::sleep_for(std::chrono::microseconds(200));
  }

 private:
  Job& next(std::size_t& made) { return begin(jobs_[made++]); }

  Job& begin(Job& job) {
    job.accounts = &accounts_;
    job.ending = static_cast<Ending>(random_() % static_cast<unsigned>(Ending::kCount));
    job.has_hook = random_() % 8 == 0;
    return job;
  }

  void count(Job& job, int code) {
    job.accepted = code == CROCHET_OK;
    add(job.accepted ? accounts_.accepted : accounts_.refused);
    if (!job.accepted && code != CROCHET_ESTOPPED) failed("a call was refused: %s", crochet_status_name(code));
    if (!job.accepted && job.drops != 1) failed("a refused argument was dropped %d times", job.drops.load());
  }

  void run(Job& job) {
    // A rejection that nobody can look at would be logged.
    const bool forgotten = job.ending == Ending::kResolves && random_() % 4 == 0;
    count(job, crochet_run(nullptr, &Job::function, &job, &Job::drop, forgotten ? nullptr : &job.result));
  }

  crochet_call* prepare(Job& job) {
    crochet_call* call = nullptr;
    const int code = crochet_call_new(nullptr, sizeof(Job*), &call);
    if (code == CROCHET_OK) *static_cast<Job**>(crochet_call_storage(call)) = &job;
    else Job::drop(&job), count(job, code);  // nothing was moved in
    return call;
  }

  void run_prepared(Job& job, const Job* before) {
    crochet_call* call = prepare(job);
    if (call == nullptr) return;
    const auto how = random_() % 4;
    if (how == 0 && before != nullptr && before->result != nullptr) crochet_call_set_after(call, before->result);
    if (how == 1) crochet_call_set_delay_ns(call, static_cast<std::int64_t>(random_() % 2'000'000));
    if (how == 2) crochet_call_set_deadline_ns(call, static_cast<std::int64_t>(random_() % 1'000'000));
    if (random_() % 2 == 0) crochet_call_set_label(call, "soaked");
    count(job, crochet_call_run(call, &Job::function_in_storage, &Job::drop_storage, &job.result));
  }

  std::size_t run_many(std::size_t from) {
    crochet_call* calls[8];
    Job* theirs[8];
    crochet_result* results[8];
    const std::size_t most = std::min<std::size_t>(8, jobs_.size() - from);
    std::size_t many = 0;
    for (std::size_t i = 0; i < most; ++i) {
      Job& job = begin(jobs_[from + i]);
      crochet_call* call = prepare(job);
      if (call == nullptr) continue;
      calls[many] = call;
      theirs[many++] = &job;
    }
    const int code = crochet_call_run_many(calls, many, &Job::function_in_storage, &Job::drop_storage, results);
    for (std::size_t i = 0; i < many; ++i) {
      theirs[i]->result = results[i];
      count(*theirs[i], results[i] != nullptr ? CROCHET_OK : code);
    }
    return most;
  }

  std::size_t run_corked(std::size_t from) {
    const std::size_t most = std::min<std::size_t>(16, jobs_.size() - from);
    crochet_cork* cork = nullptr;
    const int code = crochet_cork_new(nullptr, &cork);
    for (std::size_t i = 0; i < most; ++i) {
      Job& job = begin(jobs_[from + i]);
      job.ending = Ending::kResolves;
      job.has_hook = false;
      if (code != CROCHET_OK) Job::drop(&job), count(job, code);
      else count(job, crochet_cork_run(cork, &Job::function, &job, &Job::drop));
    }
    crochet_cork_free(cork);
    return most;
  }

  void stash_and_retrieve(const Job& job) {
    std::uint64_t uid = 0;
    if (crochet_result_stash(job.result, 7, &uid) != CROCHET_OK) return failed("the stash refuses");
    crochet_result* back = nullptr;
    const int code = crochet_retrieve_result(uid, 7, &back);
    if (code != CROCHET_OK && code != CROCHET_ENOENT) failed("the stash says %s", crochet_status_name(code));
    crochet_result_release(back);
  }

  void end(Job& job) {
    if (!job.accepted) return clear(job);
    int code = CROCHET_OK;
    int error = CROCHET_OK;
    if (job.result != nullptr) {
      do {
        job.settle_kept();
        code = crochet_result_wait(job.result, job.ending == Ending::kKeeps ? 200'000 : CROCHET_FOREVER);
      } while (code == CROCHET_ETIMEDOUT || code == CROCHET_EINTR);
      error = code == CROCHET_OK ? CROCHET_OK : crochet_error_code(crochet_result_error(job.result));
      job.settle_kept();
      if (random_() % 4 == 0) take(job);
      crochet_result_release(job.result);
    }
    // The last reference may be the loop's, in a function that settles and goes on.
    while (job.drops.load(std::memory_order_acquire) == 0 ||
           job.value_drops.load(std::memory_order_acquire) < job.values.load(std::memory_order_relaxed)) {
      job.settle_kept();
      sched_yield();
    }
    if (job.drops != 1 || job.runs > 1 || job.value_drops != job.values) {
      failed("a call was run %d times, its argument dropped %d times, its value %d of %d times", job.runs.load(),
             job.drops.load(), job.value_drops.load(), job.values.load());
    }
    enter(job, code, error);
    clear(job);
  }

  void enter(const Job& job, int code, int error) {
    if (job.runs == 1) {
      if (error == CROCHET_ENOTRUN || error == CROCHET_EEXPIRED) failed("a call was run and said it was not");
      return add(accounts_.run);
    }
    if (code == CROCHET_ECANCELED) return add(accounts_.cancelled);
    if (error == CROCHET_EEXPIRED) return add(accounts_.expired);
    if (job.result != nullptr && error != CROCHET_ENOTRUN) failed("a call was not run: %s", crochet_status_name(error));
    add(accounts_.stopped);
  }

  void take(Job& job) {
    void* value = nullptr;
    crochet_drop_fn* drop = nullptr;
    if (crochet_result_take(job.result, &value, &drop) != CROCHET_OK) return;
    if (value != &job) failed("another value");
    drop(value);
  }

  static void clear(Job& job) {
    job.result = nullptr;
    for (auto* count : {&job.runs, &job.drops, &job.values, &job.value_drops})
      count->store(0, std::memory_order_relaxed);
  }

  Accounts& accounts_;
  Random& random_;
  std::array<Job, 128> jobs_;
};

}  // namespace

void make_batch(Accounts& accounts, Random& random) {
  Batch batch(accounts, random);
  batch.make();
}

}  // namespace soak
