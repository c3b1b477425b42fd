// SPDX-License-Identifier: BSD-3-Clause
// Tells the agent's metrics; the agent's one thread.
#include "control/agent/meter.h"

#include "control/agent/agent.h"
#include "control/agent/call.h"
#include "control/agent/endpoint.h"
#include "engine/base/version.h"

#define ENDPOINT_STATES (ENDPOINT_LOGGING_OUT + 1)
#define CALL_STATES	CALL_ENDED // an ended one is none

void meter_init(struct meter *meter)
{
	meter->calls.bounds = metrics_durations;
}

void meter_call_lasted(struct meter *meter, double seconds)
{
	metrics_observe(&meter->calls, seconds);
}

void meter_call_ended(struct meter *meter, bool outgoing, int status)
{
	if (status >= 100 && status < 700)
		meter->ended[outgoing][status / 100 - 1]++;
}

static void write_endpoints(struct agent *agent, struct metrics *m)
{
	static const char *const states[ENDPOINT_STATES] = {
		"logged_out", "logging_in", "registered", "server_away", "refused", "logging_out"};
	unsigned counts[ENDPOINT_STATES] = {0}, online = 0, permitted = 0;
	struct map_node *node, *next;

	MAP_FOREACH(&agent->endpoints, node, next)
	{
		const struct endpoint *endpoint = map_entry(node, struct endpoint, node);

		counts[endpoint->state]++;
		permitted += endpoint->peers.count;
		online += endpoint->online;
	}
	metrics_begin(m, "crowfly_agent_endpoints", METRICS_GAUGE, "Endpoints, by state");
	for (unsigned i = 0; i < ENDPOINT_STATES; i++)
		metrics_count(m, counts[i], "state=\"%s\"", states[i]);
	metrics_begin(m, "crowfly_agent_peers", METRICS_GAUGE,
		"Peers on the endpoints' lists, and those of them that are online");
	metrics_count(m, permitted, "state=\"%s\"", "permitted");
	metrics_count(m, online, "state=\"%s\"", "online");
}

static void write_calls(struct agent *agent, struct metrics *m)
{
	static const char *const states[CALL_STATES] = {"calling", "ringing", "established"};
	static const char *const ways[] = {"in", "out"};
	unsigned counts[2][CALL_STATES] = {{0}};
	struct map_node *node, *next;

	MAP_FOREACH(&agent->calls->by_id, node, next)
	{
		const struct call *call = map_entry(node, struct call, by_id);

		if (call->state < CALL_STATES)
			counts[call->outgoing][call->state]++;
	}
	metrics_begin(m, "crowfly_agent_calls", METRICS_GAUGE, "Calls, by direction and state");
	for (unsigned i = 0; i < 2 * CALL_STATES; i++)
		metrics_count(m, counts[i / CALL_STATES][i % CALL_STATES],
			"direction=\"%s\",state=\"%s\"", ways[i / CALL_STATES],
			states[i % CALL_STATES]);
	metrics_begin(m, "crowfly_agent_calls_ended_total", METRICS_COUNTER,
		"Calls that have ended, by direction and the class of their SIP status");
	for (unsigned i = 0; i < 12; i++)
		metrics_count(m, agent->meter.ended[i / 6][i % 6],
			"direction=\"%s\",status=\"%uxx\"", ways[i / 6], i % 6 + 1);
}

static void write_times(const struct meter *meter, struct metrics *m)
{
	metrics_begin(m, "crowfly_agent_logins_refused_total", METRICS_COUNTER,
		"Logins that the access server has refused");
	metrics_plain(m, meter->logins_refused);
	metrics_begin(m, "crowfly_agent_login_seconds", METRICS_HISTOGRAM,
		"Time from REGISTER to profile and routing table");
	metrics_histogram(m, &meter->logins);
	metrics_begin(m, "crowfly_agent_request_seconds", METRICS_HISTOGRAM,
		"Time from INVITE to the peer's first response");
	metrics_histogram(m, &meter->requests);
	metrics_begin(m, "crowfly_agent_setup_seconds", METRICS_HISTOGRAM,
		"Time from INVITE to a session in the engine, of calls placed");
	metrics_histogram(m, &meter->setups);
	metrics_begin(m, "crowfly_agent_call_duration_seconds", METRICS_HISTOGRAM,
		"How long calls were established that have ended");
	metrics_histogram(m, &meter->calls);
}

void meter_write(void *user, struct metrics *m)
{
	struct agent *agent = user;

	metrics_begin(m, "crowfly_agent_info", METRICS_GAUGE, "1, with what runs as a label");
	metrics_count(m, 1, "version=\"%s\"", VERSION);
	write_endpoints(agent, m);
	write_calls(agent, m);
	write_times(&agent->meter, m);
}
