/* SPDX-License-Identifier: MIT
 * The tutorial's third step: who owns the argument, who owns the value.
 */
#include <crochet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* [upper] */
static void upper(crochet_deferred *deferred, void *arg) {
  char *copy = strdup(arg);
  if (copy == NULL) {
    crochet_reject(deferred, CROCHET_ENOMEM, NULL);
    return;
  }
  for (char *c = copy; *c != '\0'; c++)
    if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 'a' + 'A');
  crochet_resolve(deferred, copy, free); /* the value, and how to end it when nobody takes it */
}
/* [end upper] */

int main(void) {
  crochet_result *result;
  crochet_setup(NULL);
  /* [main] */
  char *text = strdup("wool");
  int rc = crochet_wait_for(NULL, upper, text, free, CROCHET_SECOND, &result); /* `text` is not ours any more */
  if (rc == CROCHET_OK) {
    void *value;
    crochet_drop_fn *drop;
    puts(crochet_result_value(result)); /* lent, as long as we hold the result */
    if (crochet_result_take(result, &value, &drop) == CROCHET_OK) drop(value); /* or ours */
  }
  crochet_result_release(result);
  /* [end main] */
  return crochet_shutdown(CROCHET_SECOND) == CROCHET_OK && rc == CROCHET_OK ? 0 : 1;
}
