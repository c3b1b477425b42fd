// SPDX-License-Identifier: BSD-3-Clause
// What is told and shown of sessions: events, found by looking at some sessions every 100 ms, lists
// and statistics. Control thread; the workers' counters are read while they change.
#include <errno.h>
#include <string.h>

#include <rte_cycles.h>

#include "engine/core.h"

void session_on_event(struct engine *engine, session_event_cb cb, void *arg)
{
	engine->on_event = cb;
	engine->on_event_arg = arg;
}

void session_emit(struct engine *engine, const struct session *session, enum session_event event,
	uint64_t idle_ms)
{
	if (engine->on_event && !session->synthetic)
		engine->on_event(engine->on_event_arg, event, session->id, session->tag, idle_ms);
}

static uint64_t tsc_to_ms(const struct engine *engine, uint64_t tsc)
{
	return tsc / (engine->shared.tsc_hz / 1000);
}

// Milliseconds since the last packet of a stream, or since `base` if that is later.
static uint64_t idle_ms(
	const struct engine *engine, const struct stream_state *state, uint64_t base)
{
	uint64_t last = counter_get(&state->last_tsc), now = rte_rdtsc();

	if (last < base)
		last = base;
	return now > last ? tsc_to_ms(engine, now - last) : 0;
}

// ---- events

// Tells of an event that `is`, once; `idle_ms` goes with it.
static void emit_once(struct engine *engine, struct session *session, enum session_event event,
	bool is, uint64_t idle)
{
	if (!is || (session->told & 1u << event))
		return;
	session->told |= (uint8_t)(1u << event);
	session_emit(engine, session, event, idle);
}

static void scan_timeout(struct engine *engine, struct session *session)
{
	uint64_t idle;

	if (session->media_timeout_ms == 0 || !(session->direction & SESSION_RECVONLY))
		return;
	idle = idle_ms(engine, session->rx->state, session->timeout_tsc);
	if (idle < session->media_timeout_ms)
		session->told &= (uint8_t) ~(1u << SESSION_MEDIA_TIMEOUT);
	else
		emit_once(engine, session, SESSION_MEDIA_TIMEOUT, true, idle);
}

static bool exhausted(const struct stream_state *state, uint32_t before)
{
	return (uint32_t)counter_get(&state->key_exhausted) != before;
}

// Milliseconds since the last packet of either direction, or since `base`.
static uint64_t silent_ms(const struct engine *engine, const struct session *s, uint64_t base)
{
	uint64_t rx = idle_ms(engine, s->rx->state, base), tx = idle_ms(engine, s->tx->state, base);

	return rx < tx ? rx : tx;
}

static bool has_drained(struct engine *engine, const struct session *s)
{
	uint64_t now = rte_rdtsc(), since = now - session_since(s->drain, now);

	return silent_ms(engine, s, since) >= s->drain_idle_s * 1000ull;
}

static void scan_one(struct engine *engine, struct session *s)
{
	const struct stream_state *rx = s->rx->state, *tx = s->tx->state;

	emit_once(engine, s, SESSION_FIRST_PACKET_WIRE, counter_get(&rx->packets) > 0, 0);
	emit_once(engine, s, SESSION_FIRST_PACKET_HOST, counter_get(&tx->packets) > 0, 0);
	emit_once(engine, s, SESSION_KEY_EXHAUSTED_RX, exhausted(rx, s->exhausted_rx_before), 0);
	emit_once(engine, s, SESSION_KEY_EXHAUSTED_TX, exhausted(tx, s->exhausted_tx_before), 0);
	scan_timeout(engine, s);
	quality_scan(engine, s);
	if (s->drain_idle_s > 0 && has_drained(engine, s))
		session_remove(engine, s->id);
}

// Sessions come and go between two scans, and scan_one() removes what has drained: the way on is by
// id.
void session_scan(struct engine *engine, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct session *session = session_table_after(&engine->sessions, engine->scan_id);

		if (!session) {
			engine->scan_id = 0;
			return;
		}
		engine->scan_id = session->id;
		scan_one(engine, session);
	}
}

int session_drain(struct engine *engine, uint32_t id, uint32_t idle_s)
{
	struct session *session = session_table_find(&engine->sessions, id);

	if (!session)
		return -ENOENT;
	session->drain = session_moment(rte_rdtsc());
	session->drain_idle_s = idle_s;
	return 0;
}

// ---- lists and statistics

uint32_t session_next(struct engine *engine, uint32_t after)
{
	const struct session *session = session_table_after(&engine->sessions, after);

	return session ? session->id : 0;
}

uint32_t session_count(struct engine *engine)
{
	return engine->sessions.count;
}

static void get_stats(const struct engine *engine, const struct session *session,
	const struct stream *stream, struct session_stream_stats *out)
{
	const struct stream_state *state = stream->state;

	out->worker = (int)__atomic_load_n(&state->owner, __ATOMIC_RELAXED) - 1;
	out->ssrc = state->reception.ssrc;
	out->packets = counter_get(&state->packets);
	out->bytes = counter_get(&state->bytes);
	out->rtcp_packets = counter_get(&state->rtcp_packets);
	out->lost = reception_lost(&state->reception);
	out->out_of_order = counter_get(&state->reception.out_of_order);
	out->jitter_us = reception_jitter_us(&state->reception);
	out->auth_failed = counter_get(&state->auth_failed);
	out->replayed = counter_get(&state->replayed);
	out->dropped = counter_get(&state->dropped);
	out->idle_ms = idle_ms(engine, state, session->added_tsc);
	out->packets_left = context_packets_left(stream->context, 0);
}

int session_get(struct engine *engine, uint32_t id, struct session_info *info)
{
	const struct session *session = session_table_find(&engine->sessions, id);

	if (!session)
		return -ENOENT;
	memset(info, 0, sizeof(*info));
	info->id = session->id;
	session_table_params(session, &info->params);
	info->drain_idle_s = session->drain_idle_s;
	info->age_ms = tsc_to_ms(engine, rte_rdtsc() - session->added_tsc);
	get_stats(engine, session, session->rx, &info->rx);
	get_stats(engine, session, session->tx, &info->tx);
	return 0;
}
