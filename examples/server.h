/* SPDX-License-Identifier: MIT
 * A small HTTP server inside the program, for the examples, the demo and the tests: on the loopback interface, at a
 * free port, with https under a certificate made on the spot. It counts the transfers that its clients aborted.
 *
 *   /hello     a small page
 *   /big       SERVER_BIG bytes
 *   /slow      no answer before server_stop(), or until the client hangs up
 *   /meet/N    answers when N clients are there at once
 *   other      404
 */
#ifndef SERVER_H
#define SERVER_H

enum { SERVER_BIG = 1 << 20, SERVER_URL_SIZE = 128 };

struct server;

/** Starts a server with threads of its own. NULL: it can't be had. */
struct server *server_start(int https);

/** Answers what is still waiting, closes all connections, joins the threads. */
void server_stop(struct server *server);

/** Writes the URL of `path` on the server to `url`. */
void server_url(const struct server *server, const char *path, char url[SERVER_URL_SIZE]);

/** The certificate that clients of the https server must trust: PEM, lent; NULL with http. */
const char *server_certificate(const struct server *server);

/** How many requests for /slow have come, and how many transfers were aborted by the client: so far, in all. */
int server_slow(struct server *server);
int server_aborted(struct server *server);

/** Wait for that many. 1: they were seen; 0: not within half a minute, given up. */
int server_wait_slow(struct server *server, int count);
int server_wait_aborted(struct server *server, int count);

#endif
