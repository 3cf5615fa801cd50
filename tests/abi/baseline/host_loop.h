/* SPDX-License-Identifier: MIT
 * A libuv loop of the host's own. Apart from the test, since <uv.h> does not compile under strict C99.
 */
#ifndef HOST_LOOP_H
#define HOST_LOOP_H

struct uv_loop_s;

struct uv_loop_s *host_loop_new(void);
int host_loop_run(struct uv_loop_s *loop);   /* until nothing is alive; 0 then */
int host_loop_free(struct uv_loop_s *loop);  /* uv_loop_close()'s code */

#endif
