// SPDX-License-Identifier: BSD-3-Clause
// Puts the agent's parts together, hands messages to them, stops it; runs on the event base's
// thread.
#include "control/agent/agent.h"

#include "control/agent/api.h"
#include "control/agent/call.h"
#include "control/agent/dataplane.h"
#include "control/agent/link.h"
#include "control/agent/login.h"
#include "control/agent/notify.h"
#include "control/agent/trust.h"
#include "engine/base/conf.h"
#include "engine/base/log.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STOP_MAX_MS 6000

uint64_t agent_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * UINT64_C(1000000) + now.tv_nsec / 1000;
}

unsigned agent_random(unsigned below)
{
	uint32_t r = 0;

	RAND_bytes((unsigned char *)&r, sizeof(r));
	return below ? r % below : 0;
}

struct event *agent_timer(
	struct agent *agent, void (*fire)(evutil_socket_t, short, void *), void *arg)
{
	return evtimer_new(agent->base, fire, arg);
}

void agent_timer_ms(struct event *timer, uint64_t ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	evtimer_add(timer, &tv);
}

void agent_receive(struct agent *agent, struct conn *conn, struct msg *msg)
{
	const char *method;

	if (transaction_receive(agent->transactions, conn, msg))
		return;
	if (!msg_is_request(msg)) {
		call_receive_late(agent, conn, msg);
		return;
	}
	method = msg_method(msg);
	if (!strcmp(method, "PUBLISH")) {
		notify_receive(agent, conn, msg);
	} else if (!strcmp(method, "INVITE")) {
		call_receive_invite(agent, conn, msg);
	} else if (!strcmp(method, "ACK") || !strcmp(method, "BYE") || !strcmp(method, "OPTIONS") ||
		   !strcmp(method, "CANCEL")) {
		call_receive(agent, conn, msg);
	} else {
		trust_answer(conn, msg, 405, "Method Not Allowed", "Allow", AGENT_ALLOW);
		link_distrust(conn);
		msg_free(msg);
	}
}

static int make_parts(struct agent *agent, char *error)
{
	agent->transactions = transaction_table_new(agent->base);
	agent->ports = media_ports_new(agent->config);
	agent->calls = calls_new(agent);
	agent->notify = notify_new(agent);
	if (!agent->transactions || !agent->ports || !agent->calls || !agent->notify)
		return -1;
	agent->links = links_new(agent, error);
	if (!agent->links)
		return -1;
	agent->login = login_new(agent, error);
	return agent->login ? 0 : -1;
}

static int make_endpoints(struct agent *agent)
{
	struct config_endpoint *config;
	struct endpoint *endpoint;

	STAILQ_FOREACH (config, &agent->config->endpoints, next) {
		endpoint = endpoint_new(agent, config);
		if (!endpoint)
			return -1;
		login_start(endpoint);
	}
	return 0;
}

struct agent *agent_new(struct event_base *base, struct config *config, char *error)
{
	struct agent *agent = calloc(1, sizeof(*agent));

	snprintf(error, CONF_ERROR_MAX, "out of memory");
	if (!agent)
		return NULL;
	agent->base = base;
	agent->config = config;
	meter_init(&agent->meter);
	if (make_parts(agent, error) || make_endpoints(agent))
		goto fail;
	agent->dataplane = dataplane_new(agent);
	agent->api = agent->dataplane ? api_new(agent, error) : NULL;
	if (!agent->api)
		goto fail;
	if (config->metrics) {
		agent->metrics = metrics_server_new(
			base, config->metrics, config->metrics_anywhere, meter_write, agent, error);
		if (!agent->metrics)
			goto fail;
	}
	log_notice("listening for peers on %s, certificate %s", agent->sent_by, agent->fingerprint);
	return agent;
fail:
	agent_free(agent);
	return NULL;
}

void agent_free(struct agent *agent)
{
	struct map_node *node, *next;

	if (!agent)
		return;
	agent->stopping = true;
	if (agent->stop_timer)
		event_free(agent->stop_timer);
	agent->stop_timer = NULL;
	agent->stopped = NULL;
	metrics_server_free(agent->metrics);
	dataplane_free(agent->dataplane);
	calls_free(agent->calls);
	api_free(agent->api);
	MAP_FOREACH(&agent->endpoints, node, next)
	endpoint_free(map_entry(node, struct endpoint, node));
	map_fini(&agent->endpoints);
	transaction_table_free(agent->transactions);
	login_free(agent->login);
	links_free(agent->links);
	notify_free(agent->notify);
	media_ports_free(agent->ports);
	token_verifier_free(agent->verifier);
	SSL_CTX_free(agent->listen_tls);
	SSL_CTX_free(agent->peer_tls);
	SSL_CTX_free(agent->server_tls);
	free(agent);
}

static struct config_endpoint *find_config(const struct config *config, const char *aor)
{
	struct config_endpoint *endpoint;

	STAILQ_FOREACH (endpoint, &config->endpoints, next) {
		if (!strcmp(endpoint->aor, aor))
			return endpoint;
	}
	return NULL;
}

static void reload_endpoint(
	struct agent *agent, struct config_endpoint *old, const struct config_endpoint *fresh)
{
	struct endpoint *endpoint = endpoint_find(agent, old->aor);
	bool changed = strcmp(old->password, fresh->password) != 0;

	old->answer = fresh->answer;
	if (changed) {
		explicit_bzero(old->password, sizeof(old->password));
		snprintf(old->password, sizeof(old->password), "%s", fresh->password);
		log_notice("%s: another password", old->aor);
	}
	if (changed && endpoint && endpoint->state == ENDPOINT_REFUSED)
		login_start(endpoint);
}

void agent_reload(struct agent *agent, const struct config *fresh)
{
	struct config_endpoint *endpoint, *other;

	STAILQ_FOREACH (endpoint, &agent->config->endpoints, next) {
		other = find_config(fresh, endpoint->aor);
		if (other)
			reload_endpoint(agent, endpoint, other);
		else
			log_warning("%s: goes with a restart only", endpoint->aor);
	}
	STAILQ_FOREACH (other, &fresh->endpoints, next) {
		if (!find_config(agent->config, other->aor))
			log_warning("%s: comes with a restart only", other->aor);
	}
}

static void stopped(struct agent *agent)
{
	void (*done)(struct agent *) = agent->stopped;

	agent->stopped = NULL;
	if (done)
		done(agent);
}

void agent_check_stopped(struct agent *agent)
{
	struct map_node *node, *next;

	if (!agent->stopping || agent->calls->held ||
		(agent->calls->by_id.count && !agent->config->keep_calls))
		return;
	MAP_FOREACH(&agent->endpoints, node, next)
	{
		struct endpoint *endpoint = map_entry(node, struct endpoint, node);

		if (endpoint->state != ENDPOINT_LOGGED_OUT)
			return;
	}
	stopped(agent);
}

static void stop_now(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	log_warning("not everything could be ended in time");
	stopped(arg);
}

void agent_stop(struct agent *agent, void (*done)(struct agent *agent))
{
	struct map_node *node, *next;

	if (agent->stopping)
		return;
	agent->stopping = true;
	agent->stopped = done;
	agent->stop_timer = agent_timer(agent, stop_now, agent);
	if (agent->stop_timer)
		agent_timer_ms(agent->stop_timer, STOP_MAX_MS);
	if (!agent->config->keep_calls) {
		MAP_FOREACH(&agent->calls->by_id, node, next)
		call_hang_up(map_entry(node, struct call, by_id), "The agent stops");
	}
	MAP_FOREACH(&agent->endpoints, node, next)
	login_end(map_entry(node, struct endpoint, node));
}
