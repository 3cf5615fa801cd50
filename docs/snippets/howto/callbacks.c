/* SPDX-License-Identifier: MIT
 * Two APIs of callbacks, wrapped: one that calls back on a thread of its own, and one that wants a loop to watch its
 * descriptor.
 */
#include <crochet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

/* ---- Somebody else's library: asks for the weather, and calls back on a thread of its own ---- */

typedef void weather_fn(const char *city, int degrees, void *arg);
struct weather {
  const char *city;
  weather_fn *callback;
  void *arg;
};
static void *weather_thread(void *arg) {
  struct weather *ask = arg;
  ask->callback(ask->city, 21, ask->arg);
  free(ask);
  return NULL;
}
static int weather_ask(const char *city, weather_fn *callback, void *arg) {
  pthread_t thread;
  struct weather *ask = malloc(sizeof *ask);
  if (ask == NULL) return -1;
  *ask = (struct weather){city, callback, arg};
  if (pthread_create(&thread, NULL, weather_thread, ask) != 0) {
    free(ask);
    return -1;
  }
  return pthread_detach(thread);
}

/* [thread] */
/* On the library's thread: a deferred may be settled on any. */
static void on_weather(const char *city, int degrees, void *arg) {
  char *text = NULL;
  if (asprintf(&text, "%s: %d degrees", city, degrees) < 0) text = NULL;
  if (text != NULL)
    crochet_resolve(arg, text, free);
  else
    crochet_reject(arg, CROCHET_ENOMEM, NULL);
  crochet_deferred_release(arg);
}

static int weather(const char *city, crochet_result **out_result) {
  crochet_deferred *deferred;
  int rc = crochet_deferred_new(NULL, NULL, NULL, &deferred, out_result); /* a call without a function */
  if (rc != CROCHET_OK) return rc;
  if (weather_ask(city, on_weather, deferred) != 0) {
    crochet_reject(deferred, UV_EAGAIN, "no weather today");
    crochet_deferred_release(deferred);
  }
  return CROCHET_OK;
}
/* [end thread] */

/* ---- Somebody else's library: has a descriptor, and wants to be told when it is readable. Here: a pipe. ---- */

struct device {
  int fd, other_end;
};
static int device_open(struct device *device) {
  int ends[2];
  if (pipe(ends) != 0) return -1;
  device->fd = ends[0];
  device->other_end = ends[1];
  return 0;
}
static void device_close(struct device *device) {
  close(device->fd);
  close(device->other_end);
}
/* 1: the answer is complete; 0: not yet; -1: failed. */
static int device_go_on(struct device *device, char *answer, size_t size) {
  ssize_t got = read(device->fd, answer, size - 1);
  if (got > 0) answer[got] = '\0';
  return got > 0 ? 1 : -1;
}

/* [poll] */
struct reading {
  struct device *device;
  uv_poll_t poll;             /* libuv has this memory until on_closed() */
  crochet_deferred *deferred; /* held just as long */
  char answer[64];            /* the value lies in the call's storage: it lives as long as the result */
};

static void on_closed(uv_handle_t *poll) { crochet_deferred_release(((struct reading *)poll->data)->deferred); }

static void on_readable(uv_poll_t *poll, int status, int events) {
  struct reading *reading = poll->data;
  int done = status < 0 ? -1 : device_go_on(reading->device, reading->answer, sizeof reading->answer);
  (void)events;
  if (done == 0) return; /* it will be readable again */
  if (done > 0)
    crochet_resolve(reading->deferred, reading->answer, NULL);
  else
    crochet_reject(reading->deferred, status < 0 ? status : UV_EIO, "the device does not answer");
  uv_close((uv_handle_t *)poll, on_closed);
}

static void give_up(crochet_deferred *deferred, void *arg) {
  struct reading *reading = arg;
  crochet_reject(deferred, CROCHET_ECANCELED, NULL);
  uv_close((uv_handle_t *)&reading->poll, on_closed);
}

static void read_device(crochet_deferred *deferred, void *storage) {
  struct reading *reading = storage;
  int rc = uv_poll_init(crochet_current_uv(), &reading->poll, reading->device->fd);
  if (rc != 0) { /* nothing was started */
    crochet_reject(deferred, rc, NULL);
    return;
  }
  reading->poll.data = reading;
  reading->deferred = crochet_deferred_retain(deferred);
  rc = crochet_deferred_on_cancel(deferred, give_up, reading, NULL);
  if (rc == CROCHET_OK) rc = uv_poll_start(&reading->poll, UV_READABLE, on_readable);
  if (rc != CROCHET_OK) {
    crochet_reject(deferred, rc, NULL); /* refused when it was cancelled meanwhile: then it is settled */
    uv_close((uv_handle_t *)&reading->poll, on_closed);
  }
}

static int device_read(struct device *device, crochet_result **out_result) {
  crochet_call *call;
  int rc = crochet_call_new(NULL, sizeof(struct reading), &call); /* the argument lies in the call: no malloc */
  if (rc != CROCHET_OK) return rc;
  ((struct reading *)crochet_call_storage(call))->device = device;
  crochet_call_set_label(call, "read the device");
  return crochet_call_run(call, read_device, NULL, out_result);
}
/* [end poll] */

int main(void) {
  crochet_result *first, *second, *third;
  struct device device;
  crochet_setup(NULL);
  if (device_open(&device) != 0 || weather("Graz", &first) != CROCHET_OK) return 1;
  int rc = crochet_result_wait(first, 10 * CROCHET_SECOND);
  if (rc == CROCHET_OK) puts(crochet_result_value(first));
  crochet_result_release(first);

  if (device_read(&device, &second) != CROCHET_OK || write(device.other_end, "answer", 6) != 6) return 1;
  int answered = crochet_result_wait(second, 10 * CROCHET_SECOND);
  if (answered == CROCHET_OK) puts(crochet_result_value(second));
  crochet_result_release(second);

  if (device_read(&device, &third) != CROCHET_OK) return 1;
  int late = crochet_result_wait(third, 20 * CROCHET_MILLISECOND);
  crochet_result_cancel(third, NULL);
  int joined = crochet_result_join(third, 10 * CROCHET_SECOND); /* now nobody uses the device any more */
  crochet_result_release(third);
  device_close(&device);
  int ended = crochet_shutdown(CROCHET_SECOND);
  return rc == CROCHET_OK && answered == CROCHET_OK && late == CROCHET_ETIMEDOUT && joined == CROCHET_OK && ended == CROCHET_OK ? 0 : 1;
}
