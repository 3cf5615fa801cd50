/* SPDX-License-Identifier: MIT */
/* A host that knows nothing of the library: it loads a plugin, calls it and unloads it, again and again. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* How many mappings of this process are of files whose name has this in it. */
static int mappings_of(const char *name) {
  char line[4096];
  int count = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  if (!maps) return -1;
  while (fgets(line, sizeof line, maps)) count += strstr(line, name) != NULL;
  (void)fclose(maps);
  return count;
}

int main(int argc, char **argv) {
  int round;
  for (round = 0; argc == 3 && round < 10; ++round) {
    int (*plugin_main)(void) = NULL;
    int status;
    void *plugin = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!plugin) {
      fprintf(stderr, "%s\n", dlerror());
      return 1;
    }
    *(void **)&plugin_main = dlsym(plugin, "plugin_main");
    if (!plugin_main) return 1;
    status = plugin_main();
    if (status != 0) {
      fprintf(stderr, "the plugin says %d\n", status);
      return 1;
    }
    if (dlclose(plugin) != 0) return 1;
    if (round == 0 && strcmp(argv[2], "stays") != 0 && mappings_of(argv[1]) != 0) return 1;
  }
  return round == 10 ? 0 : 1;
}
