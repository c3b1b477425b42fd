// SPDX-License-Identifier: BSD-3-Clause
// The states of peers (offline, online, unreachable), from the server's tables and from what they
// say themselves; the agent's one thread.
#include "control/agent/peer.h"

#include "control/agent/api.h"
#include "control/agent/endpoint.h"
#include "control/agent/notify.h"
#include "engine/base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const status_names[] = {"offline", "online", "unreachable"};

struct peer *peer_find(struct endpoint *endpoint, const char *aor)
{
	struct map_node *node = map_find(&endpoint->peers, aor);

	return node ? map_entry(node, struct peer, node) : NULL;
}

const char *peer_status_name(const struct peer *peer)
{
	return status_names[peer->status];
}

json_t *peer_json(const struct peer *peer)
{
	return json_pack("{s:s, s:s, s:s, s:s?, s:b}", "endpoint", peer->endpoint->aor, "aor",
		peer->aor, "status", peer_status_name(peer), "contact", peer->contact, "confirmed",
		peer->confirmed);
}

bool peer_contact_is_usable(const char *contact)
{
	struct sockaddr_storage address;
	unsigned length;

	return strlen(contact) < 512 && !msg_uri_address(contact, &address, &length) &&
	       strcasestr(contact, ";transport=tls") && !address_is_any(&address) &&
	       address_port(&address);
}

static void set_status(struct peer *peer, enum peer_status status, bool confirmed)
{
	bool was_online = peer->status == PEER_ONLINE, is_online = status == PEER_ONLINE;
	bool changed = peer->status != status || peer->confirmed != confirmed;

	peer->status = status;
	peer->confirmed = confirmed;
	if (was_online != is_online)
		peer->endpoint->online += is_online ? 1 : -1;
	if (changed)
		api_peer_changed(peer);
}

// Returns whether anything is new
static bool set_route(struct peer *peer, const char *contact, const char *fingerprint)
{
	char *new_contact, *new_fingerprint;

	if (peer->contact && peer->fingerprint && !strcmp(peer->contact, contact) &&
		!strcmp(peer->fingerprint, fingerprint))
		return false;
	new_contact = strdup(contact);
	new_fingerprint = strdup(fingerprint);
	if (!new_contact || !new_fingerprint) {
		free(new_contact);
		free(new_fingerprint);
		return false;
	}
	free(peer->contact);
	free(peer->fingerprint);
	peer->contact = new_contact;
	peer->fingerprint = new_fingerprint;
	return true;
}

static void forget_told(struct peer *peer)
{
	peer->told_until_us = 0;
	peer->etag[0] = '\0';
	if (peer->expiry)
		event_free(peer->expiry);
	peer->expiry = NULL;
}

static void set_offline(struct peer *peer, const char *why)
{
	forget_told(peer);
	free(peer->published_etag);
	peer->published_etag = NULL;
	if (peer->status == PEER_OFFLINE)
		return;
	free(peer->contact);
	free(peer->fingerprint);
	peer->contact = peer->fingerprint = NULL;
	log_event(LOG_INFO, "%s: peer %s is offline (%s)", peer->endpoint->aor, peer->aor, why);
	set_status(peer, PEER_OFFLINE, false);
}

static struct peer *peer_add(struct endpoint *endpoint, const char *aor)
{
	size_t length = strlen(aor) + 1;
	struct peer *peer = calloc(1, sizeof(*peer) + length);

	if (!peer)
		return NULL;
	memcpy(peer->aor, aor, length);
	peer->endpoint = endpoint;
	if (map_add(&endpoint->peers, &peer->node, peer->aor)) {
		free(peer);
		return NULL;
	}
	return peer;
}

static void peer_remove(struct peer *peer)
{
	notify_forget(peer);
	forget_told(peer);
	if (peer->status == PEER_ONLINE)
		peer->endpoint->online--;
	map_del(&peer->endpoint->peers, &peer->node);
	free(peer->published_etag);
	free(peer->contact);
	free(peer->fingerprint);
	free(peer);
}

void peer_remove_all(struct endpoint *endpoint)
{
	struct map_node *node, *next;

	MAP_FOREACH(&endpoint->peers, node, next)
	peer_remove(map_entry(node, struct peer, node));
}

static void apply_online(struct peer *peer, const struct profile_peer *entry, bool all)
{
	bool was_offline = peer->status == PEER_OFFLINE, moved;

	if (!peer_contact_is_usable(entry->contact)) {
		log_event(LOG_WARNING, "%s: the server's route to %s is not usable",
			peer->endpoint->aor, peer->aor);
		return;
	}
	// What it told us itself is not older than what the server knows
	if (peer->told_until_us && peer->status == PEER_ONLINE)
		moved = false;
	else
		moved = set_route(peer, entry->contact, entry->fingerprint);
	if (was_offline || (moved && peer->status == PEER_ONLINE)) {
		log_event(LOG_INFO, "%s: peer %s is online at %s (table)", peer->endpoint->aor,
			peer->aor, peer->contact);
		set_status(peer, PEER_ONLINE, false);
	}
	if (was_offline || moved || all || peer->status == PEER_UNREACHABLE)
		notify_send(peer);
}

static int apply_entry(struct endpoint *endpoint, const struct profile_peer *entry, bool all)
{
	struct peer *peer = peer_find(endpoint, entry->aor);

	if (!peer)
		peer = peer_add(endpoint, entry->aor);
	if (!peer)
		return -ENOMEM;
	peer->generation = endpoint->generation;
	if (entry->online) {
		apply_online(peer, entry, all);
	} else if (peer->told_until_us) {
		// It logged in where the server has forgotten it, or is just about to know it
		if (all)
			notify_send(peer);
	} else {
		set_offline(peer, "table");
	}
	return 0;
}

int peer_apply(struct endpoint *endpoint, const struct profile *profile, bool all)
{
	struct map_node *node, *next;
	struct peer *peer;
	size_t i;

	endpoint->generation++;
	for (i = 0; i < profile->n_peers; i++) {
		if (apply_entry(endpoint, &profile->peers[i], all))
			return -ENOMEM;
	}
	MAP_FOREACH(&endpoint->peers, node, next)
	{
		peer = map_entry(node, struct peer, node);
		if (peer->generation == endpoint->generation)
			continue;
		log_event(
			LOG_INFO, "%s: peer %s is no longer on the list", endpoint->aor, peer->aor);
		set_offline(peer, "not permitted any more");
		peer_remove(peer);
	}
	return 0;
}

static void expired(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	set_offline(arg, "its notification expired");
}

void peer_told(struct peer *peer, const char *contact, const char *fingerprint, unsigned expires_s)
{
	bool news = peer->status != PEER_ONLINE;

	news |= set_route(peer, contact, fingerprint);
	if (news)
		log_event(LOG_INFO, "%s: peer %s is online at %s (its notification)",
			peer->endpoint->aor, peer->aor, contact);
	peer->told_until_us = agent_now_us() + expires_s * UINT64_C(1000000);
	if (!peer->expiry)
		peer->expiry = agent_timer(peer->endpoint->agent, expired, peer);
	if (peer->expiry)
		agent_timer_ms(peer->expiry, expires_s * UINT64_C(1000));
	set_status(peer, PEER_ONLINE, true);
}

void peer_gone(struct peer *peer, const char *why)
{
	set_offline(peer, why);
}

void peer_spoke(struct peer *peer)
{
	if (peer->status == PEER_OFFLINE)
		return;
	if (peer->status == PEER_UNREACHABLE)
		log_event(LOG_INFO, "%s: peer %s is back", peer->endpoint->aor, peer->aor);
	set_status(peer, PEER_ONLINE, true);
}

void peer_unreachable(struct peer *peer, const char *why)
{
	if (peer->status == PEER_OFFLINE)
		return;
	if (peer->status != PEER_UNREACHABLE)
		log_event(LOG_WARNING, "%s: peer %s is unreachable at %s: %s", peer->endpoint->aor,
			peer->aor, peer->contact, why);
	set_status(peer, PEER_UNREACHABLE, false);
}
