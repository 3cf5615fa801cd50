// SPDX-License-Identifier: MIT
#include "log/sink.hpp"

#include <new>

#include "base/cancellation.hpp"
#include "log/drop.hpp"

namespace crochet {
namespace {

class FunctionSink : public LogSink {
 public:
  FunctionSink(crochet_log_fn* fn, void* arg, crochet_drop_fn* drop) : fn_(fn), arg_(arg), drop_(drop) {}

  void write(const LogRecord& record) override {
    const crochet_log_record shown{
        sizeof shown,      record.time_ns,       record.thread, static_cast<int>(record.level),
        record.origin,     record.origin_length, record.text,   record.length,
        record.full_length};
    fn_(arg_, &shown);
  }

 private:
  void end() override {
    if (drop_ != nullptr) run_drop(drop_, arg_);
  }

  crochet_log_fn* const fn_;
  void* const arg_;
  crochet_drop_fn* const drop_;
};

}  // namespace

void LogSink::release() {
  if (references_.fetch_sub(1, acq_rel) != 1) return;  // acq_rel: what every holder did happens before the end
  // Closing what spdlog has opened knows of no cancellation; a drop function may end this thread.
  const struct Deleted {
    LogSink* sink;
    ~Deleted() {
      const CancellationOff uncancelled;
      delete sink;
    }
  } deleted{this};
  end();
}

LogSink* new_function_sink(crochet_log_fn* fn, void* arg, crochet_drop_fn* drop) noexcept {
  return new (std::nothrow) FunctionSink(fn, arg, drop);
}

}  // namespace crochet
