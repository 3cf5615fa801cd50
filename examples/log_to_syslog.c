/* SPDX-License-Identifier: MIT
 * The log goes to the system's log. syslog()'s settings belong to the whole process: this program sets LOG_PERROR after
 * the library has set its own, so that the lines come to stderr as well, also where no daemon takes them.
 */
#include "must.h"

#include <crochet.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

int main(void) {
  char text[512];
  uint64_t sink;
  FILE *seen = tmpfile();
  int terminal = dup(STDERR_FILENO);
  MUST(seen != NULL && terminal >= 0);
  MUST(crochet_log_set_level(CROCHET_LOG_WARNING) == CROCHET_OK);
  MUST(crochet_log_add_syslog(CROCHET_LOG_WARNING, "log_to_syslog", LOG_DAEMON, &sink) == CROCHET_OK);
  MUST(crochet_log_remove(CROCHET_LOG_DEFAULT_SINK) == CROCHET_OK);
  openlog("log_to_syslog", LOG_PERROR, LOG_DAEMON); /* after the library's: the last one holds */

  MUST(dup2(fileno(seen), STDERR_FILENO) >= 0);
  crochet_logf(CROCHET_LOG_WARNING, "app", "the disk is %d%% full", 93);
  crochet_logf(CROCHET_LOG_INFO, "app", "nothing that syslog should hear");
  crochet_log_flush(30 * CROCHET_SECOND);
  MUST(dup2(terminal, STDERR_FILENO) >= 0);

  rewind(seen);
  text[fread(text, 1, sizeof text - 1, seen)] = '\0';
  fputs(text, stdout);
  MUST(strcmp(text, "log_to_syslog: app: the disk is 93% full\n") == 0);
  MUST(crochet_log_remove(sink) == CROCHET_OK); /* calls closelog() */
  return EXIT_SUCCESS;
}
