/* SPDX-License-Identifier: MIT
 * A host whose loop is epoll's own: it watches libuv's backend descriptor beside its other ones and gives libuv a turn
 * whenever there is something to do there. Other threads call into it like into any loop.
 */
#include "must.h"

#include <crochet.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

enum { WORKERS = 4, CALLS = 200, TICKS = 3 };

/* All this is for the host's thread only. */
static int ticks;          /* of the host's own timer, which libuv knows nothing of */
static int calls;          /* that the workers made */
static int busy = WORKERS; /* workers that are not through */
static int released;

static void count(crochet_deferred *deferred, void *arg) {
  (void)arg;
  calls++;
  crochet_resolve(deferred, (void *)(intptr_t)ticks, NULL); /* a value need not be an address */
}

static void leave(crochet_deferred *deferred, void *arg) {
  (void)arg;
  if (--busy == 0) released = crochet_shutdown(CROCHET_SECOND); /* asked for; happens while uv_run() goes on */
  crochet_resolve(deferred, NULL, NULL);
}

static void *worker(void *arg) {
  crochet_result *result;
  intptr_t seen = 0;
  (void)arg;
  for (int i = 0; i < CALLS || seen < TICKS; i++) { /* the host's own timer is served between the calls */
    MUST(crochet_wait_for(NULL, count, NULL, NULL, 30 * CROCHET_SECOND, &result) == CROCHET_OK);
    seen = (intptr_t)crochet_result_value(result);
    crochet_result_release(result);
  }
  MUST(crochet_run(NULL, leave, NULL, NULL, NULL) == CROCHET_OK);
  return NULL;
}

static void watch(int epoll, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

int main(void) {
  const struct itimerspec every_millisecond = {{0, 1000000}, {0, 1000000}};
  int epoll = epoll_create1(EPOLL_CLOEXEC), timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  struct epoll_event events[2];
  pthread_t workers[WORKERS];
  uv_loop_t uv;
  MUST(uv_loop_init(&uv) == 0);
  MUST(crochet_no_setup(&uv, NULL) == CROCHET_OK);
  MUST(timerfd_settime(timer, 0, &every_millisecond, NULL) == 0);
  watch(epoll, timer);
  watch(epoll, uv_backend_fd(&uv));
  for (int i = 0; i < WORKERS; i++) MUST(pthread_create(&workers[i], NULL, worker, NULL) == 0);

  /* libuv's turn, then a wait for whatever comes first. 0: the loop was released, and nothing else is alive there. */
  while (uv_run(&uv, UV_RUN_NOWAIT) != 0) {
    uint64_t expirations;
    int count_of_events = epoll_wait(epoll, events, 2, uv_backend_timeout(&uv));
    MUST(count_of_events >= 0 || errno == EINTR);
    for (int i = 0; i < count_of_events; i++)
      if (events[i].data.fd == timer && read(timer, &expirations, sizeof expirations) > 0) ticks += (int)expirations;
  }

  for (int i = 0; i < WORKERS; i++) pthread_join(workers[i], NULL);
  MUST(released == CROCHET_EINPROGRESS);
  MUST(uv_loop_close(&uv) == 0);
  close(timer);
  close(epoll);
  printf("%d calls between %d ticks of the host's timer\n", calls, ticks);
  return EXIT_SUCCESS;
}
