// SPDX-License-Identifier: BSD-3-Clause
// Sends PUBLISH to peers, a bounded number at a time (RFC 3903; the receiving half is
// notify_receive.c); the agent's one thread.
#include "control/agent/notify.h"

#include "control/agent/api.h"
#include "control/agent/link.h"
#include "control/agent/login.h"
#include "control/sip/pidf.h"
#include "engine/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTIFY_IN_FLIGHT 256 // requests waiting for an answer
#define NOTIFY_PER_TICK	 64  // requests sent before the event loop has its turn
#define NOTIFY_TRIES	 8   // while the peer logs in

struct notify {
	struct agent *agent;
	unsigned in_flight;
	TAILQ_HEAD(notify_queue, peer) queue;
	struct event *pump;
};

static void answered(void *arg, const struct msg *response, const char *why);

// A refresh or a removal has no body; with one it is the whole state (RFC 3903 section 4.1)
static struct msg *build(struct peer *peer)
{
	struct endpoint *endpoint = peer->endpoint;
	struct pidf pidf = {.open = !peer->farewell};
	char call_id[33], tag[33], expires[16];
	struct msg *msg;
	char *body;
	int rc;

	msg_random(call_id);
	msg_random(tag);
	msg = endpoint_request(endpoint, "PUBLISH", peer->aor, peer->contact, call_id, tag);
	if (!msg)
		return NULL;
	snprintf(expires, sizeof(expires), "%u",
		peer->farewell ? 0 : endpoint->agent->config->publish_expires_s);
	rc = msg_add_header(msg, "Event", "presence") || msg_add_header(msg, "Expires", expires);
	if (peer->published_etag) {
		rc = rc || msg_add_header(msg, "SIP-If-Match", peer->published_etag);
	} else {
		snprintf(pidf.entity, sizeof(pidf.entity), "%s", endpoint->aor);
		snprintf(pidf.contact, sizeof(pidf.contact), "%s", endpoint->contact);
		body = pidf_write(&pidf);
		rc = rc || !body || msg_set_body(msg, "application/pidf+xml", body, strlen(body));
		free(body);
	}
	if (rc) {
		msg_free(msg);
		return NULL;
	}
	return msg;
}

// ---- peer.notify: somebody waits for what becomes of a notification

static struct rpc_call *take_check(struct peer *peer)
{
	struct rpc_call *waiting = peer->check;

	peer->check = NULL;
	peer->check_sent_us = 0;
	return waiting;
}

// The notification that was asked for has its answer; response NULL: none came
static void report(
	struct peer *peer, const char *answer, const struct msg *response, const char *reason)
{
	double took_ms = (double)(agent_now_us() - peer->check_sent_us) / 1000;
	json_t *result;

	if (!peer->check || !peer->check_sent_us)
		return;
	result = peer_json(peer);
	json_object_set_new(result, "answer", json_string(answer));
	if (response)
		json_object_set_new(result, "response", json_integer(msg_status(response)));
	json_object_set_new(result, "reason", json_string(reason));
	json_object_set_new(result, "took_ms", json_real(took_ms));
	rpc_reply(take_check(peer), result);
}

// It cannot be asked any more
static void abandon(struct peer *peer, const char *reason)
{
	if (peer->check)
		api_refuse(take_check(peer), 480, reason);
}

int notify_check(struct peer *peer, struct rpc_call *waiting)
{
	if (peer->check)
		return -EBUSY;
	peer->check = waiting;
	notify_send(peer);
	return 0;
}

// ---- sending

static void farewell_done(struct peer *peer)
{
	struct endpoint *endpoint = peer->endpoint;

	if (!peer->farewell)
		return;
	peer->farewell = false;
	free(peer->published_etag);
	peer->published_etag = NULL;
	endpoint->farewells--;
	login_check_ended(endpoint);
}

static void failed(struct peer *peer, const char *why)
{
	free(peer->published_etag);
	peer->published_etag = NULL;
	if (peer->farewell) {
		farewell_done(peer);
		return;
	}
	peer_unreachable(peer, why);
	report(peer, "none", NULL, why);
}

static void send_one(struct notify *notify, struct peer *peer)
{
	struct agent *agent = notify->agent;
	struct conn *conn;
	struct msg *msg;

	if (peer->status == PEER_OFFLINE || !(msg = build(peer))) {
		farewell_done(peer);
		abandon(peer, "The peer has gone offline, or the endpoint");
		return;
	}
	if (peer->check)
		peer->check_sent_us = agent_now_us();
	conn = link_get(agent, peer->contact, peer->fingerprint);
	if (!conn) {
		msg_free(msg);
		failed(peer, strerror(errno));
		return;
	}
	peer->publishing = transaction_send(agent->transactions, conn, msg,
		agent->config->notify_timeout_s * 1000, answered, peer);
	if (peer->publishing)
		notify->in_flight++;
	else
		failed(peer, strerror(errno));
}

static void pump(evutil_socket_t fd, short what, void *arg)
{
	struct notify *notify = arg;
	struct peer *peer;
	unsigned n;

	(void)fd;
	(void)what;
	for (n = 0; n < NOTIFY_PER_TICK && notify->in_flight < NOTIFY_IN_FLIGHT; n++) {
		peer = TAILQ_FIRST(&notify->queue);
		if (!peer)
			return;
		TAILQ_REMOVE(&notify->queue, peer, queue);
		peer->queued = false;
		send_one(notify, peer);
	}
	if (!TAILQ_EMPTY(&notify->queue) && notify->in_flight < NOTIFY_IN_FLIGHT)
		agent_timer_ms(notify->pump, 0);
}

static void enqueue(struct peer *peer)
{
	struct notify *notify = peer->endpoint->agent->notify;

	if (peer->publishing)
		peer->again = true;
	if (peer->queued || peer->publishing)
		return;
	peer->queued = true;
	peer->again = false;
	TAILQ_INSERT_TAIL(&notify->queue, peer, queue);
	agent_timer_ms(notify->pump, 0);
}

void notify_send(struct peer *peer)
{
	peer->tries = 0;
	enqueue(peer);
}

static void retry_now(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	enqueue(arg);
}

// It is there but not logged in (yet): it may be in the middle of the login that our table told of
static void not_yet(struct peer *peer, const struct msg *response)
{
	const char *after = msg_header(response, "Retry-After");

	if (!after || peer->tries++ >= NOTIFY_TRIES) {
		peer_gone(peer, msg_reason(response));
		return;
	}
	if (!peer->retry)
		peer->retry = agent_timer(peer->endpoint->agent, retry_now, peer);
	if (peer->retry)
		agent_timer_ms(peer->retry, 250u << (peer->tries < 5 ? peer->tries : 5));
}

static void accepted(struct peer *peer, const struct msg *response)
{
	const char *etag = msg_header(response, "SIP-ETag");

	free(peer->published_etag);
	peer->published_etag = etag && strlen(etag) < 256 ? strdup(etag) : NULL;
	peer->tries = 0;
	peer_spoke(peer);
}

static void judge(struct peer *peer, const struct msg *response)
{
	static struct log_limit limit;
	int status = msg_status(response);
	bool had_etag = peer->published_etag;

	if (status / 100 == 2) {
		accepted(peer, response);
		report(peer, "accepted", response, msg_reason(response));
		return;
	}
	free(peer->published_etag);
	peer->published_etag = NULL;
	if (status == 412 && had_etag) {
		enqueue(peer); // it has forgotten us: the whole state again
		return;
	}
	if (status == 480) {
		not_yet(peer, response);
	} else if (status == 405 || status == 489 || status == 501) {
		peer_spoke(peer); // a phone: it takes no notifications, but it is there
	} else {
		log_limited(&limit, LOG_WARNING, "%s: peer %s refused the notification: %d %s",
			peer->endpoint->aor, peer->aor, status, msg_reason(response));
	}
	report(peer, "refused", response, msg_reason(response));
}

static void answered(void *arg, const struct msg *response, const char *why)
{
	struct peer *peer = arg;
	struct agent *agent = peer->endpoint->agent;
	struct notify *notify = agent->notify;

	if (response && msg_status(response) < 200)
		return;
	peer->publishing = NULL;
	notify->in_flight--;
	agent_timer_ms(notify->pump, 0);
	if (!response && !strncmp(why, "connection lost", 15) && !peer->tries++) {
		enqueue(peer); // the peer may have closed what was idle: a new connection tells
	} else if (!response) {
		if (peer->fingerprint)
			link_suspect(
				agent, peer->fingerprint, agent->config->notify_timeout_s * 1000);
		failed(peer, why);
	} else if (peer->farewell) {
		farewell_done(peer);
	} else if (peer->status != PEER_OFFLINE) {
		judge(peer, response);
	} else {
		abandon(peer, "The peer has gone offline");
	}
	if (peer->again) // there were news while it was under way
		enqueue(peer);
}

void notify_farewell(struct endpoint *endpoint)
{
	struct map_node *node, *next;
	struct peer *peer;

	MAP_FOREACH(&endpoint->peers, node, next)
	{
		peer = map_entry(node, struct peer, node);
		abandon(peer, "The endpoint logs out");
		if (peer->status == PEER_OFFLINE || peer->farewell)
			continue;
		if (peer->publishing) { // whatever its answer, the farewell counts
			transaction_forget(peer->publishing);
			peer->publishing = NULL;
			peer->again = false;
			endpoint->agent->notify->in_flight--;
		}
		peer->farewell = true;
		endpoint->farewells++;
		enqueue(peer);
	}
}

void notify_forget(struct peer *peer)
{
	struct notify *notify = peer->endpoint->agent->notify;

	abandon(peer, "The peer is no longer on the list");
	if (peer->publishing) {
		transaction_forget(peer->publishing);
		peer->publishing = NULL;
		notify->in_flight--;
	}
	if (peer->queued)
		TAILQ_REMOVE(&notify->queue, peer, queue);
	peer->queued = false;
	if (peer->farewell)
		peer->endpoint->farewells--;
	peer->farewell = false;
	if (peer->retry)
		event_free(peer->retry);
	peer->retry = NULL;
}

static void schedule_next(struct endpoint *endpoint)
{
	unsigned expires_ms = endpoint->agent->config->publish_expires_s * 1000;

	agent_timer_ms(endpoint->publish, expires_ms / 2 + agent_random(expires_ms / 3));
}

static void refresh_all(evutil_socket_t fd, short what, void *arg)
{
	struct endpoint *endpoint = arg;
	struct map_node *node, *next;

	(void)fd;
	(void)what;
	MAP_FOREACH(&endpoint->peers, node, next)
	{
		if (map_entry(node, struct peer, node)->status != PEER_OFFLINE)
			notify_send(map_entry(node, struct peer, node));
	}
	schedule_next(endpoint);
}

void notify_schedule(struct endpoint *endpoint, bool on)
{
	if (!on && endpoint->publish) {
		event_free(endpoint->publish);
		endpoint->publish = NULL;
	}
	if (!on || endpoint->publish)
		return;
	endpoint->publish = agent_timer(endpoint->agent, refresh_all, endpoint);
	if (endpoint->publish)
		schedule_next(endpoint);
}

struct notify *notify_new(struct agent *agent)
{
	struct notify *notify = calloc(1, sizeof(*notify));

	if (!notify)
		return NULL;
	notify->agent = agent;
	TAILQ_INIT(&notify->queue);
	notify->pump = agent_timer(agent, pump, notify);
	if (!notify->pump) {
		free(notify);
		return NULL;
	}
	return notify;
}

void notify_free(struct notify *notify)
{
	if (!notify)
		return;
	event_free(notify->pump);
	free(notify);
}
