/* SPDX-License-Identifier: MIT
 * A pre-forking server: the parent opens a socket and forks workers; each sets up a loop of its own and serves
 * connections there with libuv. The parent then plays the clients, and in the end lets the workers go.
 */
#include "must.h"

#include <crochet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

enum { WORKERS = 3, CLIENTS = 30 };

/* ---- A worker's loop ---- */

static uv_tcp_t listener; /* the loop's thread only */
static char greeting[64]; /* fixed before the loop starts */

struct visit {
  uv_tcp_t tcp; /* libuv has this memory until on_visit_closed() */
  uv_write_t write;
};

static void on_visit_closed(uv_handle_t *tcp) { free(tcp->data); }

static void on_written(uv_write_t *write, int status) {
  (void)status; /* greeted or gone: the visit is over either way */
  uv_close((uv_handle_t *)write->handle, on_visit_closed);
}

static void on_connection(uv_stream_t *server, int status) {
  struct visit *visit;
  uv_buf_t text = uv_buf_init(greeting, (unsigned)strlen(greeting));
  if (status < 0) return;
  visit = calloc(1, sizeof *visit);
  MUST(visit != NULL);
  visit->tcp.data = visit;
  uv_tcp_init(server->loop, &visit->tcp);
  if (uv_accept(server, (uv_stream_t *)&visit->tcp) != 0 ||
      uv_write(&visit->write, (uv_stream_t *)&visit->tcp, &text, 1, on_written) != 0)
    uv_close((uv_handle_t *)&visit->tcp, on_visit_closed);
}

static void open_up(crochet_deferred *deferred, void *arg) {
  int rc = uv_tcp_init(crochet_current_uv(), &listener);
  if (rc == 0) rc = uv_tcp_open(&listener, *(int *)arg); /* the listener's from now on */
  if (rc == 0) rc = uv_listen((uv_stream_t *)&listener, CLIENTS, on_connection);
  if (rc == 0)
    crochet_resolve(deferred, NULL, NULL);
  else
    crochet_reject(deferred, rc, NULL);
}

static void on_listener_closed(uv_handle_t *handle) {
  crochet_resolve(handle->data, NULL, NULL);
  crochet_deferred_release(handle->data);
}

static void close_up(crochet_deferred *deferred, void *arg) {
  (void)arg;
  listener.data = crochet_deferred_retain(deferred);
  uv_close((uv_handle_t *)&listener, on_listener_closed);
}

/* ---- A worker's first thread. It must set up after the fork: a loop's thread is not inherited. ---- */

static int work(int number, int socket, int parent) {
  char byte;
  snprintf(greeting, sizeof greeting, "Welcome, says worker %d.\n", number);
  MUST(crochet_setup(NULL) == CROCHET_OK);
  MUST(crochet_wait_for(NULL, open_up, &socket, NULL, 30 * CROCHET_SECOND, NULL) == CROCHET_OK);
  MUST(read(parent, &byte, 1) == 0); /* until the parent hangs up, on purpose or because it has died */
  MUST(crochet_wait_for(NULL, close_up, NULL, NULL, 30 * CROCHET_SECOND, NULL) == CROCHET_OK);
  MUST(crochet_shutdown(10 * CROCHET_SECOND) == CROCHET_OK);
  return EXIT_SUCCESS;
}

/* ---- The parent ---- */

/* Connects, and returns the number of the worker that answered. */
static int visit(const struct sockaddr_in *address) {
  char text[sizeof greeting] = "";
  size_t size = 0;
  ssize_t got;
  int number, client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  MUST(connect(client, (const struct sockaddr *)address, sizeof *address) == 0);
  while ((got = recv(client, text + size, sizeof text - 1 - size, 0)) > 0) size += (size_t)got;
  close(client);
  MUST(sscanf(text, "Welcome, says worker %d.", &number) == 1 && number >= 0 && number < WORKERS);
  return number;
}

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), hang_up[2], answered[WORKERS] = {0}, status;
  pid_t workers[WORKERS];
  MUST(bind(listening, (struct sockaddr *)&address, size) == 0 && listen(listening, CLIENTS) == 0);
  MUST(getsockname(listening, (struct sockaddr *)&address, &size) == 0);
  MUST(pipe(hang_up) == 0);
  for (int i = 0; i < WORKERS; i++) {
    MUST((workers[i] = fork()) >= 0);
    if (workers[i] == 0) {
      close(hang_up[1]);
      return work(i, listening, hang_up[0]);
    }
  }
  close(listening);

  for (int i = 0; i < CLIENTS; i++) answered[visit(&address)]++;
  for (int i = 0; i < WORKERS; i++) printf("worker %d answered %d of %d\n", i, answered[i], CLIENTS);

  close(hang_up[1]);
  for (int i = 0; i < WORKERS; i++) {
    MUST(waitpid(workers[i], &status, 0) == workers[i]);
    MUST(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
  }
  close(hang_up[0]);
  return EXIT_SUCCESS;
}
