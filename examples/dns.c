/* SPDX-License-Identifier: MIT
 * Blocking DNS with a time-out: uv_getaddrinfo() from any thread. A look-up that runs already can't be stopped, so the
 * on-cancel hook settles the call, and libuv's callback, whenever it comes, gives the memory back.
 *
 *   dns [name...]   looks the names up; without names it shows success, time-out and cancellation
 */
#include "must.h"
#include "names.h"

#include <crochet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct lookup {
  uv_getaddrinfo_t request;   /* libuv has this memory until on_answer() */
  crochet_deferred *deferred; /* held just as long */
  char name[256];
};

static void *lookup_new(const char *name) {
  struct lookup *lookup = calloc(1, sizeof *lookup);
  MUST(lookup != NULL);
  snprintf(lookup->name, sizeof lookup->name, "%s", name);
  return lookup;
}

static void on_answer(uv_getaddrinfo_t *request, int status, struct addrinfo *list) {
  struct lookup *lookup = request->data;
  if (status == 0) {
    char address[64] = "";
    uv_ip_name(list->ai_addr, address, sizeof address);
    crochet_resolve(lookup->deferred, strdup(address), free);
  } else {
    crochet_reject(lookup->deferred, status, NULL); /* UV_ECANCELED counts as cancelled, if somebody asked */
  }
  uv_freeaddrinfo(list);
  crochet_deferred_release(lookup->deferred); /* the last: `free` ends the struct */
}

static void on_cancel(crochet_deferred *deferred, void *arg) {
  struct lookup *lookup = arg;
  if (uv_cancel((uv_req_t *)&lookup->request) != 0)    /* 0: it was still queued, on_answer() settles */
    crochet_reject(deferred, CROCHET_ECANCELED, NULL); /* it runs, and will be left to itself */
}

static void look_up(crochet_deferred *deferred, void *arg) {
  struct lookup *lookup = arg;
  if (crochet_deferred_on_cancel(deferred, on_cancel, lookup, NULL) != CROCHET_OK)
    return; /* cancelled meanwhile: don't start */
  lookup->deferred = crochet_deferred_retain(deferred);
  lookup->request.data = lookup;
  int rc = uv_getaddrinfo(crochet_current_uv(), &lookup->request, on_answer, lookup->name, NULL, NULL);
  if (rc != 0) {
    crochet_reject(deferred, rc, NULL);
    crochet_deferred_release(lookup->deferred);
  }
}

static int print(const char *name) {
  crochet_result *result;
  int rc = crochet_wait_for(NULL, look_up, lookup_new(name), free, 10 * CROCHET_SECOND, &result);
  const char *what = rc == CROCHET_OK        ? (const char *)crochet_result_value(result)
                     : rc == CROCHET_EFAILED ? crochet_error_message(crochet_result_error(result))
                                             : crochet_status_message(rc);
  printf("%s: %s\n", name, what);
  crochet_result_release(result);
  return rc;
}

int main(int argc, char **argv) {
  int failures = 0, outcome;
  MUST(crochet_setup(NULL) == CROCHET_OK);
  for (int i = 1; i < argc; i++) failures += print(argv[i]) != CROCHET_OK;
  if (argc > 1) return crochet_shutdown(CROCHET_SECOND) == CROCHET_OK && failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;

  MUST(print("host.example") == CROCHET_OK);

  /* Cancelled while the look-up surely runs: settled at once, but not finished before the look-up is over. */
  crochet_result *cancelled, *timed_out;
  MUST(crochet_run(NULL, look_up, lookup_new("silent.example"), free, &cancelled) == CROCHET_OK);
  names_wait_asked(1);
  MUST(crochet_result_cancel(cancelled, &outcome) == CROCHET_OK && outcome == CROCHET_CANCEL_REQUESTED);
  MUST(crochet_result_wait(cancelled, CROCHET_FOREVER) == CROCHET_ECANCELED);
  MUST(crochet_result_join(cancelled, 0) == CROCHET_ETIMEDOUT);
  printf("silent.example: %s\n", crochet_error_message(crochet_result_error(cancelled)));

  /* A time-out cancels, too. This wait ran out; the call itself ends as cancelled. */
  int rc = crochet_wait_for(NULL, look_up, lookup_new("silent.example"), free, 50 * CROCHET_MILLISECOND, &timed_out);
  MUST(rc == CROCHET_ETIMEDOUT && crochet_result_wait(timed_out, CROCHET_FOREVER) == CROCHET_ECANCELED);
  printf("silent.example: %s\n", crochet_status_message(rc));

  names_answer();
  MUST(crochet_result_join(cancelled, CROCHET_FOREVER) == CROCHET_OK);
  MUST(crochet_result_join(timed_out, CROCHET_FOREVER) == CROCHET_OK);
  crochet_result_release(cancelled);
  crochet_result_release(timed_out);
  MUST(crochet_shutdown(10 * CROCHET_SECOND) == CROCHET_OK);
  return EXIT_SUCCESS;
}
