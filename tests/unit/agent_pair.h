// SPDX-License-Identifier: BSD-3-Clause
// Two agents, alice's (a) and bob's (b), and the call between them.
#pragma once

#include "tests/unit/agent_world.h"

static struct host *a, *b;

static inline void start(enum config_answer answer)
{
	world_user("alice");
	world_user("bob");
	a = host_new(0, NAMES("alice"), CONFIG_ASK);
	UNTIL(logged_in(a, "alice"));
	b = host_new(1, NAMES("bob"), answer);
	UNTIL(peer_is(a, "alice", "bob", PEER_ONLINE, true));
}

static inline json_t *parties(void)
{
	return json_pack(
		"{s:s, s:s}", "from", "sip:alice@example.org", "to", "sip:bob@example.org");
}

static inline const char *text(json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "";
}

// Nothing of any call anywhere
static inline bool clean(struct host *host)
{
	return !host->agent->calls->by_id.count && !host->agent->calls->held &&
	       !media_ports_in_use(host->agent->ports) && !engine_count(&host->engine);
}

static inline struct call *only_call(struct host *host)
{
	struct map_node *node = map_first(&host->agent->calls->by_id);

	return node ? map_entry(node, struct call, by_id) : NULL;
}

static inline bool ringing(struct host *host)
{
	return only_call(host) && only_call(host)->state == CALL_RINGING;
}

static inline bool established(struct host *host)
{
	return only_call(host) && only_call(host)->state == CALL_ESTABLISHED &&
	       only_call(host)->acked;
}

static inline int failed_with(struct host *host)
{
	UNTIL(host->answered);
	cr_assert(host->error, "the call was granted");
	cr_assert_eq(json_integer_value(json_object_get(host->error, "code")), RPC_REFUSED);
	return json_integer_value(json_object_get(json_object_get(host->error, "data"), "status"));
}

static inline json_t *hang_up(struct host *host)
{
	return host_call(host, API_CALL_HANG_UP, json_pack("{s:b}", "all", 1));
}

static inline void place(void)
{
	host_call(a, API_CALL_PLACE, parties());
	cr_assert(a->result, "refused");
	UNTIL(established(a) && established(b));
}

// The agent dies, its engine goes on; the next one takes the call up
static inline void restart(struct host *host)
{
	host->config.listen = host->agent->address; // where the peer knows it
	host_kill(host);
	world_run_ms(20);
	cr_assert_eq(engine_count(&host->engine), 1, "media go on");
	host_start(host);
	UNTIL(established(host));
}
