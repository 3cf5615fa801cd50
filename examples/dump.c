/* SPDX-License-Identifier: MIT
 * What does this program wait for? `kill -USR1 <pid>` lists its loops and calls, also when a loop is stuck. Here it asks
 * itself, finds the call that somebody has forgotten to settle, and settles it.
 */
#include "must.h"

#include <crochet.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static char listing[65536];
static size_t listed;

static int keep(void *arg, const char *bytes, size_t length) {
  (void)arg;
  if (length > sizeof listing - 1 - listed) length = sizeof listing - 1 - listed;
  memcpy(listing + listed, bytes, length);
  listed += length;
  return 0;
}

/* A thread of its own takes the signal: no handler, so that it may do what it likes. */
static void *list_when_asked(void *arg) {
  sigset_t *signals = arg;
  int which;
  MUST(sigwait(signals, &which) == 0 && which == SIGUSR1);
  MUST(crochet_dump(NULL, CROCHET_DUMP_TEXT, keep, NULL) == CROCHET_OK);
  fputs(listing, stdout);
  return NULL;
}

static crochet_deferred *forgotten;

static void fetch_page(crochet_deferred *deferred, void *storage) {
  (void)storage;
  forgotten = crochet_deferred_retain(deferred); /* for a transfer that never calls back */
}

int main(void) {
  pthread_t lister;
  sigset_t signals;
  crochet_call *call;
  crochet_result *result;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before any thread is started */
  MUST(crochet_setup(NULL) == CROCHET_OK);
  MUST(pthread_create(&lister, NULL, list_when_asked, &signals) == 0);

  MUST(crochet_call_new(NULL, 0, &call) == CROCHET_OK);
  MUST(crochet_call_set_label(call, "fetch the front page") == CROCHET_OK);
  MUST(crochet_call_run(call, fetch_page, NULL, &result) == CROCHET_OK);
  MUST(crochet_result_wait(result, 10 * CROCHET_MILLISECOND) == CROCHET_ETIMEDOUT);

  MUST(kill(getpid(), SIGUSR1) == 0);
  pthread_join(lister, NULL);
  const char *line = strstr(listing, "\"fetch the front page\"");
  MUST(line != NULL && strstr(line, "waited for") != NULL && strstr(listing, ": pending,") != NULL);

  MUST(crochet_resolve(forgotten, NULL, NULL) == CROCHET_OK);
  crochet_deferred_release(forgotten);
  MUST(crochet_result_wait(result, CROCHET_FOREVER) == CROCHET_OK);
  crochet_result_release(result);
  MUST(crochet_shutdown(CROCHET_SECOND) == CROCHET_OK);
  return 0;
}
