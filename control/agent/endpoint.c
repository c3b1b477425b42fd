// SPDX-License-Identifier: BSD-3-Clause
// Endpoints: made from the configuration at start, freed at the end; the agent's one thread.
#include "control/agent/endpoint.h"

#include "control/agent/api.h"
#include "control/agent/link.h"
#include "control/agent/notify.h"
#include "engine/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const state_names[] = {
	"logged out",
	"logging in",
	"registered",
	"server away",
	"refused",
	"logging out",
};

struct endpoint *endpoint_new(struct agent *agent, const struct config_endpoint *config)
{
	struct endpoint *endpoint = calloc(1, sizeof(*endpoint));
	int user = (int)strcspn(config->aor, "@");

	if (!endpoint)
		return NULL;
	endpoint->agent = agent;
	endpoint->config = config;
	endpoint->aor = config->aor;
	snprintf(endpoint->contact, sizeof(endpoint->contact), "%.*s@%s;transport=tls", user,
		config->aor, agent->sent_by);
	msg_random(endpoint->call_id);
	msg_random(endpoint->from_tag);
	if (map_add(&agent->endpoints, &endpoint->node, endpoint->aor)) {
		free(endpoint);
		return NULL;
	}
	return endpoint;
}

void endpoint_free(struct endpoint *endpoint)
{
	notify_schedule(endpoint, false);
	peer_remove_all(endpoint);
	map_fini(&endpoint->peers);
	if (endpoint->registering)
		transaction_forget(endpoint->registering);
	if (endpoint->refresh)
		event_free(endpoint->refresh);
	if (endpoint->token)
		explicit_bzero(endpoint->token, strlen(endpoint->token));
	free(endpoint->token);
	map_del(&endpoint->agent->endpoints, &endpoint->node);
	free(endpoint);
}

struct endpoint *endpoint_find(struct agent *agent, const char *aor)
{
	struct map_node *node = map_find(&agent->endpoints, aor);

	return node ? map_entry(node, struct endpoint, node) : NULL;
}

const char *endpoint_state_name(const struct endpoint *endpoint)
{
	return state_names[endpoint->state];
}

void endpoint_set_state(struct endpoint *endpoint, enum endpoint_state state)
{
	if (endpoint->state == state)
		return;
	endpoint->state = state;
	log_event(LOG_INFO, "%s: %s", endpoint->aor, endpoint_state_name(endpoint));
	api_endpoint_changed(endpoint);
}

json_t *endpoint_json(const struct endpoint *endpoint)
{
	uint64_t now = agent_now_us();
	json_int_t left = endpoint->expires_us > now ? (endpoint->expires_us - now) / 1000000 : 0;

	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:f}", "aor", endpoint->aor, "state",
		endpoint_state_name(endpoint), "expires_in_s", endpoint->has_tables ? left : 0,
		"peers", (json_int_t)endpoint->peers.count, "online", (json_int_t)endpoint->online,
		"login_ms", endpoint->login_ms);
}

// Adds "Authorization: Bearer TOKEN" (RFC 8898 section 2.1.3)
static int add_token(struct msg *msg, const char *token)
{
	char *value;
	int rc;

	if (asprintf(&value, "Bearer %s", token) < 0)
		return -1;
	rc = msg_add_header(msg, "Authorization", value);
	explicit_bzero(value, strlen(value));
	free(value);
	return rc;
}

struct msg *endpoint_request(struct endpoint *endpoint, const char *method, const char *to,
	const char *uri, const char *call_id, const char *from_tag)
{
	struct msg_request request = {
		.method = method,
		.uri = uri,
		.from = endpoint->aor,
		.from_tag = from_tag,
		.to = to,
		.call_id = call_id,
		.sent_by = endpoint->agent->sent_by,
		.cseq = 1,
	};
	char contact[sizeof(endpoint->contact) + 2];
	struct msg *msg;

	if (!endpoint->token)
		return NULL;
	msg = msg_new_request(&request);
	if (!msg)
		return NULL;
	snprintf(contact, sizeof(contact), "<%s>", endpoint->contact);
	if (link_add_alias(msg) || msg_add_header(msg, "Contact", contact) ||
		add_token(msg, endpoint->token)) {
		msg_free(msg);
		return NULL;
	}
	return msg;
}
