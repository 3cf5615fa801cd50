/* SPDX-License-Identifier: MIT
 * A process that has a loop, and forks.
 */
#include <crochet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void answer(crochet_deferred *deferred, void *arg) { crochet_resolve(deferred, arg, NULL); }

/* [child] */
static int child(crochet_result *from_before) {
  if (crochet_result_wait(from_before, CROCHET_FOREVER) != CROCHET_EFORKED) return 1; /* at once, not for ever */
  if (crochet_run(NULL, answer, NULL, NULL, NULL) != CROCHET_EFORKED) return 1;
  if (crochet_setup(NULL) != CROCHET_OK) return 1; /* afresh: a loop of this process */
  if (crochet_wait_for(NULL, answer, NULL, NULL, 10 * CROCHET_SECOND, NULL) != CROCHET_OK) return 1;
  if (crochet_result_wait(from_before, 0) != CROCHET_EFORKED) return 1; /* the parent's handles stay so */
  return crochet_shutdown(CROCHET_SECOND) == CROCHET_OK ? 0 : 1;
}
/* [end child] */

int main(void) {
  crochet_deferred *deferred;
  crochet_result *result;
  int status = 0;
  crochet_setup(NULL);
  if (crochet_deferred_new(NULL, NULL, NULL, &deferred, &result) != CROCHET_OK) return 1;
  pid_t pid = fork();
  if (pid == 0) return child(result);
  if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) return 1;
  crochet_resolve(deferred, NULL, NULL); /* in the parent nothing has happened */
  crochet_deferred_release(deferred);
  int rc = crochet_result_wait(result, CROCHET_SECOND);
  crochet_result_release(result);
  return crochet_shutdown(CROCHET_SECOND) == CROCHET_OK && rc == CROCHET_OK ? 0 : 1;
}
