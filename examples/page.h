/* SPDX-License-Identifier: MIT
 * A page by URL, http or https: libcurl's multi interface on a libuv loop, behind one function for crochet_run() and
 * crochet_wait_for(). All calls of a loop share one multi handle, hence its connections; cancelling aborts the
 * transfer.
 *
 *     crochet_wait_for(NULL, page_get, page_request_new(url, NULL), page_request_free, 5 * CROCHET_SECOND, &result)
 *
 * On a loop that the host runs in a thread of its own, SIGPIPE must be ignored or blocked there; loops that the library
 * runs block it anyway.
 */
#ifndef PAGE_H
#define PAGE_H

#include <crochet.h>
#include <stddef.h>

struct page_options {
  size_t max_size;         /* larger pages fail; 0: 64 MiB */
  const char *certificate; /* PEM, instead of the system's certificates; NULL: those */
  const char *proxy;       /* as CURLOPT_PROXY: "" for none; NULL: the environment's */
};

/** The value: what the server answered, an error page too. */
struct page {
  long status; /* of HTTP: 200, 404 ... */
  size_t size;
  char body[]; /* and a NUL behind */
};

/** A failure's code: libcurl's, moved out of the way of the other ranges. The message is libcurl's too. */
#define PAGE_ERROR(curl_code) (-20000 - (int)(curl_code))

/** The argument of page_get(). `options` may be NULL. NULL: no memory (page_get() then fails with CROCHET_ENOMEM). */
void *page_request_new(const char *url, const struct page_options *options);

/** Its drop function. */
void page_request_free(void *request);

/** Gets the page. */
crochet_call_fn page_get;

#endif
