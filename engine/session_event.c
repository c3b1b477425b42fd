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
	if (engine->on_event)
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

static void emit_once(struct engine *engine, const struct session *session, bool *told, bool is,
	enum session_event event)
{
	if (is && !*told) {
		*told = true;
		session_emit(engine, session, event, 0);
	}
}

static void scan_timeout(struct engine *engine, struct session *session)
{
	uint64_t idle;

	if (session->media_timeout_ms == 0 || !(session->direction & SESSION_RECVONLY))
		return;
	idle = idle_ms(engine, session->rx->state, session->timeout_tsc);
	if (idle < session->media_timeout_ms) {
		session->timed_out = false;
	} else if (!session->timed_out) {
		session->timed_out = true;
		session_emit(engine, session, SESSION_MEDIA_TIMEOUT, idle);
	}
}

static void scan_one(struct engine *engine, struct session *s)
{
	const struct stream_state *rx = s->rx->state, *tx = s->tx->state;

	emit_once(engine, s, &s->first_wire, counter_get(&rx->packets) > 0,
		SESSION_FIRST_PACKET_WIRE);
	emit_once(engine, s, &s->first_host, counter_get(&tx->packets) > 0,
		SESSION_FIRST_PACKET_HOST);
	emit_once(engine, s, &s->exhausted_rx,
		counter_get(&rx->key_exhausted) > s->exhausted_rx_before, SESSION_KEY_EXHAUSTED_RX);
	emit_once(engine, s, &s->exhausted_tx,
		counter_get(&tx->key_exhausted) > s->exhausted_tx_before, SESSION_KEY_EXHAUSTED_TX);
	scan_timeout(engine, s);
}

// A callback may remove any session, so the way on is by id.
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
	info->age_ms = tsc_to_ms(engine, rte_rdtsc() - session->added_tsc);
	get_stats(engine, session, session->rx, &info->rx);
	get_stats(engine, session, session->tx, &info->tx);
	return 0;
}
