/* SPDX-License-Identifier: MIT
 * A stand-in for name servers, so that examples can look names up without a network. Linking names.c replaces
 * getaddrinfo() in the whole program:
 *   host.example    is 127.0.0.1
 *   silent.example  is not answered before names_answer(), and fails then
 * Any other name goes to the system.
 */
#ifndef NAMES_H
#define NAMES_H

/** Waits until `count` look-ups of silent.example, in all, were begun. */
void names_wait_asked(int count);

/** Ends all look-ups of silent.example, waits until they are over, and lets none wait any more. */
void names_answer(void);

#endif
