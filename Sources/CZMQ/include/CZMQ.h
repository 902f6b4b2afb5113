// libzmq, loaded only when a notebook asks for it, so that neither the build nor a script needs it.
#pragma once
#include <stddef.h>

/// Kinds of sockets, as zmq.h numbers them.
enum {
  SEEP_ZMQ_SUB = 2,
  SEEP_ZMQ_REQ = 3,
  SEEP_ZMQ_REP = 4,
  SEEP_ZMQ_DEALER = 5,
  SEEP_ZMQ_ROUTER = 6,
  SEEP_ZMQ_XPUB = 9
};

/// Loads the library; 0, or -1 if it is not installed.
int seep_zmq_load(void);
/// The version's three numbers; after loading.
void seep_zmq_version(int *numbers);
/// NULL on failure; see seep_zmq_problem.
void *seep_zmq_context(void);
/// Closes; waits until what was sent has left, at most the sockets' half second each.
void seep_zmq_end(void *context);
/// A socket of a kind; NULL on failure.
void *seep_zmq_socket(void *context, int kind);
void seep_zmq_close(void *socket);
/// 0, or -1; the address may end in `:*` for any free port.
int seep_zmq_bind(void *socket, const char *address);
int seep_zmq_connect(void *socket, const char *address);
/// The address a socket is bound to, into `address`.
int seep_zmq_bound(void *socket, char *address, size_t size);
/// What a ROUTER calls a DEALER that connects after this; without, ZeroMQ makes a name. 0, or -1.
int seep_zmq_name(void *socket, const char *name, size_t size);
/// Subscribes a SUB socket to everything.
int seep_zmq_subscribe(void *socket);
/// Sends one frame; 0, or -1.
int seep_zmq_send(void *socket, const void *data, size_t size, int more);
/// The next frame: 1 and a malloc'ed copy, 0 if there is none (only if not `waits`), -1 on failure.
int seep_zmq_receive(void *socket, int waits, void **data, size_t *size, int *more);
/// Whether something can be read within a time; a signal counts as nothing.
int seep_zmq_wait(void *socket, int milliseconds);
/// What went wrong last, as a sentence.
const char *seep_zmq_problem(void);
