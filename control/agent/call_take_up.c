// SPDX-License-Identifier: BSD-3-Clause
// Calls that an earlier process of this agent has left in the engine, taken up again from the tags
// of their sessions; the peer is asked whether it knows them. The agent's one thread.
#include "control/agent/call.h"

#include "control/agent/dataplane.h"
#include "control/agent/link.h"
#include "engine/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK_FIRST_MS 2000 // a random time up to this
#define CHECK_AGAIN_MS 60000

static void check(evutil_socket_t fd, short what, void *arg);

static void checked(void *arg, const struct msg *response, const char *why)
{
	char *id = arg; // the call may have ended meanwhile
	char *separator = strchr(id, ' ');
	struct agent *agent;
	struct call *call;

	(void)why;
	if (response && msg_status(response) < 200)
		return;
	memcpy(&agent, separator + 1, sizeof(agent));
	*separator = '\0';
	call = call_find(agent, id);
	free(id);
	if (!call || !call->checking)
		return;
	call->checking = false;
	if (response && (msg_status(response) == 481 || msg_status(response) == 404)) {
		call_end(call, 481, "The peer does not know the call any more");
	} else if (response) {
		call_peer_spoke(call);
		log_event(LOG_INFO, "%s: taken up, the peer goes on", call->id);
	} else {
		call_set_timer(call, CHECK_AGAIN_MS / 2 + agent_random(CHECK_AGAIN_MS), check);
	}
}

static void check(evutil_socket_t fd, short what, void *arg)
{
	struct call *call = arg;
	struct agent *agent = call->agent;
	size_t length = strlen(call->id);
	struct conn *conn;
	struct msg *msg;
	char *id;

	(void)fd;
	(void)what;
	msg = dialog_request(&call->dialog, agent, "OPTIONS", 0, call->endpoint->contact);
	conn = msg ? link_get(agent, call->dialog.target, call->dialog.fingerprint) : NULL;
	id = conn ? calloc(1, length + 1 + sizeof(agent)) : NULL;
	call->checking = true;
	if (id) {
		memcpy(id, call->id, length);
		id[length] = ' ';
		memcpy(id + length + 1, &agent, sizeof(agent));
		if (transaction_send(agent->transactions, conn, msg, 0, checked, id))
			return;
		free(id);
	} else {
		msg_free(msg);
	}
	call_set_timer(call, CHECK_AGAIN_MS / 2 + agent_random(CHECK_AGAIN_MS), check);
}

static int take_address(
	json_t *session, const char *side, const char *end, struct sockaddr_storage *out)
{
	const char *text = json_string_value(json_object_get(json_object_get(session, side), end));

	return text ? address_parse(text, out) : -EINVAL;
}

static int take_media(struct call *call, json_t *session, json_t *tag)
{
	static const char *const directions[] = {"inactive", "sendonly", "recvonly", "sendrecv"};
	struct sockaddr_storage wire, host, application;
	const char *suite = json_string_value(json_object_get(session, "suite"));
	const char *direction = json_string_value(json_object_get(session, "direction"));
	struct media *media = &call->media;
	json_t *payload;
	size_t i;

	if (take_address(session, "wire", "local", &wire) ||
		take_address(session, "wire", "remote", &media->remote) ||
		take_address(session, "host", "local", &host) ||
		take_address(session, "host", "remote", &application))
		return -EINVAL;
	media->wire_port = address_port(&wire);
	media->host_port = address_port(&host);
	media->application_port = address_port(&application);
	media->open = true;
	media_ports_claim(
		call->agent->ports, media->wire_port, media->host_port, media->application_port);
	snprintf(media->tx.suite, sizeof(media->tx.suite), "%s", suite ? suite : "");
	media->direction = MEDIA_SEND | MEDIA_RECEIVE;
	for (i = 0; direction && i < 4; i++) {
		if (!strcmp(direction, directions[i]))
			media->direction = i;
	}
	media->held = !(media->direction & MEDIA_RECEIVE);
	media->peer_holds = !(media->direction & MEDIA_SEND);
	media->sdp_id = json_integer_value(json_object_get(tag, "sdp_id"));
	media->sdp_version = agent_now_us() / 1000000 + 1000;
	media_lines_from_json(media, json_object_get(tag, "streams"));
	json_array_foreach (json_object_get(tag, "payloads"), i, payload) {
		const char *name = json_string_value(payload);

		if (name && media->n_payloads < SDP_PAYLOADS_MAX)
			snprintf(media->payloads[media->n_payloads++].rtpmap,
				sizeof(media->payloads[0].rtpmap), "%s", name);
	}
	return 0;
}

static void tagged(struct call *call, const char *error)
{
	if (error && call->state != CALL_ENDED)
		log_event(LOG_WARNING, "%s: its tag could not be renewed: %s", call->id, error);
}

void call_renew_tag(struct call *call)
{
	char *text = call_tag(call);

	if (text)
		dataplane_update(call, json_pack("{s:s}", "tag", text), tagged);
	free(text);
}

static int take_id(struct calls *calls, const char *id)
{
	uint64_t number;
	char *end;

	if (!id || id[0] != 'c' || strlen(id) > 20)
		return -EINVAL;
	number = strtoull(id + 1, &end, 10);
	if (*end || end == id + 1)
		return -EINVAL;
	if (number > calls->next_id)
		calls->next_id = number;
	return 0;
}

int call_take_up(struct agent *agent, json_t *session, json_t *tag, unsigned round)
{
	const char *id = json_string_value(json_object_get(tag, "call"));
	struct endpoint *endpoint;
	struct dialog dialog;
	struct call *call;

	if (take_id(agent->calls, id) || dialog_from_json(&dialog, json_object_get(tag, "dialog")))
		return -EINVAL;
	endpoint = endpoint_find(agent, dialog.local);
	if (!endpoint || call_find_dialog(agent, dialog.call_id, dialog.local_tag))
		return -EINVAL;
	call = call_new(endpoint, json_is_true(json_object_get(tag, "outgoing")));
	if (!call)
		return 0;
	call->dialog = dialog;
	call->session = json_integer_value(json_object_get(session, "id"));
	if (take_media(call, session, tag) || call_index(call, call_find(agent, id) ? NULL : id)) {
		call_free(call);
		return -EINVAL;
	}
	call->has_session = call->acked = call->taken_up = true;
	call->round = round;
	call->status = 200;
	snprintf(call->reason, sizeof(call->reason), "taken up");
	log_event(LOG_NOTICE, "%s: taken up from the engine's session %lld", call->id,
		(long long)call->session);
	call_set_state(call, CALL_ESTABLISHED);
	call_set_timer(call, agent_random(CHECK_FIRST_MS), check);
	call_renew_tag(call); // sequence numbers have leapt: a second restart must know
	return 0;
}
