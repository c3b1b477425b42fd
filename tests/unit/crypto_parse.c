// SPDX-License-Identifier: BSD-3-Clause
// Malformed packets, SRTCP's own rules and the ends of keys and counters, with each back end and
// suite.
#include <criterion/criterion.h>

#include "crypto/state.h"
#include "tests/unit/crypto_util.h"

#define SSRC 0x0badcafeu

static struct context *tx, *rx;

#define FOR_EACH_CONTEXT                                                                           \
	for (unsigned which_ = 0; which_ < 2 * SUITE_COUNT;                                        \
		which_++, context_free(tx), context_free(rx))                                      \
		if (make(util_backends[which_ / SUITE_COUNT], which_ % SUITE_COUNT))

static bool make(const char *backend, enum suite_id suite)
{
	tx = util_context(backend, suite, CONTEXT_PROTECT, 0, 0);
	rx = util_context(backend, suite, CONTEXT_UNPROTECT, 0, 0);
	cr_assert(tx && rx);
	return true;
}

static void set_first(struct util_packet *p, uint8_t first)
{
	p->data[0] = first;
}

Test(parse, rtp)
{
	// First byte, extension length in words (-1: none), bytes of the packet, whether it is good
	static const struct {
		uint8_t first;
		int words;
		uint32_t length;
		bool good;
	} cases[] = {
		{0x80, -1, 12, true},
		{0x80, -1, 11, false},
		{0x80, -1, 0, false},
		{0x80, -1, 1, false},
		{0x00, -1, 100, false},
		{0x40, -1, 100, false},
		{0xc0, -1, 100, false},
		{0xa0, -1, 100, true},
		{0x81, -1, 16, true},
		{0x81, -1, 15, false},
		{0x8f, -1, 72, true},
		{0x8f, -1, 71, false},
		{0x90, 0, 16, true},
		{0x90, 0, 15, false},
		{0x90, 0, 12, false},
		{0x90, 1, 20, true},
		{0x90, 1, 19, false},
		{0x90, 0xffff, 1500, false},
		{0x9f, 2, 72 + 12, true},
		{0x9f, 2, 72 + 11, false},
		{0x9f, 0, 72 + 3, false},
		{0x90, 0x100, 1052, true},
	};
	FOR_EACH_CONTEXT
	{
		for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			struct util_packet p = util_rtp(SSRC, (uint16_t)(i + 1), 1500);
			set_first(&p, cases[i].first);
			if (cases[i].words >= 0)
				util_put16(p.data + 12 + 4 * (p.data[0] & 15) + 2, cases[i].words);
			p.length = cases[i].length;
			struct util_packet clear = p;
			enum burst_status status = util_one(burst_protect, tx, &p);
			cr_assert_eq(status, cases[i].good ? BURST_OK : BURST_MALFORMED,
				"case %u: %s", i, burst_status_names[status]);
			if (!cases[i].good) {
				// The same with a tag's room behind it is malformed to unprotect
				p = clear;
				p.length += suite_table[tx->suite].tag_bytes;
				cr_assert_eq(util_one(burst_unprotect, rx, &p), BURST_MALFORMED,
					"case %u", i);
				continue;
			}
			cr_assert_eq(p.length, clear.length + suite_table[tx->suite].tag_bytes);
			cr_assert_eq(util_one(burst_unprotect, rx, &p), BURST_OK, "case %u", i);
			cr_assert(util_same(&p, &clear));
		}
	}
}

Test(parse, longer_than_any_datagram)
{
	static uint8_t big[70000];
	FOR_EACH_CONTEXT
	{
		uint8_t status;
		struct burst_packet b = {tx, big, 65535 - BURST_ROOM, sizeof(big)};
		struct util_packet head = util_rtp(SSRC, 1, 0);
		memcpy(big, head.data, 12);
		cr_assert_eq(burst_protect(&b, &status, 1), 1);
		b.ctx = rx;
		cr_assert_eq(burst_unprotect(&b, &status, 1), b.length <= 65535 - BURST_ROOM);
		b.length = 65535;
		burst_protect(&b, &status, 1);
		cr_assert_eq(status, BURST_MALFORMED);
	}
}

Test(parse, rtcp)
{
	// Lengths in words of the parts' headers, bytes of the packet
	static const struct {
		uint16_t first, second;
		uint32_t length;
		bool good;
	} cases[] = {
		{1, 0, 12, true},
		{1, 0, 8, true},
		{1, 1, 16, true},
		{1, 1, 12, false},
		{2, 0, 8, false},
		{0, 1, 12, false},
		{1, 3, 20, false},
		{1, 3, 24, true},
		{1, 3, 26, false},
		{1, 0, 4, false},
		{1, 0, 0, false},
		{0, 0, 4, false},
		{1, 0, 9, false},
		{1, 0, 7, false},
		{65535, 0, 1400, false},
	};
	FOR_EACH_CONTEXT
	{
		for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			struct util_packet p = util_rtcp(SSRC, 200);
			util_put16(p.data + 2, cases[i].first);
			util_put16(p.data + 10, cases[i].second);
			p.length = cases[i].length;
			struct util_packet clear = p;
			enum burst_status status = util_one(burst_protect_rtcp, tx, &p);
			cr_assert_eq(status, cases[i].good ? BURST_OK : BURST_MALFORMED,
				"case %u: %s", i, burst_status_names[status]);
			if (!cases[i].good)
				continue;
			cr_assert_eq(
				p.length, clear.length + suite_table[tx->suite].rtcp_tag_bytes + 4);
			cr_assert_eq(util_one(burst_unprotect_rtcp, rx, &p), BURST_OK);
			cr_assert(util_same(&p, &clear));
		}
		// The second part must be of version 2 as well
		struct util_packet p = util_rtcp(SSRC, 4);
		p.data[8] = 0x41;
		cr_assert_eq(util_one(burst_protect_rtcp, tx, &p), BURST_MALFORMED);
	}
}

static uint8_t *trailer(struct util_packet *p)
{
	return p->data + p->length - 4 -
	       (state_is_gcm(rx) ? 0 : suite_table[rx->suite].rtcp_tag_bytes);
}

Test(parse, rtcp_unprotect)
{
	FOR_EACH_CONTEXT
	{
		struct util_packet first = util_rtcp(SSRC, 9), p;
		cr_assert_eq(util_one(burst_protect_rtcp, tx, &first), BURST_OK);
		cr_assert_eq(trailer(&first)[0], 0x80); // E flag, index 1
		cr_assert_eq(trailer(&first)[3], 1);

		p = first; // in clear, it says
		trailer(&p)[0] &= 0x7f;
		cr_assert_eq(util_one(burst_unprotect_rtcp, rx, &p), BURST_MALFORMED);
		p = first;
		p.data[0] = 0x40;
		cr_assert_eq(util_one(burst_unprotect_rtcp, rx, &p), BURST_MALFORMED);
		for (uint32_t length = 0; length < 8u + 4 + suite_table[rx->suite].rtcp_tag_bytes;
			length++) {
			p = first;
			p.length = length;
			cr_assert_eq(util_one(burst_unprotect_rtcp, rx, &p), BURST_MALFORMED);
		}
		p = first; // another index, a forged body, then the genuine one and again
		trailer(&p)[3] = 9;
		cr_assert_eq(util_one(burst_unprotect_rtcp, rx, &p), BURST_AUTH_FAILED);
		struct util_packet in[] = {first, first, first};
		in[0].data[12] ^= 1;
		uint8_t status[3];
		util_many(burst_unprotect_rtcp, rx, in, status, 3);
		cr_assert_eq(status[0], BURST_AUTH_FAILED);
		cr_assert_eq(status[1], BURST_OK);
		cr_assert_eq(status[2], BURST_REPLAY_DUPLICATE);
		cr_assert_eq(context_packets_left(rx, 1), (1ull << 31) - 1);
		cr_assert_eq(context_packets_left(rx, 0), 1ull << 48);
	}
}

// SRTCP's window is 128, whatever SRTP's is.
Test(parse, rtcp_window)
{
	FOR_EACH_CONTEXT
	{
		struct util_packet sent[200];
		for (int i = 0; i < 200; i++) {
			sent[i] = util_rtcp(SSRC, 2);
			cr_assert_eq(util_one(burst_protect_rtcp, tx, &sent[i]), BURST_OK);
		}
		struct util_packet p = sent[199];
		cr_assert_eq(util_one(burst_unprotect_rtcp, rx, &p), BURST_OK);
		p = sent[199 - 127];
		cr_assert_eq(util_one(burst_unprotect_rtcp, rx, &p), BURST_OK);
		p = sent[199 - 128];
		cr_assert_eq(util_one(burst_unprotect_rtcp, rx, &p), BURST_REPLAY_OLD);
	}
}

// The last packets of a key: both ends stop by themselves, and forged packets are not counted.
Test(parse, key_limits)
{
	FOR_EACH_CONTEXT
	{
		context_set_packets(tx, (1ull << 48) - 3, (1u << 31) - 3);
		context_set_packets(rx, (1ull << 48) - 2, (1u << 31) - 2);
		struct util_packet rtp[5], rtcp[5];
		uint8_t status[5];
		for (int i = 0; i < 5; i++) {
			rtp[i] = util_rtp(SSRC, (uint16_t)(7 + i), 100);
			rtcp[i] = util_rtcp(SSRC, 5);
		}
		static const uint8_t want[] = {
			BURST_OK, BURST_OK, BURST_OK, BURST_KEY_EXHAUSTED, BURST_KEY_EXHAUSTED};
		cr_assert_eq(util_many(burst_protect, tx, rtp, status, 5), 3);
		cr_assert_arr_eq(status, want, 5);
		cr_assert_eq(util_many(burst_protect_rtcp, tx, rtcp, status, 5), 3);
		cr_assert_arr_eq(status, want, 5);
		cr_assert_eq(context_packets_left(tx, 0), 0);
		cr_assert_eq(context_packets_left(tx, 1), 0);

		struct util_packet bad_rtp = rtp[0], bad_rtcp = rtcp[0];
		bad_rtp.data[30] ^= 1;
		bad_rtcp.data[10] ^= 1;
		static const uint8_t want_rx[] = {BURST_AUTH_FAILED, BURST_OK, BURST_OK,
			BURST_REPLAY_DUPLICATE, BURST_KEY_EXHAUSTED};
		struct util_packet in[] = {bad_rtp, rtp[0], rtp[1], rtp[0], rtp[2]};
		util_many(burst_unprotect, rx, in, status, 5);
		cr_assert_arr_eq(status, want_rx, 5);
		struct util_packet rtcp_in[] = {bad_rtcp, rtcp[0], rtcp[1], rtcp[0], rtcp[2]};
		util_many(burst_unprotect_rtcp, rx, rtcp_in, status, 5);
		cr_assert_arr_eq(status, want_rx, 5);
		cr_assert_eq(context_packets_left(rx, 0), 0);
	}
}

// The rollover counter does not roll over.
Test(parse, last_index)
{
	FOR_EACH_CONTEXT
	{
		cr_assert_eq(context_set_index(tx, SSRC, 0xffffffff, 0xfffd), 0);
		cr_assert_eq(context_set_index(rx, SSRC, 0xffffffff, 0xfffd), 0);
		struct util_packet in[] = {util_rtp(SSRC, 0xfffe, 40), util_rtp(SSRC, 0xffff, 40),
			util_rtp(SSRC, 0, 40), util_rtp(SSRC, 1, 40)};
		uint8_t status[4];
		static const uint8_t want[] = {
			BURST_OK, BURST_OK, BURST_KEY_EXHAUSTED, BURST_KEY_EXHAUSTED};
		cr_assert_eq(util_many(burst_protect, tx, in, status, 4), 2);
		cr_assert_arr_eq(status, want, 4);
		cr_assert_eq(util_many(burst_unprotect, rx, in, status, 4), 2);
		cr_assert_arr_eq(status, want, 4);
		uint32_t roc;
		uint16_t seq;
		cr_assert_eq(context_get_index(rx, SSRC, &roc, &seq), 0);
		cr_assert_eq(roc, 0xffffffff);
		cr_assert_eq(seq, 0xffff);
	}
}

// Nor does the SRTCP index, should one SSRC come so far before the key does.
Test(parse, last_rtcp_index)
{
	FOR_EACH_CONTEXT
	{
		struct util_packet p = util_rtcp(SSRC, 2);
		cr_assert_eq(util_one(burst_protect_rtcp, tx, &p), BURST_OK);
		state_rtcp_replay(tx, 0)->highest = 0x7fffffff;
		p = util_rtcp(SSRC, 2);
		cr_assert_eq(util_one(burst_protect_rtcp, tx, &p), BURST_KEY_EXHAUSTED);
		cr_assert_eq(state_rtcp_replay(tx, 0)->highest, 0x7fffffff);
	}
}

// A receiver that joins in a later round, and a sender that goes on there.
Test(parse, set_index)
{
	static const struct {
		uint32_t roc;
		uint16_t seq, next;
		uint32_t next_roc;
	} cases[] = {
		{0, 0, 1, 0},
		{0, 5000, 5001, 0},
		{0, 0xffff, 0, 1},
		{1, 0, 1, 1},
		{1, 0, 0xffff, 0},
		{5, 0xffff, 3, 6},
		{70000, 100, 99, 70000},
		{70000, 3, 0xfffe, 69999},
		{0x80000000, 0x8000, 0x8001, 0x80000000},
	};
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		FOR_EACH_CONTEXT
		{
			uint32_t roc;
			uint16_t seq;
			cr_assert_eq(context_get_index(rx, SSRC, &roc, &seq), -2); // ENOENT
			cr_assert_eq(context_set_index(tx, SSRC, cases[i].roc, cases[i].seq), 0);
			cr_assert_eq(context_set_index(rx, SSRC, cases[i].roc, cases[i].seq), 0);
			cr_assert_eq(context_set_index(rx, SSRC, 9, 9), -17); // EEXIST
			struct util_packet same = util_rtp(SSRC, cases[i].seq, 33);
			cr_assert_eq(util_one(burst_protect, tx, &same), BURST_REPLAY_DUPLICATE);
			struct util_packet p = util_rtp(SSRC, cases[i].next, 33), clear = p;
			cr_assert_eq(util_one(burst_protect, tx, &p), BURST_OK, "case %u", i);
			cr_assert_eq(util_one(burst_unprotect, rx, &p), BURST_OK, "case %u", i);
			cr_assert(util_same(&p, &clear));
			cr_assert_eq(context_get_index(rx, SSRC, &roc, &seq), 0);
			uint64_t top = (uint64_t)cases[i].roc << 16 | cases[i].seq;
			uint64_t next = (uint64_t)cases[i].next_roc << 16 | cases[i].next;
			cr_assert_eq((uint64_t)roc << 16 | seq, next > top ? next : top);
		}
}
