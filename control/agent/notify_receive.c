// SPDX-License-Identifier: BSD-3-Clause
// Takes the notifications of peers: who is not on the list or cannot prove who it is changes
// nothing; the agent's one thread.
#include "control/agent/notify.h"

#include "control/agent/trust.h"
#include "control/sip/pidf.h"
#include "engine/base/log.h"

#include <stdio.h>
#include <string.h>

#define EXPIRES_DEFAULT_S 3600 // RFC 3903 section 6
#define EXPIRES_MAX_S	  86400

static void accept_it(struct conn *conn, const struct msg *msg, struct peer *peer, unsigned expires)
{
	struct msg *response = msg_new_response(msg, 200, "OK", NULL);
	char text[16];

	if (!response)
		return;
	snprintf(text, sizeof(text), "%u", expires);
	msg_random(peer->etag);
	if (!msg_add_header(response, "SIP-ETag", peer->etag) &&
		!msg_add_header(response, "Expires", text))
		conn_send(conn, response);
	msg_free(response);
}

static void refuse(struct conn *conn, const struct msg *msg, int status, const char *reason)
{
	static struct log_limit limit;

	log_limited(&limit, LOG_WARNING, "PUBLISH from %s refused: %d %s", conn_peer(conn), status,
		reason);
	trust_answer(conn, msg, status, reason, NULL, NULL);
}

// A body with the whole state. Returns false if it was refused.
static bool take_body(
	struct conn *conn, const struct msg *msg, const struct trust *trust, unsigned expires)
{
	const char *type = msg_body_type(msg), *body;
	char error[128], entity[MSG_AOR_MAX];
	struct pidf pidf;
	size_t length;

	body = msg_body(msg, &length);
	if (!body || !type) {
		refuse(conn, msg, 400, "Missing Body");
		return false;
	}
	if (strcmp(type, "application/pidf+xml")) {
		trust_answer(
			conn, msg, 415, "Unsupported Media Type", "Accept", "application/pidf+xml");
		return false;
	}
	if (pidf_read(body, length, &pidf, error)) {
		refuse(conn, msg, 400, "Bad Presence Document");
		return false;
	}
	if (msg_aor(pidf.entity, entity) || strcmp(entity, trust->peer->aor)) {
		refuse(conn, msg, 403, "Presence Of Another User");
		return false;
	}
	if (!pidf.open || !expires) {
		// An agent that the peer has left for another does not speak for that one
		if (!trust->peer->told_until_us ||
			!strcmp(trust->peer->fingerprint, trust->fingerprint))
			peer_gone(trust->peer, "it said so");
		return true;
	}
	if (!peer_contact_is_usable(pidf.contact)) {
		refuse(conn, msg, 400, "Contact Not Usable");
		return false;
	}
	peer_told(trust->peer, pidf.contact, trust->fingerprint, expires);
	return true;
}

// Refresh or removal by entity tag. Returns false if it was refused.
static bool take_refresh(
	struct conn *conn, const struct msg *msg, const struct trust *trust, unsigned expires)
{
	const char *match = msg_header(msg, "SIP-If-Match");
	struct peer *peer = trust->peer;
	size_t length;

	if (!peer->told_until_us || strcmp(match, peer->etag)) {
		trust_answer(conn, msg, 412, "Conditional Request Failed", NULL, NULL);
		return false;
	}
	if (!expires) {
		peer_gone(peer, "it said so");
		return true;
	}
	if (msg_body(msg, &length))
		return take_body(conn, msg, trust, expires);
	if (strcmp(peer->fingerprint, trust->fingerprint)) {
		// Another certificate than the state was made with: we want all of it again
		trust_answer(conn, msg, 412, "Conditional Request Failed", NULL, NULL);
		return false;
	}
	peer_told(peer, peer->contact, trust->fingerprint, expires);
	return true;
}

static void receive(struct agent *agent, struct conn *conn, const struct msg *msg)
{
	const char *event = msg_header(msg, "Event");
	int expires = msg_expires(msg);
	struct trust trust;
	bool taken;

	if (!trust_check(agent, conn, msg, &trust))
		return;
	if (!event || strcmp(event, "presence")) {
		trust_answer(conn, msg, 489, "Bad Event", "Allow-Events", "presence");
		return;
	}
	if (expires < 0)
		expires = EXPIRES_DEFAULT_S;
	if (expires > EXPIRES_MAX_S)
		expires = EXPIRES_MAX_S;
	if (msg_header(msg, "SIP-If-Match"))
		taken = take_refresh(conn, msg, &trust, expires);
	else
		taken = take_body(conn, msg, &trust, expires);
	if (taken)
		accept_it(conn, msg, trust.peer, expires);
}

void notify_receive(struct agent *agent, struct conn *conn, struct msg *msg)
{
	receive(agent, conn, msg);
	msg_free(msg);
}
