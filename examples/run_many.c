/* SPDX-License-Identifier: MIT
 * Many calls at once: asks libuv about many files. All calls are prepared first, with a question in each one's storage,
 * then queued together, so that the loop is woken once; and each has a result of its own.
 */
#include <crochet.h>
#include <uv.h>

#include "must.h"

struct question {             /* lies in the storage of its call */
  uv_fs_t request;            /* libuv has this memory until answered() */
  crochet_deferred *deferred; /* held just as long */
  const char *path;
  uint64_t size; /* the value: it lives as long as the result */
};

static void answered(uv_fs_t *request) {
  struct question *question = request->data;
  question->size = request->statbuf.st_size;
  if (request->result < 0) crochet_reject(question->deferred, (int)request->result, NULL);
  else crochet_resolve(question->deferred, &question->size, NULL);
  uv_fs_req_cleanup(request);
  crochet_deferred_release(question->deferred);
}

static void on_cancel(crochet_deferred *deferred, void *request) {
  (void)deferred;
  uv_cancel(request); /* answered() comes all the same, with UV_ECANCELED, or with an answer */
}

static void ask(crochet_deferred *deferred, void *storage) { /* runs on the loop's thread */
  struct question *question = storage;
  if (crochet_deferred_on_cancel(deferred, on_cancel, &question->request, NULL) != CROCHET_OK) return;
  question->deferred = crochet_deferred_retain(deferred);
  question->request.data = question;
  int rc = uv_fs_stat(crochet_current_uv(), &question->request, question->path, answered);
  if (rc == 0) return;
  crochet_reject(deferred, rc, NULL);
  crochet_deferred_release(question->deferred);
}

static const char *const paths[] = {"/", "/etc/passwd", "/proc/self/exe", "/no/such/file", "/tmp", "/bin/sh"};
enum { FILES = sizeof paths / sizeof *paths, TIMES = 50, CALLS = FILES * TIMES };

int main(void) {
  static crochet_call *calls[CALLS];
  static crochet_result *results[CALLS];
  uint64_t known = 0, missing = 0;
  MUST(crochet_setup(NULL) == CROCHET_OK);
  for (size_t i = 0; i < CALLS; i++) {
    MUST(crochet_call_new(NULL, sizeof(struct question), &calls[i]) == CROCHET_OK);
    ((struct question *)crochet_call_storage(calls[i]))->path = paths[i % FILES];
  }
  MUST(crochet_call_run_many(calls, CALLS, ask, NULL, results) == CROCHET_OK);
  for (size_t i = 0; i < CALLS; i++) {
    if (crochet_result_wait(results[i], 60 * CROCHET_SECOND) == CROCHET_OK) {
      const uint64_t *size = crochet_result_value(results[i]);
      if (i < FILES) printf("%s: %llu bytes\n", paths[i], (unsigned long long)*size);
      known++;
    } else {
      const crochet_error *error = crochet_result_error(results[i]);
      MUST(crochet_error_code(error) == UV_ENOENT);
      if (i < FILES) printf("%s: %s\n", paths[i], crochet_error_message(error));
      missing++;
    }
    crochet_result_release(results[i]);
  }
  MUST(known == CALLS - TIMES && missing == TIMES);
  MUST(crochet_shutdown(CROCHET_SECOND) == CROCHET_OK);
  return EXIT_SUCCESS;
}
