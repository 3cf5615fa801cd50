/* SPDX-License-Identifier: MIT
 * Loads the library, uses it and unloads it, again and again: a program that is not linked with it. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

typedef int setup_fn(const void *options);
typedef int shutdown_fn(int64_t grace_ns);
typedef int wait_for_fn(void *loop, void (*fn)(void *deferred, void *arg), void *arg, void (*drop)(void *arg),
                        int64_t timeout_ns, void **out_result);
typedef int resolve_fn(void *deferred, void *value, void (*drop)(void *value));

static resolve_fn *resolve;

static void function(void *deferred, void *arg) {
  (void)arg;
  resolve(deferred, NULL, NULL);
}

/* ISO C has no cast from an object's address to a function's. */
static int find(void *library, const char *name, void *out_function) {
  void *const found = dlsym(library, name);
  *(void **)out_function = found;
  return found != NULL;
}

int main(void) {
  alarm(100);
  for (int i = 0; i < 20; ++i) {
    void *const library = dlopen(CROCHET_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    setup_fn *setup;
    shutdown_fn *shut_down;
    wait_for_fn *wait_for;
    if (library == NULL) {
      fprintf(stderr, "%s\n", dlerror());
      return 2;
    }
    if (!find(library, "crochet_setup", &setup) || !find(library, "crochet_shutdown", &shut_down) ||
        !find(library, "crochet_wait_for", &wait_for) || !find(library, "crochet_resolve", &resolve)) {
      return 3;
    }
    if (setup(NULL) != 0) return 4;
    if (wait_for(NULL, function, NULL, NULL, -1, NULL) != 0) return 5;
    if (i % 4 != 0 && shut_down(INT64_C(1000000000)) != 0) return 6; /* or its loop lives on */
    if (dlclose(library) != 0) return 7;
  }
  return 0;
}
