// SPDX-License-Identifier: BSD-3-Clause
// Makes, counts and removes the generator's sessions. Control thread.
#include "engine/gen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>

#include "engine/core.h"
#include "engine/gen_key.h"
#include "engine/gen_private.h"
#include "engine/rcu.h"
#include "engine/session_check.h"

#define CLOCK_HZ     8000 // of RTP timestamps, payload type 0
#define WINDOW	     128
#define SLICES_PER_S 500 // the time that sessions are added for at a stretch: 2 ms
#define TAG	     "generator"

const char *const gen_state_names[] = {
	[GEN_NONE] = "none",
	[GEN_ADDING] = "adding sessions",
	[GEN_STOPPED] = "stopped",
	[GEN_NO_NEXTHOP] = "no next hop",
	[GEN_SENDING] = "sending",
};

// ---- addresses

static unsigned ports_of(const struct gen_params *p)
{
	uint16_t highest = p->local.port > p->remote.port ? p->local.port : p->remote.port;

	return (UINT16_MAX - highest) / 2u + 1;
}

unsigned gen_sessions_max(const struct gen_params *p)
{
	unsigned ports = ports_of(p);

	return ports * (ports < GEN_PER_PORT_MAX ? ports : GEN_PER_PORT_MAX);
}

// Session x + n * y goes from port x of the lower end to port x + y of the higher, modulo the n
// ports that there are: both ends find the same.
void gen_wire(const struct gen_params *p, unsigned i, struct session_addr *local,
	struct session_addr *remote)
{
	unsigned n = ports_of(p), x = i % n, y = (x + i / n) % n;
	int order = memcmp(&p->local.ip, &p->remote.ip, sizeof(p->local.ip));
	bool lower = order < 0 || (order == 0 && p->local.port < p->remote.port);

	*local = p->local;
	*remote = p->remote;
	local->port = (uint16_t)(local->port + 2 * (lower ? x : y));
	remote->port = (uint16_t)(remote->port + 2 * (lower ? y : x));
}

// An own address of the wire port of the same IP version. False: there is none.
static bool find_local(
	const struct engine_side *side, const struct in6_addr *remote, struct in6_addr *out)
{
	struct address addresses[ENGINE_ADDRESSES_MAX];
	unsigned n = side->n_addresses;

	memcpy(addresses, side->addresses, sizeof(addresses));
	if (side->netlink)
		n = netlink_addresses(side->netlink, addresses, ENGINE_ADDRESSES_MAX);
	for (unsigned i = 0; i < n && i < ENGINE_ADDRESSES_MAX; i++) {
		*out = addresses[i].ip;
		if (address_is_ipv4(out) == address_is_ipv4(remote) && address_is_unicast(out) &&
			!IN6_IS_ADDR_LINKLOCAL(out))
			return true;
	}
	return false;
}

// Fills in what was not given, and tells whether both ends are here.
static int fill_in(
	struct engine *engine, struct gen_params *p, bool *loop, struct session_error *error)
{
	const struct engine_side *side = &engine->sides[SIDE_WIRE];

	*loop = control_owns(side, &p->remote.ip);
	if (*loop && side->netlink)
		return session_fail(error, -EINVAL, "remote",
			"an address of the engine itself, which takes a wire port without exception port");
	if (p->local.port != 0)
		return 0;
	p->local = p->remote;
	if (*loop)
		p->local.port ^= 1; // between those of the other end
	else if (!find_local(side, &p->remote.ip, &p->local.ip))
		return session_fail(error, -EINVAL, "local",
			"missing: the wire port has no address of this IP version");
	return 0;
}

// ---- checks

static int check_traffic(
	struct engine *engine, const struct gen_traffic *t, struct session_error *error)
{
	unsigned headers = 40 + 8 + 12 + SUITE_TAG_MAX, mtu = engine->shared.mtu[ROLE_WIRE];
	unsigned most = mtu > headers ? mtu - headers : 0;

	if (most > GEN_PAYLOAD_MAX)
		most = GEN_PAYLOAD_MAX;
	if (t->payload < 1 || t->payload > most)
		return session_fail(error, -EINVAL, "payload",
			"expected an integer from 1 to %u (the wire port's MTU is %u)", most, mtu);
	if (t->rate > GEN_RATE_MAX)
		return session_fail(error, -EINVAL, "rate",
			"expected an integer from 0 (as many as go) to %u", GEN_RATE_MAX);
	return 0;
}

static int check(struct engine *engine, const struct gen_params *p, unsigned n_ids,
	struct session_error *error)
{
	unsigned most = gen_sessions_max(p), room = engine->sessions.max - engine->sessions.count;

	if (p->sessions < 1 || p->sessions > most)
		return session_fail(error, -EINVAL, "sessions",
			"expected an integer from 1 to %u: ports begin at %u and end at 65535",
			most, p->local.port > p->remote.port ? p->local.port : p->remote.port);
	if (n_ids > room)
		return session_fail(error, -ENOSPC, "sessions",
			"%u are needed, there is room for %u (sessions-max)", n_ids, room);
	if (address_equal(&p->local.ip, &p->remote.ip) && p->local.port == p->remote.port)
		return session_fail(error, -EINVAL, "local", "the same as remote");
	return check_traffic(engine, &p->traffic, error);
}

// ---- sessions

static int add_session(
	struct engine *engine, struct gen *gen, unsigned i, struct session_error *error)
{
	unsigned n = gen->params.sessions;
	struct session_params session = {.suite = gen->params.suite,
		.host_local = gen_host(i),
		.host_remote = gen_host_peer(),
		.window = WINDOW,
		.direction = SESSION_SENDRECV,
		.tag = TAG,
		.synthetic = true};
	int rc = -ENOMEM;

	if (i < n)
		gen_wire(&gen->params, i, &session.wire_local, &session.wire_remote);
	else // the other end
		gen_wire(&gen->params, i - n, &session.wire_remote, &session.wire_local);
	if (gen_key_derive(gen->key, &session.wire_local, &session.wire_remote, session.suite,
		    session.tx_key) == 0 &&
		gen_key_derive(gen->key, &session.wire_remote, &session.wire_local, session.suite,
			session.rx_key) == 0)
		rc = session_add(engine, &session, &gen->ids[i], error);
	explicit_bzero(&session, sizeof(session));
	if (rc == 0)
		gen->n_ids++;
	return rc;
}

// Adds sessions for a while. 1: there are more to add.
static int add_some(struct engine *engine, struct gen *gen, struct session_error *error)
{
	uint64_t end = rte_rdtsc() + engine->shared.tsc_hz / SLICES_PER_S;
	int rc = 0;

	while (rc == 0 && gen->n_ids < gen->n_wanted && rte_rdtsc() < end)
		rc = add_session(engine, gen, gen->n_ids, error);
	return rc == 0 ? gen->n_ids < gen->n_wanted : rc;
}

// After a grace period.
static void end_gen(void *arg, void *object)
{
	struct engine *engine = arg;
	struct gen *gen = object;

	nexthop_put(engine->sides[SIDE_WIRE].nexthops, gen->nexthop);
	free(gen->ids);
	free(gen);
}

static void remove_gen(struct engine *engine, struct gen *gen)
{
	engine->gen = NULL;
	rcu_set_pointer(&engine->shared.gen, NULL);
	for (unsigned i = 0; i < gen->n_ids; i++)
		session_remove(engine, gen->ids[i]); // unless somebody else has done so
	gen_key_free(gen->key);
	gen->key = NULL;
	retire(engine->retire, end_gen, gen);
}

// A synchronization source that no earlier generator has had under the same keys: sequence numbers
// begin anew, the keys may be those of the last time, and the far end may still be that of then.
static uint32_t new_ssrc(struct engine *engine)
{
	uint32_t now = (uint32_t)time(NULL);

	if (now <= engine->gen_ssrc)
		now = engine->gen_ssrc + 1;
	engine->gen_ssrc = now;
	return now;
}

static struct gen *new_gen(
	struct engine *engine, const struct gen_params *params, bool loop, unsigned n_ids)
{
	struct gen *gen = aligned_alloc(64, sizeof(*gen));

	if (!gen)
		return NULL;
	memset(gen, 0, sizeof(*gen));
	gen->params = *params;
	gen->params.secret = NULL;
	gen->own_secret = params->secret != NULL;
	gen->loop = loop;
	gen->traffic = gen->next = params->traffic;
	gen->ssrc = new_ssrc(engine);
	gen->n_wanted = n_ids;
	gen->ids = calloc(n_ids, sizeof(gen->ids[0]));
	gen->key = gen_key_new(params->secret ? params->secret : GEN_TEST_SECRET);
	if (gen->ids && gen->key)
		return gen;
	gen_key_free(gen->key);
	free(gen->ids);
	free(gen);
	return NULL;
}

// The next hop of all of them. Over a wire that leads back it is the engine itself.
static int find_nexthop(struct engine *engine, struct gen *gen)
{
	struct engine_side *side = &engine->sides[SIDE_WIRE];
	const struct gen_params *p = &gen->params;

	gen->nexthop = nexthop_get(side->nexthops, &p->local.ip, &p->remote.ip);
	if (!gen->nexthop)
		return -ENOMEM;
	if (gen->loop) {
		nexthop_learn(side->nexthops, &p->remote.ip, &side->mac);
		nexthop_learn(side->nexthops, &p->local.ip, &side->mac);
	}
	return 0;
}

// What was set for the next start. No worker looks at the generator.
static void apply(struct engine *engine, struct gen *gen)
{
	const struct gen_traffic *t = &gen->next;
	unsigned n = engine->shared.n_workers;
	uint64_t now = rte_rdtsc();

	gen->traffic = *t;
	gen->step = t->rate ? GEN_TIMESTAMP(CLOCK_HZ) / t->rate : GEN_TIMESTAMP(t->payload);
	for (unsigned i = 0; i < n; i++) {
		struct gen_worker *g = &gen->workers[i];

		if (g->pace.next != 0 && now > g->pace.next) // a clock does not stand still
			g->timestamp += (uint64_t)((double)(now - g->pace.next) * CLOCK_HZ /
						   (double)engine->shared.tsc_hz) *
					GEN_TIMESTAMP(1);
		gen_pace_init(&g->pace, (uint64_t)gen_share(gen->sessions, i, n) * t->rate,
			engine->shared.tsc_hz, now);
	}
}

// All sessions are there: the workers may have them.
static void complete(struct engine *engine, struct gen *gen)
{
	gen_key_free(gen->key);
	gen->key = NULL;
	gen->sessions = gen->params.sessions;
	apply(engine, gen);
	gen_reset(engine);
	rcu_set_pointer(&engine->shared.gen, gen);
}

// Goes on with what gen_set() began: 0, or -errno and it is all undone.
static int go_on(struct engine *engine, struct session_error *error)
{
	struct gen *gen = engine->gen;
	int rc = add_some(engine, gen, error);

	if (rc == 0 && find_nexthop(engine, gen) != 0)
		rc = session_fail(error, -ENOMEM, NULL, "out of memory");
	if (rc == 0)
		complete(engine, gen);
	if (rc < 0)
		remove_gen(engine, gen);
	return rc < 0 ? rc : 0;
}

int gen_set(struct engine *engine, const struct gen_params *params, struct session_error *error)
{
	struct gen_params p = *params;
	unsigned n_ids;
	bool loop;
	int rc;

	if (engine->gen)
		return session_fail(error, -EEXIST, NULL, "the generator is set: clear gen first");
	rc = fill_in(engine, &p, &loop, error);
	n_ids = loop ? 2 * p.sessions : p.sessions;
	if (rc == 0)
		rc = check(engine, &p, n_ids, error);
	if (rc != 0)
		return rc;
	engine->gen = new_gen(engine, &p, loop, n_ids);
	if (!engine->gen)
		return session_fail(error, -ENOMEM, NULL, "out of memory");
	engine->gen_error.text[0] = '\0';
	return go_on(engine, error);
}

void gen_tick(struct engine *engine)
{
	if (engine->gen && engine->gen->key)
		go_on(engine, &engine->gen_error);
}

int gen_change(
	struct engine *engine, const struct gen_traffic *traffic, struct session_error *error)
{
	struct gen *gen = engine->gen;
	int rc;

	if (!gen)
		return session_fail(
			error, -ENOENT, NULL, "the generator is not set: set gen first");
	rc = check_traffic(engine, traffic, error);
	if (rc == 0)
		gen->next = *traffic;
	return rc;
}

int gen_clear(struct engine *engine)
{
	if (!engine->gen)
		return -ENOENT;
	remove_gen(engine, engine->gen);
	return 0;
}

void gen_begin(struct engine *engine)
{
	if (engine->shared.gen)
		apply(engine, engine->shared.gen);
}
