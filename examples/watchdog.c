/* SPDX-License-Identifier: MIT
 * A callback that blocks its loop is named in the log while it does. Here it goes on as soon as it has been.
 */
#include "must.h"

#include <crochet.h>
#include <semaphore.h>
#include <string.h>

static sem_t named, over;

static void read_log(void *arg, const crochet_log_record *record) { /* on the log's thread */
  (void)arg;
  printf("%.*s\n", (int)record->message_length, record->message);
  if (strstr(record->message, "is blocked by \"resize the picture\"") != NULL) sem_post(&named);
  if (strstr(record->message, "goes on: it was blocked by \"resize the picture\"") != NULL) sem_post(&over);
}

static void resize(crochet_deferred *deferred, void *storage) { /* should have gone to a thread of its own */
  (void)storage;
  sem_wait(&named);
  crochet_resolve(deferred, NULL, NULL);
}

int main(void) {
  crochet_call *call;
  crochet_result *result;
  uint64_t times;
  sem_init(&named, 0, 0);
  sem_init(&over, 0, 0);
  MUST(crochet_log_add_function(CROCHET_LOG_WARNING, read_log, NULL, NULL, NULL) == CROCHET_OK);
  MUST(crochet_log_remove(CROCHET_LOG_DEFAULT_SINK) == CROCHET_OK);
  MUST(crochet_watchdog_start(10 * CROCHET_MILLISECOND) == CROCHET_OK);
  MUST(crochet_setup(NULL) == CROCHET_OK);

  MUST(crochet_call_new(NULL, 0, &call) == CROCHET_OK);
  MUST(crochet_call_set_label(call, "resize the picture") == CROCHET_OK);
  MUST(crochet_call_run(call, resize, NULL, &result) == CROCHET_OK);
  MUST(crochet_result_wait(result, CROCHET_FOREVER) == CROCHET_OK);
  crochet_result_release(result);
  sem_wait(&over);

  MUST(crochet_loop_counter(NULL, "times_blocked", &times) == CROCHET_OK && times >= 1);
  MUST(crochet_watchdog_stop() == CROCHET_OK);
  MUST(crochet_shutdown(CROCHET_SECOND) == CROCHET_OK);
  return 0;
}
