// SPDX-License-Identifier: BSD-3-Clause
// The rings between the workers and the writer of a capture. The worker and the writer.
#include "engine/capture_lane.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "engine/rcu.h"
#include "pktio/address.h"
#include "pktio/parse.h"

// ---- control thread

int capture_lane_init(struct capture_tap *tap, unsigned workers, uint32_t snaplen)
{
	memset(tap, 0, sizeof(*tap));
	tap->n_lanes = workers;
	tap->snaplen = snaplen;
	tap->slot_bytes = (uint32_t)(sizeof(struct capture_slot) + snaplen + 63) & ~63u;
	tap->lanes = aligned_alloc(64, workers * sizeof(tap->lanes[0]));
	if (!tap->lanes)
		return -ENOMEM;
	memset(tap->lanes, 0, workers * sizeof(tap->lanes[0]));
	for (unsigned i = 0; i < workers; i++) {
		tap->lanes[i].slots = aligned_alloc(64, (size_t)CAPTURE_SLOTS * tap->slot_bytes);
		if (!tap->lanes[i].slots) {
			capture_lane_fini(tap);
			return -ENOMEM;
		}
	}
	return 0;
}

void capture_lane_fini(struct capture_tap *tap)
{
	size_t used = (size_t)CAPTURE_SLOTS * tap->slot_bytes;

	for (unsigned i = 0; tap->lanes && i < tap->n_lanes; i++) {
		struct capture_lane *lane = &tap->lanes[i];

		if (!lane->slots)
			continue;
		if (lane->head < CAPTURE_SLOTS) // the rest was never touched
			used = lane->head * tap->slot_bytes;
		explicit_bzero(lane->slots, used);
		free(lane->slots);
	}
	free(tap->lanes);
	tap->lanes = NULL;
}

// ---- workers

static bool is_session(const struct capture_match *match, enum worker_role role, bool out,
	const struct rte_mbuf *mbuf)
{
	const struct capture_match_side *s = &match->sides[role == ROLE_HOST];
	unsigned above = role == ROLE_HOST; // RTCP
	uint16_t local_port, remote_port;
	const struct in6_addr *local, *remote;
	struct parse p;

	parse_mbuf(mbuf, &p);
	if (p.kind != PARSE_UDP)
		return false;
	local = out ? &p.src : &p.dst;
	remote = out ? &p.dst : &p.src;
	local_port = rte_be_to_cpu_16(out ? p.src_port : p.dst_port);
	remote_port = rte_be_to_cpu_16(out ? p.dst_port : p.src_port);
	if (!address_equal(local, &s->local) || !address_equal(remote, &s->remote) ||
		(unsigned)local_port - s->local_port > above)
		return false;
	// An application may send from any port
	return (role == ROLE_HOST && !out) || (unsigned)remote_port - s->remote_port <= above;
}

static void copy_one(const struct capture_tap *tap, struct capture_slot *slot,
	const struct rte_mbuf *mbuf, enum worker_role role, bool out, uint64_t now)
{
	const void *data;
	uint32_t stored = mbuf->pkt_len < tap->snaplen ? mbuf->pkt_len : tap->snaplen;

	slot->tsc = now;
	slot->length = (uint16_t)mbuf->pkt_len;
	slot->stored = (uint16_t)stored;
	slot->role = (uint8_t)role;
	slot->out = out;
	data = rte_pktmbuf_read(mbuf, 0, stored, slot->data);
	if (data != slot->data)
		memcpy(slot->data, data, stored);
}

static struct capture_slot *slot_at(
	const struct capture_tap *tap, const struct capture_lane *lane, uint64_t n)
{
	return (struct capture_slot *)(lane->slots + n % CAPTURE_SLOTS * tap->slot_bytes);
}

uint64_t capture_lane_copy(struct capture_tap *tap, unsigned worker, enum worker_role role,
	bool out, struct rte_mbuf *const mbufs[], unsigned n)
{
	struct capture_lane *lane = &tap->lanes[worker];
	const struct capture_match *match = rcu_dereference(tap->match);
	uint64_t end = __atomic_load_n(&lane->tail, __ATOMIC_ACQUIRE) + CAPTURE_SLOTS;
	uint64_t head = lane->head, copied = 0, now = rte_rdtsc();

	for (unsigned i = 0; i < n; i++) {
		if (match && !is_session(match, role, out, mbufs[i]))
			continue;
		if (head == end) {
			__atomic_store_n(&lane->dropped, lane->dropped + 1, __ATOMIC_RELAXED);
			continue;
		}
		copy_one(tap, slot_at(tap, lane, head++), mbufs[i], role, out, now);
		copied |= 1ull << i;
	}
	return copied;
}

void capture_lane_publish(struct capture_tap *tap, unsigned worker, unsigned n)
{
	struct capture_lane *lane = &tap->lanes[worker];

	__atomic_store_n(&lane->head, lane->head + n, __ATOMIC_RELEASE);
}

// ---- writer

const struct capture_slot *capture_lane_first(const struct capture_tap *tap, unsigned *lane)
{
	const struct capture_slot *first = NULL;

	for (unsigned i = 0; i < tap->n_lanes; i++) {
		const struct capture_lane *l = &tap->lanes[i];
		const struct capture_slot *slot;

		if (__atomic_load_n(&l->head, __ATOMIC_ACQUIRE) == l->tail)
			continue;
		slot = slot_at(tap, l, l->tail);
		if (first && first->tsc <= slot->tsc)
			continue;
		first = slot;
		*lane = i;
	}
	return first;
}

void capture_lane_done(struct capture_tap *tap, unsigned lane)
{
	uint64_t *tail = &tap->lanes[lane].tail;

	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
}

uint64_t capture_lane_dropped(const struct capture_tap *tap)
{
	uint64_t dropped = 0;

	for (unsigned i = 0; i < tap->n_lanes; i++)
		dropped += __atomic_load_n(&tap->lanes[i].dropped, __ATOMIC_RELAXED);
	return dropped;
}
