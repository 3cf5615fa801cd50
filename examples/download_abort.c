/* SPDX-License-Identifier: MIT
 * Transfers that are aborted wherever they are: while a thread of libcurl's looks a name up, which can't be stopped and
 * must not be waited for; while the server does not answer; and by the stop of the loop.
 */
#include <crochet.h>
#include <string.h>

#include "must.h"
#include "names.h"
#include "page.h"
#include "server.h"

static const struct page_options no_proxy = {.proxy = ""};

static crochet_result *start(const char *url) {
  crochet_result *result;
  MUST(crochet_run(NULL, page_get, page_request_new(url, &no_proxy), page_request_free, &result) == CROCHET_OK);
  return result;
}

/* It ends as it must, and nothing of it is left: neither on the loop nor in libcurl. */
static void must_end(crochet_result *result, int status) {
  MUST(crochet_result_wait(result, CROCHET_FOREVER) == status);
  MUST(crochet_result_join(result, CROCHET_FOREVER) == CROCHET_OK);
  printf("%s\n", crochet_error_message(crochet_result_error(result)));
  crochet_result_release(result);
}

static void cancel(crochet_result *result) {
  int outcome;
  MUST(crochet_result_cancel(result, &outcome) == CROCHET_OK && outcome == CROCHET_CANCEL_REQUESTED);
  must_end(result, CROCHET_ECANCELED);
}

static void settle(crochet_deferred *deferred, void *arg) { crochet_resolve(deferred, arg, NULL); }

int main(void) {
  struct server *server = server_start(0);
  char slow[SERVER_URL_SIZE];
  MUST(server != NULL);
  server_url(server, "/slow", slow);
  MUST(crochet_setup(NULL) == CROCHET_OK);

  /* The name is not answered before names_answer(), yet the transfer ends, and the loop serves others. */
  crochet_result *result = start("http://silent.example/");
  names_wait_asked(1);
  cancel(result);
  MUST(crochet_wait_for(NULL, settle, NULL, NULL, CROCHET_FOREVER, NULL) == CROCHET_OK);

  /* A cancel while the server has the request: it sees the connection closed. */
  result = start(slow);
  MUST(server_wait_slow(server, 1));
  cancel(result);
  MUST(server_wait_aborted(server, 1));

  /* A stop of the loop aborts what is under way, names and transfers alike. */
  crochet_result *name = start("http://silent.example/");
  crochet_result *page = start(slow);
  names_wait_asked(2);
  MUST(server_wait_slow(server, 2));
  MUST(crochet_shutdown(30 * CROCHET_SECOND) == CROCHET_OK);
  must_end(name, CROCHET_ESTOPPED);
  must_end(page, CROCHET_ESTOPPED);
  MUST(server_wait_aborted(server, 2));

  /* A new generation has a new loop, and with its first transfer a new multi handle. */
  char hello[SERVER_URL_SIZE];
  server_url(server, "/hello", hello);
  MUST(crochet_setup(NULL) == CROCHET_OK);
  result = start(hello);
  MUST(crochet_result_wait(result, CROCHET_FOREVER) == CROCHET_OK);
  crochet_result_release(result);
  MUST(crochet_shutdown(10 * CROCHET_SECOND) == CROCHET_OK);
  names_answer();
  server_stop(server);
  return EXIT_SUCCESS;
}
