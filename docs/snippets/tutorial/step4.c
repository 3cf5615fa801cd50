/* SPDX-License-Identifier: MIT
 * The tutorial's fourth step: something that takes its time, by libuv, and can be cancelled.
 */
#include <crochet.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

/* [tea] */
struct tea {
  uint64_t milliseconds;
  uv_timer_t timer;           /* libuv has this memory until on_close() */
  crochet_deferred *deferred; /* held just as long */
};

static void on_close(uv_handle_t *timer) {
  struct tea *tea = timer->data;
  crochet_deferred_release(tea->deferred); /* 4: the last one; now `free` ends the struct */
}

static void on_time(uv_timer_t *timer) {
  struct tea *tea = timer->data;
  static char ready[] = "Tea is ready.";
  crochet_resolve(tea->deferred, ready, NULL); /* 3: settles */
  uv_close((uv_handle_t *)timer, on_close);
}

static void on_cancel(crochet_deferred *deferred, void *arg) {
  struct tea *tea = arg;
  crochet_reject(deferred, CROCHET_ECANCELED, NULL); /* 3, or so */
  uv_close((uv_handle_t *)&tea->timer, on_close);
}

static void make_tea(crochet_deferred *deferred, void *arg) {
  struct tea *tea = arg;
  if (crochet_deferred_on_cancel(deferred, on_cancel, tea, NULL) != CROCHET_OK) /* 1: say first how to cancel */
    return;                                                                     /* cancelled already: don't start */
  tea->deferred = crochet_deferred_retain(deferred); /* 2: hold the call for as long as libuv has the timer */
  tea->timer.data = tea;
  uv_timer_init(crochet_current_uv(), &tea->timer);
  uv_timer_start(&tea->timer, on_time, tea->milliseconds, 0);
}
/* [end tea] */

static int ask(uint64_t milliseconds, int64_t patience_ns) {
  struct tea *tea = calloc(1, sizeof *tea);
  crochet_result *result;
  if (tea == NULL) return CROCHET_ENOMEM;
  tea->milliseconds = milliseconds;
  int rc = crochet_wait_for(NULL, make_tea, tea, free, patience_ns, &result);
  puts(rc == CROCHET_OK ? (const char *)crochet_result_value(result) : crochet_status_message(rc));
  crochet_result_release(result);
  return rc;
}

int main(void) {
  crochet_setup(NULL);
  int in_time = ask(50, 10 * CROCHET_SECOND);                  /* Tea is ready. */
  int too_late = ask(3600000, 50 * CROCHET_MILLISECOND);       /* the time ran out, and cancelled it */
  int ended = crochet_shutdown(CROCHET_SECOND);                /* CROCHET_OK: nothing was left open */
  return in_time == CROCHET_OK && too_late == CROCHET_ETIMEDOUT && ended == CROCHET_OK ? 0 : 1;
}
