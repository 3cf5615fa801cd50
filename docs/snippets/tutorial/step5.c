/* SPDX-License-Identifier: MIT
 * The tutorial's fifth step: the loop behind a blocking API, used by many threads, and an end that leaves nothing behind.
 */
#include "tea.h"

#include <crochet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

struct tea {
  uint64_t milliseconds;
  uv_timer_t timer;
  crochet_deferred *deferred;
};

static void on_close(uv_handle_t *timer) { crochet_deferred_release(((struct tea *)timer->data)->deferred); }

static void on_time(uv_timer_t *timer) {
  crochet_resolve(((struct tea *)timer->data)->deferred, NULL, NULL);
  uv_close((uv_handle_t *)timer, on_close);
}

static void on_cancel(crochet_deferred *deferred, void *arg) {
  crochet_reject(deferred, CROCHET_ECANCELED, NULL);
  uv_close((uv_handle_t *)&((struct tea *)arg)->timer, on_close);
}

static void make_tea(crochet_deferred *deferred, void *arg) {
  struct tea *tea = arg;
  if (crochet_deferred_on_cancel(deferred, on_cancel, tea, NULL) != CROCHET_OK) return;
  tea->deferred = crochet_deferred_retain(deferred);
  tea->timer.data = tea;
  uv_timer_init(crochet_current_uv(), &tea->timer);
  uv_timer_start(&tea->timer, on_time, tea->milliseconds, 0);
}

/* [api] */
int tea_make(unsigned milliseconds, double patience) {
  int rc = crochet_setup(NULL); /* does nothing where there is a loop already */
  if (rc != CROCHET_OK) return rc;
  struct tea *tea = calloc(1, sizeof *tea);
  if (tea == NULL) return CROCHET_ENOMEM;
  tea->milliseconds = milliseconds;
  return crochet_wait_for(NULL, make_tea, tea, free, (int64_t)(patience * 1e9), NULL);
}

const char *tea_error(int code) { return crochet_status_message(code); }
/* [end api] */

/* [main] */
static void *guest(void *seconds) {
  int rc = tea_make(20, *(double *)seconds);
  puts(rc == 0 ? "thank you" : tea_error(rc));
  return NULL;
}

int main(void) {
  pthread_t guests[4];
  double patience = 10;
  for (int i = 0; i < 4; i++)
    if (pthread_create(&guests[i], NULL, guest, &patience) != 0) return 1;
  for (int i = 0; i < 4; i++) pthread_join(guests[i], NULL);
  int rc = crochet_shutdown(5 * CROCHET_SECOND); /* the application's business, never a library's */
  if (rc == CROCHET_EBUSY) fputs("a handle is still open\n", stderr);
  if (rc == CROCHET_ETIMEDOUT) fputs("a callback is stuck\n", stderr);
  return rc == CROCHET_OK ? 0 : 1;
}
/* [end main] */
