/* SPDX-License-Identifier: MIT
 * Ctrl-C while a thread waits without limit: the handler interrupts the wait, the call is cancelled, everything ends in
 * order. A second Ctrl-C ends the process at once. "ctrl_c itself" presses it after three ticks.
 */
#include "must.h"

#include <crochet.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

struct ticker {
  uv_timer_t timer;           /* libuv has this memory until on_close() */
  crochet_deferred *deferred; /* held just as long: then `free` ends the struct */
  int ticks, presses_at;
};

static crochet_result *waited_for; /* set before the handler is, good as long as it is */

static void on_sigint(int signal) {
  (void)signal;
  crochet_result_interrupt(waited_for); /* may be called from a signal handler */
}

static void on_close(uv_handle_t *timer) { crochet_deferred_release(((struct ticker *)timer->data)->deferred); }

static void on_tick(uv_timer_t *timer) {
  struct ticker *ticker = timer->data;
  printf("tick %d: Ctrl-C ends this\n", ++ticker->ticks);
  if (ticker->ticks == ticker->presses_at) kill(getpid(), SIGINT); /* no loop's thread takes it, the waiting one does */
}

static void on_cancel(crochet_deferred *deferred, void *arg) {
  crochet_reject(deferred, CROCHET_ECANCELED, NULL);
  uv_close((uv_handle_t *)&((struct ticker *)arg)->timer, on_close);
}

static void run_ticker(crochet_deferred *deferred, void *arg) {
  struct ticker *ticker = arg;
  if (crochet_deferred_on_cancel(deferred, on_cancel, ticker, NULL) != CROCHET_OK)
    return; /* cancelled meanwhile: don't start */
  ticker->deferred = crochet_deferred_retain(deferred);
  ticker->timer.data = ticker;
  uv_timer_init(crochet_current_uv(), &ticker->timer);
  uv_timer_start(&ticker->timer, on_tick, 100, 100);
}

int main(int argc, char **argv) {
  struct sigaction once = {.sa_handler = on_sigint, .sa_flags = (int)SA_RESETHAND}; /* the next one ends the process */
  struct ticker *ticker = calloc(1, sizeof *ticker);
  MUST(ticker != NULL);
  ticker->presses_at = argc > 1 && strcmp(argv[1], "itself") == 0 ? 3 : 0;

  MUST(crochet_setup(NULL) == CROCHET_OK);
  MUST(crochet_run(NULL, run_ticker, ticker, free, &waited_for) == CROCHET_OK);
  MUST(sigaction(SIGINT, &once, NULL) == 0);
  MUST(crochet_result_wait(waited_for, CROCHET_FOREVER) == CROCHET_EINTR); /* of this wait: the ticker goes on */

  puts("interrupted");
  MUST(crochet_result_cancel(waited_for, NULL) == CROCHET_OK);
  MUST(crochet_result_join(waited_for, CROCHET_FOREVER) == CROCHET_OK);
  MUST(crochet_result_status(waited_for) == CROCHET_ECANCELED);
  crochet_result_release(waited_for);
  MUST(crochet_shutdown(CROCHET_SECOND) == CROCHET_OK);
  return EXIT_SUCCESS;
}
