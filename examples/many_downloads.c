/* SPDX-License-Identifier: MIT
 * Many threads download at once through one loop. The server answers none of the first pages before it has a request of
 * every thread, so that they must really be under way together; then each thread goes on as fast as it can.
 */
#include <crochet.h>
#include <pthread.h>
#include <string.h>

#include "must.h"
#include "page.h"
#include "server.h"

enum { THREADS = 16, PAGES = 4 };

static const struct page_options no_proxy = {.proxy = ""};
static char together[SERVER_URL_SIZE], big[SERVER_URL_SIZE];

static size_t get(const char *url) {
  crochet_result *result;
  int rc = crochet_wait_for(NULL, page_get, page_request_new(url, &no_proxy), page_request_free, 300 * CROCHET_SECOND,
                            &result);
  MUST(rc == CROCHET_OK);
  const struct page *page = crochet_result_value(result);
  MUST(page->status == 200 && strlen(page->body) == page->size);
  size_t size = page->size;
  crochet_result_release(result);
  return size;
}

static void *downloader(void *arg) {
  size_t *bytes = arg;
  *bytes = get(together);
  for (int i = 0; i < PAGES; i++) *bytes += get(big);
  return NULL;
}

int main(void) {
  struct server *server = server_start(0);
  pthread_t threads[THREADS];
  size_t bytes[THREADS], total = 0;
  char path[32];
  MUST(server != NULL);
  snprintf(path, sizeof path, "/meet/%d", THREADS);
  server_url(server, path, together);
  server_url(server, "/big", big);
  MUST(crochet_setup(NULL) == CROCHET_OK);
  for (int i = 0; i < THREADS; i++) MUST(pthread_create(&threads[i], NULL, downloader, &bytes[i]) == 0);
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
    MUST(bytes[i] > (size_t)PAGES * SERVER_BIG);
    total += bytes[i];
  }
  printf("%d threads, one loop: %d pages, %zu bytes\n", THREADS, THREADS * (PAGES + 1), total);
  MUST(crochet_shutdown(10 * CROCHET_SECOND) == CROCHET_OK);
  server_stop(server);
  return EXIT_SUCCESS;
}
