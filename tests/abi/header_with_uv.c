/* SPDX-License-Identifier: MIT */
/* crochet.h stands next to <uv.h>, in either order; its struct uv_loop_s is libuv's. */
#ifdef UV_FIRST
#include <uv.h>

#include "crochet.h"
#else
#include "crochet.h"

#include <uv.h>
#endif

int header_with_uv(uv_loop_t *uv);

int header_with_uv(uv_loop_t *uv) {
  uv_loop_t *current = crochet_current_uv();
  return current == uv ? CROCHET_OK : crochet_no_setup(uv, NULL);
}
