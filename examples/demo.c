/* SPDX-License-Identifier: MIT
 * The demo: downloads through a libuv loop in a thread of its own.
 *
 *   demo          from a server inside the program: a success, a failure, a time-out, a cancellation, a stash; exit
 *                 code 0 only if everything was as it must be
 *   demo URL...   gets the pages and prints them
 */
#include <crochet.h>
#include <curl/curl.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "must.h"
#include "page.h"
#include "server.h"

static struct page_options options = {.proxy = ""};
static double started;

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* One line of the report: what was tried, how long it took since the last line, what came of it. */
static void __attribute__((format(printf, 2, 3))) report(const char *what, const char *format, ...) {
  va_list rest;
  va_start(rest, format);
  printf("  %-14s %8.1f ms   ", what, now_ms() - started);
  vprintf(format, rest);
  putchar('\n');
  fflush(stdout);
  va_end(rest);
  started = now_ms();
}

static int get(const char *url, int64_t timeout_ns, crochet_result **out_result) {
  return crochet_wait_for(NULL, page_get, page_request_new(url, &options), page_request_free, timeout_ns, out_result);
}

static crochet_result *show_success(struct server *server, const char *what) {
  char url[SERVER_URL_SIZE];
  crochet_result *result;
  server_url(server, "/hello", url);
  options.certificate = server_certificate(server);
  MUST(get(url, 60 * CROCHET_SECOND, &result) == CROCHET_OK);
  const struct page *page = crochet_result_value(result);
  MUST(page->status == 200);
  report(what, "status %ld, %zu bytes: %.*s", page->status, page->size, (int)strcspn(page->body, "\n"), page->body);
  return result;
}

static void show_failure(void) {
  /* A port that is taken, so that nobody else gets it, but refuses connections. */
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  char url[SERVER_URL_SIZE];
  crochet_result *result;
  MUST(bind(fd, (struct sockaddr *)&address, size) == 0 && getsockname(fd, (struct sockaddr *)&address, &size) == 0);
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(address.sin_port));
  MUST(get(url, 60 * CROCHET_SECOND, &result) == CROCHET_EFAILED);
  const crochet_error *error = crochet_result_error(result);
  MUST(crochet_error_code(error) == PAGE_ERROR(CURLE_COULDNT_CONNECT));
  report("failure", "%s", crochet_error_message(error));
  crochet_result_release(result);
  close(fd);
}

static void show_time_out(struct server *server) {
  char url[SERVER_URL_SIZE];
  crochet_result *result;
  int aborted = server_aborted(server), slow = server_slow(server);
  int64_t patience = 250 * CROCHET_MILLISECOND;
  server_url(server, "/slow", url);
  for (;;) {
    MUST(get(url, patience, &result) == CROCHET_ETIMEDOUT);
    MUST(crochet_result_join(result, CROCHET_FOREVER) == CROCHET_OK); /* nothing is left of it */
    crochet_result_release(result);
    if (server_slow(server) > slow) break;
    patience *= 2; /* a busy machine: time was over before the request reached the server */
  }
  MUST(server_wait_aborted(server, aborted + 1));
  report("time-out", "given up after %" PRId64 " ms; the server saw the transfer aborted",
         patience / CROCHET_MILLISECOND);
}

static void show_cancellation(struct server *server) {
  char url[SERVER_URL_SIZE];
  crochet_result *result;
  int aborted = server_aborted(server), slow = server_slow(server), outcome;
  server_url(server, "/slow", url);
  MUST(crochet_run(NULL, page_get, page_request_new(url, &options), page_request_free, &result) == CROCHET_OK);
  MUST(server_wait_slow(server, slow + 1));
  MUST(crochet_result_cancel(result, &outcome) == CROCHET_OK && outcome == CROCHET_CANCEL_REQUESTED);
  MUST(crochet_result_wait(result, CROCHET_FOREVER) == CROCHET_ECANCELED);
  MUST(server_wait_aborted(server, aborted + 1));
  report("cancellation", "requested, then %s; the server saw the transfer aborted",
         crochet_status_name(CROCHET_ECANCELED));
  crochet_result_release(result);
}

enum { PAGE_TYPE = 0x70616765 };

static void *retrieve(void *text) {
  uint64_t uid = strtoull(text, NULL, 10);
  crochet_result *result, *none;
  MUST(crochet_retrieve_result(uid, PAGE_TYPE, &result) == CROCHET_OK);
  MUST(crochet_retrieve_result(uid, PAGE_TYPE, &none) == CROCHET_ENOENT && none == NULL);
  return result;
}

static void show_stash(crochet_result *result) {
  uint64_t uid;
  char text[32];
  pthread_t thread;
  void *found;
  MUST(crochet_result_stash(result, PAGE_TYPE, &uid) == CROCHET_OK);
  crochet_result_release(result); /* the stash has a reference of its own */
  snprintf(text, sizeof text, "%" PRIu64, uid);
  MUST(pthread_create(&thread, NULL, retrieve, text) == 0 && pthread_join(thread, &found) == 0);
  const struct page *page = crochet_result_value(found);
  MUST(page != NULL && page->status == 200);
  report("stash", "uid %s, retrieved once, in another thread: %zu bytes", text, page->size);
  crochet_result_release(found);
}

static int show_everything(void) {
  uint32_t version = crochet_version();
  printf("crochet %u.%u.%u, libuv %s, libcurl %s, libmicrohttpd %s\n", version >> 16, version >> 8 & 255, version & 255,
         uv_version_string(), curl_version_info(CURLVERSION_NOW)->version, MHD_get_version());
  started = now_ms();
  struct server *http = server_start(0), *https = server_start(1);
  MUST(http != NULL && https != NULL);
  report("local servers", "http and https");
  MUST(crochet_setup(NULL) == CROCHET_OK);
  report("setup", "the loop runs in a thread of its own");
  crochet_result *page = show_success(http, "success");
  crochet_result_release(show_success(https, "success, https"));
  show_failure();
  show_time_out(http);
  show_cancellation(http);
  show_stash(page);
  MUST(crochet_shutdown(10 * CROCHET_SECOND) == CROCHET_OK);
  report("shutdown", "nothing is left on the loop");
  server_stop(http);
  server_stop(https);
  puts("everything was as it must be");
  return EXIT_SUCCESS;
}

static int print_page(const char *url) {
  crochet_result *result;
  int rc = get(url, 60 * CROCHET_SECOND, &result), printed = 0;
  const struct page *page = crochet_result_value(result);
  if (rc == CROCHET_EFAILED)
    fprintf(stderr, "%s: %s\n", url, crochet_error_message(crochet_result_error(result)));
  else if (rc != CROCHET_OK)
    fprintf(stderr, "%s: %s\n", url, crochet_status_message(rc));
  else if (page->status >= 400)
    fprintf(stderr, "%s: HTTP status %ld\n", url, page->status);
  else
    printed = fwrite(page->body, 1, page->size, stdout) == page->size && fflush(stdout) == 0;
  crochet_result_release(result);
  return printed;
}

int main(int argc, char **argv) {
  int failures = 0;
  if (argc == 1) return show_everything();
  options.proxy = NULL;
  MUST(crochet_setup(NULL) == CROCHET_OK);
  for (int i = 1; i < argc; i++) failures += !print_page(argv[i]);
  MUST(crochet_shutdown(10 * CROCHET_SECOND) == CROCHET_OK);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
