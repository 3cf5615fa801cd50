/* SPDX-License-Identifier: MIT
 * A host with a libuv loop of its own: crochet_no_setup() makes it the default loop, a library that knows nothing of the
 * host calls into it from another thread, and in the end it is released as documented and closed without a remainder.
 */
#include "must.h"

#include <crochet.h>
#include <stdint.h>
#include <uv.h>

static uv_timer_t host_timer; /* the host's own, on the same loop */
static int host_ticks;        /* the loop's thread only, as all that follows */
static int released;

static void on_host_timer(uv_timer_t *timer) {
  (void)timer;
  host_ticks++;
}

/* ---- The library: it asks for a loop, and gets the host's ---- */

static void ticks(crochet_deferred *deferred, void *arg) {
  MUST(crochet_current_uv() == arg);
  /* To wait here would wait for this very thread: refused. */
  MUST(crochet_wait_for(NULL, ticks, arg, NULL, CROCHET_SECOND, NULL) == CROCHET_EDEADLK);
  crochet_resolve(deferred, (void *)(intptr_t)host_ticks, NULL); /* a value need not be an address */
}

static intptr_t library_ticks(void *uv) {
  crochet_result *result;
  intptr_t seen;
  MUST(crochet_setup(NULL) == CROCHET_OK); /* does nothing where there is a default loop; a library never shuts down */
  MUST(crochet_wait_for(NULL, ticks, uv, NULL, 30 * CROCHET_SECOND, &result) == CROCHET_OK);
  seen = (intptr_t)crochet_result_value(result);
  crochet_result_release(result);
  return seen;
}

/* ---- The host ---- */

static void release(crochet_deferred *deferred, void *arg) {
  (void)deferred;
  (void)arg;
  uv_close((uv_handle_t *)&host_timer, NULL);
  released = crochet_shutdown(CROCHET_SECOND); /* asked for; happens while uv_run() goes on */
}

static void worker(void *uv) {
  while (library_ticks(uv) < 3) /* the host's timer is served between the calls */
    continue;
  MUST(crochet_run(NULL, release, NULL, NULL, NULL) == CROCHET_OK);
}

int main(void) {
  uv_loop_t uv;
  uv_thread_t thread;
  MUST(uv_loop_init(&uv) == 0);
  MUST(crochet_no_setup(&uv, NULL) == CROCHET_OK);
  uv_timer_init(&uv, &host_timer);
  uv_timer_start(&host_timer, on_host_timer, 1, 1);
  MUST(uv_thread_create(&thread, worker, &uv) == 0);

  MUST(uv_run(&uv, UV_RUN_DEFAULT) == 0); /* returns when the loop was released and nothing else is alive */
  uv_thread_join(&thread);
  MUST(released == CROCHET_EINPROGRESS);
  MUST(crochet_run(NULL, release, NULL, NULL, NULL) == CROCHET_ESTOPPED);
  MUST(uv_loop_close(&uv) == 0);
  printf("released after %d ticks of the host's timer\n", host_ticks);
  return EXIT_SUCCESS;
}
