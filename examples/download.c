/* SPDX-License-Identifier: MIT
 * Pages by URL through libcurl: http and https, error pages, failures with libcurl's own words, and a time-out that
 * aborts the transfer, as the server confirms.
 */
#include <crochet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "must.h"
#include "page.h"
#include "server.h"

static const struct page_options *options;

/* The status of the page, or the negative code of the failure. */
static long get(const char *url, size_t *out_size) {
  crochet_result *result;
  int rc =
      crochet_wait_for(NULL, page_get, page_request_new(url, options), page_request_free, 60 * CROCHET_SECOND, &result);
  const struct page *page = crochet_result_value(result);
  long status = page != NULL ? page->status : crochet_error_code(crochet_result_error(result));
  MUST((rc == CROCHET_OK) == (page != NULL));
  *out_size = page != NULL ? page->size : 0;
  if (page != NULL) printf("%s: status %ld, %zu bytes\n", url, page->status, page->size);
  if (page == NULL) printf("%s: %s\n", url, crochet_error_message(crochet_result_error(result)));
  crochet_result_release(result);
  return status;
}

/* A port that is taken, so that nobody else gets it, but refuses connections. */
static int refusing_socket(char url[SERVER_URL_SIZE]) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  MUST(bind(fd, (struct sockaddr *)&address, size) == 0 && getsockname(fd, (struct sockaddr *)&address, &size) == 0);
  snprintf(url, SERVER_URL_SIZE, "http://127.0.0.1:%d/", ntohs(address.sin_port));
  return fd;
}

static void get_all(struct server *server, int https) {
  const struct page_options trusting = {.certificate = server_certificate(server), .proxy = ""};
  const struct page_options small = {.max_size = 1000, .certificate = server_certificate(server), .proxy = ""};
  const struct page_options distrusting = {.proxy = ""};
  char url[SERVER_URL_SIZE];
  size_t size;
  options = &trusting;
  server_url(server, "/hello", url);
  MUST(get(url, &size) == 200 && size > 0);
  server_url(server, "/nowhere", url);
  MUST(get(url, &size) == 404 && size > 0);
  server_url(server, "/big", url);
  MUST(get(url, &size) == 200 && size == SERVER_BIG);
  options = &small;
  MUST(get(url, &size) == PAGE_ERROR(63)); /* CURLE_FILESIZE_EXCEEDED */
  options = &distrusting;
  MUST(get(url, &size) == (https ? PAGE_ERROR(60) : 200)); /* CURLE_PEER_FAILED_VERIFICATION */
}

/* Gives up on a page that does not come: the server must see the transfer aborted. */
static void time_out(struct server *server) {
  const struct page_options trusting = {.certificate = server_certificate(server), .proxy = ""};
  char url[SERVER_URL_SIZE];
  int before = server_slow(server), aborted = server_aborted(server);
  int64_t patience = 100 * CROCHET_MILLISECOND;
  server_url(server, "/slow", url);
  do { /* on a busy machine time may be over before the request reached the server: more of it then */
    crochet_result *result;
    MUST(crochet_wait_for(NULL, page_get, page_request_new(url, &trusting), page_request_free, patience, &result) ==
         CROCHET_ETIMEDOUT);
    MUST(crochet_result_join(result, CROCHET_FOREVER) == CROCHET_OK);
    MUST(crochet_result_status(result) == CROCHET_ECANCELED);
    crochet_result_release(result);
    patience *= 2;
  } while (server_slow(server) == before);
  MUST(server_wait_aborted(server, aborted + 1));
  printf("%s: %s; the server saw the transfer aborted\n", url, crochet_status_message(CROCHET_ETIMEDOUT));
}

int main(void) {
  static const struct page_options no_proxy = {.proxy = ""};
  char url[SERVER_URL_SIZE];
  size_t size;
  MUST(crochet_setup(NULL) == CROCHET_OK);
  for (int https = 0; https <= 1; https++) {
    struct server *server = server_start(https);
    MUST(server != NULL);
    get_all(server, https);
    time_out(server);
    server_stop(server);
  }
  options = &no_proxy;
  int refusing = refusing_socket(url);
  MUST(get(url, &size) == PAGE_ERROR(7));                   /* CURLE_COULDNT_CONNECT */
  MUST(get("gopher://127.0.0.1/", &size) == PAGE_ERROR(1)); /* CURLE_UNSUPPORTED_PROTOCOL */
  close(refusing);
  MUST(crochet_shutdown(10 * CROCHET_SECOND) == CROCHET_OK); /* not CROCHET_EBUSY: nothing of libcurl's is left open */
  return EXIT_SUCCESS;
}
