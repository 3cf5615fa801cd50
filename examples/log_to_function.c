/* SPDX-License-Identifier: MIT
 * The log goes to a function of the program's own: what the program says, on any thread, and what the library says.
 */
#include "must.h"

#include <crochet.h>
#include <string.h>

static struct { int lines, of_the_library, closed; } journal; /* the log's thread only, until it was flushed */

static void write_line(void *arg, const crochet_log_record *record) {
  static const char *const levels[] = {"trace", "debug", "info", "warning", "error", "critical"};
  fprintf(arg, "%s [%s] %.*s\n", levels[record->level], record->origin, (int)record->message_length, record->message);
  journal.lines++;
  if (strcmp(record->origin, "crochet") == 0) journal.of_the_library++;
}

static void close_journal(void *arg) {
  fflush(arg);
  journal.closed++;
}

static void work(crochet_deferred *deferred, void *arg) { /* on the loop's thread, which does not wait for stdout */
  (void)arg;
  crochet_logf(CROCHET_LOG_INFO, "work", "%d%% done", 50);
  crochet_logf(CROCHET_LOG_DEBUG, "work", "below the level: not even made");
  crochet_resolve(deferred, NULL, NULL);
}

int main(void) {
  static const char message[] = "%s and {} stay as they are";
  uint64_t sink;
  MUST(crochet_log_set_level(CROCHET_LOG_INFO) == CROCHET_OK);
  MUST(crochet_log_add_function(CROCHET_LOG_INFO, write_line, stdout, close_journal, &sink) == CROCHET_OK);
  MUST(crochet_log_remove(CROCHET_LOG_DEFAULT_SINK) == CROCHET_OK); /* or stderr would get it, too */

  MUST(crochet_setup(NULL) == CROCHET_OK);
  MUST(crochet_wait_for(NULL, work, NULL, NULL, 30 * CROCHET_SECOND, NULL) == CROCHET_OK);
  MUST(crochet_log(CROCHET_LOG_WARNING, "main", message, sizeof message - 1) == CROCHET_OK);
  MUST(crochet_log_flush(30 * CROCHET_SECOND) == CROCHET_OK);
  MUST(journal.lines - journal.of_the_library == 2);

  MUST(crochet_shutdown(CROCHET_SECOND) == CROCHET_OK); /* the log's thread ends last: it writes what the loops say */
  MUST(journal.of_the_library > 0 && journal.closed == 0);
  MUST(crochet_log_remove(sink) == CROCHET_OK);
  MUST(journal.closed == 1);
  return EXIT_SUCCESS;
}
