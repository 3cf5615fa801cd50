/* SPDX-License-Identifier: MIT
 * The only file of this folder that sees <uv.h>: compiled as gnu99.
 */
#include "host_loop.h"

#include <stdlib.h>
#include <uv.h>

struct uv_loop_s *host_loop_new(void) {
  uv_loop_t *loop = (uv_loop_t *)malloc(sizeof *loop);
  if (loop == NULL) return NULL;
  if (uv_loop_init(loop) != 0) {
    free(loop);
    return NULL;
  }
  return loop;
}

int host_loop_run(struct uv_loop_s *loop) { return uv_run(loop, UV_RUN_DEFAULT); }

int host_loop_free(struct uv_loop_s *loop) {
  int code = uv_loop_close(loop);
  if (code == 0) free(loop);
  return code;
}
