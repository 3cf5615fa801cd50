/* SPDX-License-Identifier: MIT
 * The tutorial's fifth step: what users see. No libuv, no loop, no deferred.
 */
#ifndef TEA_H
#define TEA_H

/** Makes tea. Blocks until it is ready, `patience` seconds at most. Any number of threads may call it.
 *  0, or a negative code for tea_error(). */
int tea_make(unsigned milliseconds, double patience);

/** What a code of tea_make() means. */
const char *tea_error(int code);

#endif
