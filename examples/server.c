/* SPDX-License-Identifier: MIT
 * The server of server.h: libmicrohttpd with a thread per connection, which may block, so that one that answers slowly
 * can watch its client meanwhile.
 */
#include "server.h"

#include <arpa/inet.h>
#include <gnutls/x509.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct server {
  struct MHD_Daemon *daemon; /* fixed once started, as all that is not marked otherwise */
  unsigned port;
  int stop_pipe[2]; /* the reading end hangs up when the server is to stop: wakes every poll() */
  gnutls_datum_t key, certificate;
  char *big;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  int slow, aborted, meeting, stopping; /* guarded by mutex */
};

/* ---- Counting ---- */

static void count(struct server *server, int *counter) {
  pthread_mutex_lock(&server->mutex);
  ++*counter;
  pthread_cond_broadcast(&server->changed);
  pthread_mutex_unlock(&server->mutex);
}

static int read_counter(struct server *server, const int *counter) {
  pthread_mutex_lock(&server->mutex);
  int value = *counter;
  pthread_mutex_unlock(&server->mutex);
  return value;
}

static int wait_counter(struct server *server, const int *counter, int value) {
  struct timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_sec += 30;
  pthread_mutex_lock(&server->mutex);
  while (*counter < value && !server->stopping)
    if (pthread_cond_timedwait(&server->changed, &server->mutex, &end) != 0) break;
  int reached = *counter >= value;
  pthread_mutex_unlock(&server->mutex);
  return reached;
}

int server_slow(struct server *server) { return read_counter(server, &server->slow); }

int server_aborted(struct server *server) { return read_counter(server, &server->aborted); }

int server_wait_slow(struct server *server, int count) { return wait_counter(server, &server->slow, count); }

int server_wait_aborted(struct server *server, int count) { return wait_counter(server, &server->aborted, count); }

/* ---- Answering: each on its connection's thread ---- */

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *text, size_t size) {
  /* The text outlives the response: MHD may send it from where it is, although the parameter is not const. */
  struct MHD_Response *response = MHD_create_response_from_buffer(size, (void *)(size_t)text, MHD_RESPMEM_PERSISTENT);
  enum MHD_Result queued = MHD_queue_response(connection, status, response);
  MHD_destroy_response(response);
  return queued;
}

static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned status, const char *text) {
  return answer(connection, status, text, strlen(text));
}

static enum MHD_Result answer_slowly(struct server *server, struct MHD_Connection *connection) {
  int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
  struct pollfd watched[] = {{.fd = fd, .events = POLLRDHUP}, {.fd = server->stop_pipe[0], .events = POLLIN}};
  count(server, &server->slow);
  while (poll(watched, 2, -1) < 0) continue;
  if (watched[0].revents != 0) return MHD_NO; /* the client has hung up: on_end() counts it */
  return answer_text(connection, MHD_HTTP_OK, "At last.\n");
}

static enum MHD_Result answer_together(struct server *server, struct MHD_Connection *connection, int clients) {
  count(server, &server->meeting);
  if (!wait_counter(server, &server->meeting, clients))
    return answer_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "The others have not come.\n");
  return answer_text(connection, MHD_HTTP_OK, "All are here.\n");
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **request) {
  static char seen;
  struct server *server = cls;
  int clients;
  (void)version;
  (void)upload;
  (void)upload_size;
  if (*request == NULL) { /* the headers: MHD asks again when all of the request is there */
    *request = &seen;
    return MHD_YES;
  }
  if (strcmp(method, "GET") != 0) return answer_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "Only GET.\n");
  if (strcmp(url, "/hello") == 0)
    return answer_text(connection, MHD_HTTP_OK, "Hello from the local server.\nThis is all it has to say.\n");
  if (strcmp(url, "/big") == 0) return answer(connection, MHD_HTTP_OK, server->big, SERVER_BIG);
  if (strcmp(url, "/slow") == 0) return answer_slowly(server, connection);
  if (sscanf(url, "/meet/%d", &clients) == 1) return answer_together(server, connection, clients);
  return answer_text(connection, MHD_HTTP_NOT_FOUND, "There is no such page.\n");
}

static void on_end(void *cls, struct MHD_Connection *connection, void **request, enum MHD_RequestTerminationCode how) {
  struct server *server = cls;
  (void)connection;
  (void)request;
  if (how != MHD_REQUEST_TERMINATED_COMPLETED_OK && how != MHD_REQUEST_TERMINATED_DAEMON_SHUTDOWN)
    count(server, &server->aborted);
}

/* ---- Starting and stopping ---- */

/* A key and a certificate for 127.0.0.1, signed by itself, good for a day. */
static int make_certificate(struct server *server) {
  static const unsigned char loopback[] = {127, 0, 0, 1};
  const time_t now = time(NULL), hour = 3600;
  gnutls_x509_privkey_t key = NULL;
  gnutls_x509_crt_t certificate = NULL;
  int ok =
      gnutls_x509_privkey_init(&key) == 0 && gnutls_x509_crt_init(&certificate) == 0 &&
      gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0) == 0 &&
      gnutls_x509_crt_set_version(certificate, 3) == 0 &&
      gnutls_x509_crt_set_serial(certificate, &now, sizeof now) == 0 &&
      gnutls_x509_crt_set_dn(certificate, "CN=local test server", NULL) == 0 &&
      gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS, loopback, sizeof loopback, 0) == 0 &&
      gnutls_x509_crt_set_activation_time(certificate, now - hour) == 0 &&
      gnutls_x509_crt_set_expiration_time(certificate, now + 24 * hour) == 0 &&
      gnutls_x509_crt_set_basic_constraints(certificate, 1, 0) == 0 &&
      gnutls_x509_crt_set_key_usage(certificate, GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_CERT_SIGN) == 0 &&
      gnutls_x509_crt_set_key(certificate, key) == 0 &&
      gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0) == 0 &&
      gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &server->key) == 0 &&
      gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &server->certificate) == 0;
  gnutls_x509_crt_deinit(certificate);
  gnutls_x509_privkey_deinit(key);
  return ok;
}

static struct MHD_Daemon *start_daemon(struct server *server) {
  const struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL;
  const struct MHD_OptionItem no_tls[] = {{MHD_OPTION_END, 0, NULL}};
  const struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_KEY, 0, server->key.data},
                                       {MHD_OPTION_HTTPS_MEM_CERT, 0, server->certificate.data},
                                       {MHD_OPTION_END, 0, NULL}};
  const int https = server->certificate.data != NULL;
  return MHD_start_daemon(https ? flags | MHD_USE_TLS : flags, 0, NULL, NULL, on_request, server, MHD_OPTION_SOCK_ADDR,
                          (const struct sockaddr *)&address, MHD_OPTION_NOTIFY_COMPLETED, on_end, server,
                          MHD_OPTION_ARRAY, https ? tls : no_tls, MHD_OPTION_END);
}

struct server *server_start(int https) {
  struct server *server = calloc(1, sizeof *server);
  pthread_condattr_t monotonic;
  sigset_t pipe_signal, before;
  if (server == NULL) return NULL;
  server->stop_pipe[0] = server->stop_pipe[1] = -1;
  pthread_mutex_init(&server->mutex, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&server->changed, &monotonic);
  pthread_condattr_destroy(&monotonic);
  server->big = malloc(SERVER_BIG);
  if (server->big != NULL && pipe(server->stop_pipe) == 0 && (!https || make_certificate(server))) {
    memset(server->big, '.', SERVER_BIG);
    sigemptyset(&pipe_signal); /* a client that hung up must not end the program: its threads inherit this */
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    server->daemon = start_daemon(server);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
  }
  if (server->daemon == NULL) {
    server_stop(server);
    return NULL;
  }
  server->port = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
  return server;
}

void server_stop(struct server *server) {
  count(server, &server->stopping);
  close(server->stop_pipe[1]);
  if (server->daemon != NULL) MHD_stop_daemon(server->daemon);
  close(server->stop_pipe[0]);
  gnutls_free(server->key.data);
  gnutls_free(server->certificate.data);
  free(server->big);
  pthread_cond_destroy(&server->changed);
  pthread_mutex_destroy(&server->mutex);
  free(server);
}

void server_url(const struct server *server, const char *path, char url[SERVER_URL_SIZE]) {
  snprintf(url, SERVER_URL_SIZE, "%s://127.0.0.1:%u%s", server_certificate(server) ? "https" : "http", server->port,
           path);
}

const char *server_certificate(const struct server *server) { return (const char *)server->certificate.data; }
