/* SPDX-License-Identifier: MIT
 * The stand-in for name servers that names.h describes: getaddrinfo() found here before that of the C library.
 */
#include "names.h"

#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <string.h>

typedef int getaddrinfo_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int asked, waiting, answered; /* guarded by mutex */

void names_wait_asked(int count) {
  pthread_mutex_lock(&mutex);
  while (asked < count) pthread_cond_wait(&changed, &mutex);
  pthread_mutex_unlock(&mutex);
}

void names_answer(void) {
  pthread_mutex_lock(&mutex);
  answered = 1;
  pthread_cond_broadcast(&changed);
  while (waiting > 0) pthread_cond_wait(&changed, &mutex);
  pthread_mutex_unlock(&mutex);
}

static int silence(void) {
  pthread_mutex_lock(&mutex);
  asked++;
  waiting++;
  pthread_cond_broadcast(&changed);
  while (!answered) pthread_cond_wait(&changed, &mutex);
  waiting--;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&mutex);
  return EAI_AGAIN;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **list) {
  getaddrinfo_fn *system_getaddrinfo;
  void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
  memcpy(&system_getaddrinfo, &symbol, sizeof symbol); /* ISO C has no cast for this */
  if (name != NULL && strcmp(name, "silent.example") == 0) return silence();
  if (name != NULL && strcmp(name, "host.example") == 0) name = "127.0.0.1";
  return system_getaddrinfo(name, service, hints, list);
}
