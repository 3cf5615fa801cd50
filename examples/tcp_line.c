/* SPDX-License-Identifier: MIT
 * A line from a TCP server, for any thread to wait for; cancelling closes the connection. The server here greets its
 * first visitor and is silent to the others.
 */
#include "must.h"

#include <crochet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

/* ---- The client ---- */

struct line {
  uv_tcp_t tcp; /* libuv has this memory until on_close() */
  uv_connect_t connect;
  crochet_deferred *deferred; /* held just as long: then `free` ends the struct */
  struct sockaddr_in server;
  size_t size;
  char text[512];
};

static void on_close(uv_handle_t *tcp) { crochet_deferred_release(((struct line *)tcp->data)->deferred); }

static void end(struct line *line, int status) {
  char *newline = memchr(line->text, '\n', line->size);
  if (status < 0)
    crochet_reject(line->deferred, status, NULL);
  else if (newline != NULL)
    crochet_resolve(line->deferred, strndup(line->text, (size_t)(newline - line->text)), free);
  else if (line->size == sizeof line->text)
    crochet_reject(line->deferred, UV_E2BIG, "the line is too long");
  else
    return;
  uv_close((uv_handle_t *)&line->tcp, on_close);
}

static void on_room(uv_handle_t *tcp, size_t suggested, uv_buf_t *buffer) {
  struct line *line = tcp->data;
  (void)suggested;
  *buffer = uv_buf_init(line->text + line->size, (unsigned)(sizeof line->text - line->size));
}

static void on_data(uv_stream_t *tcp, ssize_t count, const uv_buf_t *buffer) {
  struct line *line = tcp->data;
  (void)buffer;
  if (count > 0) line->size += (size_t)count;
  end(line, count < 0 ? (int)count : 0);
}

static void on_connect(uv_connect_t *connect, int status) {
  struct line *line = connect->data;
  if (uv_is_closing((uv_handle_t *)&line->tcp)) return; /* cancelled: settled, and to be released in on_close() */
  if (status == 0) status = uv_read_start((uv_stream_t *)&line->tcp, on_room, on_data);
  end(line, status);
}

static void on_cancel(crochet_deferred *deferred, void *arg) {
  crochet_reject(deferred, CROCHET_ECANCELED, NULL);
  uv_close((uv_handle_t *)&((struct line *)arg)->tcp, on_close);
}

static void get_line(crochet_deferred *deferred, void *arg) {
  struct line *line = arg;
  if (crochet_deferred_on_cancel(deferred, on_cancel, line, NULL) != CROCHET_OK)
    return; /* cancelled meanwhile: don't start */
  line->deferred = crochet_deferred_retain(deferred);
  line->tcp.data = line->connect.data = line;
  uv_tcp_init(crochet_current_uv(), &line->tcp);
  end(line, uv_tcp_connect(&line->connect, &line->tcp, (const struct sockaddr *)&line->server, on_connect));
}

/* ---- The server: a thread with blocking sockets ---- */

static struct sockaddr_in address = {.sin_family = AF_INET};
static sem_t connected, disconnected; /* posted for each silent connection */

static void *serve(void *arg) {
  static const char greeting[] = "Good morning, visitor.\n";
  int listener = *(int *)arg, connection, visitors = 0;
  char byte;
  while ((connection = accept(listener, NULL, NULL)) >= 0) {
    if (visitors++ == 0) {
      MUST(send(connection, greeting, strlen(greeting), MSG_NOSIGNAL) == (ssize_t)strlen(greeting));
    } else {
      sem_post(&connected);
      while (recv(connection, &byte, 1, 0) > 0) /* until the client hangs up */
        continue;
      sem_post(&disconnected);
    }
    close(connection);
  }
  return NULL;
}

static void *line_new(void) {
  struct line *line = calloc(1, sizeof *line);
  MUST(line != NULL);
  line->server = address;
  return line;
}

int main(void) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), outcome;
  socklen_t size = sizeof address;
  pthread_t server;
  crochet_result *result;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  MUST(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 8) == 0);
  MUST(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
  sem_init(&connected, 0, 0);
  sem_init(&disconnected, 0, 0);
  MUST(pthread_create(&server, NULL, serve, &listener) == 0);
  MUST(crochet_setup(NULL) == CROCHET_OK);

  MUST(crochet_wait_for(NULL, get_line, line_new(), free, 30 * CROCHET_SECOND, &result) == CROCHET_OK);
  MUST(strcmp(crochet_result_value(result), "Good morning, visitor.") == 0);
  printf("line:    %s\n", (const char *)crochet_result_value(result));
  crochet_result_release(result);

  /* A time-out of a wait changes nothing; a cancel closes the connection, and the server sees it. */
  MUST(crochet_run(NULL, get_line, line_new(), free, &result) == CROCHET_OK);
  sem_wait(&connected);
  MUST(crochet_result_wait(result, 20 * CROCHET_MILLISECOND) == CROCHET_ETIMEDOUT);
  MUST(crochet_result_cancel(result, &outcome) == CROCHET_OK && outcome == CROCHET_CANCEL_REQUESTED);
  MUST(crochet_result_wait(result, CROCHET_FOREVER) == CROCHET_ECANCELED);
  sem_wait(&disconnected);
  printf("silence: %s\n", crochet_error_message(crochet_result_error(result)));
  crochet_result_release(result);

  /* crochet_wait_for() does both: it gives up and cancels. */
  int rc = crochet_wait_for(NULL, get_line, line_new(), free, 50 * CROCHET_MILLISECOND, &result);
  MUST(rc == CROCHET_ETIMEDOUT && crochet_result_join(result, CROCHET_FOREVER) == CROCHET_OK);
  printf("silence: %s\n", crochet_status_message(rc));
  crochet_result_release(result);

  MUST(crochet_shutdown(10 * CROCHET_SECOND) == CROCHET_OK);
  shutdown(listener, SHUT_RDWR); /* ends accept() */
  pthread_join(server, NULL);
  close(listener);
  return EXIT_SUCCESS;
}
