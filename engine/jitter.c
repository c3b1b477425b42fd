// SPDX-License-Identifier: BSD-3-Clause
// Scans of all streams for their jitter, a thousand sessions a tick. Control thread; the workers'
// statistics are read while they change.
#include "engine/jitter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core.h"

#define SESSIONS 1000 // a tick, of all scans together

struct jitter_scan {
	struct jitter_scan *next;
	uint32_t after; // the session that was looked at last
	unsigned wanted, n_worst;
	jitter_done done;
	void *arg;
	struct histogram of[2];
	struct jitter_stream worst[JITTER_WORST_MAX];
};

int jitter_begin(struct engine *engine, unsigned worst, jitter_done done, void *arg)
{
	struct jitter_scan *scan, **end = &engine->jitter;
	unsigned n = 0;

	for (; *end; end = &(*end)->next)
		n++;
	if (n >= JITTER_SCANS_MAX)
		return -EBUSY;
	scan = calloc(1, sizeof(*scan));
	if (!scan)
		return -ENOMEM;
	scan->wanted = worst;
	scan->done = done;
	scan->arg = arg;
	*end = scan;
	return 0;
}

// Puts a stream in its place among the worst, if it has one there.
static void add_worst(struct jitter_scan *scan, const struct jitter_stream *stream)
{
	unsigned at = scan->n_worst;

	while (at > 0 && scan->worst[at - 1].jitter_ns < stream->jitter_ns)
		at--;
	if (at >= scan->wanted)
		return;
	if (scan->n_worst < scan->wanted)
		scan->n_worst++;
	memmove(&scan->worst[at + 1], &scan->worst[at],
		(scan->n_worst - 1 - at) * sizeof(scan->worst[0]));
	scan->worst[at] = *stream;
}

static void look_at(struct jitter_scan *scan, const struct stream *stream, enum packet_side from)
{
	const struct reception *r = &stream->state->reception;
	struct jitter_stream s = {
		.session = stream->session,
		.from = from,
		.ssrc = r->ssrc,
		.jitter_ns = (uint64_t)(reception_jitter_us(r) * 1000),
		.lost = reception_lost(r),
	};

	if (__atomic_load_n(&r->received, __ATOMIC_RELAXED) < 2)
		return; // one packet has no jitter
	histogram_add(&scan->of[from], s.jitter_ns);
	add_worst(scan, &s);
}

static void end_scan(struct engine *engine, struct jitter_scan *scan)
{
	engine->jitter = scan->next;
	scan->done(scan->arg, scan);
	free(scan);
}

// The first scan goes on; the others wait for it.
void jitter_tick(struct engine *engine)
{
	struct jitter_scan *scan = engine->jitter;

	for (unsigned i = 0; scan && i < SESSIONS; i++) {
		const struct session *s = session_table_after(&engine->sessions, scan->after);

		if (!s) {
			end_scan(engine, scan);
			return;
		}
		look_at(scan, s->rx, SIDE_WIRE);
		look_at(scan, s->tx, SIDE_HOST);
		scan->after = s->id;
	}
}

void jitter_fini(struct engine *engine)
{
	while (engine->jitter)
		end_scan(engine, engine->jitter);
}

const struct histogram *jitter_of(const struct jitter_scan *scan, enum packet_side from)
{
	return &scan->of[from];
}

unsigned jitter_worst(const struct jitter_scan *scan, const struct jitter_stream **streams)
{
	*streams = scan->worst;
	return scan->n_worst;
}
