/* SPDX-License-Identifier: MIT
 * MUST(condition): every example is a test as well, and says at once what is not as it must be.
 */
#ifndef MUST_H
#define MUST_H

#include <stdio.h>
#include <stdlib.h>

#define MUST(condition)                                                           \
  do {                                                                            \
    if (!(condition)) {                                                           \
      fprintf(stderr, "%s:%d: must be so: %s\n", __FILE__, __LINE__, #condition); \
      exit(EXIT_FAILURE);                                                         \
    }                                                                             \
  } while (0)

#endif
