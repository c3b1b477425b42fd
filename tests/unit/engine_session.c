// SPDX-License-Identifier: BSD-3-Clause
// Sessions are whole or not there: bad parameters, addresses in use, updates, removal, events, and
// memory that stays where it was.
#include "tests/unit/engine_rig.h"

#include <malloc.h>

struct event_log {
	unsigned counts[SESSION_REMOVED + 1];
	uint32_t id;
	char tag[32];
	uint64_t idle_ms;
};

static void on_event(
	void *arg, enum session_event event, uint32_t id, const char *tag, uint64_t idle_ms)
{
	struct event_log *log = arg;

	log->counts[event]++;
	log->id = id;
	log->idle_ms = idle_ms;
	snprintf(log->tag, sizeof(log->tag), "%s", tag ? tag : "");
}

// What there is, to be compared before and after a failure.
struct footprint {
	size_t mapped, used;
	unsigned sessions, nexthops;
};

static struct footprint footprint(struct rig *rig)
{
	struct engine_stats stats;

	retire_flush(rig->engine->retire);
	engine_stats_get(rig->engine, &stats);
	return (struct footprint){
		stats.memory_mapped, stats.memory_used, stats.sessions, stats.nexthops};
}

static void same_footprint(struct rig *rig, const struct footprint *before, const char *what)
{
	struct footprint after = footprint(rig);

	cr_assert_eq(after.used, before->used, "%s: memory", what);
	cr_assert_eq(after.sessions, before->sessions, "%s: sessions", what);
	cr_assert_eq(after.nexthops, before->nexthops, "%s: next hops", what);
}

// ---- refusals

struct refusal {
	const char *name, *field;
	int rc;
	void (*spoil)(struct session_params *p);
};

#define SPOIL(name, statement)                                                                     \
	static void spoil_##name(struct session_params *p)                                         \
	{                                                                                          \
		statement;                                                                         \
	}

SPOIL(wire_local, p->wire_local = rig_addr("10.0.0.7", 20000))
SPOIL(wire_local_port, p->wire_local.port = 0)
SPOIL(wire_remote_port, p->wire_remote.port = 0)
SPOIL(wire_remote_multicast, p->wire_remote = rig_addr("224.0.0.1", 20000))
SPOIL(wire_remote_self, p->wire_remote = rig_addr("10.0.0.1", 20000))
SPOIL(wire_remote_version, p->wire_remote = rig_addr("2001:db8::2", 20000))
SPOIL(wire_remote_far, p->wire_remote = rig_addr("10.1.0.2", 20000))
SPOIL(host_local, p->host_local = rig_addr("10.0.0.1", 30000))
SPOIL(host_local_port, p->host_local.port = 65535)
SPOIL(host_remote_port, p->host_remote.port = 65535)
SPOIL(host_remote_far, p->host_remote = rig_addr("192.168.51.2", 40000))
SPOIL(host_remote_loopback, p->host_remote = rig_addr("127.0.0.1", 40000))
SPOIL(suite, p->suite = SUITE_COUNT)
SPOIL(window, p->window = 100)
SPOIL(direction, p->direction = 4)

static const struct refusal refusals[] = {
	{"not our address", "wire.local", -EADDRNOTAVAIL, spoil_wire_local},
	{"port 0", "wire.local", -EINVAL, spoil_wire_local_port},
	{"remote port 0", "wire.remote", -EINVAL, spoil_wire_remote_port},
	{"multicast", "wire.remote", -EINVAL, spoil_wire_remote_multicast},
	{"to itself", "wire.remote", -EINVAL, spoil_wire_remote_self},
	{"IP versions", "wire.remote", -EINVAL, spoil_wire_remote_version},
	{"wire, not on link", "wire.remote", -EINVAL, spoil_wire_remote_far},
	{"wire's address on the host", "host.local", -EADDRNOTAVAIL, spoil_host_local},
	{"no RTCP port", "host.local", -EINVAL, spoil_host_local_port},
	{"no remote RTCP port", "host.remote", -EINVAL, spoil_host_remote_port},
	{"host, not on link", "host.remote", -EINVAL, spoil_host_remote_far},
	{"loopback", "host.remote", -EINVAL, spoil_host_remote_loopback},
	{"suite", "suite", -EINVAL, spoil_suite},
	{"window", "window", -EINVAL, spoil_window},
	{"direction", "direction", -EINVAL, spoil_direction},
};

Test(session, refuses_bad_parameters)
{
	struct rig rig;
	struct footprint before;

	rig_start(&rig);
	before = footprint(&rig);
	for (unsigned i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct session_params params = rig.params;
		struct session_error error = {0};
		uint32_t id = 0;

		refusals[i].spoil(&params);
		cr_assert_eq(session_add(rig.engine, &params, &id, &error), refusals[i].rc,
			"%s: %s", refusals[i].name, error.text);
		cr_assert_str_eq(error.field, refusals[i].field, "%s", refusals[i].name);
		cr_assert_neq(error.text[0], '\0');
		cr_assert_eq(id, 0);
		same_footprint(&rig, &before, refusals[i].name);
	}
	rig_stop(&rig);
}

Test(session, refuses_addresses_in_use)
{
	struct rig rig;
	struct session_params p;
	struct session_error error = {0};
	struct footprint before;
	uint32_t id;

	rig_start(&rig);
	cr_assert_eq(session_add(rig.engine, &rig.params, &rig.id, NULL), 0);
	before = footprint(&rig);
	cr_assert_eq(session_add(rig.engine, &rig.params, &id, &error), -EADDRINUSE);
	cr_assert_str_eq(error.field, "wire.local");
	p = rig.params;
	p.wire_local.port++;
	for (int step = -1; step <= 1; step++) { // RTCP of the one and RTP of the other
		p.host_local.port = (uint16_t)(rig.params.host_local.port + step);
		cr_assert_eq(session_add(rig.engine, &p, &id, &error), -EADDRINUSE);
		cr_assert_str_eq(error.field, "host.local");
	}
	same_footprint(&rig, &before, "in use");
	// another peer to the same wire port is another session
	p = rig.params;
	p.wire_remote.port++;
	p.host_local.port += 2;
	cr_assert_eq(session_add(rig.engine, &p, &id, &error), 0, "%s", error.text);
	// which cannot become the first one's peer
	cr_assert_eq(session_update(rig.engine, id, SESSION_WIRE_REMOTE, &rig.params, &error),
		-EADDRINUSE);
	cr_assert_eq(session_remove(rig.engine, rig.id), 0);
	cr_assert_eq(session_update(rig.engine, id, SESSION_WIRE_REMOTE, &rig.params, &error), 0);
	cr_assert_eq(session_add(rig.engine, &rig.params, &rig.id, &error), -EADDRINUSE);
	cr_assert_eq(session_remove(rig.engine, id), 0);
	cr_assert_eq(session_add(rig.engine, &rig.params, &rig.id, &error), 0, "free again");
	rig_stop(&rig);
}

Test(session, refuses_more_than_the_limit)
{
	struct rig rig;
	struct session_error error = {0};
	uint32_t id;

	rig_prepare(&rig, 2);
	rig.config.sessions_max = 3;
	rig_run(&rig);
	for (unsigned i = 0; i < 4; i++) {
		int rc = session_add(rig.engine, &rig.params, &id, &error);

		cr_assert_eq(rc, i < 3 ? 0 : -ENOSPC, "%u", i);
		rig.params.wire_local.port++;
		rig.params.host_local.port += 2;
	}
	cr_assert_eq(session_count(rig.engine), 3);
	rig_stop(&rig);
}

// ---- updates

Test(session, updates_all_or_nothing)
{
	struct rig rig;
	struct session_params p;
	struct session_error error = {0};
	struct session_info info;
	struct footprint before;

	rig_start(&rig);
	rig_add(&rig);
	before = footprint(&rig);
	p = rig.params;
	p.host_remote = rig_addr("192.168.50.9", 41000);
	p.wire_remote = rig_addr("10.9.9.9", 1);
	p.tag = "new";
	cr_assert_eq(session_update(rig.engine, rig.id,
			     SESSION_HOST_REMOTE | SESSION_WIRE_REMOTE | SESSION_TAG, &p, &error),
		-EINVAL);
	cr_assert_str_eq(error.field, "wire.remote");
	session_get(rig.engine, rig.id, &info);
	cr_assert_str_eq(info.params.tag, "tag");
	cr_assert_eq(info.params.host_remote.port, 40000);
	same_footprint(&rig, &before, "refused update");
	cr_assert_eq(
		session_update(rig.engine, rig.id, SESSION_HOST_REMOTE | SESSION_TAG, &p, &error),
		0);
	session_get(rig.engine, rig.id, &info);
	cr_assert_str_eq(info.params.tag, "new");
	cr_assert_eq(info.params.host_remote.port, 41000);
	cr_assert_eq(info.params.wire_remote.port, rig.params.wire_remote.port);
	// The first streams' memory stays the session's; of all that come after nothing does
	before.used += 2 * sizeof(struct stream);
	same_footprint(&rig, &before, "the first streams have gone");
	for (unsigned i = 0; i < 5; i++) {
		p.host_remote.port++;
		cr_assert_eq(
			session_update(rig.engine, rig.id, SESSION_HOST_REMOTE, &p, &error), 0);
		same_footprint(&rig, &before, "the old streams have gone");
	}
	cr_assert_eq(session_update(rig.engine, 99, SESSION_TAG, &p, &error), -ENOENT);
	cr_assert_str_eq(error.field, "id");
	rig_stop(&rig);
}

Test(session, shows_no_key)
{
	struct rig rig;
	struct session_info info;
	static const uint8_t zero[sizeof(info.params.tx_key)];

	rig_start(&rig);
	rig_add(&rig);
	cr_assert_eq(session_update(rig.engine, rig.id, SESSION_KEYS, &rig.params, NULL), 0);
	cr_assert_eq(session_get(rig.engine, rig.id, &info), 0);
	cr_assert_arr_eq(info.params.tx_key, zero, sizeof(zero));
	cr_assert_arr_eq(info.params.rx_key, zero, sizeof(zero));
	cr_assert_eq(info.params.suite, rig.params.suite);
	rig_stop(&rig);
}

// ---- lists

Test(session, lists_in_order)
{
	struct rig rig;
	uint32_t ids[10], id = 0;
	unsigned n = 0;

	rig_start(&rig);
	for (unsigned i = 0; i < 10; i++) {
		cr_assert_eq(session_add(rig.engine, &rig.params, &ids[i], NULL), 0);
		rig.params.wire_local.port++;
		rig.params.host_local.port += 2;
	}
	session_remove(rig.engine, ids[0]);
	session_remove(rig.engine, ids[5]);
	session_remove(rig.engine, ids[9]);
	cr_assert_eq(session_remove(rig.engine, ids[9]), -ENOENT);
	while ((id = session_next(rig.engine, id)) != 0) {
		unsigned i = n < 4 ? n + 1 : n + 2;

		cr_assert_eq(id, ids[i]);
		n++;
	}
	cr_assert_eq(n, 7);
	cr_assert_eq(session_next(rig.engine, ids[5]), ids[6], "behind one that has gone");
	rig_stop(&rig);
}

// ---- events

Test(session, tells_of_first_packets_timeout_and_removal)
{
	struct rig rig;
	struct event_log log = {0};
	struct rig_frame frame;
	uint8_t plain[172];

	rig_start(&rig);
	session_on_event(rig.engine, on_event, &log);
	rig.params.media_timeout_ms = 200;
	rig_add(&rig);
	rig_rtp(plain, 1, 1, sizeof(plain));
	rig_udp(&frame, RIG_HOST, &rig.params.host_remote, &rig.params.host_local, plain,
		sizeof(plain));
	rig_send(&rig, RIG_HOST, &frame);
	cr_assert(rig_receive(&rig, RIG_WIRE, &frame));
	for (unsigned i = 0; i < 2000 && log.counts[SESSION_MEDIA_TIMEOUT] == 0; i++)
		rig_pump(&rig);
	cr_assert_eq(log.counts[SESSION_FIRST_PACKET_HOST], 1);
	cr_assert_eq(log.counts[SESSION_FIRST_PACKET_WIRE], 0);
	cr_assert_eq(log.counts[SESSION_MEDIA_TIMEOUT], 1);
	cr_assert_geq(log.idle_ms, 200);
	cr_assert_str_eq(log.tag, "tag");
	cr_assert_eq(log.id, rig.id);
	for (unsigned i = 0; i < 300; i++)
		rig_pump(&rig);
	cr_assert_eq(log.counts[SESSION_MEDIA_TIMEOUT], 1, "once");
	session_remove(rig.engine, rig.id);
	cr_assert_eq(log.counts[SESSION_REMOVED], 1);
	rig_stop(&rig);
}

Test(session, tells_of_an_exhausted_key)
{
	struct rig rig;
	struct event_log log = {0};
	struct rig_frame frame;
	uint8_t plain[172];

	rig_start(&rig);
	session_on_event(rig.engine, on_event, &log);
	rig_add(&rig);
	context_set_packets(
		session_table_find(&rig.engine->sessions, rig.id)->tx->context, 1ull << 48, 0);
	rig_rtp(plain, 1, 1, sizeof(plain));
	rig_udp(&frame, RIG_HOST, &rig.params.host_remote, &rig.params.host_local, plain,
		sizeof(plain));
	rig_send(&rig, RIG_HOST, &frame);
	cr_assert_eq(rig_drops(&rig, DROP_KEY_EXHAUSTED, 1), 1);
	for (unsigned i = 0; i < 500; i++)
		rig_pump(&rig);
	cr_assert_eq(log.counts[SESSION_KEY_EXHAUSTED_TX], 1);
	cr_assert_eq(log.counts[SESSION_KEY_EXHAUSTED_RX], 0);
	// the same keys are as exhausted, and there is nothing to tell; with new ones packets go
	cr_assert_eq(session_update(rig.engine, rig.id, SESSION_KEYS, &rig.params, NULL), 0);
	rig_send(&rig, RIG_HOST, &frame);
	cr_assert_eq(rig_drops(&rig, DROP_KEY_EXHAUSTED, 2), 2);
	for (unsigned i = 0; i < 500; i++)
		rig_pump(&rig);
	cr_assert_eq(log.counts[SESSION_KEY_EXHAUSTED_TX], 1);
	rig.params.tx_key[0]++;
	cr_assert_eq(session_update(rig.engine, rig.id, SESSION_KEYS, &rig.params, NULL), 0);
	rig_send(&rig, RIG_HOST, &frame);
	cr_assert(rig_receive(&rig, RIG_WIRE, &frame));
	for (unsigned i = 0; i < 500; i++)
		rig_pump(&rig);
	cr_assert_eq(log.counts[SESSION_KEY_EXHAUSTED_TX], 1);
	rig_stop(&rig);
}

// ---- memory

static void add_and_remove(struct rig *rig, unsigned n)
{
	struct session_params p = rig->params;
	uint32_t id;

	for (unsigned i = 0; i < n; i++) {
		p.wire_local.port = (uint16_t)(20000 + i % 10000);
		p.host_local.port = (uint16_t)(30000 + 2 * (i % 10000));
		p.wire_remote.ip.s6_addr[15] = (uint8_t)(2 + i % 100);
		cr_assert_eq(session_add(rig->engine, &p, &id, NULL), 0);
		p.tx_key[0] ^= i % 2; // each of the keys is kept, or another
		p.rx_key[0] ^= i / 2 % 2;
		if (i % 3 == 0)
			cr_assert_eq(session_update(rig->engine, id, SESSION_KEYS, &p, NULL), 0);
		if (i % 3 == 1)
			cr_assert_eq(
				session_update(rig->engine, id, SESSION_HOST_REMOTE, &p, NULL), 0);
		cr_assert_eq(session_remove(rig->engine, id), 0);
	}
}

Test(session, memory_stays_where_it_was)
{
	struct rig rig;
	struct footprint fresh, before, after;
	struct mallinfo2 heap;

	rig_start(&rig);
	fresh = footprint(&rig);
	add_and_remove(&rig, 10000);
	before = footprint(&rig);
	heap = mallinfo2();
	for (unsigned round = 0; round < 3; round++)
		add_and_remove(&rig, 10000);
	after = footprint(&rig);
	cr_assert_eq(before.used, fresh.used);
	cr_assert_eq(after.used, fresh.used);
	cr_assert_eq(after.mapped, before.mapped, "%zu, %zu", after.mapped, before.mapped);
	cr_assert_eq(after.nexthops, 0);
	cr_assert_leq(mallinfo2().uordblks, heap.uordblks + 65536);
	rig_stop(&rig);
}

Test(session, thousands_at_a_time)
{
	struct rig rig;
	struct footprint before;
	uint32_t id = 0;

	rig_start(&rig);
	before = footprint(&rig);
	for (unsigned i = 0; i < 10000; i++) {
		cr_assert_eq(session_add(rig.engine, &rig.params, &id, NULL), 0);
		rig.params.wire_local.port++;
		rig.params.host_local.port += 2;
	}
	cr_assert_eq(session_count(rig.engine), 10000);
	for (id = session_next(rig.engine, 0); id; id = session_next(rig.engine, 0))
		cr_assert_eq(session_remove(rig.engine, id), 0);
	same_footprint(&rig, &before, "all removed");
	rig_stop(&rig);
}

Test(session, removed_at_the_end)
{
	struct rig rig;
	struct event_log log = {0};

	rig_start(&rig);
	session_on_event(rig.engine, on_event, &log);
	rig_add(&rig);
	rig_stop(&rig);
	cr_assert_eq(log.counts[SESSION_REMOVED], 1);
}
