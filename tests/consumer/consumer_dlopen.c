/* SPDX-License-Identifier: MIT */
/* A host that is not linked with the library: it loads it by its name, as bindings do, and unloads it. C and C++. */
#include <crochet.h>
#include <dlfcn.h>
#include <stdio.h>

typedef int setup_fn(const crochet_options *options);
typedef int shutdown_fn(int64_t grace_ns);
typedef int wait_for_fn(crochet_loop *loop, crochet_call_fn *fn, void *arg, crochet_drop_fn *drop, int64_t timeout_ns,
                        crochet_result **out_result);
typedef int resolve_fn(crochet_deferred *deferred, void *value, crochet_drop_fn *drop);
typedef uint32_t version_fn(void);

static setup_fn *setup;
static shutdown_fn *shutdown_all;
static wait_for_fn *wait_for;
static resolve_fn *resolve;
static version_fn *version;

static void answer(crochet_deferred *deferred, void *arg) {
  *(int *)arg = 42;
  (void)resolve(deferred, NULL, NULL);
}

int main(void) {
  int number = 0;
  void *library = dlopen("libcrochet.so.0", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  *(void **)&setup = dlsym(library, "crochet_setup");
  *(void **)&shutdown_all = dlsym(library, "crochet_shutdown");
  *(void **)&wait_for = dlsym(library, "crochet_wait_for");
  *(void **)&resolve = dlsym(library, "crochet_resolve");
  *(void **)&version = dlsym(library, "crochet_version");
  if (!setup || !shutdown_all || !wait_for || !resolve || !version) return 1;
  if (version() >> 16 != CROCHET_VERSION_MAJOR) return 1;
  if (setup(NULL) != CROCHET_OK) return 1;
  if (wait_for(NULL, answer, &number, NULL, 10 * CROCHET_SECOND, NULL) != CROCHET_OK || number != 42) return 1;
  if (shutdown_all(CROCHET_SECOND) != CROCHET_OK) return 1;
  return dlclose(library);
}
