/* SPDX-License-Identifier: MIT
 * Uses every function of crochet.h at least once, in strict C99: what a plain C program gets. A second test reads this
 * file and compares: none is missing.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crochet.h"
#include "host_loop.h"

static int failures = 0;

static void check(int holds, const char *what, int line) {
  if (holds) return;
  ++failures;
  fprintf(stderr, "line %d: %s does not hold\n", line, what);
}

#define CHECK(condition) check((condition) ? 1 : 0, #condition, __LINE__)

/* ---- What runs on the loop */

static int drops = 0; /* on whichever thread, but never while another looks: each is joined first */

static void count_drop(void *pointer) {
  (void)pointer;
  ++drops;
}

static void add_one(crochet_deferred *deferred, void *arg) {
  int *number = (int *)arg;
  ++*number;
  CHECK(crochet_current_loop() != NULL);
  CHECK(crochet_current_uv() != NULL);
  CHECK(crochet_deferred_loop(deferred) == crochet_current_loop());
  CHECK(crochet_resolve(deferred, number, NULL) == CROCHET_OK);
}

static void fail(crochet_deferred *deferred, void *arg) {
  (void)arg;
  CHECK(crochet_reject(deferred, -1, "no more wool") == CROCHET_OK);
}

static void on_cancel(crochet_deferred *deferred, void *arg) {
  (void)arg;
  CHECK(crochet_deferred_is_cancelled(deferred) == 1);
  CHECK(crochet_reject(deferred, CROCHET_ECANCELED, NULL) == CROCHET_OK);
}

static void stop_own_loop(crochet_deferred *deferred, void *arg) {
  (void)arg;
  CHECK(crochet_resolve(deferred, NULL, NULL) == CROCHET_OK);
  CHECK(crochet_loop_stop(crochet_current_loop(), 0) == CROCHET_EINPROGRESS);
}

static void shut_down(crochet_deferred *deferred, void *arg) {
  (void)arg;
  CHECK(crochet_resolve(deferred, NULL, NULL) == CROCHET_OK);
  CHECK(crochet_shutdown(0) == CROCHET_EINPROGRESS);
}

/* ---- One room of the header each */

static int thread_hook(void *arg) {
  CHECK(arg == NULL);
  return CROCHET_OK;
}

static void options_and_setup(void) {
  crochet_options *options = NULL;
  CHECK(crochet_options_new(&options) == CROCHET_OK);
  CHECK(crochet_options_set_thread_name(options, "c99") == CROCHET_OK);
  CHECK(crochet_options_set_keep_alive(options, 1) == CROCHET_OK);
  CHECK(crochet_options_set_stack_size(options, 0) == CROCHET_OK);
  CHECK(crochet_options_set_queue_limit(options, 1000, CROCHET_FOREVER) == CROCHET_OK);
  CHECK(crochet_options_set_spin(options, 0, 0) == CROCHET_OK);
  CHECK(crochet_options_set_thread_hooks(options, thread_hook, thread_hook, NULL, NULL) == CROCHET_OK);
  CHECK(crochet_stash_limits(100, CROCHET_FOREVER) == CROCHET_OK);
  CHECK(crochet_setup(options) == CROCHET_OK);
  CHECK(crochet_setup(NULL) == CROCHET_OK);
  crochet_options_free(options);
}

static void loops(void) {
  crochet_loop *loop = NULL;
  crochet_result *result = NULL;
  uint64_t count = 0;
  int number = 1;
  CHECK(crochet_current_loop() == NULL);
  CHECK(crochet_current_uv() == NULL);
  CHECK(crochet_loop_new(NULL, &loop) == CROCHET_OK);
  CHECK(crochet_loop_retain(loop) == loop);
  CHECK(crochet_run(loop, add_one, &number, NULL, &result) == CROCHET_OK);
  CHECK(crochet_result_wait(result, CROCHET_FOREVER) == CROCHET_OK);
  crochet_result_release(result);
  CHECK(number == 2);
  CHECK(crochet_loop_stop(loop, CROCHET_SECOND) == CROCHET_OK);
  CHECK(crochet_loop_counter(loop, crochet_loop_counter_name(0), &count) == CROCHET_OK);
  CHECK(count == 1);
  crochet_loop_release(loop);
  crochet_loop_release(loop);
}

static void adopted_loop(void) {
  crochet_loop *loop = NULL;
  struct uv_loop_s *uv = host_loop_new();
  CHECK(uv != NULL);
  CHECK(crochet_loop_adopt(uv, NULL, &loop) == CROCHET_OK);
  CHECK(crochet_current_uv() == uv);
  CHECK(crochet_run(loop, stop_own_loop, NULL, NULL, NULL) == CROCHET_OK);
  CHECK(host_loop_run(uv) == 0);
  crochet_loop_release(loop);
  CHECK(host_loop_free(uv) == 0);
}

static void calls(void) {
  crochet_result *result = NULL;
  crochet_call *call = NULL;
  int number = 1;
  int *storage;

  drops = 0;
  CHECK(crochet_wait_for(NULL, add_one, &number, count_drop, 30 * CROCHET_SECOND, &result) == CROCHET_OK);
  CHECK(crochet_result_value(result) == &number);
  CHECK(crochet_result_join(result, CROCHET_FOREVER) == CROCHET_OK);
  CHECK(number == 2 && drops == 1);

  CHECK(crochet_call_new(NULL, sizeof *storage, &call) == CROCHET_OK);
  storage = (int *)crochet_call_storage(call);
  CHECK(storage != NULL && *storage == 0);
  *storage = 41;
  CHECK(crochet_call_set_label(call, "add one") == CROCHET_OK);
  CHECK(crochet_call_set_after(call, result) == CROCHET_OK);
  crochet_result_release(result);
  CHECK(crochet_call_run(call, add_one, NULL, &result) == CROCHET_OK);
  CHECK(crochet_result_wait_interruptible(result, 0) != CROCHET_EDEADLK);
  CHECK(crochet_result_join(result, CROCHET_FOREVER) == CROCHET_OK);
  CHECK(crochet_result_status(result) == CROCHET_OK);
  CHECK(*(int *)crochet_result_value(result) == 42);
  crochet_result_release(result);

  CHECK(crochet_call_new(NULL, 0, &call) == CROCHET_OK);
  CHECK(crochet_call_set_at_stop(call) == CROCHET_OK);
  crochet_call_discard(call);
}

static void run_once(crochet_deferred *deferred, void *arg, uint64_t missed) {
  *(int *)arg += 1;
  CHECK(missed == 0);
  CHECK(crochet_reject(deferred, CROCHET_EFAILED, "once is enough") == CROCHET_OK);
}

static void times(void) {
  crochet_result *result = NULL;
  crochet_call *call = NULL;
  int number = 0;

  CHECK(crochet_sleep(NULL, CROCHET_MILLISECOND, &result) == CROCHET_OK);
  CHECK(crochet_result_wait(result, CROCHET_FOREVER) == CROCHET_OK);
  crochet_result_release(result);

  CHECK(crochet_call_new(NULL, sizeof number, &call) == CROCHET_OK);
  CHECK(crochet_call_set_delay_ns(call, CROCHET_MILLISECOND) == CROCHET_OK);
  CHECK(crochet_call_set_deadline_ns(call, 0) == CROCHET_OK);
  CHECK(crochet_call_run(call, add_one, NULL, &result) == CROCHET_OK);
  CHECK(crochet_result_wait(result, CROCHET_FOREVER) == CROCHET_EFAILED);
  CHECK(crochet_error_code(crochet_result_error(result)) == CROCHET_EEXPIRED);
  crochet_result_release(result);

  drops = 0;
  CHECK(crochet_every(NULL, 0, 0, run_once, &number, count_drop, &result) == CROCHET_OK);
  CHECK(crochet_result_join(result, CROCHET_FOREVER) == CROCHET_OK);
  CHECK(crochet_result_status(result) == CROCHET_EFAILED);
  CHECK(crochet_result_error(result) != NULL);
  CHECK(number == 1 && drops == 1);
  crochet_result_release(result);
}

static void many_calls(void) {
  crochet_call *many[3];
  crochet_result *outcomes[3];
  crochet_cork *cork = NULL;
  size_t i;
  int number = 0;

  for (i = 0; i < 3; ++i) {
    CHECK(crochet_call_new(NULL, sizeof(int), &many[i]) == CROCHET_OK);
    *(int *)crochet_call_storage(many[i]) = (int)i;
  }
  CHECK(crochet_call_run_many(many, 3, add_one, NULL, outcomes) == CROCHET_OK);
  for (i = 0; i < 3; ++i) {
    CHECK(crochet_result_wait(outcomes[i], CROCHET_FOREVER) == CROCHET_OK);
    CHECK(*(int *)crochet_result_value(outcomes[i]) == (int)i + 1);
    crochet_result_release(outcomes[i]);
  }

  drops = 0;
  CHECK(crochet_cork_new(NULL, &cork) == CROCHET_OK);
  CHECK(crochet_cork_run(cork, add_one, &number, count_drop) == CROCHET_OK);
  CHECK(crochet_cork_flush(cork) == CROCHET_OK);
  CHECK(crochet_cork_run(cork, add_one, &number, count_drop) == CROCHET_OK);
  crochet_cork_free(cork);
  CHECK(crochet_wait_for(NULL, add_one, &number, NULL, CROCHET_FOREVER, NULL) == CROCHET_OK);
  CHECK(number == 3 && drops == 2);
}

static void completions(void) {
  crochet_completion_queue *queue = NULL;
  crochet_deferred *deferreds[3];
  crochet_result *outcomes[3];
  crochet_result *handed_out[3];
  uint64_t tags[3];
  uint64_t tag = 0;
  size_t index = 9;
  size_t count = 9;
  size_t i;
  int descriptor = -1;

  CHECK(crochet_completion_queue_new(&queue) == CROCHET_OK);
  CHECK(crochet_completion_queue_retain(queue) == queue);
  crochet_completion_queue_release(queue);
  CHECK(crochet_completion_queue_descriptor(queue, &descriptor) == CROCHET_OK && descriptor >= 0);
  for (i = 0; i < 3; ++i) {
    CHECK(crochet_deferred_new(NULL, NULL, NULL, &deferreds[i], &outcomes[i]) == CROCHET_OK);
    CHECK(crochet_completion_queue_watch(queue, outcomes[i], i) == CROCHET_OK);
  }
  CHECK(crochet_completion_queue_unwatch(queue, outcomes[0]) == CROCHET_OK);
  CHECK(crochet_wait_any(outcomes, 3, 0, &index) == CROCHET_ETIMEDOUT);
  CHECK(crochet_wait_all(outcomes, 3, 0) == CROCHET_ETIMEDOUT);
  for (i = 0; i < 3; ++i) {
    CHECK(crochet_resolve(deferreds[i], NULL, NULL) == CROCHET_OK);
    crochet_deferred_release(deferreds[i]);
  }
  CHECK(crochet_wait_any(outcomes, 3, 0, &index) == CROCHET_OK && index == 0);
  CHECK(crochet_wait_all(outcomes, 3, CROCHET_FOREVER) == CROCHET_OK);
  CHECK(crochet_completion_queue_next(queue, CROCHET_FOREVER, &handed_out[0], &tag) == CROCHET_OK);
  CHECK(handed_out[0] == outcomes[1] && tag == 1);
  CHECK(crochet_completion_queue_drain(queue, 2, &handed_out[1], tags, &count) == CROCHET_OK);
  CHECK(count == 1 && handed_out[1] == outcomes[2] && tags[0] == 2);
  CHECK(crochet_completion_queue_close(queue) == CROCHET_OK);
  CHECK(crochet_completion_queue_next_interruptible(queue, 0, &handed_out[2], &tag) == CROCHET_ECLOSED);
  crochet_completion_queue_release(queue);
  for (i = 0; i < 3; ++i) crochet_result_release(outcomes[i]);
  for (i = 0; i < 2; ++i) crochet_result_release(handed_out[i]);
}

static void results(void) {
  crochet_deferred *deferred = NULL;
  crochet_result *result = NULL;
  crochet_result *back = NULL;
  uint64_t uid = 0;
  void *value = NULL;
  crochet_drop_fn *drop = NULL;
  int outcome = CROCHET_CANCEL_NONE;
  int number = 0;

  CHECK(crochet_deferred_new(NULL, NULL, NULL, &deferred, &result) == CROCHET_OK);
  CHECK(crochet_deferred_retain(deferred) == deferred);
  crochet_deferred_release(deferred);
  CHECK(crochet_result_status(result) == CROCHET_EPENDING);
  CHECK(crochet_result_interrupt(result) == CROCHET_OK);
  CHECK(crochet_result_wait(result, CROCHET_FOREVER) == CROCHET_EINTR);
  CHECK(crochet_result_wait(result, CROCHET_MILLISECOND) == CROCHET_ETIMEDOUT);
  CHECK(crochet_result_stash(result, 7, &uid) == CROCHET_OK);
  CHECK(crochet_retrieve_result(uid, 8, &back) == CROCHET_ETYPE);
  CHECK(crochet_retrieve_result(uid, 7, &back) == CROCHET_OK);
  CHECK(back == result);
  CHECK(crochet_result_retain(back) == result);
  crochet_result_release(back);
  crochet_result_release(back);
  drops = 0;
  CHECK(crochet_resolve(deferred, &number, count_drop) == CROCHET_OK);
  CHECK(crochet_result_take(result, &value, &drop) == CROCHET_OK);
  CHECK(value == &number && drop == count_drop && drops == 0);
  CHECK(crochet_result_take(result, &value, &drop) == CROCHET_ETAKEN);
  CHECK(crochet_result_cancel(result, &outcome) == CROCHET_OK);
  CHECK(outcome == CROCHET_CANCEL_TOO_LATE);
  crochet_deferred_release(deferred);
  crochet_result_release(result);

  CHECK(crochet_deferred_new(NULL, NULL, NULL, &deferred, &result) == CROCHET_OK);
  CHECK(crochet_deferred_on_cancel(deferred, on_cancel, NULL, count_drop) == CROCHET_OK);
  CHECK(crochet_result_cancel(result, &outcome) == CROCHET_OK);
  CHECK(outcome == CROCHET_CANCEL_REQUESTED);
  CHECK(crochet_result_wait(result, CROCHET_FOREVER) == CROCHET_ECANCELED);
  crochet_deferred_release(deferred);
  CHECK(crochet_result_join(result, CROCHET_FOREVER) == CROCHET_OK);
  crochet_result_release(result);
}

static void errors(void) {
  crochet_deferred *deferred = NULL;
  crochet_result *result = NULL;
  const crochet_error *error;
  int payload = 0;

  CHECK(crochet_wait_for(NULL, fail, NULL, NULL, CROCHET_FOREVER, &result) == CROCHET_EFAILED);
  error = crochet_result_error(result);
  CHECK(error != NULL);
  CHECK(crochet_error_code(error) == -1);
  CHECK(strcmp(crochet_error_message(error), "no more wool") == 0);
  CHECK(strcmp(crochet_error_label(error), "") == 0);
  crochet_result_release(result);

  drops = 0;
  CHECK(crochet_deferred_new(NULL, NULL, NULL, &deferred, &result) == CROCHET_OK);
  CHECK(crochet_reject_with(deferred, -2, NULL, 7, &payload, count_drop) == CROCHET_OK);
  crochet_deferred_release(deferred);
  CHECK(crochet_error_payload(crochet_result_error(result), 7) == &payload);
  crochet_result_release(result);
  CHECK(drops == 1);

  CHECK(strcmp(crochet_status_name(CROCHET_ETIMEDOUT), "CROCHET_ETIMEDOUT") == 0);
  CHECK(crochet_status_message(CROCHET_ETIMEDOUT)[0] != '\0');
  CHECK(crochet_version() >> 16 == CROCHET_VERSION_MAJOR);
}

static void count_record(void *count, const crochet_log_record *record) {
  if (record->message_length != 0) ++*(int *)count;
}

static void the_log(void) {
  uint64_t function, to_stderr, file, system_log, written;
  int count = 0;
  CHECK(crochet_log_set_level(CROCHET_LOG_INFO) == CROCHET_OK);
  CHECK(crochet_log_level() == CROCHET_LOG_INFO);
  CHECK(crochet_log_enabled(CROCHET_LOG_DEBUG) == 0);
  CHECK(crochet_log_add_function(CROCHET_LOG_INFO, count_record, &count, count_drop, &function) == CROCHET_OK);
  CHECK(crochet_log_add_stderr(CROCHET_LOG_CRITICAL, &to_stderr) == CROCHET_OK);
  CHECK(crochet_log_add_file(CROCHET_LOG_INFO, "/dev/null", 0, 0, &file) == CROCHET_OK);
  CHECK(crochet_log_add_syslog(CROCHET_LOG_CRITICAL, NULL, 0, &system_log) == CROCHET_OK);
  CHECK(crochet_log_remove(CROCHET_LOG_DEFAULT_SINK) == CROCHET_OK);
  CHECK(crochet_log(CROCHET_LOG_INFO, "test", "one", 3) == CROCHET_OK);
  CHECK(crochet_logf(CROCHET_LOG_INFO, "test", "%d", 2) == CROCHET_OK);
  CHECK(crochet_log_wait(CROCHET_LOG_INFO, NULL, "three", 5, CROCHET_FOREVER) == CROCHET_OK);
  CHECK(crochet_log_flush(CROCHET_FOREVER) == CROCHET_OK);
  CHECK(count == 3);
  CHECK(strcmp(crochet_log_counter_name(0), "messages_written") == 0);
  CHECK(crochet_log_counter("messages_written", &written) == CROCHET_OK);
  CHECK(written >= 3);
  CHECK(crochet_log_remove(function) == CROCHET_OK);
  CHECK(crochet_log_remove(to_stderr) == CROCHET_OK);
  CHECK(crochet_log_remove(file) == CROCHET_OK);
  CHECK(crochet_log_remove(system_log) == CROCHET_OK);
}

static void names(void) {
  crochet_result *result = NULL;
  const crochet_addresses *addresses;
  const crochet_name_info *info;
  size_t length = 0;

  /* AF_INET, SOCK_STREAM, AI_NUMERICHOST as Linux has them: a program without the system's headers must do. */
  CHECK(crochet_getaddrinfo(NULL, "127.0.0.1", "80", 0, 1, 0, 4, &result) == CROCHET_OK);
  CHECK(crochet_result_wait(result, CROCHET_FOREVER) == CROCHET_OK);
  addresses = (const crochet_addresses *)crochet_result_value(result);
  CHECK(crochet_addresses_count(addresses) == 1);
  CHECK(strcmp(crochet_addresses_text(addresses, 0), "127.0.0.1") == 0);
  CHECK(crochet_addresses_port(addresses, 0) == 80);
  CHECK(crochet_addresses_family(addresses, 0) == 2);
  CHECK(crochet_addresses_socktype(addresses, 0) == 1);
  CHECK(crochet_addresses_protocol(addresses, 0) == 6);
  CHECK(strcmp(crochet_addresses_canonical_name(addresses), "") == 0);
  CHECK(crochet_addresses_sockaddr(addresses, 0, &length) != NULL && length == 16);

  {
    crochet_result *back = NULL;
    CHECK(crochet_getnameinfo(NULL, crochet_addresses_sockaddr(addresses, 0, NULL), length, 3, &back) == CROCHET_OK);
    CHECK(crochet_result_wait(back, CROCHET_FOREVER) == CROCHET_OK);
    info = (const crochet_name_info *)crochet_result_value(back);
    CHECK(strcmp(crochet_name_info_host(info), "127.0.0.1") == 0);
    CHECK(strcmp(crochet_name_info_service(info), "80") == 0);
    crochet_result_release(back);
  }
  crochet_result_release(result);

  CHECK(crochet_getnameinfo_text(NULL, "::1", 80, 3, &result) == CROCHET_OK);
  CHECK(crochet_result_wait(result, CROCHET_FOREVER) == CROCHET_OK);
  crochet_result_release(result);
}

static void child_process(void) {
  static const char *const arguments[] = {"-c", "cat; pwd; echo $WHO >&2; exit $0", NULL};
  static const char *const environment[] = {"WHO=a child", NULL};
  crochet_command *command = NULL;
  crochet_result *result = NULL;
  const crochet_process_exit *process;
  size_t length = 0;

  CHECK(crochet_command_new("/bin/sh", &command) == CROCHET_OK);
  CHECK(crochet_command_set_arguments(command, arguments) == CROCHET_OK);
  CHECK(crochet_command_add_argument(command, "7") == CROCHET_OK);
  CHECK(crochet_command_set_environment(command, environment) == CROCHET_OK);
  CHECK(crochet_command_set_directory(command, "/") == CROCHET_OK);
  CHECK(crochet_command_set_input(command, "wool\n", 5) == CROCHET_OK);
  CHECK(crochet_command_set_output_limit(command, 100) == CROCHET_OK);
  CHECK(crochet_command_set_kill_after(command, CROCHET_SECOND) == CROCHET_OK);
  CHECK(crochet_command_set_linger(command, 0) == CROCHET_OK);
  CHECK(crochet_command_run(command, NULL, &result) == CROCHET_OK);
  crochet_command_free(command);
  CHECK(crochet_result_wait(result, CROCHET_FOREVER) == CROCHET_OK);
  process = (const crochet_process_exit *)crochet_result_value(result);
  CHECK(crochet_process_exit_status(process) == 7);
  CHECK(crochet_process_exit_signal(process) == 0);
  CHECK(crochet_process_exit_pid(process) > 0);
  CHECK(strcmp(crochet_process_exit_stdout(process, &length), "wool\n/\n") == 0 && length == 7);
  CHECK(strcmp(crochet_process_exit_stderr(process, &length), "a child\n") == 0 && length == 8);
  CHECK(crochet_process_exit_stdout_truncated(process) == 0);
  CHECK(crochet_process_exit_stderr_truncated(process) == 0);
  crochet_result_release(result);
}

static int count_bytes(void *count, const char *bytes, size_t length) {
  CHECK(bytes != NULL);
  *(size_t *)count += length;
  return 0;
}

static void what_goes_on(void) {
  size_t text = 0, json = 0;
  uint64_t counts[CROCHET_HISTOGRAM_BUCKETS], sum;
  CHECK(crochet_dump(NULL, CROCHET_DUMP_TEXT, count_bytes, &text) == CROCHET_OK);
  CHECK(crochet_dump(NULL, CROCHET_DUMP_JSON, count_bytes, &json) == CROCHET_OK);
  CHECK(text != 0 && json > text);
  CHECK(crochet_loop_histogram(NULL, crochet_loop_histogram_name(0), counts, CROCHET_HISTOGRAM_BUCKETS, &sum) == CROCHET_OK);
  CHECK(crochet_histogram_bound(0) == 256);
  CHECK(crochet_watchdog_start(60 * CROCHET_SECOND) == CROCHET_OK);
  CHECK(crochet_watchdog_stop() == CROCHET_OK);
}

static void default_loop_of_the_host(void) {
  struct uv_loop_s *uv = host_loop_new();
  CHECK(uv != NULL);
  CHECK(crochet_no_setup(uv, NULL) == CROCHET_OK);
  CHECK(crochet_run(NULL, shut_down, NULL, NULL, NULL) == CROCHET_OK);
  CHECK(host_loop_run(uv) == 0);
  CHECK(host_loop_free(uv) == 0);
}

int main(void) {
  options_and_setup();
  loops();
  adopted_loop();
  calls();
  times();
  many_calls();
  completions();
  results();
  errors();
  names();
  child_process();
  what_goes_on();
  CHECK(crochet_shutdown(CROCHET_SECOND) == CROCHET_OK);
  default_loop_of_the_host();
  CHECK(crochet_shutdown(CROCHET_SECOND) == CROCHET_OK);
  the_log();
  CHECK(crochet_shutdown(CROCHET_SECOND) == CROCHET_OK);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
