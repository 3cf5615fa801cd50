/* SPDX-License-Identifier: MIT
 * The quick example of the README: a thread waits for something that a libuv timer brings about.
 */
#include <crochet.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

struct tea {
  uv_timer_t timer;           /* libuv has this memory until on_close() */
  crochet_deferred *deferred; /* held just as long: then `free` ends the struct */
};

static void on_close(uv_handle_t *timer) { crochet_deferred_release(((struct tea *)timer->data)->deferred); }

static void on_time(uv_timer_t *timer) {
  static char answer[] = "Tea is ready.";
  crochet_resolve(((struct tea *)timer->data)->deferred, answer, NULL);
  uv_close((uv_handle_t *)timer, on_close);
}

static void on_cancel(crochet_deferred *deferred, void *arg) {
  crochet_reject(deferred, CROCHET_ECANCELED, NULL);
  uv_close((uv_handle_t *)&((struct tea *)arg)->timer, on_close);
}

static void make_tea(crochet_deferred *deferred, void *arg) { /* runs on the loop's thread */
  struct tea *tea = arg;
  if (crochet_deferred_on_cancel(deferred, on_cancel, tea, NULL) != CROCHET_OK)
    return; /* cancelled meanwhile: don't start */
  tea->deferred = crochet_deferred_retain(deferred);
  tea->timer.data = tea;
  uv_timer_init(crochet_current_uv(), &tea->timer);
  uv_timer_start(&tea->timer, on_time, 100, 0);
}

int main(void) {
  crochet_result *result;
  crochet_setup(NULL);
  int rc = crochet_wait_for(NULL, make_tea, calloc(1, sizeof(struct tea)), free, 10 * CROCHET_SECOND, &result);
  puts(rc == CROCHET_OK ? (const char *)crochet_result_value(result) : crochet_status_message(rc));
  crochet_result_release(result);
  return crochet_shutdown(CROCHET_SECOND) == CROCHET_OK && rc == CROCHET_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
