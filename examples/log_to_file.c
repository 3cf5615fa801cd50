/* SPDX-License-Identifier: MIT
 * The log goes to a file, which is renamed and begun anew when it has grown. The program says more than any disk can
 * take: it is told what is dropped, and the counters add up. A log needs no loop.
 */
#include "must.h"

#include <crochet.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_BYTES = 16 * 1024, MAX_FILES = 2, LINES = 200000 };

static const char important[] = "this line is worth a wait";
static char folder[] = "/tmp/crochet-log-XXXXXX";

/* Of the file that was renamed so often; -1: there is none. */
static long size_and_remove(int times_renamed) {
  char path[64];
  struct stat file;
  if (times_renamed == 0)
    snprintf(path, sizeof path, "%s/app.log", folder);
  else
    snprintf(path, sizeof path, "%s/app.%d.log", folder, times_renamed);
  if (stat(path, &file) != 0) return -1;
  printf("%8ld bytes in %s\n", (long)file.st_size, path);
  unlink(path);
  return (long)file.st_size;
}

int main(void) {
  uint64_t sink, written, dropped, refused = 0;
  char path[64];
  MUST(mkdtemp(folder) != NULL);
  snprintf(path, sizeof path, "%s/app.log", folder);
  MUST(crochet_log_set_level(CROCHET_LOG_INFO) == CROCHET_OK);
  MUST(crochet_log_add_file(CROCHET_LOG_INFO, path, MAX_BYTES, MAX_FILES, &sink) == CROCHET_OK);
  MUST(crochet_log_remove(CROCHET_LOG_DEFAULT_SINK) == CROCHET_OK); /* or stderr would get it, too */

  for (int i = 0; i < LINES; i++) {
    int rc = crochet_logf(CROCHET_LOG_INFO, "app", "this is line %d", i);
    MUST(rc == CROCHET_OK || rc == CROCHET_ENOSPC);
    if (rc == CROCHET_ENOSPC) refused++; /* the log is full: one line of the file will say how many are missing */
  }
  MUST(crochet_log_wait(CROCHET_LOG_WARNING, "app", important, sizeof important - 1, CROCHET_FOREVER) == CROCHET_OK);
  MUST(crochet_log_flush(CROCHET_FOREVER) == CROCHET_OK); /* now it is in the file */

  const char *name;
  for (uint32_t i = 0; (name = crochet_log_counter_name(i)) != NULL; i++) {
    uint64_t count;
    MUST(crochet_log_counter(name, &count) == CROCHET_OK);
    printf("%8" PRIu64 " %s\n", count, name);
  }
  MUST(crochet_log_counter("messages_written", &written) == CROCHET_OK);
  MUST(crochet_log_counter("messages_dropped", &dropped) == CROCHET_OK);
  MUST(dropped == refused && written + dropped == LINES + 1);

  MUST(crochet_log_remove(sink) == CROCHET_OK);
  for (int i = 0; i <= MAX_FILES; i++) {
    long size = size_and_remove(i);
    MUST(size > 0 && size <= MAX_BYTES);
  }
  MUST(size_and_remove(MAX_FILES + 1) == -1);
  MUST(rmdir(folder) == 0);
  return EXIT_SUCCESS;
}
