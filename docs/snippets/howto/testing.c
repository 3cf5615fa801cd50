/* SPDX-License-Identifier: MIT
 * Tests of what runs on a loop: in one thread, one turn at a time, without sleeping.
 */
#include <crochet.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#define CHECK(condition)                                                                    \
  do {                                                                                      \
    if (!(condition)) return fprintf(stderr, "%d: %s\n", __LINE__, #condition), 1;          \
  } while (0)

/* What is to be tested: it asks a transport, and goes on when that has answered. */
typedef int transport_fn(const char *question, crochet_result **out_result);

static void shout(crochet_deferred *deferred, void *arg) {
  crochet_result *asked = *(crochet_result **)arg;
  static char text[64];
  if (crochet_result_status(asked) != CROCHET_OK) {
    crochet_reject(deferred, crochet_error_code(crochet_result_error(asked)), "nobody answers");
    return;
  }
  snprintf(text, sizeof text, "%s!", (const char *)crochet_result_value(asked));
  crochet_resolve(deferred, text, NULL);
}

static void let_go(void *arg) { crochet_result_release(*(crochet_result **)arg); }

static int ask_loudly(transport_fn *transport, const char *question, crochet_result **out_result) {
  crochet_call *call;
  crochet_result *answer;
  int rc = crochet_call_new(NULL, sizeof answer, &call);
  if (rc != CROCHET_OK) return rc;
  rc = transport(question, &answer);
  if (rc == CROCHET_OK && (rc = crochet_call_set_after(call, answer)) != CROCHET_OK) crochet_result_release(answer);
  if (rc != CROCHET_OK) {
    crochet_call_discard(call);
    return rc;
  }
  *(crochet_result **)crochet_call_storage(call) = answer;
  return crochet_call_run(call, shout, let_go, out_result);
}

/* [fake] */
static crochet_deferred *asked; /* the test's side of what the fake was asked */

static int fake_transport(const char *question, crochet_result **out_result) {
  (void)question;
  return crochet_deferred_new(NULL, NULL, NULL, &asked, out_result);
}
/* [end fake] */

/* [test] */
static int test(uv_loop_t *uv) {
  static char answer[] = "yes";
  crochet_result *result;
  CHECK(ask_loudly(fake_transport, "tea?", &result) == CROCHET_OK);
  uv_run(uv, UV_RUN_NOWAIT); /* a turn of the loop: whatever can happen happens here */
  CHECK(crochet_result_status(result) == CROCHET_EPENDING);

  crochet_resolve(asked, answer, NULL); /* the network answers when the test says so */
  crochet_deferred_release(asked);
  uv_run(uv, UV_RUN_NOWAIT);
  CHECK(crochet_result_status(result) == CROCHET_OK);
  CHECK(strcmp(crochet_result_value(result), "yes!") == 0);
  crochet_result_release(result);
  return 0;
}

int main(void) {
  uv_loop_t uv;
  uv_loop_init(&uv);
  crochet_no_setup(&uv, NULL); /* this thread is the loop's: nothing runs unless it runs */
  int failed = test(&uv);
  crochet_shutdown(0); /* asked for; happens in uv_run() */
  uv_run(&uv, UV_RUN_DEFAULT);
  return failed != 0 || uv_loop_close(&uv) != 0;
}
/* [end test] */
