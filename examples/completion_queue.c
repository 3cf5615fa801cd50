/* SPDX-License-Identifier: MIT
 * A program with an event loop of its own, here poll(), that never blocks in this library: what it has asked for comes out
 * of a completion queue, whose descriptor it polls beside its others.
 */
#include <crochet.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

#include "must.h"

struct question {             /* lies in the storage of its call */
  uv_fs_t request;            /* libuv has this memory until answered() */
  crochet_deferred *deferred; /* held just as long */
  const char *path;
};

static void answered(uv_fs_t *request) {
  struct question *question = request->data;
  if (request->result < 0) crochet_reject(question->deferred, (int)request->result, NULL);
  else crochet_resolve(question->deferred, NULL, NULL);
  uv_fs_req_cleanup(request);
  crochet_deferred_release(question->deferred);
}

static void ask(crochet_deferred *deferred, void *storage) { /* runs on the library's loop */
  struct question *question = storage;
  question->deferred = crochet_deferred_retain(deferred);
  question->request.data = question;
  int rc = uv_fs_stat(crochet_current_uv(), &question->request, question->path, answered);
  if (rc == 0) return;
  crochet_reject(deferred, rc, NULL);
  crochet_deferred_release(question->deferred);
}

static const char *const paths[] = {"/", "/etc/passwd", "/no/such/file", "/bin/sh"};
enum { FILES = sizeof paths / sizeof *paths };

static void start(crochet_completion_queue *queue, uint64_t i) {
  crochet_call *call;
  crochet_result *result;
  MUST(crochet_call_new(NULL, sizeof(struct question), &call) == CROCHET_OK);
  ((struct question *)crochet_call_storage(call))->path = paths[i];
  MUST(crochet_call_run(call, ask, NULL, &result) == CROCHET_OK);
  MUST(crochet_completion_queue_watch(queue, result, i) == CROCHET_OK);
  crochet_result_release(result); /* the queue has a reference of its own */
}

int main(void) {
  const struct itimerspec every_millisecond = {{0, 1000000}, {0, 1000000}};
  struct pollfd fds[2] = {{-1, POLLIN, 0}, {timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), POLLIN, 0}};
  crochet_completion_queue *queue;
  int left = FILES, found = 0, ticks = 0;
  MUST(crochet_setup(NULL) == CROCHET_OK);
  MUST(crochet_completion_queue_new(&queue) == CROCHET_OK);
  MUST(crochet_completion_queue_descriptor(queue, &fds[0].fd) == CROCHET_OK);
  MUST(timerfd_settime(fds[1].fd, 0, &every_millisecond, NULL) == 0);
  for (uint64_t i = 0; i < FILES; i++) start(queue, i);

  while (left > 0 || ticks < 3) { /* the program's event loop */
    crochet_result *results[8];
    uint64_t tags[8], expired;
    size_t count = 0;
    MUST(poll(fds, 2, -1) > 0);
    if (fds[1].revents != 0 && read(fds[1].fd, &expired, sizeof expired) > 0) ticks += (int)expired;
    if (fds[0].revents != 0) MUST(crochet_completion_queue_drain(queue, 8, results, tags, &count) == CROCHET_OK);
    for (size_t i = 0; i < count; i++, left--) {
      int ok = crochet_result_status(results[i]) == CROCHET_OK;
      printf("%s: %s\n", paths[tags[i]], ok ? "there" : crochet_error_message(crochet_result_error(results[i])));
      found += ok;
      crochet_result_release(results[i]);
    }
  }

  MUST(found == FILES - 1);
  crochet_completion_queue_release(queue);
  close(fds[1].fd);
  MUST(crochet_shutdown(CROCHET_SECOND) == CROCHET_OK);
  return EXIT_SUCCESS;
}
