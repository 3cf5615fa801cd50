/* SPDX-License-Identifier: MIT
 * A host that is not linked with the library but loads it while it runs, as bindings and plugin systems do.
 *
 *   dlopen_host [PATH OF LIBCROCHET.SO]
 */
#include "must.h"

#include <crochet.h> /* for types and codes: no function is named but to ask for its type */
#include <dlfcn.h>

static struct {
  __typeof__(crochet_setup) *setup;
  __typeof__(crochet_shutdown) *shutdown;
  __typeof__(crochet_wait_for) *wait_for;
  __typeof__(crochet_resolve) *resolve;
  __typeof__(crochet_result_value) *result_value;
  __typeof__(crochet_result_release) *result_release;
} crochet;

static void *load(const char *path) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) fprintf(stderr, "%s\n", dlerror());
  MUST(library != NULL);
#define FIND(name) MUST((*(void **)&crochet.name = dlsym(library, "crochet_" #name)) != NULL)
  FIND(setup);
  FIND(shutdown);
  FIND(wait_for);
  FIND(resolve);
  FIND(result_value);
  FIND(result_release);
  return library;
}

static void answer(crochet_deferred *deferred, void *arg) { crochet.resolve(deferred, arg, NULL); }

static void ask(char *text) {
  crochet_result *result;
  MUST(crochet.wait_for(NULL, answer, text, NULL, 10 * CROCHET_SECOND, &result) == CROCHET_OK);
  puts(crochet.result_value(result));
  crochet.result_release(result);
}

int main(int argc, char **argv) {
  void *library = load(argc > 1 ? argv[1] : "libcrochet.so.0");
  static char loaded[] = "loaded", unloaded[] = "unloaded, and the loop lives";
  MUST(crochet.setup(NULL) == CROCHET_OK);
  ask(loaded);
  MUST(dlclose(library) == 0); /* its loop still runs: the library stays in memory, whatever is unloaded */
  ask(unloaded);
  MUST(crochet.shutdown(CROCHET_SECOND) == CROCHET_OK);
  return EXIT_SUCCESS;
}
