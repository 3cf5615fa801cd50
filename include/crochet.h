/* SPDX-License-Identifier: MIT
 *
 * crochet.h: libuv for threaded programs. The library runs a libuv loop in a thread of its own; any thread runs
 * functions there and gets an eventual result to wait for, cancel or stash.
 *
 * This header is the contract. Conventions, so that the functions need to mention only where they depart from them:
 *
 *  1. STATUS. Functions that can fail return int: CROCHET_OK (0) or a negative code. Codes are never renumbered. The
 *     library's own lie below -10000, outside the ranges of errno and libuv, so that CROCHET_ETIMEDOUT (this wait ran
 *     out) is never mistaken for UV_ETIMEDOUT (the operation itself failed so). Where a system call of libuv's failed,
 *     libuv's code is passed on. Questions (is_...) answer 0 or 1.
 *  2. HANDLES are opaque, need not be addresses, are compared with == only. A handle is good until it is released;
 *     one that is stale is refused with CROCHET_EINVAL in 31 of 32 cases instead of followed.
 *  3. NULL. A pointer may be NULL only where its parameter says "may be NULL". Otherwise: CROCHET_EINVAL, or NULL, 0 or
 *     nothing from functions without a status, and no side effect but rule 5's.
 *  4. OUT-PARAMETERS come last, are called out_..., and are set on every path: to NULL or 0 when there is nothing.
 *  5. OWNERSHIP. A callback is a triple: function, argument, drop. Ownership of the argument passes on entry, whether
 *     the call is accepted or refused: drop(argument) runs exactly once on every path. drop may be NULL (nothing to
 *     do). The same holds for values and payloads. What is "lent" must not be released and says how long it is good.
 *  6. TIME is int64_t nanoseconds on the monotonic clock, in parameters named ..._ns. 0 looks and returns;
 *     CROCHET_FOREVER never gives up; other negatives are CROCHET_EINVAL. Huge values saturate.
 *  7. THREADS. Any thread may call any function at any time unless it says otherwise. Functions are not
 *     async-signal-safe unless they say so.
 *  8. BLOCKING. Nothing blocks unless it says so. No loop's thread ever blocks in this library: what would block there
 *     returns CROCHET_EDEADLK, or CROCHET_EINPROGRESS, before it does anything. Hold no lock that a callback needs
 *     while you call a blocking function; no lock of the library's is held while a callback of yours runs.
 *  9. CALLBACKS may call back into the library. A drop function runs on whichever thread ends the thing it drops:
 *     the loop's, a caller's or a canceller's. An exception thrown by a callback written in C++ becomes a rejection; a
 *     forced unwind (pthread_exit, thread cancellation) passes through. What is called because a thread is ending so (a
 *     drop function, a thread hook) must not end it once more: that the C library answers by aborting.
 * 10. FORK. In a forked child every function with a status returns CROCHET_EFORKED until crochet_setup() starts afresh
 *     there (functions without a status return their neutral value). Handles from before the fork stay so for ever;
 *     releasing them does nothing. A fork made on a loop's thread must exec or _exit.
 * 11. ERRORS OF A RESULT, for codes that a wait returns, are final when they tell how the call ended (CROCHET_OK,
 *     CROCHET_EFAILED, CROCHET_ECANCELED, CROCHET_ESTOPPED, CROCHET_EBROKEN) and concern this wait only otherwise
 *     (CROCHET_ETIMEDOUT, CROCHET_EINTR, CROCHET_EDEADLK, CROCHET_EFORKED, CROCHET_EINVAL).
 */
#ifndef CROCHET_H
#define CROCHET_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define CROCHET_API __attribute__((visibility("default")))
#define CROCHET_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define CROCHET_API
#define CROCHET_PRINTF(text, first)
#endif

#define CROCHET_VERSION_MAJOR 0
#define CROCHET_VERSION_MINOR 1
#define CROCHET_VERSION_PATCH 0

/* ---- Status codes ------------------------------------------------------------------------------------------- */

#define CROCHET_OK 0                /* success; of a result: a value is there */
#define CROCHET_EFAILED (-10001)    /* final: the call failed; crochet_result_error() says how */
#define CROCHET_ECANCELED (-10002)  /* final: it was cancelled */
#define CROCHET_ESTOPPED (-10003)   /* final: its loop stopped first; or: the loop accepts no calls any more */
#define CROCHET_EBROKEN (-10004)    /* final: every deferred was released and none was settled */
#define CROCHET_ENOTRUN (-10005)    /* in an error: the loop stopped before the function started: safe to repeat */
#define CROCHET_ETIMEDOUT (-10006)  /* this wait ran out of time; the call goes on */
#define CROCHET_EINTR (-10007)      /* this wait was interrupted; the call goes on */
#define CROCHET_EDEADLK (-10008)    /* refused: a loop's thread must not block */
#define CROCHET_EFORKED (-10009)    /* refused: a forked child without a loop, or a handle from before the fork */
#define CROCHET_EINVAL (-10010)     /* refused: a bad argument or a stale handle */
#define CROCHET_ENOMEM (-10011)     /* refused: out of memory; nothing changed */
#define CROCHET_ENOTSETUP (-10012)  /* refused: there is no default loop yet */
#define CROCHET_EALREADY (-10013)   /* refused: done already, by you or by somebody else */
#define CROCHET_EINPROGRESS (-10014) /* asked for and under way; this thread may not wait for it */
#define CROCHET_EBUSY (-10015)      /* stopped, but handles of the host's own are still open on the libuv loop */
#define CROCHET_EPENDING (-10016)   /* not settled yet */
#define CROCHET_ETAKEN (-10017)     /* the value was taken by somebody else */
#define CROCHET_ENOENT (-10018)     /* no such uid: wrong, used, or expired; no such name */
#define CROCHET_ETYPE (-10019)      /* stashed with another type; still there */
#define CROCHET_ENOSPC (-10020)     /* the stash, the log or its list of sinks is full */
#define CROCHET_EVERSION (-10021)   /* refused: the libuv found at run time does not fit the one built against */
#define CROCHET_EEXPIRED (-10022)   /* in an error: the call had not started by its deadline: safe to repeat */
#define CROCHET_EAGAIN (-10023)     /* refused: as many calls are queued as the loop's limit lets in */
#define CROCHET_ECLOSED (-10024)    /* the completion queue was closed */

/* ---- Time ----------------------------------------------------------------------------------------------------- */

#define CROCHET_MILLISECOND INT64_C(1000000)
#define CROCHET_SECOND INT64_C(1000000000)
#define CROCHET_FOREVER (-INT64_C(1))

/* ---- Outcomes of crochet_result_cancel() ------------------------------------------------------------------------- */

#define CROCHET_CANCEL_NONE 0      /* there was no cancel: the call of the function itself failed */
#define CROCHET_CANCEL_NOT_RUN 1   /* it was still queued; its function never runs; its argument has been dropped */
#define CROCHET_CANCEL_REQUESTED 2 /* it runs, or waits: its on-cancel hook will be called; without one it is settled, at
                                      once or, where there was a hook that was cleared, when its loop comes to it */
#define CROCHET_CANCEL_TOO_LATE 3  /* it was decided already; nothing changed */

/* ---- Types ---------------------------------------------------------------------------------------------------- */

struct uv_loop_s; /* libuv's uv_loop_t; <uv.h> is not included, since it does not compile under strict C99 */

typedef struct crochet_options crochet_options;   /* how a loop is made */
typedef struct crochet_loop crochet_loop;         /* a libuv loop and the thread that runs it */
typedef struct crochet_call crochet_call;         /* a call being prepared: not made yet; one thread at a time */
typedef struct crochet_cork crochet_cork;         /* gathers calls, to queue them together; one thread at a time */
typedef struct crochet_result crochet_result;     /* the caller's side of a call */
typedef struct crochet_deferred crochet_deferred; /* the producer's side of the same call */
typedef struct crochet_error crochet_error;       /* why a call failed; lives exactly as long as its result */
typedef struct crochet_completion_queue crochet_completion_queue; /* hands results out as they settle */

/** The function of a call, or an on-cancel hook. Runs on the loop's thread. `deferred` is borrowed: settle it before
 *  you return, or retain it and settle it later from any thread; another thread needs a reference of its own. */
typedef void crochet_call_fn(crochet_deferred *deferred, void *arg);

/** The function of crochet_every(). Runs on the loop's thread. `deferred` is this round's, borrowed, as a call's is.
 *  `missed`: how many rounds before this one were due and were not begun, since the one before them was not settled or the
 *  loop was busy. */
typedef void crochet_every_fn(crochet_deferred *deferred, void *arg, uint64_t missed);

/** Runs first or last on the thread of a loop: see crochet_options_set_thread_hooks(). */
typedef int crochet_thread_fn(void *arg);

/** Ends the life of an argument, a value or a payload. Runs exactly once, on any thread (rule 9). */
typedef void crochet_drop_fn(void *pointer);

/* ---- The process and its default loop ---------------------------------------------------------------------------- */

/** Starts the default loop in a thread of its own; calling again does nothing.
 *
 *  Exactly one loop comes of any number of calls, also racing ones: the first caller's options win, the others wait
 *  until the loop runs or has failed. A failure leaves nothing behind and may be retried. After crochet_no_setup()
 *  it does nothing and succeeds. After crochet_shutdown(), or in a forked child, it starts a new generation.
 *
 *  The loop's thread has all signals blocked, from before it starts, but those of a crash (SIGSEGV and its kin) and
 *  SIGCHLD where the calling thread has it open, since libuv learns from it that a child process has ended.
 *
 *  @param options may be NULL: the defaults. Not kept: free it when you like.
 *  @retval CROCHET_OK the default loop runs.
 *  @retval CROCHET_EINVAL `options` is not a handle of crochet_options_new().
 *  @retval CROCHET_ENOMEM out of memory.
 *  @retval CROCHET_EDEADLK called on a loop's thread, and there is no default loop yet.
 *  @retval CROCHET_EFORKED called in a child that was forked on a loop's thread.
 *  @retval CROCHET_ESTOPPED the process is exiting.
 *  @retval CROCHET_EVERSION the libuv found at run time has another major version, is older than the one built
 *          against, or has other loop or handle sizes; one log line names both.
 *  @retval UV_EMFILE and other codes of libuv's: no descriptor or thread could be had. Or the code of a thread hook of
 *          yours that refused.
 *  @ownership none. @threads any. @blocking until the loop runs. @since 0.1 */
CROCHET_API int crochet_setup(const crochet_options *options);

/** Makes a libuv loop that the application runs itself the default loop; a later crochet_setup() then does nothing.
 *
 *  The calling thread is the one that runs `uv`, from now on: it is a loop's thread, where waiting is refused.
 *  Calls are run whenever it is inside uv_run(), in any mode. Release it by crochet_shutdown() on that thread
 *  (CROCHET_EINPROGRESS), then uv_run() until it returns 0, then uv_loop_close().
 *
 *  @param uv a loop that uv_loop_init() made, or uv_default_loop().
 *  @param options may be NULL: the defaults.
 *  @retval CROCHET_OK `uv` is the default loop.
 *  @retval CROCHET_EINVAL `uv` is NULL, or `options` is not a handle of crochet_options_new().
 *  @retval CROCHET_EALREADY there is a default loop, or this thread runs a loop already.
 *  @retval CROCHET_ENOMEM out of memory.
 *  @retval CROCHET_EFORKED this is a forked child and crochet_setup() was not called in it.
 *  @retval CROCHET_ESTOPPED the process is exiting.
 *  @retval CROCHET_EVERSION as crochet_setup().
 *  @retval UV_EMFILE and other codes of libuv's.
 *  @ownership `uv` stays yours. @threads the one that runs `uv`. @blocking none. @since 0.1 */
CROCHET_API int crochet_no_setup(struct uv_loop_s *uv, const crochet_options *options);

/** For applications only, never for libraries: stops every loop of the process, newest first.
 *
 *  Each is stopped as by crochet_loop_stop(); the grace is one total for all. Stashed results are dropped, failures
 *  among them that nobody looked at are logged. Calls made afterwards are refused with CROCHET_ESTOPPED until
 *  crochet_setup() starts a new generation. Old handles keep telling what they told. Concurrent calls share one
 *  shutdown and its code. With nothing to stop it does nothing.
 *
 *  @param grace_ns how long producers get to settle and release, in all; 0: none. CROCHET_FOREVER is refused.
 *  @retval CROCHET_OK everything has ended.
 *  @retval CROCHET_EINVAL `grace_ns` is negative.
 *  @retval CROCHET_EINPROGRESS called on a loop's or the log's thread, or by a drop function of a shutdown: asked for,
 *          not waited for.
 *  @retval CROCHET_EBUSY everything has ended, but handles of the host's are open on a loop; one log line names them.
 *  @retval CROCHET_ETIMEDOUT a callback or a log sink is stuck (or an adopted loop is not run): its thread was left
 *          behind, all waiters were woken with CROCHET_ESTOPPED.
 *  @retval CROCHET_EFORKED this is a forked child.
 *  @ownership none. @threads any. @blocking up to the grace, plus about a second for each loop whose callback is stuck,
 *  plus up to two for log sinks that are slow or stuck; and as long as a loop's own work on its calls goes on.
 *  @since 0.1 */
CROCHET_API int crochet_shutdown(int64_t grace_ns);

/** Sets the limits of the stash, for the whole process. What is stashed already stays.
 *
 *  @param capacity how many results may be stashed at once; 0: none. At first 65,536.
 *  @param time_to_live_ns how long a result stays once it is stashed; then it is dropped, and logged if it is a failure
 *         that nobody looked at. CROCHET_FOREVER, as at first: until it is retrieved. 0 is refused.
 *  @retval CROCHET_OK set.
 *  @retval CROCHET_EINVAL `time_to_live_ns` is 0, or negative and not CROCHET_FOREVER.
 *  @retval CROCHET_ENOMEM out of memory.
 *  @retval CROCHET_EFORKED this is a forked child and crochet_setup() was not called in it.
 *  @ownership none. @threads any. @blocking none. @since 0.1 */
CROCHET_API int crochet_stash_limits(uint32_t capacity, int64_t time_to_live_ns);

/* ---- Options: the first of a growing family of setters ----------------------------------------------------------- */

/** Makes a set of options, all at their defaults.
 *
 *  @param out_options the new options; NULL on failure.
 *  @retval CROCHET_OK made.
 *  @retval CROCHET_EINVAL `out_options` is NULL.
 *  @retval CROCHET_ENOMEM out of memory.
 *  @ownership yours, to be freed by crochet_options_free(). @threads any; one at a time for the same options.
 *  @blocking none. Works before setup and in forked children. @since 0.1 */
CROCHET_API int crochet_options_new(crochet_options **out_options);

/** Frees options. @param options may be NULL: nothing happens. @threads as crochet_options_new(). @since 0.1 */
CROCHET_API void crochet_options_free(crochet_options *options);

/** Names the loop's thread and the loop in log lines. Default: "crochet".
 *
 *  @param name UTF-8; the first 15 bytes are kept, as that is what a thread's name can hold. Copied.
 *  @retval CROCHET_OK set.
 *  @retval CROCHET_EINVAL `options` or `name` is NULL.
 *  @ownership none. @threads as crochet_options_new(). @blocking none. @since 0.1 */
CROCHET_API int crochet_options_set_thread_name(crochet_options *options, const char *name);

/** Adopted loops only: does the library keep uv_run() from returning until the loop is released? Default: 1.
 *
 *  With 0 its handles are unreferenced: a uv_run() with nothing else alive returns at once without running what is
 *  queued; those calls wait until it is run with something alive, or is released.
 *
 *  @param keep_alive 0 or 1.
 *  @retval CROCHET_OK set.
 *  @retval CROCHET_EINVAL `options` is NULL, or `keep_alive` neither 0 nor 1.
 *  @ownership none. @threads as crochet_options_new(). @blocking none. @since 0.1 */
CROCHET_API int crochet_options_set_keep_alive(crochet_options *options, int keep_alive);

/** The size of the stack of the loop's thread, on which your callbacks run. Default: 0, the system's. Not for adopted
 *  loops.
 *
 *  @param bytes rounded up to whole pages; 0, or at least 65,536.
 *  @retval CROCHET_OK set. One that the system can't give fails the start of the loop, with UV_EAGAIN or UV_EINVAL.
 *  @retval CROCHET_EINVAL `options` is NULL, or `bytes` is less.
 *  @ownership none. @threads as crochet_options_new(). @blocking none. @since 0.1 */
CROCHET_API int crochet_options_set_stack_size(crochet_options *options, size_t bytes);

/** For crochet_options_set_spin(): as long as it takes on this machine until a woken thread runs, measured when the loop
 *  starts. @since 0.1 */
#define CROCHET_SPIN_MEASURED INT64_C(-2)

/** How long the loop's thread looks for calls before it sleeps, and how long who waits for a result of the loop looks
 *  for it before he sleeps. Default: 0 and 0, both sleep at once.
 *
 *  Spinning saves the wake-ups, which cost most of a round trip, and uses up a CPU meanwhile. It pays when calls come one
 *  soon after the other and each thread has a CPU. The library watches whether it pays: each time in vain doubles the
 *  number of sleeps before it is tried again, up to 1024. A loop that spins goes on serving its timers and descriptors.
 *  Off, whatever is asked for, where less than two CPUs may be used, by the affinity of the thread that starts the loop or
 *  the quota of the process's control groups. Of an adopted loop only `wait_spin_ns` is used.
 *
 *  @param loop_spin_ns, wait_spin_ns nanoseconds at most, from 0; or CROCHET_SPIN_MEASURED (of an adopted loop: 50,000).
 *  @retval CROCHET_OK set.
 *  @retval CROCHET_EINVAL `options` is NULL, or a time is another negative.
 *  @ownership none. @threads as crochet_options_new(). @blocking none. @since 0.1 */
CROCHET_API int crochet_options_set_spin(crochet_options *options, int64_t loop_spin_ns, int64_t wait_spin_ns);

/** How many calls may be queued on the loop and not started. Default: 0, no limit but memory.
 *
 *  A call beyond it is refused with CROCHET_EAGAIN, or waits for room first: in the function that makes it (the time of
 *  crochet_wait_for() begins after that), and in the order in which the system wakes who waits. On a loop's thread nothing
 *  waits. Calls count until the loop has come to them, also when they were cancelled meanwhile. What waits for something
 *  else than the loop does not count: after-calls, delayed calls (crochet_sleep() and the rounds of crochet_every() among
 *  them), at-stop calls. Nor does what a cork has gathered, until it is flushed. A call to a loop with a limit costs a
 *  little more than one to a loop without.
 *
 *  @param calls how many; 0: no limit. More than 4,294,967,295 count as that.
 *  @param wait_ns how long to wait for room; 0: not at all.
 *  @retval CROCHET_OK set.
 *  @retval CROCHET_EINVAL `options` is NULL, or `wait_ns` is negative and not CROCHET_FOREVER.
 *  @ownership none. @threads as crochet_options_new(). @blocking none. @since 0.1 */
CROCHET_API int crochet_options_set_queue_limit(crochet_options *options, uint64_t calls, int64_t wait_ns);

/** What runs first and last on the loop's thread: to attach it to a virtual machine or an interpreter, to set its
 *  priority or affinity. Not for adopted loops.
 *
 *  `first` runs before any callback, while whoever starts the loop waits. When it returns a negative code, the loop does
 *  not start, `last` is not called, and crochet_setup() or crochet_loop_new() returns that code (CROCHET_EFAILED for a
 *  positive one, or when it throws); calls that it made meanwhile end as at any stop. `last` runs after every callback,
 *  before the stop of the loop has ended, when there is no libuv loop any more; what it returns is ignored. Both may be called by several threads at once, when several loops are made with the options.
 *
 *  @param first, last may be NULL: nothing to do. @param arg may be NULL; passed to both.
 *  @param drop may be NULL; called with arg when the options are freed, or set anew, and no loop needs it any more.
 *  @retval CROCHET_OK set.
 *  @retval CROCHET_EINVAL `options` is NULL. arg has been dropped.
 *  @retval CROCHET_ENOMEM out of memory. arg has been dropped.
 *  @ownership arg passes on entry. @threads as crochet_options_new(). @blocking none. @since 0.1 */
CROCHET_API int crochet_options_set_thread_hooks(crochet_options *options, crochet_thread_fn *first,
                                                 crochet_thread_fn *last, void *arg, crochet_drop_fn *drop);

/* ---- Further loops --------------------------------------------------------------------------------------------- */

/** Starts a further loop in a thread of its own. The default loop is neither needed nor touched.
 *
 *  @param options may be NULL: the defaults. Not kept.
 *  @param out_loop the running loop; NULL on failure.
 *  @retval CROCHET_OK it runs.
 *  @retval CROCHET_EINVAL `out_loop` is NULL, or `options` is not a handle of crochet_options_new().
 *  @retval CROCHET_ENOMEM out of memory, or 4095 loops are there already.
 *  @retval CROCHET_EDEADLK called on a loop's thread.
 *  @retval CROCHET_EFORKED this is a forked child and crochet_setup() was not called in it.
 *  @retval CROCHET_ESTOPPED the process is exiting.
 *  @retval CROCHET_EVERSION as crochet_setup().
 *  @retval UV_EMFILE and other codes of libuv's: no descriptor or thread could be had. Or the code of a thread hook of
 *          yours that refused.
 *  @ownership one reference is yours: crochet_loop_release(). @threads any. @blocking until the loop runs. @since 0.1 */
CROCHET_API int crochet_loop_new(const crochet_options *options, crochet_loop **out_loop);

/** Makes a further loop of a libuv loop that the calling thread runs itself: see crochet_no_setup().
 *
 *  Release it by crochet_loop_stop() on that thread, then uv_run() until it returns 0, then uv_loop_close().
 *
 *  @param uv the loop. @param options may be NULL. @param out_loop the loop; NULL on failure.
 *  @retval CROCHET_OK adopted.
 *  @retval CROCHET_EINVAL `uv` or `out_loop` is NULL, or `options` is not a handle of crochet_options_new().
 *  @retval CROCHET_EALREADY this thread runs a loop already.
 *  @retval CROCHET_ENOMEM out of memory, or 4095 loops are there already.
 *  @retval CROCHET_EFORKED this is a forked child and crochet_setup() was not called in it.
 *  @retval CROCHET_ESTOPPED the process is exiting.
 *  @retval CROCHET_EVERSION as crochet_setup().
 *  @retval UV_EMFILE and other codes of libuv's.
 *  @ownership `uv` stays yours; one reference to the loop is yours: crochet_loop_release().
 *  @threads the one that runs `uv`. @blocking none. @since 0.1 */
CROCHET_API int crochet_loop_adopt(struct uv_loop_s *uv, const crochet_options *options, crochet_loop **out_loop);

/** Stops a loop: refuses new calls; settles what never started as CROCHET_ESTOPPED; starts at-stop calls (last made
 *  first) and on-cancel hooks; gives producers up to the grace to settle and release; settles the rest; ends the thread.
 *
 *  Stopping twice, or from several threads, is one stop with one code. Handles of the host's that are still open are
 *  left as they are. One log line tells what became of the calls, and names the kinds of the open handles: an error
 *  when there are any, a warning when a deferred is still held, otherwise an information, which stderr does not show.
 *  The default loop may be stopped so, too: calls to it then get CROCHET_ESTOPPED.
 *
 *  @param grace_ns 0: none. CROCHET_FOREVER is refused.
 *  @retval CROCHET_OK the loop has ended.
 *  @retval CROCHET_EINVAL a bad handle, or `grace_ns` is negative.
 *  @retval CROCHET_EINPROGRESS called on a loop's or the log's thread: asked for, and not waited for.
 *  @retval CROCHET_EBUSY it has ended, but handles of the host's are still open.
 *  @retval CROCHET_ETIMEDOUT a callback is stuck (or an adopted loop is not run, or somebody closed its descriptors; or,
 *          for the last loop, a log sink): its thread was left behind, waiters were woken with CROCHET_ESTOPPED.
 *  @retval CROCHET_EFORKED this is a forked child, or the loop is from before the fork.
 *  @ownership your reference stays yours. @threads any. @blocking up to the grace, plus about a second for a callback
 *  that runs; for the last loop, up to two for log sinks; and as long as its own work on its calls goes on. @since 0.1 */
CROCHET_API int crochet_loop_stop(crochet_loop *loop, int64_t grace_ns);

/** What a loop has counted since it was started or adopted; also when it has ended, as long as you hold it.
 *
 *      calls_run        functions that were started
 *      calls_not_run    the loop stopped before their functions started
 *      calls_cancelled  cancelled before their functions started
 *      calls_expired    not started by their deadline: see crochet_call_set_deadline_ns()
 *      calls_held       after the stop: somebody still holds a deferred of them
 *      handles_open     after the stop: the host's own on the libuv loop (0 on adopted ones)
 *      turns            how often the libuv loop went round
 *      times_blocked    reported by the watchdog: see crochet_watchdog_start()
 *      waits_timed_out  waits and joins for its calls that ran out of time (not those that only looked)
 *      failures_unobserved  failures of its calls that nobody looked at: each is logged as well
 *      cpu_ns           CPU time of its thread so far; per second: how busy it is
 *
 *  And how many there are at this moment, which takes a walk over all calls of the process:
 *
 *      calls_queued     that wait for their turn
 *      calls_unsettled  those, and all others that are made and not settled
 *
 *  Once a loop has ended, each call that it accepted is in exactly one of the first four; what other threads' cancels
 *  and stops decided is counted by the time that they return. (A call that crochet_deferred_new() made has no function,
 *  and is in none.)
 *
 *  @param loop may be NULL: the default loop. @param name one that crochet_loop_counter_name() gives.
 *  @param out_count the count; 0 on failure.
 *  @retval CROCHET_OK read.
 *  @retval CROCHET_EINVAL `name` or `out_count` is NULL, or `loop` is a bad handle.
 *  @retval CROCHET_ENOENT no counter has that name.
 *  @retval CROCHET_ENOTSETUP `loop` is NULL and there is no default loop yet.
 *  @retval CROCHET_ESTOPPED `loop` is NULL and the default loop was shut down.
 *  @retval CROCHET_EFORKED this is a forked child, or the loop is from before the fork.
 *  @ownership none. @threads any. @blocking none. @since 0.1 */
CROCHET_API int crochet_loop_counter(crochet_loop *loop, const char *name, uint64_t *out_count);

/** The names of the counters, for those who show them all: later versions may have more.
 *  @param index from 0. @return static; NULL behind the last. @threads any. @blocking none. @since 0.1 */
CROCHET_API const char *crochet_loop_counter_name(uint32_t index);

/** How many buckets a histogram has. Later versions may have more. */
#define CROCHET_HISTOGRAM_BUCKETS 32

/** How long calls of a loop took, in buckets, as monitoring systems want it.
 *
 *      queue_ns   from when a call was queued until its function started: at most
 *      run_ns     its function, and what is dropped in the course of it: the mean of those that ran in a row
 *
 *  They are sampled, so that calls pay nothing: about one batch in sixteen is timed, where a batch is what the loop takes from its
 *  queue at once, one call when nothing goes on. The clock is read when the batch is taken, after 1, 2, 4 and up to 32 of its
 *  calls, and at its end; those between two readings are counted with their mean. A batch can have been queued no earlier
 *  than the one before was taken, or than the loop was woken for it: whoever wakes it reads the clock. So counts are of
 *  samples, not of calls. How long a single callback blocked is the watchdog's to tell.
 *
 *  @param loop may be NULL: the default loop. @param name one that crochet_loop_histogram_name() gives.
 *  @param out_counts an array: how many fell into each bucket, since the loop was started or adopted. The bounds are those of
 *         crochet_histogram_bound().
 *  @param capacity of the array: CROCHET_HISTOGRAM_BUCKETS at least; what is beyond the last bucket is set to 0.
 *  @param out_sum_ns the sum of all.
 *  @retval CROCHET_OK read. All is 0 otherwise.
 *  @retval CROCHET_EINVAL `name`, `out_counts` or `out_sum_ns` is NULL, `capacity` is too small, or `loop` is a bad handle.
 *  @retval CROCHET_ENOENT no histogram has that name.
 *  @retval CROCHET_ENOTSETUP `loop` is NULL and there is no default loop yet.
 *  @retval CROCHET_ESTOPPED `loop` is NULL and the default loop was shut down.
 *  @retval CROCHET_EFORKED this is a forked child, or the loop is from before the fork.
 *  @ownership none. @threads any. @blocking none. @since 0.1 */
CROCHET_API int crochet_loop_histogram(crochet_loop *loop, const char *name, uint64_t *out_counts, uint32_t capacity,
                                       uint64_t *out_sum_ns);

/** The names of the histograms. @param index from 0. @return static; NULL behind the last. @threads any. @blocking none.
 *  @since 0.1 */
CROCHET_API const char *crochet_loop_histogram_name(uint32_t index);

/** The longest time, in nanoseconds, that falls into a bucket: 256 for the first, twice as much for each next one, INT64_MAX
 *  for the last. @param bucket from 0. @return 0 behind the last. @threads any. @blocking none. @since 0.1 */
CROCHET_API int64_t crochet_histogram_bound(uint32_t bucket);

/** One more reference. @return `loop`; NULL when it is NULL or stale. @threads any. @since 0.1 */
CROCHET_API crochet_loop *crochet_loop_retain(crochet_loop *loop);

/** Gives a reference back. The last one of a running loop asks it to stop with no grace and waits for nothing; the
 *  default loop is kept by the library itself. @param loop may be NULL: nothing happens. @threads any. @since 0.1 */
CROCHET_API void crochet_loop_release(crochet_loop *loop);

/** The loop whose thread this is, lent while it runs. NULL: no loop's thread, waiting is allowed here.
 *  @threads any. @since 0.1 */
CROCHET_API crochet_loop *crochet_current_loop(void);

/** The libuv loop of the loop whose thread this is, so that the wrong one can't be asked for; lent while the loop runs.
 *  NULL elsewhere. @threads any. @since 0.1 */
CROCHET_API struct uv_loop_s *crochet_current_uv(void);

/* ---- Making calls ---------------------------------------------------------------------------------------------- */

/** Queues a call of fn(deferred, arg) on the loop's thread and returns.
 *
 *  Never run in place, not even on the loop's own thread, and never recursively. Calls from one thread to one loop
 *  start in the order made. arg is dropped when the call is finished: the last deferred reference has gone.
 *
 *  @param loop may be NULL: the default loop.
 *  @param arg may be NULL; passed to fn. @param drop may be NULL; called with arg.
 *  @param out_result may be NULL: fire and forget; a call that then ends unsettled is no failure. Otherwise set
 *         before the function can start; NULL when refused.
 *  @retval CROCHET_OK accepted: it runs exactly once, or is reported as not run.
 *  @retval CROCHET_EINVAL `fn` is NULL, or `loop` is a bad handle.
 *  @retval CROCHET_ENOMEM out of memory.
 *  @retval CROCHET_ENOTSETUP `loop` is NULL and there is no default loop yet.
 *  @retval CROCHET_EAGAIN the loop's limit is reached: see crochet_options_set_queue_limit().
 *  @retval CROCHET_ESTOPPED the loop accepts no calls any more.
 *  @retval CROCHET_EFORKED this is a forked child, or the loop is from before the fork.
 *  @ownership arg passes on entry; *out_result is yours: crochet_result_release().
 *  @threads any. @blocking none, but for room: see
 *  crochet_options_set_queue_limit(). @since 0.1 */
CROCHET_API int crochet_run(crochet_loop *loop, crochet_call_fn *fn, void *arg, crochet_drop_fn *drop,
                            crochet_result **out_result);

/** crochet_run() and crochet_result_wait(), and on time-out crochet_result_cancel(), in one.
 *
 *  The check whether this thread may wait comes first: on a loop's thread nothing is queued. If the time is over but
 *  the cancel comes too late, the call's outcome is returned.
 *
 *  @param timeout_ns for the whole: being queued, running, settling.
 *  @param out_result may be NULL: a value is dropped. Otherwise set whenever the call was accepted, time-out included.
 *         Other parameters as in crochet_run().
 *  @retval CROCHET_OK a value is there.
 *  @retval CROCHET_EFAILED it failed: see crochet_result_error().
 *  @retval CROCHET_ECANCELED it was cancelled. 
 *  @retval CROCHET_ESTOPPED the loop stopped first, or accepts no calls any more (then *out_result is NULL).
 *  @retval CROCHET_EBROKEN every deferred was released and none was settled.
 *  @retval CROCHET_ETIMEDOUT the time was over; the call was cancelled.
 *  @retval CROCHET_EAGAIN the loop's limit is reached: see crochet_options_set_queue_limit().
 *  @retval CROCHET_EINTR interrupted by crochet_result_interrupt(); the call goes on.
 *  @retval CROCHET_EDEADLK this is a loop's thread.
 *  @retval CROCHET_EINVAL `fn` is NULL, `loop` is a bad handle, or `timeout_ns` is negative and not CROCHET_FOREVER.
 *  @retval CROCHET_ENOMEM out of memory.
 *  @retval CROCHET_ENOTSETUP `loop` is NULL and there is no default loop yet.
 *  @retval CROCHET_EFORKED this is a forked child, or the loop is from before the fork.
 *  @ownership as crochet_run(). @threads any but loops'. @blocking up to timeout_ns. @since 0.1 */
CROCHET_API int crochet_wait_for(crochet_loop *loop, crochet_call_fn *fn, void *arg, crochet_drop_fn *drop,
                                 int64_t timeout_ns, crochet_result **out_result);

/** Prepares a call: one with storage of its own, a label, or another start than "now".
 *
 *  Refuses here what crochet_run() would refuse, before anything is moved into the storage; a loop that stops between
 *  here and crochet_call_run() still refuses there.
 *
 *  @param loop may be NULL: the default loop.
 *  @param storage_size bytes of storage for the argument; 0: none (crochet_call_storage() is NULL).
 *  @param out_call the call; NULL on failure.
 *  @retval CROCHET_OK prepared.
 *  @retval CROCHET_EINVAL `out_call` is NULL, or `loop` is a bad handle.
 *  @retval CROCHET_ENOMEM out of memory.
 *  @retval CROCHET_ENOTSETUP `loop` is NULL and there is no default loop yet.
 *  @retval CROCHET_ESTOPPED the loop accepts no calls any more.
 *  @retval CROCHET_EFORKED this is a forked child, or the loop is from before the fork.
 *  @ownership yours, until crochet_call_run() or crochet_call_discard() consumes it. @threads any; a prepared call
 *  belongs to one thread at a time. @blocking none. @since 0.1 */
CROCHET_API int crochet_call_new(crochet_loop *loop, size_t storage_size, crochet_call **out_call);

/** The call's storage: zeroed, aligned for max_align_t, as large as asked for. It becomes the function's argument and
 *  lives until the result is destroyed, although drop has run on it before: a value may live there; what was taken from
 *  there dies with the last handle. @return lent; NULL without storage. @threads as crochet_call_new(). @since 0.1 */
CROCHET_API void *crochet_call_storage(crochet_call *call);

/** Says what is called, for errors and log lines.
 *
 *  @param label a static string, UTF-8: not copied, must outlive the process's use of the call.
 *  @retval CROCHET_OK set.
 *  @retval CROCHET_EINVAL `call` or `label` is NULL.
 *  @retval CROCHET_ENOMEM out of memory.
 *  @retval CROCHET_EFORKED the call is from before the fork.
 *  @ownership none. @threads as crochet_call_new(). @blocking none. @since 0.1 */
CROCHET_API int crochet_call_set_label(crochet_call *call, const char *label);

/** The call starts when `result` settles, however it settles, and observes it (no failure of it is logged). Calls that
 *  wait for one result are queued in the order in which they were run. `result` may be of any loop.
 *
 *  @retval CROCHET_OK set; a reference to `result` is kept until the call starts or ends.
 *  @retval CROCHET_EINVAL `call` is NULL, `result` is NULL or stale, or the call is an at-stop call.
 *  @retval CROCHET_EALREADY it waits for a result already.
 *  @retval CROCHET_ENOMEM out of memory.
 *  @retval CROCHET_EFORKED `call` or `result` is from before the fork.
 *  @ownership your reference to `result` stays yours. @threads as crochet_call_new(). @blocking none. @since 0.1 */
CROCHET_API int crochet_call_set_after(crochet_call *call, crochet_result *result);

/** The call starts when its loop stops; at-stop calls start last made first, after all other calls were refused or
 *  settled. It may be withdrawn by crochet_result_cancel().
 *
 *  @retval CROCHET_OK set. Setting it twice changes nothing.
 *  @retval CROCHET_EINVAL `call` is NULL, waits for a result, or has a delay or a deadline.
 *  @retval CROCHET_EFORKED the call is from before the fork.
 *  @ownership none. @threads as crochet_call_new(). @blocking none. @since 0.1 */
CROCHET_API int crochet_call_set_at_stop(crochet_call *call);

/** The call starts no sooner than that long after crochet_call_run(); an after-call: after its loop has learnt that the
 *  result settled. Until then it is queued: it may be withdrawn by crochet_result_cancel(), and a stop does not wait for it.
 *
 *  Delayed calls start in the order in which their times come; it may be later than their times, when the loop is busy, and
 *  is by up to a millisecond when it is not. On an adopted loop time passes while it is run; a delayed call alone does not
 *  keep uv_run() from returning.
 *
 *  @param delay_ns from 0, which means none; CROCHET_FOREVER: it never starts by itself.
 *  @retval CROCHET_OK set. Setting it again replaces it.
 *  @retval CROCHET_EINVAL `call` is NULL or an at-stop call, or `delay_ns` is negative and not CROCHET_FOREVER.
 *  @retval CROCHET_ENOMEM out of memory; what comes later needs none.
 *  @retval CROCHET_EFORKED the call is from before the fork.
 *  @ownership none. @threads as crochet_call_new(). @blocking none. @since 0.1 */
CROCHET_API int crochet_call_set_delay_ns(crochet_call *call, int64_t delay_ns);

/** The call must start within that time, counted from crochet_call_run(), or never: then its result fails, with the code
 *  CROCHET_EEXPIRED, its argument is dropped, and it is counted in "calls_expired".
 *
 *  That is decided when the loop comes to the call, so that a result may fail long after its deadline. Once the function
 *  has started, the deadline means nothing. With a delay, or a result that it waits for, both hold.
 *
 *  @param timeout_ns 0: at once, so that it never runs; CROCHET_FOREVER: none, as at first.
 *  @retval CROCHET_OK set. Setting it again replaces it.
 *  @retval CROCHET_EINVAL `call` is NULL or an at-stop call, or `timeout_ns` is negative and not CROCHET_FOREVER.
 *  @retval CROCHET_ENOMEM out of memory.
 *  @retval CROCHET_EFORKED the call is from before the fork.
 *  @ownership none. @threads as crochet_call_new(). @blocking none. @since 0.1 */
CROCHET_API int crochet_call_set_deadline_ns(crochet_call *call, int64_t timeout_ns);

/** Makes a prepared call: consumes it and queues fn(deferred, storage).
 *
 *  @param fn the function. @param drop may be NULL; called with the storage when the call is finished.
 *  @param out_result may be NULL: fire and forget. NULL when refused.
 *  @retval CROCHET_OK accepted.
 *  @retval CROCHET_EINVAL `call` is NULL, or `fn` is NULL (the call is consumed and its storage dropped).
 *  @retval CROCHET_EAGAIN the loop's limit is reached: see crochet_options_set_queue_limit().
 *  @retval CROCHET_ESTOPPED the loop accepts no calls any more.
 *  @retval CROCHET_EFORKED this is a forked child, or the loop is from before the fork.
 *  @ownership consumes `call`; the storage's content passes on entry; *out_result is yours. @threads as
 *  crochet_call_new(). @blocking none, but for room: see
 *  crochet_options_set_queue_limit(). @since 0.1 */
CROCHET_API int crochet_call_run(crochet_call *call, crochet_call_fn *fn, crochet_drop_fn *drop,
                                 crochet_result **out_result);

/** Makes many prepared calls at once: crochet_call_run() for each, in the array's order; but those in a row that go to one
 *  loop are queued together, and wake it once at most.
 *
 *  At-stop calls and after-calls are made in their turn, each alone. A call that is refused keeps no other from being made.
 *
 *  @param calls prepared with one kind of storage, since one function gets it. May be NULL when `count` is 0.
 *  @param count how many; 0: nothing happens.
 *  @param fn the function of all. @param drop may be NULL; called with each storage when its call is finished.
 *  @param out_results may be NULL: fire and forget. Otherwise an array of `count`: all are set before any of the
 *         functions can start; that of a call that was refused is NULL when this returns.
 *  @retval CROCHET_OK all were accepted. Otherwise the code of the first that was not:
 *  @retval CROCHET_EINVAL it is NULL, stale, or in the array for the second time; or `fn` is NULL, and all are refused; or
 *          `calls` is NULL.
 *  @retval CROCHET_EAGAIN its loop's limit is reached: see crochet_options_set_queue_limit().
 *  @retval CROCHET_ESTOPPED its loop accepts no calls any more.
 *  @retval CROCHET_EFORKED this is a forked child, or its loop is from before the fork.
 *  @ownership consumes all calls, refused or not; the storages' contents pass on entry: those of refused ones are dropped
 *  here. The results are yours. @threads as crochet_call_new(). @blocking none, but for room: see
 *  crochet_options_set_queue_limit(). @since 0.1 */
CROCHET_API int crochet_call_run_many(crochet_call *const *calls, size_t count, crochet_call_fn *fn,
                                      crochet_drop_fn *drop, crochet_result **out_results);

/** Throws a prepared call away. Nothing is dropped: what you moved into the storage is yours to end first.
 *  @param call may be NULL: nothing happens. @threads as crochet_call_new(). @since 0.1 */
CROCHET_API void crochet_call_discard(crochet_call *call);

/* ---- Time: results that come by themselves ----------------------------------------------------------------------------- */

/** A result that settles, with the value NULL, no sooner than that long from now. Good to wait for, to cancel (it was not
 *  run), and for crochet_call_set_after(). It counts as a call, and a stop settles it as one that was not run.
 *
 *  @param loop may be NULL: the default loop.
 *  @param duration_ns 0: as soon as the loop comes to it; CROCHET_FOREVER: not by itself.
 *  @param out_result the result; NULL on failure.
 *  @retval CROCHET_OK made.
 *  @retval CROCHET_EINVAL `out_result` is NULL, `loop` is a bad handle, or `duration_ns` is negative and not
 *          CROCHET_FOREVER.
 *  @retval CROCHET_ENOMEM out of memory.
 *  @retval CROCHET_ENOTSETUP `loop` is NULL and there is no default loop yet.
 *  @retval CROCHET_ESTOPPED the loop accepts no calls any more.
 *  @retval CROCHET_EFORKED this is a forked child, or the loop is from before the fork.
 *  @ownership *out_result is yours. @threads any. @blocking none. @since 0.1 */
CROCHET_API int crochet_sleep(crochet_loop *loop, int64_t duration_ns, crochet_result **out_result);

/** Runs fn(deferred, arg, missed) again and again on the loop's thread.
 *
 *  The first round begins after `first_ns`, the others each period after that: on a grid, so that delays do not add up, and
 *  never early. A round is settled by its deferred, as a call is; the next does not begin before. Rounds that become due
 *  meanwhile are left out, and counted for the next one. A round that fails, or is broken, is the last: the result fails
 *  with the same code, message and payload (with CROCHET_EBROKEN). Values of rounds are dropped.
 *
 *  It has no end of its own. Cancelling the result ends it: at once between two rounds; a round that runs is asked first, as
 *  by crochet_result_cancel(), and when it is settled no other begins. A stop settles the result as CROCHET_ESTOPPED.
 *  Without memory for the next round the result fails with CROCHET_ENOMEM. The library queues each round as a call, another
 *  one at the beginning, and one more for each round that is not settled when its function returns; they are counted as
 *  such.
 *
 *  @param loop may be NULL: the default loop.
 *  @param first_ns from 0, which means as soon as the loop comes to it.
 *  @param period_ns from 0, which means again as soon as the round is settled (the loop serves its timers and
 *         descriptors in between).
 *  @param arg may be NULL; passed to fn.
 *  @param drop may be NULL; called with arg when no round can run any more, and none is outstanding.
 *  @param out_result may be NULL: it runs until the loop stops, or a round fails, which is then logged.
 *  @retval CROCHET_OK accepted.
 *  @retval CROCHET_EINVAL `fn` is NULL, `loop` is a bad handle, or a time is negative. arg has been dropped, as in all that
 *          follow.
 *  @retval CROCHET_ENOMEM out of memory.
 *  @retval CROCHET_ENOTSETUP `loop` is NULL and there is no default loop yet.
 *  @retval CROCHET_EAGAIN the loop's limit is reached: see crochet_options_set_queue_limit().
 *  @retval CROCHET_ESTOPPED the loop accepts no calls any more.
 *  @retval CROCHET_EFORKED this is a forked child, or the loop is from before the fork.
 *  @ownership arg passes on entry; *out_result is yours. @threads any. @blocking none, but for room: see
 *  crochet_options_set_queue_limit(). @since 0.1 */
CROCHET_API int crochet_every(crochet_loop *loop, int64_t first_ns, int64_t period_ns, crochet_every_fn *fn, void *arg,
                              crochet_drop_fn *drop, crochet_result **out_result);

/* ---- Corks: fire and forget, many at once ------------------------------------------------------------------------- */

/** Makes a cork: it gathers calls for a loop until they are flushed, which queues them together.
 *
 *  It holds no reference to the loop. One for the default loop stays with the default loop of now: after a shutdown and
 *  a new setup it accepts nothing.
 *
 *  @param loop may be NULL: the default loop.
 *  @param out_cork the cork; NULL on failure.
 *  @retval CROCHET_OK made.
 *  @retval CROCHET_EINVAL `out_cork` is NULL, or `loop` is a bad handle.
 *  @retval CROCHET_ENOMEM out of memory.
 *  @retval CROCHET_ENOTSETUP `loop` is NULL and there is no default loop yet.
 *  @retval CROCHET_ESTOPPED the loop accepts no calls any more.
 *  @retval CROCHET_EFORKED this is a forked child, or the loop is from before the fork.
 *  @ownership yours: crochet_cork_free(). @threads any; a cork belongs to one thread at a time. @blocking none.
 *  @since 0.1 */
CROCHET_API int crochet_cork_new(crochet_loop *loop, crochet_cork **out_cork);

/** crochet_run() without a result, but the call is gathered: it is queued by the next flush, and can't start before.
 *
 *  Gathered calls start in the order made, and after all calls that this thread made for the loop before the flush. If
 *  the loop stops meanwhile, they never run: their arguments are dropped by the stop, or at the latest by the flush, and
 *  each is counted in "calls_not_run" by then.
 *
 *  @param arg may be NULL; passed to fn. @param drop may be NULL; called with arg.
 *  @retval CROCHET_OK gathered: once it is flushed it runs exactly once, or is counted as not run.
 *  @retval CROCHET_EINVAL `fn` is NULL, or `cork` is a bad handle.
 *  @retval CROCHET_ENOMEM out of memory. What was gathered before stays.
 *  @retval CROCHET_ESTOPPED the loop accepts no calls any more.
 *  @retval CROCHET_EFORKED the cork is from before the fork.
 *  @ownership arg passes on entry. @threads as crochet_cork_new(). @blocking none. @since 0.1 */
CROCHET_API int crochet_cork_run(crochet_cork *cork, crochet_call_fn *fn, void *arg, crochet_drop_fn *drop);

/** Queues all that was gathered by one operation, and wakes the loop once at most. The cork can be used again.
 *
 *  @retval CROCHET_OK queued; or nothing was gathered.
 *  @retval CROCHET_EINVAL a bad handle.
 *  @retval CROCHET_ESTOPPED the loop stopped meanwhile: none of them runs, all arguments have been dropped. (Of a loop
 *          with a limit: those that had not found room before.)
 *  @retval CROCHET_EAGAIN the loop's limit is reached: the oldest are queued, the others stay gathered.
 *  @retval CROCHET_EFORKED the cork is from before the fork; nothing happened.
 *  @ownership none. @threads as crochet_cork_new(). @blocking none, but for room: see
 *  crochet_options_set_queue_limit(). @since 0.1 */
CROCHET_API int crochet_cork_flush(crochet_cork *cork);

/** Flushes a cork, and frees it. What the loop's limit does not let in never runs, and is counted in "calls_not_run". @param cork may be NULL: nothing happens. @threads as crochet_cork_new(). @since 0.1 */
CROCHET_API void crochet_cork_free(crochet_cork *cork);

/* ---- Results: any thread, any number of threads ------------------------------------------------------------------ */

/** Waits until the call is settled. Stray signals do not end the wait.
 *
 *  A time-out changes nothing: wait again. If the result is there at the last look, it wins. Everything done before
 *  the settling is visible after a wait that returned a final code.
 *
 *  @retval CROCHET_OK a value is there.
 *  @retval CROCHET_EFAILED it failed: see crochet_result_error().
 *  @retval CROCHET_ECANCELED it was cancelled.
 *  @retval CROCHET_ESTOPPED its loop stopped first.
 *  @retval CROCHET_EBROKEN every deferred was released and none was settled.
 *  @retval CROCHET_ETIMEDOUT not settled in time.
 *  @retval CROCHET_EINTR interrupted by crochet_result_interrupt().
 *  @retval CROCHET_EDEADLK this is a loop's thread; always, also when the result is ready.
 *  @retval CROCHET_EFORKED the result is from before the fork.
 *  @retval CROCHET_EINVAL a bad handle, or `timeout_ns` is negative and not CROCHET_FOREVER.
 *  @ownership none. @threads any but loops', any number at once. @blocking up to timeout_ns. @since 0.1 */
CROCHET_API int crochet_result_wait(crochet_result *result, int64_t timeout_ns);

/** crochet_result_wait() that also returns CROCHET_EINTR soon after a signal handler ran in this thread, whatever its
 *  SA_RESTART, so that Ctrl-C works in every language: look whether there is something to do, and wait again. It may
 *  return CROCHET_EINTR without a signal, and does so at least every 100 ms.
 *
 *  Codes and the rest as crochet_result_wait().
 *  @retval CROCHET_EINTR a signal handler ran here, or may have.
 *  @threads any but loops'. @blocking up to timeout_ns, 100 ms at most. @since 0.1 */
CROCHET_API int crochet_result_wait_interruptible(crochet_result *result, int64_t timeout_ns);

/** How the call ended, without waiting; allowed on loops' threads.
 *
 *  @retval CROCHET_OK a value is there.
 *  @retval CROCHET_EFAILED it failed.
 *  @retval CROCHET_ECANCELED it was cancelled.
 *  @retval CROCHET_ESTOPPED its loop stopped first.
 *  @retval CROCHET_EBROKEN every deferred was released and none was settled.
 *  @retval CROCHET_EPENDING not settled yet.
 *  @retval CROCHET_EFORKED the result is from before the fork.
 *  @retval CROCHET_EINVAL a bad handle.
 *  @threads any. @blocking none. @since 0.1 */
CROCHET_API int crochet_result_status(crochet_result *result);

/** The value. @return lent: good while you hold this handle and nobody takes. NULL: it is NULL, or there is none (not
 *  settled, failed, taken, a bad handle). @threads any. @blocking none. @since 0.1 */
CROCHET_API void *crochet_result_value(crochet_result *result);

/** Takes the value out of the result: exactly one taker gets it.
 *
 *  @param out_value the value; NULL when there is none to take.
 *  @param out_drop may be NULL; how to end the value: NULL when there is nothing to do.
 *  @retval CROCHET_OK taken.
 *  @retval CROCHET_ETAKEN somebody took it before.
 *  @retval CROCHET_EPENDING not settled yet.
 *  @retval CROCHET_EFAILED it failed, there is no value.
 *  @retval CROCHET_ECANCELED it was cancelled.
 *  @retval CROCHET_ESTOPPED its loop stopped first.
 *  @retval CROCHET_EBROKEN every deferred was released and none was settled.
 *  @retval CROCHET_EFORKED the result is from before the fork.
 *  @retval CROCHET_EINVAL a bad handle, or `out_value` is NULL.
 *  @ownership the value is yours: end it with *out_drop. One that lies in the call's storage dies with the last handle.
 *  @threads any. @blocking none. @since 0.1 */
CROCHET_API int crochet_result_take(crochet_result *result, void **out_value, crochet_drop_fn **out_drop);

/** Why the call failed; and the failure counts as observed: it will not be logged.
 *  @return lent: as long as you hold `result`. Not NULL for every final code but CROCHET_OK; NULL otherwise.
 *  @threads any. @blocking none. @since 0.1 */
CROCHET_API const crochet_error *crochet_result_error(crochet_result *result);

/** Asks that the call not happen, or stop. The reason that was asked for first decides: after a cancel, a rejection
 *  with UV_ECANCELED or CROCHET_ECANCELED is reported as CROCHET_ECANCELED; a value, or another failure, as itself.
 *
 *  The on-cancel hook is called at most once, on the loop's thread, never inside this function, and is not begun once
 *  the call is settled. A failure after a cancel is never logged.
 *
 *  @param out_outcome may be NULL; one of CROCHET_CANCEL_...
 *  @retval CROCHET_OK see *out_outcome.
 *  @retval CROCHET_EINVAL a bad handle.
 *  @retval CROCHET_EFORKED the result is from before the fork.
 *  @ownership none; the argument of a call that never ran is dropped in here. @threads any, loops' too.
 *  @blocking none. @since 0.1 */
CROCHET_API int crochet_result_cancel(crochet_result *result, int *out_outcome);

/** Waits until the call is finished, whatever its outcome: settled, its argument dropped, no deferred left. What it used
 *  may then be freed.
 *
 *  @retval CROCHET_OK finished.
 *  @retval CROCHET_ESTOPPED its loop has ended and somebody still holds a deferred: nothing may be freed.
 *  @retval CROCHET_ETIMEDOUT not finished in time.
 *  @retval CROCHET_EINTR interrupted by crochet_result_interrupt().
 *  @retval CROCHET_EDEADLK this is a loop's thread; always.
 *  @retval CROCHET_EFORKED the result is from before the fork.
 *  @retval CROCHET_EINVAL a bad handle, or `timeout_ns` is negative and not CROCHET_FOREVER.
 *  @ownership none. @threads any but loops'. @blocking up to timeout_ns. @since 0.1 */
CROCHET_API int crochet_result_join(crochet_result *result, int64_t timeout_ns);

/** Makes all waits and joins in progress return CROCHET_EINTR; or, when there is none, the next one, once.
 *  A wait on a settled result, and a join on a finished call, are not affected. Async-signal-safe; keeps errno. Of 16
 *  interrupts between two looks of one waiter, one may be lost.
 *
 *  @retval CROCHET_OK done.
 *  @retval CROCHET_EINVAL a bad handle.
 *  @retval CROCHET_EFORKED the result is from before the fork.
 *  @ownership none. @threads any; signal handlers too. @blocking none. @since 0.1 */
CROCHET_API int crochet_result_interrupt(crochet_result *result);

/** Keeps a reference to the result under a number that may leave the process: fit for a web session, as decimal text.
 *
 *  @param type yours to choose: crochet_retrieve_result() must name the same.
 *  @param out_uid in 1..2^63-1, from the system's random source, unguessable; 0 on failure.
 *  @retval CROCHET_OK stashed.
 *  @retval CROCHET_EINVAL a bad handle, or `out_uid` is NULL.
 *  @retval CROCHET_ENOSPC the stash is full: see crochet_stash_limits().
 *  @retval CROCHET_ENOMEM out of memory.
 *  @retval CROCHET_EFORKED the result is from before the fork.
 *  @ownership your reference stays yours: release it as usual. @threads any. @blocking none. @since 0.1 */
CROCHET_API int crochet_result_stash(crochet_result *result, uint64_t type, uint64_t *out_uid);

/** Takes a stashed result back: once.
 *
 *  @param out_result the result; NULL on failure.
 *  @retval CROCHET_OK it is yours; the uid is used up.
 *  @retval CROCHET_ENOENT no such uid: wrong, used, expired, or from before a shutdown, all alike.
 *  @retval CROCHET_ETYPE stashed with another type; the uid stays good.
 *  @retval CROCHET_EINVAL `out_result` is NULL.
 *  @retval CROCHET_EFORKED this is a forked child and crochet_setup() was not called in it.
 *  @ownership *out_result is yours. @threads any. @blocking none. @since 0.1 */
CROCHET_API int crochet_retrieve_result(uint64_t uid, uint64_t type, crochet_result **out_result);

/** One more reference, for another owner. @return `result`; NULL when it is NULL or stale, or has 2^24 references.
 *  @threads any. @blocking none. @since 0.1 */
CROCHET_API crochet_result *crochet_result_retain(crochet_result *result);

/** Gives a reference back. Never blocks, never cancels. With the last one a value that nobody took is dropped, and a
 *  failure that nobody looked at is logged. @param result may be NULL: nothing happens. @threads any. @since 0.1 */
CROCHET_API void crochet_result_release(crochet_result *result);

/* ---- Many results ------------------------------------------------------------------------------------------------ */

/** Waits until one of several results is settled; of any loops. How it is settled it does not tell, nor observe.
 *
 *  @param results may be NULL when `count` is 0. One may be there several times.
 *  @param count how many; with 0 the wait runs out of time, or never ends.
 *  @param out_index the place in the array: of one that was settled first; of those that were settled when this was
 *         called, the lowest. `count` when none is.
 *  @retval CROCHET_OK *out_index is settled.
 *  @retval CROCHET_ETIMEDOUT none was settled in time.
 *  @retval CROCHET_EDEADLK this is a loop's thread; always, also when one is settled.
 *  @retval CROCHET_EFORKED this is a forked child, or one of them is from before the fork.
 *  @retval CROCHET_ENOMEM out of memory.
 *  @retval CROCHET_EINVAL a bad handle among them, `results` or `out_index` is NULL, or `timeout_ns` is negative and not
 *          CROCHET_FOREVER.
 *  @ownership none. @threads any but loops'. @blocking up to timeout_ns. @since 0.1 */
CROCHET_API int crochet_wait_any(crochet_result *const *results, size_t count, int64_t timeout_ns, size_t *out_index);

/** Waits until all of several results are settled; of any loops. How they are settled it does not tell, nor observe.
 *
 *  @param results may be NULL when `count` is 0: then there is nothing to wait for. @param count how many.
 *  @param timeout_ns for all together.
 *  @retval CROCHET_OK all are settled.
 *  @retval CROCHET_ETIMEDOUT not in time.
 *  @retval CROCHET_EINTR the wait for one of them was interrupted by crochet_result_interrupt().
 *  @retval CROCHET_EDEADLK this is a loop's thread; always.
 *  @retval CROCHET_EFORKED this is a forked child, or one of them is from before the fork.
 *  @retval CROCHET_EINVAL a bad handle among them, `results` is NULL, or `timeout_ns` is negative and not CROCHET_FOREVER.
 *  @ownership none. @threads any but loops'. @blocking up to timeout_ns. @since 0.1 */
CROCHET_API int crochet_wait_all(crochet_result *const *results, size_t count, int64_t timeout_ns);

/* ---- Completion queues: results handed out as they settle ----------------------------------------------------------- */

/** Makes a completion queue: results of any loops are watched, and handed out in the order in which they settle, to
 *  threads that wait here, or to an event loop of your own that polls the queue's descriptor.
 *
 *  @param out_queue the queue; NULL on failure.
 *  @retval CROCHET_OK made.
 *  @retval CROCHET_EINVAL `out_queue` is NULL.
 *  @retval CROCHET_ENOMEM out of memory.
 *  @retval CROCHET_EFORKED this is a forked child and crochet_setup() was not called in it.
 *  @ownership one reference is yours: crochet_completion_queue_release(). @threads any. @blocking none. @since 0.1 */
CROCHET_API int crochet_completion_queue_new(crochet_completion_queue **out_queue);

/** Watches a result: it is handed out once, when it is settled; also when it is settled already.
 *
 *  What it takes to hand it out is had here, so that a completion is never lost for want of memory. The cost does not
 *  depend on how many are watched. Being handed out does not observe a failure. After a hand-out the result may be watched
 *  anew; several queues may watch one result.
 *
 *  @param tag yours: handed out with the result.
 *  @retval CROCHET_OK watched.
 *  @retval CROCHET_EALREADY this queue watches it already.
 *  @retval CROCHET_ECLOSED the queue was closed.
 *  @retval CROCHET_ENOMEM out of memory; nothing changed.
 *  @retval CROCHET_EINVAL a bad handle.
 *  @retval CROCHET_EFORKED this is a forked child, or one of the handles is from before the fork.
 *  @ownership your reference to `result` stays yours; the queue keeps one of its own. @threads any, loops' too.
 *  @blocking none. @since 0.1 */
CROCHET_API int crochet_completion_queue_watch(crochet_completion_queue *queue, crochet_result *result, uint64_t tag);

/** Takes a watch back. Nothing else happens to the result.
 *
 *  @retval CROCHET_OK it will not be handed out.
 *  @retval CROCHET_EALREADY too late: it is settled, and will be handed out.
 *  @retval CROCHET_ENOENT this queue does not watch it; it may have been handed out.
 *  @retval CROCHET_EINVAL a bad handle.
 *  @retval CROCHET_EFORKED this is a forked child, or one of the handles is from before the fork.
 *  @ownership none. @threads any, loops' too. @blocking none. @since 0.1 */
CROCHET_API int crochet_completion_queue_unwatch(crochet_completion_queue *queue, crochet_result *result);

/** Hands out one settled result, or waits for one. Stray signals do not end the wait.
 *
 *  @param out_result the result; NULL on failure. If you released yours meanwhile, this may be the last reference.
 *  @param out_tag may be NULL; what it was watched with; 0 on failure.
 *  @retval CROCHET_OK handed out, to this thread alone.
 *  @retval CROCHET_ETIMEDOUT none was settled in time.
 *  @retval CROCHET_ECLOSED the queue was closed, and all that had settled before was handed out.
 *  @retval CROCHET_EDEADLK this is a loop's thread; always. There, use crochet_completion_queue_drain().
 *  @retval CROCHET_EINVAL a bad handle, `out_result` is NULL, or `timeout_ns` is negative and not CROCHET_FOREVER.
 *  @retval CROCHET_EFORKED this is a forked child, or the queue is from before the fork.
 *  @ownership *out_result is yours: crochet_result_release(). @threads any but loops', any number at once.
 *  @blocking up to timeout_ns. @since 0.1 */
CROCHET_API int crochet_completion_queue_next(crochet_completion_queue *queue, int64_t timeout_ns,
                                              crochet_result **out_result, uint64_t *out_tag);

/** crochet_completion_queue_next() that also ends soon after a signal handler ran in this thread: as
 *  crochet_result_wait_interruptible() does.
 *
 *  Codes and the rest as crochet_completion_queue_next().
 *  @retval CROCHET_EINTR a signal handler ran here, or may have.
 *  @threads any but loops'. @blocking up to timeout_ns, 100 ms at most. @since 0.1 */
CROCHET_API int crochet_completion_queue_next_interruptible(crochet_completion_queue *queue, int64_t timeout_ns,
                                                            crochet_result **out_result, uint64_t *out_tag);

/** Hands out what is settled, as much as there is room for, without waiting; allowed on loops' threads.
 *
 *  @param capacity of the two arrays.
 *  @param out_results the results, oldest first; may be NULL when `capacity` is 0. Only the first *out_count are set.
 *  @param out_tags may be NULL; what they were watched with.
 *  @param out_count how many were handed out; 0 on failure.
 *  @retval CROCHET_OK see *out_count. If it is `capacity`, there may be more.
 *  @retval CROCHET_ECLOSED the queue was closed, and everything was handed out before.
 *  @retval CROCHET_EINVAL a bad handle, or `out_results` or `out_count` is NULL.
 *  @retval CROCHET_EFORKED this is a forked child, or the queue is from before the fork.
 *  @ownership the results are yours. @threads any, loops' too. @blocking none. @since 0.1 */
CROCHET_API int crochet_completion_queue_drain(crochet_completion_queue *queue, size_t capacity,
                                               crochet_result **out_results, uint64_t *out_tags, size_t *out_count);

/** The queue's descriptor, for poll(), epoll, GLib, Qt, asyncio or another libuv loop: readable while there is something
 *  to be handed out, and once the queue is closed. Level-triggered: crochet_completion_queue_drain() until it hands out
 *  less than there is room for, or take one at a time and poll again. Now and then it is readable for nothing.
 *
 *  It is made when it is first asked for: who does without saves a system call for each time that the queue is no longer
 *  empty. Only poll it: what is read from or written to it breaks this promise.
 *
 *  @param out_descriptor always the same of a queue; -1 on failure. Not inherited over exec.
 *  @retval CROCHET_OK here it is.
 *  @retval CROCHET_EINVAL a bad handle, or `out_descriptor` is NULL.
 *  @retval UV_EMFILE and other codes of libuv's: no descriptor could be had.
 *  @retval CROCHET_EFORKED this is a forked child, or the queue is from before the fork.
 *  @ownership lent: it is closed with the queue's last reference. Stop polling it first. @threads any. @blocking none.
 *  @since 0.1 */
CROCHET_API int crochet_completion_queue_descriptor(crochet_completion_queue *queue, int *out_descriptor);

/** Closes a queue: what is not settled yet is watched no more, and nothing new is. What has settled is still handed out;
 *  then who waits, or comes later, gets CROCHET_ECLOSED. Closing again does nothing.
 *
 *  @retval CROCHET_OK closed.
 *  @retval CROCHET_EINVAL a bad handle.
 *  @retval CROCHET_EFORKED this is a forked child, or the queue is from before the fork.
 *  @ownership none. @threads any, loops' too. @blocking none. @since 0.1 */
CROCHET_API int crochet_completion_queue_close(crochet_completion_queue *queue);

/** One more reference. @return `queue`; NULL when it is NULL or stale, or has 2^24 references. @threads any.
 *  @blocking none. @since 0.1 */
CROCHET_API crochet_completion_queue *crochet_completion_queue_retain(crochet_completion_queue *queue);

/** Gives a reference back. With the last one the queue ends: what it watches is watched no more, what was not handed out
 *  is released. @param queue may be NULL: nothing happens. @threads any. @blocking none. @since 0.1 */
CROCHET_API void crochet_completion_queue_release(crochet_completion_queue *queue);

/* ---- Deferreds: any thread ------------------------------------------------------------------------------------- */

/** A call without a function: it runs from the start and is settled by hand.
 *
 *  @param loop may be NULL: the default loop. Its on-cancel hook runs there; its stop settles the call.
 *  @param arg may be NULL. @param drop may be NULL; called with arg when the last deferred reference has gone.
 *  @param out_deferred the producer's side. @param out_result may be NULL; the caller's side.
 *  @retval CROCHET_OK made.
 *  @retval CROCHET_EINVAL `out_deferred` is NULL, or `loop` is a bad handle.
 *  @retval CROCHET_ENOMEM out of memory.
 *  @retval CROCHET_ENOTSETUP `loop` is NULL and there is no default loop yet.
 *  @retval CROCHET_ESTOPPED the loop accepts no calls any more.
 *  @retval CROCHET_EFORKED this is a forked child, or the loop is from before the fork.
 *  @ownership arg passes on entry; *out_deferred and *out_result are yours. @threads any. @blocking none. @since 0.1 */
CROCHET_API int crochet_deferred_new(crochet_loop *loop, void *arg, crochet_drop_fn *drop,
                                     crochet_deferred **out_deferred, crochet_result **out_result);

/** Settles the call with a value. The first settling wins.
 *
 *  @param value may be NULL. @param drop may be NULL; ends the value when nobody takes it.
 *  @retval CROCHET_OK settled; waiters are awake.
 *  @retval CROCHET_EALREADY settled before, by whomever; the value has been dropped.
 *  @retval CROCHET_EINVAL a bad handle; the value has been dropped.
 *  @retval CROCHET_EFORKED the deferred is from before the fork; the value has been dropped.
 *  @ownership the value passes on entry. @threads any that holds a reference. @blocking none. @since 0.1 */
CROCHET_API int crochet_resolve(crochet_deferred *deferred, void *value, crochet_drop_fn *drop);

/** Settles the call with a failure. Never fails for want of memory: a text falls back to the code's own.
 *
 *  @param code negative: a libuv code, one of the library's, or your own; 0 and positive become CROCHET_EFAILED.
 *  @param message may be NULL or empty: the code's own. Copied, up to 64 KiB; not interpreted.
 *  @retval CROCHET_OK settled.
 *  @retval CROCHET_EALREADY settled before.
 *  @retval CROCHET_EINVAL a bad handle.
 *  @retval CROCHET_EFORKED the deferred is from before the fork.
 *  @ownership none. @threads any that holds a reference. @blocking none. @since 0.1 */
CROCHET_API int crochet_reject(crochet_deferred *deferred, int code, const char *message);

/** crochet_reject() with a language's own exception object, to be found again by crochet_error_payload().
 *
 *  @param code, message as crochet_reject(). @param type yours to choose. @param payload may be NULL.
 *  @param drop may be NULL; called with payload when the result is destroyed, or at once when it can't be kept.
 *  @retval CROCHET_OK settled; without memory for it the payload has been dropped.
 *  @retval CROCHET_EALREADY settled before; the payload has been dropped.
 *  @retval CROCHET_EINVAL a bad handle; the payload has been dropped.
 *  @retval CROCHET_EFORKED the deferred is from before the fork; the payload has been dropped.
 *  @ownership payload passes on entry. @threads any that holds a reference. @blocking none. @since 0.1 */
CROCHET_API int crochet_reject_with(crochet_deferred *deferred, int code, const char *message, uint64_t type,
                                    void *payload, crochet_drop_fn *drop);

/** Sets what is called when somebody asks to cancel. Do this first, and start the operation only when it said
 *  CROCHET_OK. The pattern: retain one deferred for as long as libuv has your memory; the hook settles, the close
 *  callback releases.
 *
 *  A second one replaces the first, whose argument is dropped. The hook runs on the loop's thread, with a deferred that is
 *  borrowed; it may still run while another thread settles, hence a drop of its own, called after it ran or when the
 *  call is finished.
 *
 *  @param fn may be NULL: clears the hook. @param arg, drop may be NULL.
 *  @retval CROCHET_OK set.
 *  @retval CROCHET_EALREADY a cancel or a stop was asked for, or the call is settled: don't start. arg has been dropped.
 *  @retval CROCHET_ENOMEM out of memory: not set, the former hook stays. arg has been dropped.
 *  @retval CROCHET_EINVAL a bad handle. arg has been dropped.
 *  @retval CROCHET_EFORKED the deferred is from before the fork. arg has been dropped.
 *  @ownership arg passes on entry. @threads any that holds a reference. @blocking none. @since 0.1 */
CROCHET_API int crochet_deferred_on_cancel(crochet_deferred *deferred, crochet_call_fn *fn, void *arg,
                                           crochet_drop_fn *drop);

/** Was a cancel or a stop asked for? 1 also when the call was settled so; 0 for a bad handle. @threads any that holds a
 *  reference. @blocking none. @since 0.1 */
CROCHET_API int crochet_deferred_is_cancelled(crochet_deferred *deferred);

/** The loop of the call. @return lent while you hold the deferred; NULL for a bad handle, or when the loop has ended.
 *  @threads any that holds a reference. @blocking none. @since 0.1 */
CROCHET_API crochet_loop *crochet_deferred_loop(crochet_deferred *deferred);

/** One more reference, for another owner. @return `deferred`; NULL when it is NULL or stale, or has 2^24 references.
 *  @threads any that holds a reference. @blocking none. @since 0.1 */
CROCHET_API crochet_deferred *crochet_deferred_retain(crochet_deferred *deferred);

/** Gives a reference back. With the last one the call is finished: its argument is dropped here, and if nobody settled
 *  it, it fails with CROCHET_EBROKEN. @param deferred may be NULL: nothing happens. @threads any. @since 0.1 */
CROCHET_API void crochet_deferred_release(crochet_deferred *deferred);

/* ---- Ready-made operations: names and addresses ------------------------------------------------------------------- */

/* For those who can't or don't want to call libuv themselves. Each is a call like any other: its result is waited for,
 * cancelled, stashed; its value is read by getters and never written, so any number of threads may do that. What is
 * lent lives as long as the value. A value that was taken is ended by the drop function that came with it. Failures
 * have libuv's codes.
 *
 * Look-ups run in libuv's thread pool, two at a time in its usual size. One that runs can't be stopped: a cancel
 * settles its result at once, but the call is finished only when the resolver of the C library has given up. A loop
 * that is stopped meanwhile, with a grace that is over sooner, ends all the same: crochet_loop_stop() says
 * CROCHET_EBUSY, and what the look-up uses is left behind. (uv_run() of an adopted loop goes on until it is over.)
 */

typedef struct crochet_addresses crochet_addresses; /* what crochet_getaddrinfo() found */
typedef struct crochet_name_info crochet_name_info; /* what crochet_getnameinfo() found */

/** Looks a name up, as getaddrinfo() does. The value is a crochet_addresses, with one entry at least.
 *
 *  @param loop may be NULL: the default loop.
 *  @param node a host's name, or an address as text. May be NULL: this machine.
 *  @param service a service's name, or a port as text. May be NULL: port 0. Not both NULL. Both are copied.
 *  @param family, socktype, protocol, flags the system's numbers, as getaddrinfo() takes them; 0: any, none. (Without a
 *         socktype each address is found once for each type.)
 *  @param out_result as crochet_run().
 *  @retval CROCHET_OK accepted. The result fails with UV_EAI_NONAME, UV_EAI_AGAIN and their kin, UV_EINVAL or
 *         UV_ENOMEM.
 *  @retval CROCHET_EINVAL `node` and `service` are NULL, or `loop` is a bad handle.
 *  @retval CROCHET_ENOMEM out of memory.
 *  @retval CROCHET_ENOTSETUP `loop` is NULL and there is no default loop yet.
 *  @retval CROCHET_EAGAIN the loop's limit is reached: see crochet_options_set_queue_limit().
 *  @retval CROCHET_ESTOPPED the loop accepts no calls any more.
 *  @retval CROCHET_EFORKED this is a forked child, or the loop is from before the fork.
 *  @ownership *out_result is yours. @threads any. @blocking none, but for room: see
 *  crochet_options_set_queue_limit(). @since 0.1 */
CROCHET_API int crochet_getaddrinfo(crochet_loop *loop, const char *node, const char *service, int family, int socktype,
                                    int protocol, int flags, crochet_result **out_result);

/** How many entries there are. @return 0 for NULL. @threads any. @since 0.1 */
CROCHET_API size_t crochet_addresses_count(const crochet_addresses *addresses);

/** An entry's address as text: "127.0.0.1", "::1", "fe80::1%eth0". @return lent; "" behind the last entry, for NULL, or
 *  for other families than IPv4 and IPv6. @threads any. @since 0.1 */
CROCHET_API const char *crochet_addresses_text(const crochet_addresses *addresses, size_t index);

/** An entry's port. @return 0 behind the last entry, too, and for NULL. @threads any. @since 0.1 */
CROCHET_API int crochet_addresses_port(const crochet_addresses *addresses, size_t index);

/** An entry's address family, the system's number. @return 0 behind the last entry, and for NULL. @threads any.
 *  @since 0.1 */
CROCHET_API int crochet_addresses_family(const crochet_addresses *addresses, size_t index);

/** An entry's socket type, the system's number. @return as crochet_addresses_port(). @threads any. @since 0.1 */
CROCHET_API int crochet_addresses_socktype(const crochet_addresses *addresses, size_t index);

/** An entry's protocol, the system's number. @return as crochet_addresses_port(). @threads any. @since 0.1 */
CROCHET_API int crochet_addresses_protocol(const crochet_addresses *addresses, size_t index);

/** An entry as bind() and connect() take it: a struct sockaddr of the system's.
 *
 *  @param out_length may be NULL; its size in bytes; 0 when there is none.
 *  @return lent; NULL behind the last entry, and for NULL. @threads any. @since 0.1 */
CROCHET_API const void *crochet_addresses_sockaddr(const crochet_addresses *addresses, size_t index, size_t *out_length);

/** The canonical name, which is found only with the flag AI_CANONNAME.
 *  @return lent; "" when there is none, and for NULL.
 *  @threads any. @since 0.1 */
CROCHET_API const char *crochet_addresses_canonical_name(const crochet_addresses *addresses);

/** Looks up who has an address, as getnameinfo() does. The value is a crochet_name_info.
 *
 *  @param loop may be NULL: the default loop.
 *  @param address a struct sockaddr_in or sockaddr_in6; copied. @param length its size in bytes.
 *  @param flags the system's numbers, as getnameinfo() takes them; 0: none.
 *  @param out_result as crochet_run().
 *  @retval CROCHET_OK accepted. The result fails with UV_EAI_NONAME, UV_EAI_AGAIN and their kin, or UV_ENOMEM.
 *  @retval CROCHET_EINVAL `address` is NULL, of another family, or shorter than it says; or `loop` is a bad handle.
 *  @retval CROCHET_ENOMEM out of memory.
 *  @retval CROCHET_ENOTSETUP `loop` is NULL and there is no default loop yet.
 *  @retval CROCHET_EAGAIN the loop's limit is reached: see crochet_options_set_queue_limit().
 *  @retval CROCHET_ESTOPPED the loop accepts no calls any more.
 *  @retval CROCHET_EFORKED this is a forked child, or the loop is from before the fork.
 *  @ownership *out_result is yours. @threads any. @blocking none, but for room: see
 *  crochet_options_set_queue_limit(). @since 0.1 */
CROCHET_API int crochet_getnameinfo(crochet_loop *loop, const void *address, size_t length, int flags,
                                    crochet_result **out_result);

/** crochet_getnameinfo() of an address that is given as text.
 *
 *  @param address "127.0.0.1", "::1", "fe80::1%eth0". @param port 0 to 65535.
 *  @param loop, flags, out_result as crochet_getnameinfo().
 *  @retval CROCHET_OK, CROCHET_ENOMEM, CROCHET_ENOTSETUP, CROCHET_EAGAIN, CROCHET_ESTOPPED, CROCHET_EFORKED as
 *         crochet_getnameinfo().
 *  @retval CROCHET_EINVAL `address` is NULL or no address, there is no such port, or `loop` is a bad handle.
 *  @ownership *out_result is yours. @threads any. @blocking none, but for room: see
 *  crochet_options_set_queue_limit(). @since 0.1 */
CROCHET_API int crochet_getnameinfo_text(crochet_loop *loop, const char *address, int port, int flags,
                                         crochet_result **out_result);

/** The host's name; its address as text when nobody knows a name. @return lent; "" for NULL. @threads any.
 *  @since 0.1 */
CROCHET_API const char *crochet_name_info_host(const crochet_name_info *names);

/** The service's name; the port as text when nobody knows a name. @return lent; "" for NULL. @threads any.
 *  @since 0.1 */
CROCHET_API const char *crochet_name_info_service(const crochet_name_info *names);

/* ---- Ready-made operations: child processes ------------------------------------------------------------------------- */

/* A command says what to run; it may be run any number of times. The child gets /dev/null or the bytes of
 * crochet_command_set_input() as its input, which is a file that is not on any disk; its output and its messages are
 * gathered, and are part of the value. Of descriptors it has 0 to 2 and no other, its signals are as the system's login
 * leaves them, none blocked or ignored; it is in the process group of its parent, so that Ctrl-C on a terminal reaches
 * it.
 *
 * Its end is noticed also where the host blocks SIGCHLD in all its threads. Nobody else's children are touched.
 */

typedef struct crochet_command crochet_command;           /* what to run, and how; one thread at a time */
typedef struct crochet_process_exit crochet_process_exit; /* how a child process ended, and what it wrote */

/** Makes a command without arguments, at its defaults: no input, the environment and the directory of the host.
 *
 *  @param file the program: a path, or a name without a '/' that is looked for in the PATH of the host. Copied.
 *  @param out_command the command; NULL on failure.
 *  @retval CROCHET_OK made.
 *  @retval CROCHET_EINVAL `file` or `out_command` is NULL.
 *  @retval CROCHET_ENOMEM out of memory.
 *  @ownership yours: crochet_command_free(). @threads any; one at a time for the same command.
 *  @blocking none. Works before setup and in forked children. @since 0.1 */
CROCHET_API int crochet_command_new(const char *file, crochet_command **out_command);

/** Frees a command. What it was run for goes on. @param command may be NULL: nothing happens. @threads as
 *  crochet_command_new(). @since 0.1 */
CROCHET_API void crochet_command_free(crochet_command *command);

/** Sets the arguments behind the program's name, which it gets as its first.
 *
 *  @param arguments strings, and NULL behind the last; copied. May be NULL: none, as at first.
 *  @retval CROCHET_OK set.
 *  @retval CROCHET_EINVAL `command` is no command.
 *  @retval CROCHET_ENOMEM out of memory; the former ones stay.
 *  @ownership none. @threads as crochet_command_new(). @blocking none. @since 0.1 */
CROCHET_API int crochet_command_set_arguments(crochet_command *command, const char *const *arguments);

/** Adds one argument behind the last.
 *
 *  @param argument copied.
 *  @retval CROCHET_OK added.
 *  @retval CROCHET_EINVAL `argument` is NULL, or `command` is no command.
 *  @retval CROCHET_ENOMEM out of memory; not added.
 *  @ownership none. @threads as crochet_command_new(). @blocking none. @since 0.1 */
CROCHET_API int crochet_command_add_argument(crochet_command *command, const char *argument);

/** Sets the environment, all of it.
 *
 *  @param environment strings "NAME=value", and NULL behind the last; copied. May be NULL, as at first: what the host
 *         has when the command is run.
 *  @retval CROCHET_OK set.
 *  @retval CROCHET_EINVAL `command` is no command.
 *  @retval CROCHET_ENOMEM out of memory; the former one stays.
 *  @ownership none. @threads as crochet_command_new(). @blocking none. @since 0.1 */
CROCHET_API int crochet_command_set_environment(crochet_command *command, const char *const *environment);

/** Sets the working directory. A relative path of the program is relative to it.
 *
 *  @param directory copied. May be NULL: that of the host, as at first.
 *  @retval CROCHET_OK set.
 *  @retval CROCHET_EINVAL `command` is no command.
 *  @retval CROCHET_ENOMEM out of memory; the former one stays.
 *  @ownership none. @threads as crochet_command_new(). @blocking none. @since 0.1 */
CROCHET_API int crochet_command_set_directory(crochet_command *command, const char *directory);

/** Sets what the child reads from its standard input. It need not read all of it.
 *
 *  @param bytes copied. May be NULL: /dev/null, as at first. @param length how many; 0 with `bytes`: an empty file.
 *  @retval CROCHET_OK set.
 *  @retval CROCHET_EINVAL `command` is no command, or `bytes` is NULL and `length` is not 0.
 *  @retval CROCHET_ENOMEM out of memory; the former ones stay.
 *  @ownership none. @threads as crochet_command_new(). @blocking none. @since 0.1 */
CROCHET_API int crochet_command_set_input(crochet_command *command, const void *bytes, size_t length);

/** Sets how much of its standard output, and of its standard error, is kept. What is more is read and thrown away, so
 *  that the child goes on, and the getters say so.
 *
 *  @param bytes for each of the two; at first 1,048,576.
 *  @retval CROCHET_OK set.
 *  @retval CROCHET_EINVAL `command` is no command.
 *  @ownership none. @threads as crochet_command_new(). @blocking none. @since 0.1 */
CROCHET_API int crochet_command_set_output_limit(crochet_command *command, size_t bytes);

/** Sets how long the child may take to end when it is cancelled: it gets SIGTERM, and SIGKILL after this time. A stop
 *  of the loop cancels, too, and kills at the end of its grace at the latest.
 *
 *  @param kill_after_ns at first 2 seconds; 0: SIGKILL at once; CROCHET_FOREVER: never.
 *  @retval CROCHET_OK set.
 *  @retval CROCHET_EINVAL `command` is no command, or a bad time.
 *  @ownership none. @threads as crochet_command_new(). @blocking none. @since 0.1 */
CROCHET_API int crochet_command_set_kill_after(crochet_command *command, int64_t kill_after_ns);

/** Sets how long output is read after the child's end when somebody still holds the other side of its pipes: a process
 *  that it left in the background. What that one writes later is lost, and the getters say so.
 *
 *  @param linger_ns at first 1 second; 0: what is there at once; CROCHET_FOREVER: until the last of them has ended.
 *  @retval CROCHET_OK set.
 *  @retval CROCHET_EINVAL `command` is no command, or a bad time.
 *  @ownership none. @threads as crochet_command_new(). @blocking none. @since 0.1 */
CROCHET_API int crochet_command_set_linger(crochet_command *command, int64_t linger_ns);

/** Runs a command. The result settles when the child has ended and all that it wrote was read; its value is a
 *  crochet_process_exit, also when the child failed: only what keeps it from starting is a failure of the call.
 *
 *  A cancel ends the child: see crochet_command_set_kill_after(). The result settles when it is gone.
 *
 *  @param command as it is now; change or free it when you like. @param loop may be NULL: the default loop.
 *  @param out_result as crochet_run().
 *  @retval CROCHET_OK accepted. The result fails with UV_ENOENT, UV_EACCES, UV_EMFILE and other codes of libuv's.
 *  @retval CROCHET_EINVAL `command` is no command, or `loop` is a bad handle.
 *  @retval CROCHET_ENOMEM out of memory.
 *  @retval CROCHET_ENOTSETUP `loop` is NULL and there is no default loop yet.
 *  @retval CROCHET_EAGAIN the loop's limit is reached: see crochet_options_set_queue_limit().
 *  @retval CROCHET_ESTOPPED the loop accepts no calls any more.
 *  @retval CROCHET_EFORKED this is a forked child, or the loop is from before the fork.
 *  @retval UV_EMFILE and other codes of libuv's: there is no room for the input.
 *  @ownership `command` stays yours; *out_result is yours. @threads as crochet_command_new().
 *  @blocking none, but for room: see crochet_options_set_queue_limit(); the loop's thread waits while the system loads
 *  the program. @since 0.1 */
CROCHET_API int crochet_command_run(const crochet_command *command, crochet_loop *loop, crochet_result **out_result);

/** The exit status, 0 to 255. @return -1: a signal ended it; or nobody knows, for the host takes the status of every
 *  child (SIGCHLD ignored, a wait() for any); or NULL. @threads any. @since 0.1 */
CROCHET_API int crochet_process_exit_status(const crochet_process_exit *process);

/** The signal that ended it, the system's number. @return 0: none, or NULL. @threads any. @since 0.1 */
CROCHET_API int crochet_process_exit_signal(const crochet_process_exit *process);

/** The process's number, which may be another's by now. @return -1 for NULL. @threads any. @since 0.1 */
CROCHET_API int64_t crochet_process_exit_pid(const crochet_process_exit *process);

/** What it wrote to its standard output. Ends in a 0, too, which is not counted.
 *
 *  @param out_length may be NULL; in bytes. @return lent; "" for NULL. @threads any. @since 0.1 */
CROCHET_API const char *crochet_process_exit_stdout(const crochet_process_exit *process, size_t *out_length);

/** What it wrote to its standard error: as crochet_process_exit_stdout().
 *
 *  @param out_length may be NULL; in bytes. @return lent; "" for NULL. @threads any. @since 0.1 */
CROCHET_API const char *crochet_process_exit_stderr(const crochet_process_exit *process, size_t *out_length);

/** Is something of its standard output missing: more than the limit, there was no memory for it, or somebody still held
 *  the pipe when the time was over? 0 for NULL. @threads any. @since 0.1 */
CROCHET_API int crochet_process_exit_stdout_truncated(const crochet_process_exit *process);

/** Is something of its standard error missing? 0 for NULL. @threads any. @since 0.1 */
CROCHET_API int crochet_process_exit_stderr_truncated(const crochet_process_exit *process);

/* ---- The log: from any thread to any sink, and no sink ever blocks a loop --------------------------------------------- */

/* A message goes into a ring of 1024 places, without a lock, a wait or an allocation; a thread of the log's own takes it
 * out and hands it to the sinks, one after the other. When the ring is full the newest message is dropped and counted, and
 * a warning, where they are missing, tells how many: whatever the level is, unless it is CROCHET_LOG_OFF. The library's
 * own lines take the same road, with the origin "crochet".
 *
 * The log's thread starts with the first loop or message, and ends when the stop of the last loop is waited for, and at
 * exit. It has a second there to write what is left; what is not written by then is abandoned, and counted as that. A
 * later loop or message starts it again. Sinks and the level stay. On this thread, in a sink, a stop is asked for and not
 * waited for, as on a loop's, and flushing is refused; waiting for calls is allowed.
 *
 * At first there is one sink, stderr, and the level is CROCHET_LOG_WARNING. The environment variable CROCHET_LOG may say
 * otherwise, read once, and ignored in a program with more rights than its user: a level's name and sinks, with commas
 * between them, hence none in a path: "debug", "info,file:/var/log/x.log", "warning,stderr,syslog:name", "off". When none
 * of its sinks can be had, stderr is one. A forked child that calls crochet_setup() keeps the level, and starts with the
 * sinks that the variable says.
 */

/* Levels, with spdlog's names and numbers. */
#define CROCHET_LOG_TRACE 0
#define CROCHET_LOG_DEBUG 1
#define CROCHET_LOG_INFO 2
#define CROCHET_LOG_WARNING 3
#define CROCHET_LOG_ERROR 4
#define CROCHET_LOG_CRITICAL 5
#define CROCHET_LOG_OFF 6 /* no message's; as a threshold: none passes */

/** The longest message that is kept whole, in bytes. A longer one is cut between two characters, so that this is enough
 *  for it and the " [...]" at its end. */
#define CROCHET_LOG_LONGEST 952

/** The longest origin, in bytes; a longer one is cut. */
#define CROCHET_LOG_ORIGIN_LONGEST 31

/** The sink of the beginning, for crochet_log_remove(): stderr, unless CROCHET_LOG names other sinks. */
#define CROCHET_LOG_DEFAULT_SINK UINT64_C(1)

/** A message on its way into a sink. Read only what `size` covers: later versions may add fields at the end. */
typedef struct crochet_log_record {
  size_t size;           /* of this struct, in bytes */
  int64_t time_ns;       /* when it was logged: nanoseconds since 1970, CLOCK_REALTIME */
  uint64_t thread;       /* who logged it: the system's number of the thread, as in gettid() */
  int level;             /* CROCHET_LOG_TRACE to CROCHET_LOG_CRITICAL */
  const char *origin;    /* who says it; ends in a 0 too; lent for the call */
  size_t origin_length;  /* in bytes */
  const char *message;   /* as it was given: UTF-8 if it was that, may hold any byte; ends in a 0 too; lent for the call */
  size_t message_length; /* in bytes */
  size_t full_length;    /* before it was cut; the same as message_length for a whole one */
} crochet_log_record;

/** A sink of yours. Runs on the log's thread, one message at a time, with all signals blocked. It may block, log, call
 *  the library, remove itself. What it logs is written; what a sink logs about that is dropped, so that it ends. (A sink
 *  that has another thread log about each message does not end.) What it throws counts as a failure of the sink. A fork
 *  made in it must exec or _exit. */
typedef void crochet_log_fn(void *arg, const crochet_log_record *record);

/** Logs a message. Nothing happens when its level is off, which is looked at first.
 *
 *  @param level CROCHET_LOG_TRACE to CROCHET_LOG_CRITICAL.
 *  @param origin may be NULL: "". Who says it: a name of your program's part. Ends in a 0; copied.
 *  @param message any bytes, never interpreted; may be NULL when `length` is 0. Copied.
 *  @param length in bytes; CROCHET_LOG_LONGEST says what is kept.
 *  @retval CROCHET_OK it is on its way to the sinks, or its level is off.
 *  @retval CROCHET_EINVAL no such level, or no message.
 *  @retval CROCHET_ENOSPC the ring is full, or a sink logs about what a sink logged: dropped, and counted.
 *  @retval CROCHET_ENOMEM out of memory for the log itself; only before there is a loop.
 *  @retval CROCHET_ESTOPPED the process is exiting.
 *  @retval CROCHET_EFORKED this is a forked child and crochet_setup() was not called in it.
 *  @ownership none. @threads any. @blocking none; but the first use of the log in a process opens the files that CROCHET_LOG
 *  names, here, in a function that adds or removes a sink, or in crochet_setup(). Keeps errno. @since 0.1 */
CROCHET_API int crochet_log(int level, const char *origin, const char *message, size_t length);

/** crochet_log() with a message that is made as printf() would, on the calling thread, and only when its level is on.
 *
 *  @param level, origin as crochet_log(). @param format may not be NULL.
 *  @retval CROCHET_OK, CROCHET_ENOSPC, CROCHET_ENOMEM, CROCHET_ESTOPPED, CROCHET_EFORKED as crochet_log().
 *  @retval CROCHET_EINVAL no such level, no format, or one that the C library refuses.
 *  @ownership none. @threads any. @blocking none. @since 0.1 */
CROCHET_API int crochet_logf(int level, const char *origin, const char *format, ...)
    CROCHET_PRINTF(3, 4);

/** crochet_log() that waits for room instead of dropping the message.
 *
 *  @param timeout_ns how long to wait; then the message is dropped, and counted.
 *  @retval CROCHET_OK, CROCHET_ENOMEM, CROCHET_ESTOPPED, CROCHET_EFORKED as crochet_log().
 *  @retval CROCHET_EINVAL as crochet_log(), or a bad timeout.
 *  @retval CROCHET_ETIMEDOUT there was no room in time.
 *  @retval CROCHET_EDEADLK called on a loop's or the log's thread.
 *  @retval UV_EAGAIN there is no room, and the log's thread could not be started.
 *  @ownership none. @threads any but a loop's or the log's. @blocking up to the timeout. @since 0.1 */
CROCHET_API int crochet_log_wait(int level, const char *origin, const char *message, size_t length, int64_t timeout_ns);

/** Would a message of this level be kept? For callers whose messages cost something to make. 0 also for no level.
 *  @threads any. @blocking none. @since 0.1 */
CROCHET_API int crochet_log_enabled(int level);

/** The level from which on messages are kept, for the whole process. @threads any. @blocking none. @since 0.1 */
CROCHET_API int crochet_log_level(void);

/** Sets the level from which on messages are kept, for the whole process, the library's own too. Sinks may have a higher
 *  one of their own.
 *
 *  @param level CROCHET_LOG_TRACE to CROCHET_LOG_OFF.
 *  @retval CROCHET_OK set. @retval CROCHET_EINVAL no such level.
 *  @ownership none. @threads any. @blocking none. Works before setup and in forked children. @since 0.1 */
CROCHET_API int crochet_log_set_level(int level);

/** Adds a sink: a function of yours.
 *
 *  @param level the lowest that it gets.
 *  @param fn the function. @param arg may be NULL. @param drop may be NULL; called with arg when the sink has been removed
 *         and its last message is through, on the log's thread or the remover's; not at exit for one that was not.
 *  @param out_id may be NULL; for crochet_log_remove(). Never used twice.
 *  @retval CROCHET_OK added: it gets what is written from now on.
 *  @retval CROCHET_EINVAL no such level, or `fn` is NULL. arg has been dropped, as in all that follow.
 *  @retval CROCHET_ENOMEM out of memory.
 *  @retval CROCHET_ENOSPC there are 64 sinks already.
 *  @retval CROCHET_EFORKED this is a forked child and crochet_setup() was not called in it.
 *  @ownership arg passes on entry. @threads any. @blocking none. @since 0.1 */
CROCHET_API int crochet_log_add_function(int level, crochet_log_fn *fn, void *arg, crochet_drop_fn *drop,
                                         uint64_t *out_id);

/** Adds a sink: lines on stderr, with colour on a terminal.
 *
 *  @param level the lowest that it gets. @param out_id as crochet_log_add_function().
 *  @retval CROCHET_OK added.
 *  @retval CROCHET_EINVAL no such level.
 *  @retval CROCHET_ENOMEM, CROCHET_ENOSPC, CROCHET_EFORKED as crochet_log_add_function().
 *  @ownership none. @threads any. @blocking none. @since 0.1 */
CROCHET_API int crochet_log_add_stderr(int level, uint64_t *out_id);

/** Adds a sink: lines at the end of a file, which is made when there is none.
 *
 *  @param level the lowest that it gets. @param path of the file; copied.
 *  @param max_bytes how large the file may grow before it is renamed to <path>.1 (with an extension: name.1.ext), the
 *         one before to .2 and so on, and a new one is begun; 0: as large as it likes.
 *  @param max_files how many renamed files are kept; nothing without `max_bytes`.
 *  @param out_id as crochet_log_add_function().
 *  @retval CROCHET_OK added; the file is open.
 *  @retval CROCHET_EINVAL no such level, `path` is NULL, or `max_files` is above 200,000.
 *  @retval CROCHET_ENOMEM, CROCHET_ENOSPC, CROCHET_EFORKED as crochet_log_add_function().
 *  @retval UV_ENOENT and other codes of libuv's: why the file can't be opened.
 *  @ownership none. @threads any. @blocking while the file is opened. @since 0.1 */
CROCHET_API int crochet_log_add_file(int level, const char *path, uint64_t max_bytes, uint32_t max_files,
                                     uint64_t *out_id);

/** Adds a sink: the system's log, by syslog(), as "origin: message", which ends at a 0 there. Its settings belong to the
 *  whole process: this calls openlog(), and removing the sink closelog().
 *
 *  @param level the lowest that it gets. @param ident may be NULL: the program's name. Copied.
 *  @param facility as openlog() takes it; 0: LOG_USER.
 *  @param out_id as crochet_log_add_function().
 *  @retval CROCHET_OK added.
 *  @retval CROCHET_EINVAL no such level.
 *  @retval CROCHET_ENOMEM, CROCHET_ENOSPC, CROCHET_EFORKED as crochet_log_add_function().
 *  @ownership none. @threads any. @blocking none. @since 0.1 */
CROCHET_API int crochet_log_add_syslog(int level, const char *ident, int facility, uint64_t *out_id);

/** Removes a sink. It misses what was logged before and not written yet: crochet_log_flush() first, if that is wanted.
 *  It may be called once more after this has returned: only its drop function says that it is over.
 *
 *  @param id CROCHET_LOG_DEFAULT_SINK, or what adding gave.
 *  @retval CROCHET_OK removed.
 *  @retval CROCHET_ENOENT there is no such sink (any more).
 *  @retval CROCHET_ENOMEM out of memory; only before there is a loop.
 *  @retval CROCHET_EFORKED this is a forked child and crochet_setup() was not called in it.
 *  @ownership none. @threads any. @blocking none. @since 0.1 */
CROCHET_API int crochet_log_remove(uint64_t id);

/** Waits until everything that was logged before has been handed to the sinks, and is written as far as these are the
 *  library's own. What was dropped before is not waited for.
 *
 *  @param timeout_ns how long to wait.
 *  @retval CROCHET_OK all is written.
 *  @retval CROCHET_EINVAL a bad timeout.
 *  @retval CROCHET_ETIMEDOUT not in time.
 *  @retval CROCHET_EDEADLK called on a loop's or the log's thread.
 *  @retval CROCHET_ESTOPPED the log ended meanwhile, and abandoned some of it; or the process is exiting.
 *  @retval CROCHET_EFORKED this is a forked child and crochet_setup() was not called in it.
 *  @retval UV_EAGAIN the log's thread could not be started.
 *  @ownership none. @threads any but a loop's or the log's. @blocking up to the timeout; hold no lock that a sink needs. @since 0.1 */
CROCHET_API int crochet_log_flush(int64_t timeout_ns);

/** Reads a counter of the log. Messages whose level is off are in none.
 *
 *  "messages_written": handed to the sinks; "messages_dropped": for want of room, or since a sink logged about
 *  what a sink logged; "messages_abandoned": left behind by a shutdown or an exit that could not wait for them. What was
 *  logged is the sum of these three once the log was flushed or has ended. "sink_failures": how often a sink failed to take
 *  a message.
 *
 *  @param name one of those. @param out_count since the process started, or was forked; 0 on failure.
 *  @retval CROCHET_OK read.
 *  @retval CROCHET_EINVAL `name` or `out_count` is NULL.
 *  @retval CROCHET_ENOENT there is no counter of this name.
 *  @retval CROCHET_EFORKED this is a forked child and crochet_setup() was not called in it.
 *  @ownership none. @threads any. @blocking none. @since 0.1 */
CROCHET_API int crochet_log_counter(const char *name, uint64_t *out_count);

/** The name of the log's counter with this index, from 0 on. @return static; NULL behind the last. @threads any.
 *  @since 0.1 */
CROCHET_API const char *crochet_log_counter_name(uint32_t index);

/* ---- What goes on: for people who look at a program that runs ---------------------------------------------------------- */

/** Forms of a listing: lines for people; one JSON object, with each loop and call on a line of its own, valid UTF-8. */
#define CROCHET_DUMP_TEXT 0
#define CROCHET_DUMP_JSON 1

/** Gets a piece of a listing, of up to a few kilobytes; `bytes` is lent for the call. It may block, and call the library.
 *  0: go on. Otherwise the listing ends, and the negative code (CROCHET_EFAILED for a positive one, or when it throws) is
 *  what the listing returns. */
typedef int crochet_dump_fn(void *arg, const char *bytes, size_t length);

/** Lists the loops, and every call that is not finished: what a program waits for, and what it has forgotten.
 *
 *  Of a loop: its number, name and state, what its thread is in, its counters. Of a call: its result's handle as a number
 *  (the same as long as the call lives); its loop; its label, and the name of its function, or its file and how far into it
 *  when there is no symbol that others may see; how many references and deferreds there are; whether somebody waited for
 *  it, joined it, prepared a call to start after it, asked to cancel it; and its state:
 *
 *      queued    its function waits for its turn
 *      waits     for the result of another call, which is named: see crochet_call_set_after()
 *      delayed   for its time: see crochet_call_set_delay_ns()
 *      at-stop   starts when its loop stops
 *      running   its loop's thread is in it at this moment, the drop of its argument and an on-cancel hook included
 *      pending   its function has returned, or it has none: a deferred is held, and is to be settled
 *      settling  somebody is about to settle it
 *      held      settled, but a deferred is still held: its argument is not dropped yet
 *
 *  A call costs nothing for being listed some day, so nobody notes when it was made. Its age is counted from when it was
 *  first seen, by a listing or by the watchdog, hence "at least": 0 for one that nobody has seen before. List twice.
 *
 *  Nothing stands still meanwhile: what is made or finished in the course of it may be in it or not; what is there from its
 *  beginning to its end is in it once. It works when a loop is stuck, waits for no loop, and runs no code of yours but
 *  `write`. It takes 8 bytes of memory for each slot that a call may have (without them ages are missing), and for a moment
 *  that of a name. Names of functions are asked of the dynamic linker, which lets nobody in while it loads a library.
 *
 *  @param loop may be NULL: all loops that run, and all calls, also of loops that have ended.
 *  @param format CROCHET_DUMP_TEXT or CROCHET_DUMP_JSON.
 *  @param write gets it, piece by piece. @param arg may be NULL; passed to write.
 *  @retval CROCHET_OK listed.
 *  @retval CROCHET_EINVAL `write` is NULL, there is no such format, or `loop` is a bad handle.
 *  @retval CROCHET_EFAILED `write` ended it by a positive number, or threw. Or another code that it ended it by.
 *  @retval CROCHET_EFORKED this is a forked child and crochet_setup() was not called in it, or the loop is from before the
 *          fork.
 *  @ownership none. @threads any. @blocking none but what `write` does. @since 0.1 */
CROCHET_API int crochet_dump(crochet_loop *loop, int format, crochet_dump_fn *write, void *arg);

/** Starts the watchdog: a thread that looks at every loop, and reports in the log, as a warning, when a callback blocks one
 *  for longer than it may. While it is blocked: by what, for how long so far, and how many calls wait behind it; once more
 *  each time that this has doubled; and at last, when the loop goes on, for how long it was.
 *
 *      loop "crochet" is blocked by "resize" (shop::resize(crochet_deferred*, void*)): for 0.250 s at least; 12 calls wait ...
 *      loop "crochet" goes on: it was blocked by "resize" (shop::resize(crochet_deferred*, void*)), for about 0.391 s
 *
 *  A call is named by its label and its function, as in crochet_dump(). Callbacks of libuv handles have no name here; of an
 *  adopted loop they, and that nobody runs it, are noticed only when calls wait. "times_blocked" counts, per loop.
 *
 *  Loops pay nothing for it. The thread looks each half of the threshold, 10 times a second at most while every loop sleeps:
 *  a few microseconds for each loop. What blocks for longer than twice the threshold (after a sleep: and 100 ms) is reported for certain. All
 *  calls are looked at once in a second, and no more than one 200th of the time, so that crochet_dump() knows their ages.
 *  It lives as long as there is a loop; the setting stays, also for a later crochet_setup() and in forked children.
 *
 *  @param threshold_ns for how long a callback may block its loop; more than 0. Another call changes it.
 *  @retval CROCHET_OK on, or will be as soon as there is a loop.
 *  @retval CROCHET_EINVAL `threshold_ns` is not positive.
 *  @retval CROCHET_ENOMEM out of memory.
 *  @retval CROCHET_EFORKED this is a forked child and crochet_setup() was not called in it.
 *  @retval CROCHET_ESTOPPED the process is exiting.
 *  @retval UV_EAGAIN and other codes of libuv's: its thread can't be started; it is off.
 *  @ownership none. @threads any. @blocking none. @since 0.1 */
CROCHET_API int crochet_watchdog_start(int64_t threshold_ns);

/** Ends the watchdog; nothing happens when it is off.
 *
 *  @retval CROCHET_OK off; its thread has ended.
 *  @retval CROCHET_EINPROGRESS called on a loop's or the log's thread: its thread ends in a moment.
 *  @retval CROCHET_EFORKED this is a forked child and crochet_setup() was not called in it.
 *  @ownership none. @threads any. @blocking until its thread has ended. @since 0.1 */
CROCHET_API int crochet_watchdog_stop(void);

/* ---- Errors and versions ---------------------------------------------------------------------------------------- */

/** The code of a failure: as rejected; CROCHET_ECANCELED; CROCHET_ESTOPPED, or CROCHET_ENOTRUN when the function
 *  never started; CROCHET_EBROKEN. CROCHET_EINVAL for NULL. @threads any. @since 0.1 */
CROCHET_API int crochet_error_code(const crochet_error *error);

/** What went wrong, UTF-8 if it was rejected so. @return lent as long as the result; "" for NULL. @threads any.
 *  @since 0.1 */
CROCHET_API const char *crochet_error_message(const crochet_error *error);

/** What was called: see crochet_call_set_label(). @return lent as long as the result; "" when there is none.
 *  @threads any. @since 0.1 */
CROCHET_API const char *crochet_error_label(const crochet_error *error);

/** The payload of crochet_reject_with(). @return lent as long as the result; NULL unless made with that type.
 *  @threads any. @since 0.1 */
CROCHET_API void *crochet_error_payload(const crochet_error *error, uint64_t type);

/** "CROCHET_ETIMEDOUT", "UV_ENOENT", "UNKNOWN" for a code of the application's own. @return static. @threads any.
 *  @since 0.1 */
CROCHET_API const char *crochet_status_name(int status);

/** One line of English. @return static. @threads any. @since 0.1 */
CROCHET_API const char *crochet_status_message(int status);

/** The version of the library that runs: major << 16 | minor << 8 | patch. @threads any. @since 0.1 */
CROCHET_API uint32_t crochet_version(void);

#ifdef __cplusplus
}
#endif

#endif /* CROCHET_H */
