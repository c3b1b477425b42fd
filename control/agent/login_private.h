// SPDX-License-Identifier: BSD-3-Clause
// What login.c (the connection) and register.c (one endpoint's REGISTER) have of each other.
#pragma once

#include "control/agent/login.h"

struct evdns_base;
struct evdns_getaddrinfo_request;

struct login {
	struct agent *agent;
	struct conn *conn; // NULL between two attempts
	bool ready;
	unsigned failures;  // of connecting, in a row
	unsigned in_flight; // REGISTERs
	const char *name;   // expected in the certificate
	char host[256], port[8];
	struct event *reconnect, *pump;
	struct evdns_base *dns;
	struct evdns_getaddrinfo_request *resolving;
	TAILQ_HEAD(, endpoint) queue;
};

// login.c
void login_enqueue(struct endpoint *endpoint);
void login_dequeue(struct endpoint *endpoint);
void login_pump(struct login *login);
void login_suspect(struct login *login); // it did not answer: a new connection

// register.c
void login_register(struct login *login, struct endpoint *endpoint);
void login_server_away(struct endpoint *endpoint);
