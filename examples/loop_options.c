/* SPDX-License-Identifier: MIT
 * How a loop is made, and what it counts: a loop of its own beside the default one, on a stack of 1 MB, whose thread is
 * attached to a virtual machine (here: a table of its threads) before the first callback and detached after the last.
 */
#include "must.h"

#include <crochet.h>
#include <inttypes.h>
#include <pthread.h>

static struct machine {
  pthread_mutex_t mutex;
  int attached, detached;
} machine = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static int attach(void *arg) {
  struct machine *to = arg;
  pthread_mutex_lock(&to->mutex);
  to->attached++;
  pthread_mutex_unlock(&to->mutex);
  return CROCHET_OK; /* a negative code would keep the loop from starting */
}

static int detach(void *arg) {
  struct machine *from = arg;
  pthread_mutex_lock(&from->mutex);
  from->detached++;
  pthread_mutex_unlock(&from->mutex);
  return CROCHET_OK;
}

static void work(crochet_deferred *deferred, void *arg) {
  (void)arg;
  MUST(machine.attached == 1 && machine.detached == 0);
  crochet_resolve(deferred, NULL, NULL);
}

int main(void) {
  crochet_options *options;
  crochet_loop *loop;
  uint64_t run;
  MUST(crochet_options_new(&options) == CROCHET_OK);
  MUST(crochet_options_set_thread_name(options, "machine") == CROCHET_OK);
  MUST(crochet_options_set_stack_size(options, 1024 * 1024) == CROCHET_OK);
  MUST(crochet_options_set_thread_hooks(options, attach, detach, &machine, NULL) == CROCHET_OK);
  MUST(crochet_loop_new(options, &loop) == CROCHET_OK);
  crochet_options_free(options);

  for (int i = 0; i < 3; i++) MUST(crochet_wait_for(loop, work, NULL, NULL, CROCHET_FOREVER, NULL) == CROCHET_OK);
  MUST(crochet_loop_stop(loop, CROCHET_SECOND) == CROCHET_OK);
  MUST(machine.detached == 1);

  uint64_t count;
  const char *name;
  for (uint32_t i = 0; (name = crochet_loop_counter_name(i)) != NULL; i++) {
    MUST(crochet_loop_counter(loop, name, &count) == CROCHET_OK);
    printf("%-16s %" PRIu64 "\n", name, count);
  }
  MUST(crochet_loop_counter(loop, "calls_run", &run) == CROCHET_OK && run == 3);
  crochet_loop_release(loop);
  return EXIT_SUCCESS;
}
