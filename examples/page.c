/* SPDX-License-Identifier: MIT
 * The transfers of page.h: libcurl says which sockets to watch (a uv_poll_t each) and when to look again (one
 * uv_timer_t). Everything but page_request_new() and page_request_free() runs on a loop's thread. What a loop has for
 * its transfers is made with the first one, and closed by an at-stop call.
 */
#include "page.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct engine {
  CURLM *multi; /* NULL once closed */
  uv_timer_t timer;
  size_t handles;             /* the timer, and the sockets watched or still closing */
  size_t transfers;           /* in `multi` */
  crochet_deferred *stopping; /* of the at-stop call, whose storage this is: held until all handles are closed */
};

struct request {
  CURL *easy;
  crochet_deferred *deferred; /* held while libcurl works on it */
  struct page *page;
  size_t capacity, max_size;
  int too_large;
  CURLcode set_up; /* did libcurl accept all options? */
  char message[CURL_ERROR_SIZE];
};

struct watch {
  uv_poll_t poll;
  curl_socket_t socket;
  struct engine *engine;
};

static _Thread_local struct engine *engine_here; /* that of this thread's loop */

/* ---- The end: of a transfer, and of the engine with the last of them ---- */

static void engine_closed_one(struct engine *engine) {
  if (--engine->handles > 0) return;
  engine_here = NULL;
  crochet_deferred_release(engine->stopping); /* frees the engine */
}

static void on_timer_closed(uv_handle_t *timer) { engine_closed_one(timer->data); }

static void engine_close_if_done(struct engine *engine) {
  if (engine->stopping == NULL || engine->transfers > 0 || engine->multi == NULL) return;
  curl_multi_cleanup(engine->multi); /* closes connections, and may ask for sockets to be no longer watched */
  engine->multi = NULL;
  uv_close((uv_handle_t *)&engine->timer, on_timer_closed);
}

static void on_stop(crochet_deferred *deferred, void *arg) {
  struct engine *engine = arg;
  engine->stopping = crochet_deferred_retain(deferred);
  engine_close_if_done(engine); /* otherwise with the last transfer, all of which are being cancelled */
}

/* The call has been settled, or will be by what follows: libcurl lets go of it. */
static void transfer_leave(struct engine *engine, struct request *request) {
  curl_multi_remove_handle(engine->multi, request->easy);
  engine->transfers--;
}

static void reject_from_curl(crochet_deferred *deferred, CURLcode code, const char *message) {
  crochet_reject(deferred, PAGE_ERROR(code), message[0] ? message : curl_easy_strerror(code));
}

static void transfer_end(struct engine *engine, struct request *request, CURLcode code) {
  crochet_deferred *deferred = request->deferred;
  transfer_leave(engine, request);
  if (code == CURLE_OK) {
    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &request->page->status);
    crochet_resolve(deferred, request->page, free);
    request->page = NULL;
  } else if (request->too_large) {
    reject_from_curl(deferred, CURLE_FILESIZE_EXCEEDED, "the page is too large");
  } else {
    reject_from_curl(deferred, code, request->message);
  }
  crochet_deferred_release(deferred); /* the last: page_request_free() */
  engine_close_if_done(engine);
}

static void on_cancel(crochet_deferred *deferred, void *arg) {
  struct request *request = arg;
  struct engine *engine = engine_here;
  transfer_leave(engine, request); /* aborts it: the connection is closed */
  crochet_reject(deferred, CROCHET_ECANCELED, NULL);
  crochet_deferred_release(request->deferred);
  engine_close_if_done(engine);
}

/* ---- libcurl and libuv ---- */

/* Lets libcurl go on, then ends the transfers that are done. */
static void engine_go_on(struct engine *engine, curl_socket_t socket, int events) {
  CURLMsg *message;
  int count;
  if (curl_multi_socket_action(engine->multi, socket, events, &count) != CURLM_OK)
    curl_multi_perform(engine->multi, &count); /* on_socket() failed: this fails every transfer at once */
  while (engine->multi != NULL && (message = curl_multi_info_read(engine->multi, &count)) != NULL) {
    char *request = NULL;
    if (message->msg == CURLMSG_DONE && curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request) == CURLE_OK)
      transfer_end(engine, (void *)request, message->data.result);
  }
}

static void on_timer(uv_timer_t *timer) { engine_go_on(timer->data, CURL_SOCKET_TIMEOUT, 0); }

static int on_timeout_wanted(CURLM *multi, long timeout_ms, void *arg) {
  struct engine *engine = arg;
  (void)multi;
  if (timeout_ms < 0)
    uv_timer_stop(&engine->timer);
  else
    uv_timer_start(&engine->timer, on_timer, (uint64_t)timeout_ms, 0); /* also for 0: never from in here */
  return 0;
}

static void on_events(uv_poll_t *poll, int status, int events) {
  struct watch *watch = poll->data;
  int what = status < 0 ? CURL_CSELECT_ERR : 0;
  if (events & UV_READABLE) what |= CURL_CSELECT_IN;
  if (events & UV_WRITABLE) what |= CURL_CSELECT_OUT;
  engine_go_on(watch->engine, watch->socket, what);
}

static void on_watch_closed(uv_handle_t *poll) {
  struct watch *watch = poll->data;
  engine_closed_one(watch->engine);
  free(watch);
}

static struct watch *watch_new(struct engine *engine, curl_socket_t socket) {
  struct watch *watch = calloc(1, sizeof *watch);
  if (watch == NULL || uv_poll_init_socket(engine->timer.loop, &watch->poll, socket) != 0) {
    free(watch);
    return NULL;
  }
  watch->poll.data = watch;
  watch->socket = socket;
  watch->engine = engine;
  engine->handles++;
  curl_multi_assign(engine->multi, socket, watch);
  return watch;
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *arg, void *socket_arg) {
  struct watch *watch = socket_arg;
  (void)easy;
  if (what == CURL_POLL_REMOVE) {
    if (watch != NULL)
      uv_close((uv_handle_t *)&watch->poll, on_watch_closed); /* at once off the poll; libcurl may close the socket */
    return 0;
  }
  if (watch == NULL && (watch = watch_new(arg, socket)) == NULL) return -1;
  int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
  return uv_poll_start(&watch->poll, events, on_events) == 0 ? 0 : -1;
}

/* The engine of this thread's loop, made if there is none. NULL: *out_rc says why not. */
static struct engine *engine_get(int *out_rc) {
  crochet_call *call;
  if (engine_here != NULL) return engine_here;
  *out_rc = CROCHET_ENOMEM;
  CURLM *multi = curl_multi_init();
  if (multi == NULL) return NULL;
  struct engine *engine = NULL;
  if ((*out_rc = crochet_call_new(crochet_current_loop(), sizeof *engine, &call)) == CROCHET_OK) {
    engine = crochet_call_storage(call);
    crochet_call_set_label(call, "page: at stop");
    crochet_call_set_at_stop(call);
    *out_rc = crochet_call_run(call, on_stop, NULL, NULL);
  }
  if (*out_rc != CROCHET_OK) {
    curl_multi_cleanup(multi);
    return NULL;
  }
  engine->multi = multi; /* on_stop() can't have run: this is the thread on which it will */
  uv_timer_init(crochet_current_uv(), &engine->timer);
  engine->timer.data = engine;
  engine->handles = 1;
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, engine);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timeout_wanted);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, engine);
  engine_here = engine;
  return engine;
}

/* ---- Requests ---- */

static void init_curl(void) {
  curl_global_init(CURL_GLOBAL_DEFAULT); /* never undone: threads that look up names may outlive every transfer */
}

static size_t on_body(char *data, size_t one, size_t size, void *arg) {
  struct request *request = arg;
  size_t used = request->page->size;
  (void)one;
  if (size > request->max_size - used) {
    request->too_large = 1;
    return CURL_WRITEFUNC_ERROR;
  }
  if (size > request->capacity - used) {
    size_t capacity = used + size > 2 * request->capacity ? used + size : 2 * request->capacity;
    struct page *page = realloc(request->page, sizeof *page + capacity + 1);
    if (page == NULL) return CURL_WRITEFUNC_ERROR;
    request->page = page;
    request->capacity = capacity;
  }
  memcpy(request->page->body + used, data, size);
  request->page->size = used + size;
  request->page->body[used + size] = '\0';
  return size;
}

static CURLcode set_up(struct request *request, const char *url, const struct page_options *options) {
  CURL *easy = request->easy;
  CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, url);
  if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_PROXY, options->proxy);
  if (code == CURLE_OK && options->certificate != NULL) {
    struct curl_blob blob = {(void *)(size_t)options->certificate, strlen(options->certificate), CURL_BLOB_COPY};
    code = curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
  }
  /* From a file alone libcurl reads the system's certificates once; with a directory beside it, for every connection,
   * which takes 30 ms of the loop's time. */
  if (curl_version_info(CURLVERSION_NOW)->cainfo != NULL) curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->message);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 10L);
  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "crochet-example");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* an abort doesn't wait for the thread that looks the name up */
  return code;
}

void *page_request_new(const char *url, const struct page_options *options) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  static const struct page_options defaults;
  struct request *request = calloc(1, sizeof *request);
  pthread_once(&once, init_curl); /* takes milliseconds: here it is the caller's time, not the loop's */
  if (request == NULL) return NULL;
  if (options == NULL) options = &defaults;
  request->max_size = options->max_size > 0 ? options->max_size : (size_t)64 << 20;
  request->page = calloc(1, sizeof *request->page + 1);
  request->easy = curl_easy_init();
  if (request->page == NULL || request->easy == NULL) {
    page_request_free(request);
    return NULL;
  }
  request->set_up = set_up(request, url, options);
  return request;
}

void page_request_free(void *arg) {
  struct request *request = arg;
  if (request == NULL) return;
  curl_easy_cleanup(request->easy);
  free(request->page);
  free(request);
}

void page_get(crochet_deferred *deferred, void *arg) {
  struct request *request = arg;
  int rc;
  if (request == NULL) {
    crochet_reject(deferred, CROCHET_ENOMEM, NULL);
    return;
  }
  if (request->set_up != CURLE_OK) {
    reject_from_curl(deferred, request->set_up, request->message);
    return;
  }
  if (crochet_deferred_on_cancel(deferred, on_cancel, request, NULL) != CROCHET_OK)
    return; /* cancelled meanwhile: don't start */
  struct engine *engine = engine_get(&rc);
  if (engine == NULL) {
    crochet_reject(deferred, rc, NULL);
    return;
  }
  request->deferred = crochet_deferred_retain(deferred);
  engine->transfers++;
  if (curl_multi_add_handle(engine->multi, request->easy) != CURLM_OK) transfer_end(engine, request, CURLE_FAILED_INIT);
}
