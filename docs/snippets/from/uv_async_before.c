/* SPDX-License-Identifier: MIT
 * Hand-written glue around uv_async_t, as it is found in many programs: what it takes to have one function called on the
 * loop's thread, and to wait for its value. It has no cancel, no failure, and no way to stop while somebody waits.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

/* [glue] */
struct job {
  int (*fn)(void *arg);
  void *arg;
  int value, done, abandoned;
  struct job *next;
};

static struct {
  uv_loop_t loop;
  uv_async_t async;
  uv_thread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t done;
  struct job *first, **last;
  int stopping;
} glue;

static void on_async(uv_async_t *async) {
  (void)async;
  pthread_mutex_lock(&glue.mutex);
  struct job *job;
  while ((job = glue.first) != NULL) { /* uv_async_send() may come once for many */
    if ((glue.first = job->next) == NULL) glue.last = &glue.first;
    pthread_mutex_unlock(&glue.mutex);
    int value = job->fn(job->arg);
    pthread_mutex_lock(&glue.mutex);
    job->value = value;
    job->done = 1;
    if (job->abandoned) free(job); /* who waited has given up. Was arg still there? */
    pthread_cond_broadcast(&glue.done);
  }
  if (glue.stopping) uv_close((uv_handle_t *)&glue.async, NULL);
  pthread_mutex_unlock(&glue.mutex);
}

static int call_and_wait(int (*fn)(void *), void *arg, int seconds, int *out_value) {
  struct job *job = calloc(1, sizeof *job);
  struct timespec end;
  int rc = 0;
  if (job == NULL) return UV_ENOMEM;
  job->fn = fn;
  job->arg = arg;
  clock_gettime(CLOCK_MONOTONIC, &end); /* the condition must know that clock */
  end.tv_sec += seconds;
  pthread_mutex_lock(&glue.mutex);
  *glue.last = job;
  glue.last = &job->next;
  uv_async_send(&glue.async); /* after a fork, or once the handle is closed: undefined */
  while (!job->done && rc == 0) /* on the loop's own thread: in vain */
    rc = pthread_cond_timedwait(&glue.done, &glue.mutex, &end);
  if (job->done) {
    *out_value = job->value;
    free(job);
    rc = 0;
  } else {
    job->abandoned = 1;
  }
  pthread_mutex_unlock(&glue.mutex);
  return rc;
}
/* [end glue] */

static void run(void *arg) {
  (void)arg;
  uv_run(&glue.loop, UV_RUN_DEFAULT);
}

static int start(void) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&glue.done, &attributes);
  pthread_mutex_init(&glue.mutex, NULL);
  glue.last = &glue.first;
  if (uv_loop_init(&glue.loop) != 0 || uv_async_init(&glue.loop, &glue.async, on_async) != 0) return -1;
  return uv_thread_create(&glue.thread, run, NULL);
}

static void stop(void) {
  pthread_mutex_lock(&glue.mutex);
  glue.stopping = 1;
  uv_async_send(&glue.async);
  pthread_mutex_unlock(&glue.mutex);
  uv_thread_join(&glue.thread);
  uv_loop_close(&glue.loop);
}

static int twice(void *arg) { return 2 * *(int *)arg; }

int main(void) {
  int number = 21, value = 0;
  if (start() != 0) return 1;
  int rc = call_and_wait(twice, &number, 10, &value);
  printf("%d\n", value);
  stop();
  return rc == 0 && value == 42 ? 0 : 1;
}
