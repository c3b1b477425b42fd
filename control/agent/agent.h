// SPDX-License-Identifier: BSD-3-Clause
// The agent as a whole: what its parts share. All of it runs on the thread of one event base.
#pragma once

#include <event2/event.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "control/agent/address.h"
#include "control/agent/config.h"
#include "control/agent/map.h"
#include "control/agent/meter.h"
#include "control/sip/tls.h"
#include "control/sip/token.h"
#include "control/sip/transaction.h"

#define AGENT_ALLOW "INVITE, ACK, CANCEL, BYE, OPTIONS, PUBLISH"

struct agent {
	struct event_base *base;
	struct config *config;
	char fingerprint[TLS_FINGERPRINT_MAX]; // of our own certificate; names us in session tags
	struct sockaddr_storage address;       // where we listen, as peers are told
	char sent_by[ADDRESS_MAX];
	SSL_CTX *server_tls, *peer_tls, *listen_tls;
	struct transaction_table *transactions;
	struct token_verifier *verifier; // the server's keys as of the last login; NULL before
	struct map endpoints;		 // struct endpoint by AoR
	struct links *links;
	struct login *login;
	struct notify *notify;
	struct media_ports *ports;
	struct dataplane *dataplane;
	struct calls *calls;
	struct api *api;
	struct meter meter;
	struct metrics_server *metrics;	      // NULL: not asked for
	void (*stopped)(struct agent *agent); // called once when agent_stop() is through
	struct event *stop_timer;
	bool stopping;
};

// Makes certificate and sockets and begins to log all endpoints in. NULL with one line in `error`
// (CONF_ERROR_MAX bytes). `config` is borrowed, it outlives the agent.
struct agent *agent_new(struct event_base *base, struct config *config, char *error);
// Drops everything at once: nobody is told, sessions stay in the engine.
void agent_free(struct agent *agent);
// The clean stop: hangs calls up (unless keep-calls), logs all endpoints out, then calls `stopped`,
// after some seconds in any case.
void agent_stop(struct agent *agent, void (*stopped)(struct agent *agent));
// A step of the stop is done: is all of it?
void agent_check_stopped(struct agent *agent);

// Takes from another configuration what can change at run time: passwords and auto-answer of the
// endpoints. Whose password has changed after it was refused is logged in again.
void agent_reload(struct agent *agent, const struct config *fresh);

// A message that came from a peer's agent; takes it over.
void agent_receive(struct agent *agent, struct conn *conn, struct msg *msg);

uint64_t agent_now_us(void); // monotonic
unsigned agent_random(unsigned below);
// A timer not yet running.
struct event *agent_timer(
	struct agent *agent, void (*fire)(evutil_socket_t, short, void *), void *arg);
void agent_timer_ms(struct event *timer, uint64_t ms);
