// SPDX-License-Identifier: BSD-3-Clause
// Samples received packets for the log. Workers note, the control thread writes.
#include "engine/verbose.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/log.h"
#include "engine/core.h"
#include "pktio/demux.h"

#define LINES_MAX 100 // in 10 s

// A packet between a worker and the control thread.
struct slot {
	int full;	  // the control thread's; else the worker's
	unsigned packets; // of the batch
	uint32_t bytes;
	struct parse parse;
	uint8_t n_media;
	uint8_t media[12]; // the front of the UDP payload
} __attribute__((aligned(64)));

// Two of each worker, by enum packet_side.
struct verbose {
	struct slot slot;
};

static struct slot *slot_of(struct verbose *verbose, unsigned worker, unsigned side)
{
	return &verbose[worker * 2 + side].slot;
}

void verbose_note(struct worker *w, const struct packet_batch *batch)
{
	struct verbose *verbose = __atomic_load_n(&w->shared->verbose, __ATOMIC_ACQUIRE);
	const struct rte_mbuf *mbuf = batch->packets[0].mbuf;

	if (!verbose)
		return;
	struct slot *slot = slot_of(verbose, w->index, batch->side);
	if (__atomic_load_n(&slot->full, __ATOMIC_ACQUIRE))
		return;
	slot->packets = batch->n;
	slot->bytes = rte_pktmbuf_pkt_len(mbuf);
	parse_mbuf(mbuf, &slot->parse);
	slot->n_media = 0;
	if (slot->parse.kind == PARSE_UDP && slot->parse.length >= sizeof(slot->media) &&
		slot->parse.payload + sizeof(slot->media) <= mbuf->data_len) {
		slot->n_media = sizeof(slot->media);
		memcpy(slot->media, rte_pktmbuf_mtod_offset(mbuf, uint8_t *, slot->parse.payload),
			sizeof(slot->media));
	}
	__atomic_store_n(&slot->full, 1, __ATOMIC_RELEASE);
}

// ---- control thread

static const char *media_text(const struct slot *slot, char text[64])
{
	uint32_t ssrc;
	uint16_t sequence;

	text[0] = '\0';
	if (slot->n_media == 0)
		return text;
	switch (demux_classify(slot->media, slot->parse.length)) {
	case DEMUX_RTP:
		memcpy(&sequence, slot->media + 2, sizeof(sequence));
		memcpy(&ssrc, slot->media + 8, sizeof(ssrc));
		snprintf(text, 64, ", RTP ssrc 0x%08x sequence %u", ntohl(ssrc), ntohs(sequence));
		break;
	case DEMUX_RTCP:
		memcpy(&ssrc, slot->media + 4, sizeof(ssrc));
		snprintf(text, 64, ", RTCP ssrc 0x%08x", ntohl(ssrc));
		break;
	default:
		break;
	}
	return text;
}

static void write_slot(const struct slot *slot, unsigned worker, const char *side)
{
	static const char *const kinds[] = {[PARSE_OTHER] = "other",
		[PARSE_ARP] = "ARP",
		[PARSE_ICMP] = "ICMP",
		[PARSE_FRAGMENT] = "fragment",
		[PARSE_MALFORMED] = "malformed"};
	static struct log_limit limit = {.burst = LINES_MAX};
	char src[ADDRESS_TEXT_MAX], dst[ADDRESS_TEXT_MAX], media[64];
	const struct parse *p = &slot->parse;

	if (p->kind == PARSE_UDP)
		log_limited(&limit, LOG_NOTICE,
			"received: worker %u, %s, %u bytes, UDP %s port %u to %s port %u%s (first of %u)",
			worker, side, slot->bytes, address_text(&p->src, src), ntohs(p->src_port),
			address_text(&p->dst, dst), ntohs(p->dst_port), media_text(slot, media),
			slot->packets);
	else
		log_limited(&limit, LOG_NOTICE,
			"received: worker %u, %s, %u bytes, %s (first of %u)", worker, side,
			slot->bytes, kinds[p->kind], slot->packets);
}

int verbose_set(struct engine *engine, bool on)
{
	size_t slots = 2ul * engine->shared.n_workers;

	if (on && !engine->verbose) {
		engine->verbose = aligned_alloc(64, slots * sizeof(struct verbose));
		if (!engine->verbose)
			return -ENOMEM;
		memset(engine->verbose, 0, slots * sizeof(struct verbose));
	}
	__atomic_store_n(&engine->shared.verbose, on ? engine->verbose : NULL, __ATOMIC_RELEASE);
	return 0;
}

bool verbose_is_on(const struct engine *engine)
{
	return engine->shared.verbose != NULL;
}

void verbose_tick(struct engine *engine)
{
	if (!verbose_is_on(engine))
		return;
	for (unsigned i = 0; i < 2 * engine->shared.n_workers; i++) {
		struct slot *slot = &engine->verbose[i].slot;

		if (!__atomic_load_n(&slot->full, __ATOMIC_ACQUIRE))
			continue;
		write_slot(slot, i / 2, i % 2 == SIDE_WIRE ? "wire" : "host");
		__atomic_store_n(&slot->full, 0, __ATOMIC_RELEASE);
	}
}

void verbose_fini(struct engine *engine)
{
	free(engine->verbose);
	engine->verbose = NULL;
}
