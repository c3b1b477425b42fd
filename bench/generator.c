// SPDX-License-Identifier: BSD-3-Clause
// The generator of `wire`; main thread.
#include "bench/generator.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_arp.h>
#include <rte_ethdev.h>
#include <rte_ip.h>

#include "bench/bench.h"
#include "bench/rig.h"
#include "crypto/burst.h"

#define BURST	     32
#define RTP_HEADER   12
#define LAST_NS	     100000000u // what comes later than this after the last packet is lost
#define ROUNDS	     40
#define ROUND_NS     50000000u
#define VERIFY_PAUSE 20000u // nanoseconds between the bursts of a round, gently

// ---- memory

static void make_contexts(struct generator *g, enum context_direction direction)
{
	struct session_params session;
	struct context_params params = {.suite = g->suite, .direction = direction};

	g->context_size = context_size(&params);
	g->contexts[direction] = bench_memory(g->context_size * g->sessions);
	for (uint32_t i = 0; i < g->sessions; i++) {
		rig_session_params(NULL, g->suite, i, &session);
		params.key = session.tx_key;
		params.salt = session.tx_key + suite_table[g->suite].key_bytes;
		if (!context_init(g->contexts[direction] + i * g->context_size, &params))
			bench_fail("no context for session %u", i);
	}
	explicit_bzero(&session, sizeof(session));
}

void generator_init(struct generator *g)
{
	g->order = calloc(g->sessions, sizeof(*g->order));
	for (int side = SIDE_WIRE; side <= SIDE_HOST; side++) {
		rte_eth_macaddr_get(g->ports[side], &g->own[side]);
		g->seen[side] = calloc(g->sessions, 1);
		g->at[side] = g->seq[side] = 0;
	}
	if (!g->order || !g->seen[0] || !g->seen[1])
		bench_fail("out of memory");
	for (uint32_t i = 0; i < g->sessions; i++)
		g->order[i] = i;
	bench_shuffle(g->order, g->sessions);
	make_contexts(g, CONTEXT_PROTECT);
	make_contexts(g, CONTEXT_UNPROTECT);
}

static struct context *context_of(const struct generator *g, enum context_direction d, uint32_t i)
{
	return (struct context *)(g->contexts[d] + i * g->context_size);
}

void generator_fini(struct generator *g)
{
	for (int d = CONTEXT_PROTECT; d <= CONTEXT_UNPROTECT; d++) {
		for (uint32_t i = 0; i < g->sessions; i++)
			context_fini(context_of(g, d, i));
		bench_memory_free(g->contexts[d]);
	}
	free(g->seen[SIDE_WIRE]);
	free(g->seen[SIDE_HOST]);
	free(g->order);
}

// ---- what is sent

static uint8_t filling(uint32_t session)
{
	return (uint8_t)(session * 37 + 5);
}

// The next packet towards a side of the engine; plain yet.
static void write_next(
	struct generator *g, enum packet_side side, struct rte_mbuf *mbuf, struct burst_packet *out)
{
	uint32_t session = g->order[g->at[side]], ssrc = rte_cpu_to_be_32(session + 1);
	uint32_t tag = side == SIDE_WIRE ? suite_table[g->suite].tag_bytes : 0;
	uint16_t seq = rte_cpu_to_be_16(g->seq[side]);
	uint8_t *rtp = rig_frame(mbuf, session, side, RTP_HEADER + g->payload + tag);
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(mbuf, struct rte_ether_hdr *);

	eth->src_addr = g->own[side];
	eth->dst_addr = g->engine[side];
	memset(rtp, 0, RTP_HEADER);
	rtp[0] = 0x80;
	memcpy(rtp + 2, &seq, sizeof(seq));
	memcpy(rtp + 8, &ssrc, sizeof(ssrc));
	memset(rtp + RTP_HEADER, filling(session), g->payload);
	*out = (struct burst_packet){.ctx = context_of(g, CONTEXT_PROTECT, session),
		.data = rtp,
		.length = RTP_HEADER + g->payload,
		.room = RTP_HEADER + g->payload + tag + rte_pktmbuf_tailroom(mbuf)};
	if (++g->at[side] == g->sessions) {
		g->at[side] = 0;
		g->seq[side]++;
	}
}

// Sends n packets towards a side; returns how many count as sent.
static unsigned send_burst(struct generator *g, enum packet_side side, unsigned n)
{
	struct rte_mbuf *mbufs[BURST];
	struct burst_packet packets[BURST];
	uint8_t status[BURST];
	unsigned sent;

	if (rte_pktmbuf_alloc_bulk(g->pool, mbufs, n) != 0)
		return 0;
	for (unsigned i = 0; i < n; i++)
		write_next(g, side, mbufs[i], &packets[i]);
	if (side == SIDE_WIRE && burst_protect(packets, status, n) != n)
		bench_fail("the generator cannot protect its packets");
	sent = rte_eth_tx_burst(g->ports[side], 0, mbufs, (uint16_t)n);
	if (sent < n)
		rte_pktmbuf_free_bulk(mbufs + sent, n - sent);
	return g->refused_is_lost ? n : sent;
}

// ---- what comes

static void answer_arp(struct generator *g, enum packet_side side, struct rte_mbuf *mbuf)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(mbuf, struct rte_ether_hdr *);
	struct rte_arp_hdr *arp = (struct rte_arp_hdr *)(eth + 1);
	rte_be32_t asked = arp->arp_data.arp_tip;

	if (mbuf->data_len < sizeof(*eth) + sizeof(*arp) ||
		arp->arp_opcode != RTE_BE16(RTE_ARP_OP_REQUEST) || asked == arp->arp_data.arp_sip) {
		rte_pktmbuf_free(mbuf);
		return;
	}
	eth->dst_addr = arp->arp_data.arp_sha;
	eth->src_addr = g->own[side];
	arp->arp_opcode = RTE_BE16(RTE_ARP_OP_REPLY);
	arp->arp_data.arp_tha = arp->arp_data.arp_sha;
	arp->arp_data.arp_tip = arp->arp_data.arp_sip;
	arp->arp_data.arp_sha = g->own[side];
	arp->arp_data.arp_sip = asked;
	if (rte_eth_tx_burst(g->ports[side], 0, &mbuf, 1) != 1)
		rte_pktmbuf_free(mbuf);
}

// Whether the packet that came out of a side is what was sent; notes that its session was seen.
static bool is_right(struct generator *g, enum packet_side side, struct rte_mbuf *mbuf)
{
	uint8_t *rtp = rte_pktmbuf_mtod_offset(mbuf, uint8_t *, RIG_HEADERS), status;
	uint32_t session, length = mbuf->data_len - RIG_HEADERS;

	memcpy(&session, rtp + 8, sizeof(session));
	session = rte_be_to_cpu_32(session) - 1;
	if (session >= g->sessions)
		return false;
	if (side == SIDE_WIRE) {
		struct burst_packet packet = {.ctx = context_of(g, CONTEXT_UNPROTECT, session),
			.data = rtp,
			.length = length,
			.room = length};

		if (burst_unprotect(&packet, &status, 1) != 1)
			return false;
		length = packet.length;
	}
	if (length != RTP_HEADER + g->payload)
		return false;
	for (uint32_t i = RTP_HEADER; i < length; i++)
		if (rtp[i] != filling(session))
			return false;
	g->seen[side][session] = 1;
	return true;
}

// Takes what has come from a side of the engine; with `verify` each packet is looked into.
static unsigned receive_burst(struct generator *g, enum packet_side side, bool verify)
{
	uint32_t length = RIG_HEADERS + RTP_HEADER + g->payload +
			  (side == SIDE_WIRE ? suite_table[g->suite].tag_bytes : 0);
	struct rte_mbuf *mbufs[BURST];
	unsigned n = rte_eth_rx_burst(g->ports[side], 0, mbufs, BURST);

	for (unsigned i = 0; i < n; i++) {
		struct rte_ether_hdr *eth = rte_pktmbuf_mtod(mbufs[i], struct rte_ether_hdr *);

		if (eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_ARP)) {
			answer_arp(g, side, mbufs[i]);
			continue;
		}
		if (mbufs[i]->data_len == length && (!verify || is_right(g, side, mbufs[i])))
			g->received++;
		else
			g->wrong++;
		rte_pktmbuf_free(mbufs[i]);
	}
	return n;
}

static unsigned receive(struct generator *g, bool verify)
{
	return receive_burst(g, SIDE_WIRE, verify) + receive_burst(g, SIDE_HOST, verify);
}

// ---- one packet of each

static uint32_t unseen(const struct generator *g)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < g->sessions; i++) {
		n += g->direction != BENCH_UNPROTECT && !g->seen[SIDE_WIRE][i];
		n += g->direction != BENCH_PROTECT && !g->seen[SIDE_HOST][i];
	}
	return n;
}

static void receive_for(struct generator *g, uint64_t ns)
{
	uint64_t begin = bench_now_ns();

	do
		receive(g, true);
	while (bench_now_ns() - begin < ns);
}

uint32_t generator_verify(struct generator *g)
{
	uint32_t left = unseen(g);

	// The first packets make the engine ask for its neighbours, and are lost
	for (int round = 0; round < ROUNDS && left > 0; round++) {
		for (uint32_t done = 0; done < g->sessions; done += BURST) {
			unsigned n = RTE_MIN(g->sessions - done, (uint32_t)BURST);

			if (g->direction != BENCH_UNPROTECT)
				send_burst(g, SIDE_HOST, n);
			if (g->direction != BENCH_PROTECT)
				send_burst(g, SIDE_WIRE, n);
			receive_for(g, VERIFY_PAUSE);
		}
		receive_for(g, ROUND_NS);
		left = unseen(g);
	}
	return left;
}

// ---- a trial

static enum packet_side next_side(const struct generator *g, uint64_t bursts)
{
	if (g->direction == BENCH_BOTH)
		return bursts % 2 ? SIDE_WIRE : SIDE_HOST;
	return g->direction == BENCH_PROTECT ? SIDE_HOST : SIDE_WIRE;
}

static uint64_t flow(struct generator *g, double pps, struct search_trial *trial)
{
	uint64_t begin = bench_now_ns(), length = (uint64_t)(g->seconds * 1e9), elapsed = 0;

	for (uint64_t bursts = 0; elapsed < length; elapsed = bench_now_ns() - begin) {
		if (pps * (double)elapsed / 1e9 >= (double)(trial->sent + BURST)) {
			trial->sent += send_burst(g, next_side(g, bursts), BURST);
			bursts++;
		}
		receive(g, false);
	}
	return elapsed;
}

void generator_trial(void *arg, double pps, struct search_trial *trial)
{
	struct generator *g = arg;
	uint64_t elapsed, last;

	while (receive(g, false) > 0)
		continue;
	g->received = g->wrong = 0;
	trial->offered_pps = pps;
	elapsed = flow(g, pps, trial);
	trial->sent_pps = (double)trial->sent * 1e9 / (double)elapsed;
	last = bench_now_ns();
	while (g->received < trial->sent && bench_now_ns() - last < LAST_NS)
		if (receive(g, false) > 0)
			last = bench_now_ns();
	trial->lost = trial->sent > g->received ? trial->sent - g->received : 0;
}
