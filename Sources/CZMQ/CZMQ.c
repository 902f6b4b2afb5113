#include "CZMQ.h"
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

// The parts of libzmq's interface used here (4.x; see api.zeromq.org). A message is 64 bytes, by its documented ABI.
typedef struct {
  _Alignas(8) unsigned char bytes[64];
} message;
typedef struct {
  void *socket;
  int fd;
  short events, revents;
} poll_item;
enum { ROUTING_ID = 5, SUBSCRIBE = 6, RCVMORE = 13, LINGER = 17, LAST_ENDPOINT = 32, POLLIN_EVENT = 1, DONTWAIT = 1, SNDMORE = 2 };

static void *(*ctx_new)(void);
static int (*ctx_term)(void *);
static void *(*socket_new)(void *, int);
static int (*socket_close)(void *);
static int (*socket_bind)(void *, const char *);
static int (*socket_connect)(void *, const char *);
static int (*option_set)(void *, int, const void *, size_t);
static int (*option_get)(void *, int, void *, size_t *);
static int (*data_send)(void *, const void *, size_t, int);
static int (*message_init)(message *);
static int (*message_receive)(message *, void *, int);
static void *(*message_data)(message *);
static size_t (*message_size)(const message *);
static int (*message_more)(const message *);
static int (*message_close)(message *);
static int (*poll_items)(poll_item *, int, long);
static void (*version)(int *, int *, int *);
static int (*last_error)(void);
static const char *(*error_text)(int);

static void *symbol(void *library, const char *name, int *missing) {
  void *found = dlsym(library, name);
  if (!found) *missing = 1;
  return found;
}

int seep_zmq_load(void) {
  void *library = dlopen("libzmq.so.5", RTLD_NOW);
  if (!library) library = dlopen("libzmq.so", RTLD_NOW);
  if (!library) return -1;
  int missing = 0;
  *(void **)&ctx_new = symbol(library, "zmq_ctx_new", &missing);
  *(void **)&ctx_term = symbol(library, "zmq_ctx_term", &missing);
  *(void **)&socket_new = symbol(library, "zmq_socket", &missing);
  *(void **)&socket_close = symbol(library, "zmq_close", &missing);
  *(void **)&socket_bind = symbol(library, "zmq_bind", &missing);
  *(void **)&socket_connect = symbol(library, "zmq_connect", &missing);
  *(void **)&option_set = symbol(library, "zmq_setsockopt", &missing);
  *(void **)&option_get = symbol(library, "zmq_getsockopt", &missing);
  *(void **)&data_send = symbol(library, "zmq_send", &missing);
  *(void **)&message_init = symbol(library, "zmq_msg_init", &missing);
  *(void **)&message_receive = symbol(library, "zmq_msg_recv", &missing);
  *(void **)&message_data = symbol(library, "zmq_msg_data", &missing);
  *(void **)&message_size = symbol(library, "zmq_msg_size", &missing);
  *(void **)&message_more = symbol(library, "zmq_msg_more", &missing);
  *(void **)&message_close = symbol(library, "zmq_msg_close", &missing);
  *(void **)&poll_items = symbol(library, "zmq_poll", &missing);
  *(void **)&version = symbol(library, "zmq_version", &missing);
  *(void **)&last_error = symbol(library, "zmq_errno", &missing);
  *(void **)&error_text = symbol(library, "zmq_strerror", &missing);
  return missing ? -1 : 0;
}

void seep_zmq_version(int *numbers) { version(numbers, numbers + 1, numbers + 2); }

void *seep_zmq_context(void) { return ctx_new(); }
void seep_zmq_end(void *context) {
  while (ctx_term(context) != 0 && last_error() == EINTR) {
  }
}
void *seep_zmq_socket(void *context, int kind) {
  void *socket = socket_new(context, kind);
  int linger = 500;
  if (socket) option_set(socket, LINGER, &linger, sizeof linger);
  return socket;
}
void seep_zmq_close(void *socket) { socket_close(socket); }
int seep_zmq_bind(void *socket, const char *address) { return socket_bind(socket, address); }
int seep_zmq_connect(void *socket, const char *address) { return socket_connect(socket, address); }
int seep_zmq_bound(void *socket, char *address, size_t size) {
  return option_get(socket, LAST_ENDPOINT, address, &size);
}
int seep_zmq_name(void *socket, const char *name, size_t size) { return option_set(socket, ROUTING_ID, name, size); }
int seep_zmq_subscribe(void *socket) { return option_set(socket, SUBSCRIBE, "", 0); }

int seep_zmq_send(void *socket, const void *data, size_t size, int more) {
  for (;;) {
    if (data_send(socket, data, size, more ? SNDMORE : 0) >= 0) return 0;
    if (last_error() != EINTR) return -1;
  }
}

int seep_zmq_receive(void *socket, int waits, void **data, size_t *size, int *more) {
  message frame;
  message_init(&frame);
  for (;;) {
    if (message_receive(&frame, socket, waits ? 0 : DONTWAIT) >= 0) break;
    if (last_error() == EINTR) continue;
    int nothing = last_error() == EAGAIN;
    message_close(&frame);
    return nothing ? 0 : -1;
  }
  *size = message_size(&frame);
  *more = message_more(&frame);
  *data = malloc(*size ? *size : 1);
  if (*data) memcpy(*data, message_data(&frame), *size);
  message_close(&frame);
  return *data ? 1 : -1;
}

int seep_zmq_wait(void *socket, int milliseconds) {
  poll_item item = {socket, 0, POLLIN_EVENT, 0};
  return poll_items(&item, 1, milliseconds) > 0;
}

const char *seep_zmq_problem(void) { return error_text(last_error()); }
