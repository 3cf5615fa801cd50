/* SPDX-License-Identifier: MIT
 *
 * Fault injection. The shim puts itself into the import tables of libcrochet, of libuv, and of the module that uses the
 * C++ headers: what these three call of other libraries it counts, and lets fail. So a call is its caller's by
 * construction, nobody else's is touched, and it works under sanitizers, which have a malloc of their own.
 *
 * Link it, or preload it into any program that uses the library. Plans are text:
 *
 *     LIBRARY:CLASS:N     the N-th call of that class from that library fails, N from 1
 *     LIBRARY:CLASS:N+    and so do all after it
 *
 * LIBRARY is crochet, libuv (only while it works for crochet, not for a host's own loop) or headers. CLASS is
 *
 *     memory      malloc and its kin, operator new, and what fails in the C library or the system for want of memory
 *     threads     pthread_create and its kin
 *     libuv       those functions of libuv's that can fail
 *     system      descriptors, files, processes
 *     transient   what fails and may be tried again at once: EINTR, EBUSY
 *
 * calls.cpp has the table: which call is of which class, what it says then, and which calls never fail, and why.
 *
 * Environment: FAULTS=PLAN is begun when the shim is loaded. FAULTS_TRACE=1 writes to stderr from where the call came.
 */
#ifndef CROCHET_TESTS_FAULTS_H
#define CROCHET_TESTS_FAULTS_H

#ifdef __cplusplus
extern "C" {
#endif

#define FAULTS_API __attribute__((visibility("default")))

/** Counts from 0 on from here, and lets fail what the plan says; NULL or "": nothing. 0; -1: no such plan. */
FAULTS_API int faults_begin(const char* plan);

/** Nothing is counted, nothing fails from here on. What the three libraries allocate and free is followed at all times.
 */
FAULTS_API void faults_end(void);

/** How often a call has failed since faults_begin(). */
FAULTS_API long faults_fired(void);

/** Writes lines to a descriptor:
 *      count LIBRARY CLASS CALLS           since faults_begin()
 *      live LIBRARY FUNCTION SIZE BLOCKS   what they have allocated and not freed
 *  By itself the shim writes, to the descriptor 1, and before it happens:
 *      fired LIBRARY CLASS CALL in UV_FUNCTION
 *      aborts LIBRARY in UV_FUNCTION after CALL    which failed last; and ends the process with FAULTS_ABORTED
 *  UV_FUNCTION: the function of libuv's that crochet has called, "-" when it is in none, "pool" on libuv's own threads.
 */
FAULTS_API void faults_report(int descriptor);

/** Writes one line for each call in the table: NAME CLASS, or NAME - why it never fails. */
FAULTS_API void faults_write_table(int descriptor);

/** The exit status where a library calls abort(). */
#define FAULTS_ABORTED 78

#ifdef __cplusplus
}
#endif

#endif
