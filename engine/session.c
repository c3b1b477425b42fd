// SPDX-License-Identifier: BSD-3-Clause
// Adds, changes and removes sessions. All that can fail is done before anything is published, so
// that a session is whole or not there. Control thread.
#include "engine/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "crypto/fingerprint.h"
#include "engine/core.h"
#include "engine/session_check.h"
#include "engine/spare.h"

// ---- streams

static void end_context(struct engine *engine, struct stream *stream)
{
	struct stream_home *home = stream_home(stream->state);
	size_t bytes = context_bytes(stream->context);

	spare_put(engine->mem, context_extension(stream->context));
	context_fini(stream->context);
	if ((uint8_t *)stream->context != home->context)
		mem_put(engine->mem, stream->context, bytes);
	stream->owns_context = false;
}

// Ends a stream that no worker can see. Its context goes with it unless another stream took it
// over.
static void end_stream(void *arg, void *object)
{
	struct engine *engine = arg;
	struct stream *stream = object;
	struct stream_home *home = stream_home(stream->state);
	enum packet_side out = stream->to_wire ? SIDE_WIRE : SIDE_HOST;

	if (stream->owns_context)
		end_context(engine, stream);
	nexthop_put(engine->sides[out].nexthops, stream->nexthop);
	if (stream != &home->stream)
		mem_put(engine->mem, stream, sizeof(*stream));
}

// Ends what the streams of a direction began with, after all of them.
static void end_home(void *arg, void *object)
{
	struct engine *engine = arg;
	struct stream_home *home = object;

	if (!home)
		return;
	observe_released(engine->observe, home->state.owner);
	mem_put(engine->mem, home, home->state.home_bytes);
}

static struct context_params context_params(const struct session_params *params, bool to_wire)
{
	const uint8_t *key = to_wire ? params->tx_key : params->rx_key;

	return (struct context_params){
		.suite = params->suite,
		.direction = to_wire ? CONTEXT_PROTECT : CONTEXT_UNPROTECT,
		.key = key,
		.salt = key + suite_table[params->suite].key_bytes,
		.window = params->window,
		.ssrc_max = 1, // a second one takes a spare block
	};
}

// A context in `home`, or alone if that is NULL.
static int make_context(struct engine *engine, struct stream *stream, struct stream_home *home,
	const struct session_params *params)
{
	const struct context_params context = context_params(params, stream->to_wire);
	size_t bytes = context_size(&context);
	void *memory = home ? home->context : mem_get(engine->mem, bytes);

	if (!memory)
		return -ENOMEM;
	stream->context = context_init(memory, &context);
	if (!stream->context) {
		if (!home)
			mem_put(engine->mem, memory, bytes);
		return -errno;
	}
	stream->owns_context = true;
	return 0;
}

// What the stream sends: from where and where to.
static int make_path(
	struct engine *engine, struct stream *stream, const struct session_params *params)
{
	struct engine_side *side = &engine->sides[stream->to_wire ? SIDE_WIRE : SIDE_HOST];
	const struct session_addr *src =
		stream->to_wire ? &params->wire_local : &params->host_local;
	const struct session_addr *dst =
		stream->to_wire ? &params->wire_remote : &params->host_remote;

	stream->out_src_port = src->port;
	stream->out_dst_port = dst->port;
	stream->nexthop = nexthop_get(side->nexthops, &src->ip, &dst->ip);
	return stream->nexthop ? 0 : -ENOMEM;
}

// The context of `old`, but for new keys. Keys that the direction already has are not new: in a
// context of their own they would begin at index 0, repeat the keystream and take old packets
// again.
static int keep_context(struct engine *engine, struct stream *stream, const struct stream *old,
	bool keys, const struct session_params *params)
{
	if (keys) {
		int rc = make_context(engine, stream, NULL, params);

		if (rc != 0 || !context_same_keys(stream->context, old->context))
			return rc;
		end_context(engine, stream);
	}
	stream->context = old->context;
	return 0;
}

static void describe(struct stream *stream, const struct session_params *params, bool to_wire,
	struct stream_state *state, uint32_t id)
{
	stream->to_wire = to_wire;
	stream->active = !!(params->direction & (to_wire ? SESSION_SENDONLY : SESSION_RECVONLY));
	stream->remote = to_wire ? params->host_remote.ip : params->wire_remote.ip;
	stream->remote_port = to_wire ? 0 : params->wire_remote.port;
	stream->local_port = to_wire ? params->host_local.port : params->wire_local.port;
	stream->state = state;
	stream->session = id;
}

// The first stream of a direction, not published.
static struct stream *make_first(
	struct engine *engine, const struct session_params *params, bool to_wire, uint32_t id)
{
	const struct context_params context = context_params(params, to_wire);
	size_t bytes = sizeof(struct stream_home) + context_size(&context);
	struct stream_home *home = mem_get(engine->mem, bytes);
	struct stream *stream;

	if (!home)
		return NULL;
	stream = &home->stream;
	home->state.home_bytes = (uint32_t)bytes;
	describe(stream, params, to_wire, &home->state, id);
	if (make_path(engine, stream, params) == 0 &&
		make_context(engine, stream, home, params) == 0)
		return stream;
	end_stream(engine, stream);
	end_home(engine, home);
	return NULL;
}

// One that is to replace `old`, whose state it goes on with, and whose context unless there are new
// keys.
static struct stream *make_next(struct engine *engine, const struct session_params *params,
	const struct stream *old, bool keys)
{
	struct stream *stream = mem_get(engine->mem, sizeof(*stream));
	int rc;

	if (!stream)
		return NULL;
	describe(stream, params, old->to_wire, old->state, old->session);
	rc = make_path(engine, stream, params);
	if (rc == 0)
		rc = keep_context(engine, stream, old, keys, params);
	if (rc == 0)
		return stream;
	end_stream(engine, stream);
	return NULL;
}

// ---- a session's memory

static void wipe_keys(struct session_params *params)
{
	explicit_bzero(params->tx_key, sizeof(params->tx_key));
	explicit_bzero(params->rx_key, sizeof(params->rx_key));
}

static void free_session(struct session *session)
{
	free((char *)session->tag);
	free(session);
}

// A session with its tag and no streams.
static struct session *alloc_session(const struct session_params *params)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	session_table_keep(session, params);
	if (params->tag)
		session->tag = strdup(params->tag);
	if (!params->tag || session->tag)
		return session;
	free(session);
	return NULL;
}

static struct session_key note_key(const struct session_params *params, const uint8_t *key)
{
	const struct suite *suite = &suite_table[params->suite];

	return (struct session_key){
		(uint32_t)fingerprint_of(key, suite->key_bytes + suite->salt_bytes),
		session_moment(rte_rdtsc())};
}

static int make_streams(
	struct engine *engine, struct session *session, const struct session_params *params)
{
	session->rx_key = note_key(params, params->rx_key);
	session->tx_key = note_key(params, params->tx_key);
	session->rx = make_first(engine, params, false, session->id);
	session->tx = session->rx ? make_first(engine, params, true, session->id) : NULL;
	if (session->tx)
		return 0;
	if (session->rx) {
		struct stream_home *home = stream_home(session->rx->state);

		end_stream(engine, session->rx);
		end_home(engine, home);
	}
	return -ENOMEM;
}

// ---- publishing

static void publish(struct engine *engine, struct session *session)
{
	const struct session_addr *host = &session->host_local;
	struct flow_table *wire = engine->shared.flows[SIDE_WIRE];
	struct flow_table *flows = engine->shared.flows[SIDE_HOST];

	flow_add(wire, &session->wire_local.ip, session->wire_local.port, session->rx);
	flow_add(flows, &host->ip, host->port, session->tx);
	flow_add(flows, &host->ip, (uint16_t)(host->port + 1), session->tx);
}

static void unpublish(struct engine *engine, struct session *session)
{
	const struct session_addr *host = &session->host_local;
	struct flow_table *wire = engine->shared.flows[SIDE_WIRE];
	struct flow_table *flows = engine->shared.flows[SIDE_HOST];

	flow_del(wire, &session->wire_local.ip, session->wire_local.port, session->rx);
	flow_del(flows, &host->ip, host->port, session->tx);
	flow_del(flows, &host->ip, (uint16_t)(host->port + 1), session->tx);
}

static void republish(
	struct engine *engine, struct session *session, struct stream *rx, struct stream *tx)
{
	const struct session_addr *host = &session->host_local;
	struct flow_table *wire = engine->shared.flows[SIDE_WIRE];
	struct flow_table *flows = engine->shared.flows[SIDE_HOST];

	flow_replace(wire, &session->wire_local.ip, session->wire_local.port, session->rx, rx);
	flow_replace(flows, &host->ip, host->port, session->tx, tx);
	flow_replace(flows, &host->ip, (uint16_t)(host->port + 1), session->tx, tx);
}

// ---- the API

static int reserve(
	struct engine *engine, const struct session_params *params, struct session_error *error)
{
	int rc;

	if (engine->sessions.count >= engine->sessions.max)
		return session_fail(
			error, -ENOSPC, NULL, "there are %u sessions", engine->sessions.max);
	rc = flow_reserve(engine->shared.flows[SIDE_WIRE], &params->wire_local.ip);
	if (rc == 0)
		rc = flow_reserve(engine->shared.flows[SIDE_HOST], &params->host_local.ip);
	if (rc != 0)
		return session_fail(error, rc, NULL, "%s",
			rc == -ENOSPC ? "too many local addresses in use" : "out of memory");
	return 0;
}

int session_add(struct engine *engine, const struct session_params *params, uint32_t *id,
	struct session_error *error)
{
	struct session *session;
	int rc;

	if (engine->drain.draining)
		return session_fail(error, -ESHUTDOWN, NULL,
			"the engine is draining: it takes no new sessions");
	rc = session_check_params(engine, params, error);
	if (rc == 0)
		rc = session_check_conflicts(engine, params, NULL, error);
	if (rc == 0)
		rc = reserve(engine, params, error);
	if (rc != 0)
		return rc;
	session = alloc_session(params);
	if (!session)
		return session_fail(error, -ENOMEM, NULL, "out of memory");
	session_table_add(&engine->sessions, session);
	if (make_streams(engine, session, params) != 0) {
		session_table_del(&engine->sessions, session);
		free_session(session);
		return session_fail(error, -ENOMEM, NULL, "out of memory");
	}
	session->added_tsc = rte_rdtsc();
	session->timeout_tsc = session->added_tsc;
	quality_begin(engine, session);
	publish(engine, session);
	*id = session->id;
	return 0;
}

#define CHANGES_STREAMS                                                                            \
	(SESSION_WIRE_REMOTE | SESSION_HOST_REMOTE | SESSION_KEYS | SESSION_DIRECTION)

// What the session is to be. The keys are the caller's, or zero.
static void merge(struct session_params *out, const struct session *session, unsigned changes,
	const struct session_params *params)
{
	session_table_params(session, out);
	if (changes & SESSION_WIRE_REMOTE)
		out->wire_remote = params->wire_remote;
	if (changes & SESSION_HOST_REMOTE)
		out->host_remote = params->host_remote;
	if (changes & SESSION_KEYS) {
		out->suite = params->suite;
		memcpy(out->tx_key, params->tx_key, sizeof(out->tx_key));
		memcpy(out->rx_key, params->rx_key, sizeof(out->rx_key));
	}
	if (changes & SESSION_DIRECTION)
		out->direction = params->direction;
	if (changes & SESSION_TIMEOUT)
		out->media_timeout_ms = params->media_timeout_ms;
}

// Whether the new stream keeps the context; then it is the new one's to end.
static bool take_context(struct stream *new, struct stream *old)
{
	if (new->context != old->context)
		return false;
	new->owns_context = true;
	old->owns_context = false;
	return true;
}

// What was dropped under earlier keys is not told of the new one.
static void begin_key(struct session *session, enum session_event exhausted, uint32_t *before,
	const struct stream *stream)
{
	session->told &= (uint8_t) ~(1u << exhausted);
	*before = (uint32_t)counter_get(&stream->state->key_exhausted);
}

static int replace_streams(struct engine *engine, struct session *session, bool keys,
	const struct session_params *params)
{
	struct stream *old_rx = session->rx, *old_tx = session->tx;
	struct stream *rx = make_next(engine, params, old_rx, keys);
	struct stream *tx = make_next(engine, params, old_tx, keys);
	bool kept_rx, kept_tx;

	if (!rx || !tx) {
		if (rx)
			end_stream(engine, rx);
		if (tx)
			end_stream(engine, tx);
		return -ENOMEM;
	}
	kept_rx = take_context(rx, old_rx);
	kept_tx = take_context(tx, old_tx);
	republish(engine, session, rx, tx);
	if (!kept_rx) {
		begin_key(session, SESSION_KEY_EXHAUSTED_RX, &session->exhausted_rx_before, rx);
		session->rx_key = note_key(params, params->rx_key);
	}
	if (!kept_tx) {
		begin_key(session, SESSION_KEY_EXHAUSTED_TX, &session->exhausted_tx_before, tx);
		session->tx_key = note_key(params, params->tx_key);
	}
	session->rx = rx;
	session->tx = tx;
	retire(engine->retire, end_stream, old_rx);
	retire(engine->retire, end_stream, old_tx);
	return 0;
}

// Streams and parameters, after all checks.
static int apply(struct engine *engine, struct session *session, unsigned changes,
	struct session_params *merged, char *tag)
{
	const char *old_tag = session->tag;

	if ((changes & CHANGES_STREAMS) &&
		replace_streams(engine, session, changes & SESSION_KEYS, merged) != 0)
		return -ENOMEM;
	session_table_keep(session, merged);
	if (changes & SESSION_TAG) {
		session->tag = tag;
		free((char *)old_tag);
	}
	if (changes & (SESSION_TIMEOUT | SESSION_DIRECTION)) {
		session->timeout_tsc = rte_rdtsc();
		session->told &= (uint8_t) ~(1u << SESSION_MEDIA_TIMEOUT);
	}
	return 0;
}

int session_update(struct engine *engine, uint32_t id, unsigned changes,
	const struct session_params *params, struct session_error *error)
{
	struct session *session = session_table_find(&engine->sessions, id);
	struct session_params merged;
	char *tag = NULL;
	int rc;

	if (!session)
		return session_fail(error, -ENOENT, "id", "no session %u", id);
	merge(&merged, session, changes, params);
	rc = session_check_params(engine, &merged, error);
	if (rc == 0)
		rc = session_check_conflicts(engine, &merged, session, error);
	if (rc == 0 && (changes & SESSION_TAG) && params->tag) {
		tag = strdup(params->tag);
		rc = tag ? 0 : session_fail(error, -ENOMEM, NULL, "out of memory");
	}
	if (rc == 0) {
		rc = apply(engine, session, changes, &merged, tag);
		if (rc != 0)
			session_fail(error, rc, NULL, "out of memory");
	}
	wipe_keys(&merged);
	if (rc != 0)
		free(tag);
	return rc;
}

int session_remove(struct engine *engine, uint32_t id)
{
	struct session *session = session_table_find(&engine->sessions, id);
	struct stream_home *rx, *tx;

	if (!session)
		return -ENOENT;
	rx = stream_home(session->rx->state);
	tx = stream_home(session->tx->state);
	quality_end(engine, session);
	unpublish(engine, session);
	session_table_del(&engine->sessions, session);
	retire(engine->retire, end_stream, session->rx);
	retire(engine->retire, end_stream, session->tx);
	retire(engine->retire, end_home, rx);
	retire(engine->retire, end_home, tx);
	session_emit(engine, session, SESSION_REMOVED, 0);
	free_session(session);
	return 0;
}
