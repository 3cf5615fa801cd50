// SPDX-License-Identifier: MIT
#include "operations/process_exit.hpp"

using namespace crochet;

namespace {

const char* bytes_of(const Written* written, size_t* out_length) {
  const bool is_empty = written == nullptr || written->length == 0;
  if (out_length != nullptr) *out_length = is_empty ? 0 : written->length;
  return is_empty ? "" : written->bytes.get();
}

}  // namespace

int crochet_process_exit_status(const crochet_process_exit* process) {
  return process == nullptr ? -1 : process->status;
}

int crochet_process_exit_signal(const crochet_process_exit* process) {
  return process == nullptr ? 0 : process->signal;
}

int64_t crochet_process_exit_pid(const crochet_process_exit* process) { return process == nullptr ? -1 : process->pid; }

const char* crochet_process_exit_stdout(const crochet_process_exit* process, size_t* out_length) {
  return bytes_of(process == nullptr ? nullptr : &process->output, out_length);
}

const char* crochet_process_exit_stderr(const crochet_process_exit* process, size_t* out_length) {
  return bytes_of(process == nullptr ? nullptr : &process->errors, out_length);
}

int crochet_process_exit_stdout_truncated(const crochet_process_exit* process) {
  return process != nullptr && process->output.truncated ? 1 : 0;
}

int crochet_process_exit_stderr_truncated(const crochet_process_exit* process) {
  return process != nullptr && process->errors.truncated ? 1 : 0;
}
