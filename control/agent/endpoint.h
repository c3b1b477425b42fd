// SPDX-License-Identifier: BSD-3-Clause
// An endpoint of this host: its login, its tables, its peers. The agent's one thread.
#pragma once

#include <jansson.h>

#include "control/agent/agent.h"
#include "control/agent/peer.h"

enum endpoint_state {
	ENDPOINT_LOGGED_OUT,
	ENDPOINT_LOGGING_IN,
	ENDPOINT_ONLINE,
	ENDPOINT_AWAY, // the server is: works on from its last tables
	ENDPOINT_REFUSED,
	ENDPOINT_LOGGING_OUT,
};

struct endpoint {
	struct map_node node; // of agent->endpoints
	struct agent *agent;
	const struct config_endpoint *config;
	const char *aor;
	char contact[MSG_AOR_MAX + ADDRESS_MAX]; // "sip:alice@10.0.0.1:5061;transport=tls"

	// login.c writes
	enum endpoint_state state;
	bool wanted; // is to be logged in
	bool queued;
	TAILQ_ENTRY(endpoint) queue;
	struct transaction *registering;
	struct event *refresh;
	char call_id[33], from_tag[33];
	unsigned cseq, nc, attempts, failures, expires_s;
	char challenge[1024]; // the last one, "" if none
	uint64_t started_us, expires_us;
	double login_ms;
	unsigned asked_s; // the Expires that we ask for
	bool rejoin;	  // the next 200 OK is a login, not a refresh
	bool has_tables;  // profile, token: logged in once and not out since
	char *token;

	// peer.c writes
	struct map peers; // struct peer by AoR
	unsigned calls;	  // under way
	unsigned online;
	unsigned generation;

	// notify.c writes
	struct event *publish;
	unsigned farewells; // notifications of the logout under way
};

struct endpoint *endpoint_new(struct agent *agent, const struct config_endpoint *config);
void endpoint_free(struct endpoint *endpoint);
struct endpoint *endpoint_find(struct agent *agent, const char *aor);
const char *endpoint_state_name(const struct endpoint *endpoint);
void endpoint_set_state(struct endpoint *endpoint, enum endpoint_state state);
json_t *endpoint_json(const struct endpoint *endpoint);

// A request outside a dialog to a peer: From, To, Contact and the token. NULL if not logged in.
struct msg *endpoint_request(struct endpoint *endpoint, const char *method, const char *to,
	const char *uri, const char *call_id, const char *from_tag);
