// SPDX-License-Identifier: BSD-3-Clause
// What an endpoint knows of each other endpoint that it may talk to. The agent's one thread.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "control/agent/map.h"
#include "control/sip/profile.h"
#include "control/sip/transaction.h"

struct endpoint;
struct rpc_call;

enum peer_status { PEER_OFFLINE, PEER_ONLINE, PEER_UNREACHABLE };

struct peer {
	struct map_node node; // of endpoint->peers
	struct endpoint *endpoint;
	enum peer_status status;
	bool confirmed;	   // it answered or spoke
	char *contact;	   // NULL while offline
	char *fingerprint; // of its agent's certificate
	unsigned generation;
	unsigned calls; // under way with it

	// What it published to us: until when, under which entity tag.
	char etag[33];
	uint64_t told_until_us; // 0: nothing
	struct event *expiry;

	// What we published to it; notify.c writes.
	char *published_etag;
	unsigned tries;
	bool queued, farewell, again;
	struct transaction *publishing;
	struct event *retry;
	TAILQ_ENTRY(peer) queue;
	struct rpc_call *check; // peer.notify waits for what becomes of a notification
	uint64_t check_sent_us; // of that notification; 0: not sent yet
	char aor[];
};

struct peer *peer_find(struct endpoint *endpoint, const char *aor); // only those on the list
const char *peer_status_name(const struct peer *peer);
json_t *peer_json(const struct peer *peer);

// Merges a profile and routing table: adds and removes peers. What a peer told us itself holds
// against a table that still calls it offline. Notifies the peers newly online; `all`: every one
// online.
int peer_apply(struct endpoint *endpoint, const struct profile *profile, bool all);
void peer_remove_all(struct endpoint *endpoint);

// The peer itself said so, authenticated.
void peer_told(struct peer *peer, const char *contact, const char *fingerprint, unsigned expires_s);
void peer_gone(struct peer *peer, const char *why);
// It answered or spoke: an unreachable peer is online again.
void peer_spoke(struct peer *peer);
void peer_unreachable(struct peer *peer, const char *why);
// A contact that a TLS connection can be made to: numeric, transport=tls.
bool peer_contact_is_usable(const char *contact);
