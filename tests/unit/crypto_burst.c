// SPDX-License-Identifier: BSD-3-Clause
// The common part of the bursts: what each packet becomes, and what a bad one must not change.
// Every test runs with each back end and suite.
#include <criterion/criterion.h>

#include "crypto/state.h"
#include "tests/unit/crypto_util.h"

#define SSRC 0xcafe0001u

struct pair {
	const char *backend;
	enum suite_id suite;
	struct context *tx, *rx;
};

static void pair_init(struct pair *pair, unsigned which, uint16_t ssrc_max)
{
	pair->backend = util_backends[which / SUITE_COUNT];
	pair->suite = which % SUITE_COUNT;
	pair->tx = util_context(pair->backend, pair->suite, CONTEXT_PROTECT, 0, ssrc_max);
	pair->rx = util_context(pair->backend, pair->suite, CONTEXT_UNPROTECT, 0, ssrc_max);
	cr_assert(pair->tx && pair->rx);
}

static void pair_fini(struct pair *pair)
{
	context_free(pair->tx);
	context_free(pair->rx);
}

#define FOR_EACH_PAIR(pair, ssrc_max)                                                              \
	for (unsigned which_ = 0, more_; which_ < 2 * SUITE_COUNT; which_++)                       \
		for (pair_init(&(pair), which_, ssrc_max), more_ = 1; more_;                       \
			more_ = 0, pair_fini(&(pair)))

// A protected packet of that sequence number.
static struct util_packet wire(struct pair *pair, uint32_t ssrc, uint16_t seq)
{
	struct util_packet p = util_rtp(ssrc, seq, 160);
	enum burst_status status = util_one(burst_protect, pair->tx, &p);
	cr_assert_eq(status, BURST_OK, "%s", burst_status_names[status]);
	return p;
}

static struct util_packet forged(struct util_packet p)
{
	p.data[20] ^= 4;
	return p;
}

static void expect(struct pair *pair, struct util_packet packets[], uint32_t n,
	const enum burst_status want[], const char *what)
{
	uint8_t status[BURST_MAX];
	uint32_t good = 0;
	uint32_t got = util_many(burst_unprotect, pair->rx, packets, status, n);
	for (uint32_t i = 0; i < n; i++) {
		cr_assert_eq(status[i], want[i], "%s, %s suite %d: packet %u is %s", what,
			pair->backend, pair->suite, i, burst_status_names[status[i]]);
		good += want[i] == BURST_OK;
	}
	cr_assert_eq(got, good);
}

static uint64_t highest(const struct context *ctx, uint32_t ssrc)
{
	uint32_t roc;
	uint16_t seq;
	cr_assert_eq(context_get_index(ctx, ssrc, &roc, &seq), 0);
	return (uint64_t)roc << 16 | seq;
}

Test(burst, copies_in_one_burst)
{
	struct pair pair;
	FOR_EACH_PAIR(pair, 0)
	{
		struct util_packet first = wire(&pair, SSRC, 10), p = wire(&pair, SSRC, 11);
		expect(&pair, &first, 1, (enum burst_status[]){BURST_OK}, "first");
		struct util_packet in[] = {forged(p), p, p, forged(p), forged(p)};
		expect(&pair, in, 5,
			(enum burst_status[]){BURST_AUTH_FAILED, BURST_OK, BURST_REPLAY_DUPLICATE,
				BURST_REPLAY_DUPLICATE, BURST_REPLAY_DUPLICATE},
			"copies");
		struct util_packet clear = util_rtp(SSRC, 11, 160);
		cr_assert(util_same(&in[1], &clear));
	}
}

Test(burst, copies_of_a_new_ssrc)
{
	struct pair pair;
	FOR_EACH_PAIR(pair, 1)
	{
		struct util_packet a = wire(&pair, SSRC, 65534), b = wire(&pair, SSRC, 65535),
				   c = wire(&pair, SSRC, 0), d = wire(&pair, SSRC, 1);
		struct util_packet in[] = {forged(a), a, a, b, forged(d), d, c};
		expect(&pair, in, 7,
			(enum burst_status[]){BURST_AUTH_FAILED, BURST_OK, BURST_REPLAY_DUPLICATE,
				BURST_OK, BURST_AUTH_FAILED, BURST_OK, BURST_OK},
			"new SSRC");
		cr_assert_eq(highest(pair.rx, SSRC), 0x10001);
	}
}

Test(burst, wrap_in_one_burst)
{
	struct pair pair;
	FOR_EACH_PAIR(pair, 0)
	{
		struct util_packet in[BURST_MAX];
		uint8_t status[BURST_MAX];
		uint16_t seq = 0xfd00;
		for (int burst = 0; burst < 20; burst++) {
			for (uint32_t i = 0; i < BURST_MAX; i++)
				in[i] = util_rtp(SSRC, seq++, 50);
			cr_assert_eq(util_many(burst_protect, pair.tx, in, status, BURST_MAX),
				BURST_MAX);
			cr_assert_eq(util_many(burst_unprotect, pair.rx, in, status, BURST_MAX),
				BURST_MAX);
		}
		cr_assert_eq(highest(pair.tx, SSRC), 0xfd00 + 20 * BURST_MAX - 1);
		cr_assert_eq(highest(pair.rx, SSRC), 0xfd00 + 20 * BURST_MAX - 1);
	}
}

// A forged packet that would be of the next round, or far ahead, changes nothing.
Test(burst, forged_changes_nothing)
{
	struct pair pair;
	FOR_EACH_PAIR(pair, 0)
	{
		struct util_packet a = wire(&pair, SSRC, 0xfff0);
		struct util_packet b = wire(&pair, SSRC, 0xfff1);
		expect(&pair, &a, 1, (enum burst_status[]){BURST_OK}, "first");
		static const uint16_t places[] = {0, 0x7000, 0xffff, 0x7fef, 0xff80, 0xfff2};
		uint8_t before[sizeof(struct context) + 4 + sizeof(struct replay) + 64];
		memcpy(before, pair.rx, sizeof(before));
		for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
			struct util_packet f = b;
			util_put16(f.data + 2, places[i]);
			expect(&pair, &f, 1, (enum burst_status[]){BURST_AUTH_FAILED}, "forged");
			cr_assert_eq(memcmp(before, pair.rx, sizeof(before)), 0);
		}
		cr_assert_eq(highest(pair.rx, SSRC), 0xfff0);
		cr_assert_eq(context_packets_left(pair.rx, 0), (1ull << 48) - 1);
		expect(&pair, &b, 1, (enum burst_status[]){BURST_OK}, "next");
	}
}

// Forged ones around a genuine packet in one burst do not move where it is taken to be.
Test(burst, forged_neighbours)
{
	struct pair pair;
	FOR_EACH_PAIR(pair, 0)
	{
		struct util_packet a = wire(&pair, SSRC, 0x9000), b = wire(&pair, SSRC, 0x9001);
		struct util_packet c = wire(&pair, SSRC, 0x9002);
		expect(&pair, &a, 1, (enum burst_status[]){BURST_OK}, "first");
		struct util_packet ahead = b, round = b;
		util_put16(ahead.data + 2, 0xff00);
		util_put16(round.data + 2, 0x0010); // of round 1, if it were true
		struct util_packet in[] = {ahead, round, b, round, c, ahead};
		expect(&pair, in, 6,
			(enum burst_status[]){BURST_AUTH_FAILED, BURST_AUTH_FAILED, BURST_OK,
				BURST_AUTH_FAILED, BURST_OK, BURST_AUTH_FAILED},
			"neighbours");
		cr_assert_eq(highest(pair.rx, SSRC), 0x9002);
	}
}

Test(burst, ssrc_limit)
{
	struct pair pair;
	FOR_EACH_PAIR(pair, 2)
	{
		struct util_packet f1 = wire(&pair, SSRC, 1), f2 = f1;
		util_put32(f1.data + 8, 77); // SSRCs that nobody has
		util_put32(f2.data + 8, 78);
		struct util_packet a = wire(&pair, SSRC, 2), b = wire(&pair, SSRC + 1, 1), c = a;
		util_put32(c.data + 8, SSRC + 2);
		struct util_packet in[] = {f1, f2, a, f1, b, c, f2};
		expect(&pair, in, 7,
			(enum burst_status[]){BURST_AUTH_FAILED, BURST_AUTH_FAILED, BURST_OK,
				BURST_AUTH_FAILED, BURST_OK, BURST_SSRC_LIMIT, BURST_SSRC_LIMIT},
			"limit");

		struct util_packet third = util_rtp(SSRC + 2, 1, 20), known = util_rtp(SSRC, 3, 20);
		cr_assert_eq(util_one(burst_protect, pair.tx, &third), BURST_SSRC_LIMIT);
		cr_assert_eq(util_one(burst_protect, pair.tx, &known), BURST_OK);
		struct util_packet rtcp = util_rtcp(SSRC + 2, 3);
		cr_assert_eq(util_one(burst_protect_rtcp, pair.tx, &rtcp), BURST_SSRC_LIMIT);
	}
}

static uint8_t blocks[4][2048];
static unsigned blocks_given;

static void give_block(struct context *ctx)
{
	if (blocks_given < 4)
		context_extend(ctx, blocks[blocks_given++], context_extension_bytes(0, 5), 5);
}

// A context made for one SSRC grows when a packet of another has authenticated, and once only.
Test(burst, grows_for_more_ssrcs)
{
	struct pair pair;
	FOR_EACH_PAIR(pair, 1)
	{
		struct util_packet forgery = wire(&pair, SSRC, 1),
				   lonely = util_rtp(SSRC + 1, 1, 9);
		cr_assert_eq(util_one(burst_protect, pair.tx, &lonely), BURST_SSRC_LIMIT);

		memset(blocks, 0, sizeof(blocks));
		blocks_given = 0;
		context_on_full(give_block);
		cr_assert_leq(context_extension_bytes(0, 5), sizeof(blocks[0]));
		for (uint32_t ssrc = SSRC; ssrc < SSRC + 6; ssrc++) {
			struct util_packet p = wire(&pair, ssrc, 2), r = util_rtcp(ssrc, 3), copy;
			cr_assert_eq(util_one(burst_protect_rtcp, pair.tx, &r), BURST_OK);
			util_put32(forgery.data + 8, ssrc + 100);
			unsigned given = blocks_given;
			cr_assert_neq(util_one(burst_unprotect, pair.rx, &forgery), BURST_OK);
			cr_assert_eq(blocks_given, given, "nothing is learned from a forgery");
			forgery = copy = p;
			cr_assert_eq(util_one(burst_unprotect, pair.rx, &p), BURST_OK);
			cr_assert_eq(util_one(burst_unprotect_rtcp, pair.rx, &r), BURST_OK);
			cr_assert_eq(
				util_one(burst_unprotect, pair.rx, &copy), BURST_REPLAY_DUPLICATE);
		}
		cr_assert_eq(blocks_given, 2);
		cr_assert_eq(context_extension(pair.tx), blocks[0]);
		cr_assert_eq(highest(pair.rx, SSRC + 5), 2);
		struct util_packet seventh = util_rtp(SSRC + 6, 1, 9);
		cr_assert_eq(util_one(burst_protect, pair.tx, &seventh), BURST_SSRC_LIMIT);
		context_on_full(NULL);
	}
}

Test(burst, protect_never_uses_an_index_twice)
{
	struct pair pair;
	FOR_EACH_PAIR(pair, 0)
	{
		struct util_packet in[] = {util_rtp(SSRC, 500, 10), util_rtp(SSRC, 500, 10),
			util_rtp(SSRC, 499, 10), util_rtp(SSRC, 372, 10), util_rtp(SSRC, 501, 10),
			util_rtp(SSRC, 373, 10)};
		uint8_t status[6];
		cr_assert_eq(util_many(burst_protect, pair.tx, in, status, 6), 3);
		static const uint8_t want[] = {BURST_OK, BURST_REPLAY_DUPLICATE, BURST_OK,
			BURST_REPLAY_OLD, BURST_OK, BURST_REPLAY_OLD};
		cr_assert_arr_eq(status, want, 6);
	}
}

// What comes one packet at a time is what comes in bursts: statuses, bytes and state.
Test(burst, like_one_after_the_other)
{
	struct pair pair, twin;
	uint64_t rng = 9;
	for (unsigned which = 0; which < 2 * SUITE_COUNT; which++) {
		uint16_t seq[6] = {0xff00, 0, 0x7ff0, 0x8000, 0x1234, 0xffff};
		pair_init(&pair, which, 3);
		pair_init(&twin, which, 3);
		// The sender knows all SSRCs, the receiver has room for half of them
		struct context *tx =
			util_context(pair.backend, pair.suite, CONTEXT_PROTECT, 1024, 6);
		for (int round = 0; round < 60; round++) {
			struct util_packet many[BURST_MAX], one;
			uint8_t status[BURST_MAX];
			uint32_t n = 0;
			while (n < BURST_MAX) {
				uint32_t kind = util_below(&rng, 10), s = util_below(&rng, 6);
				if (kind < 3 && n > 0) {
					many[n] = many[util_below(&rng, n)];
				} else {
					seq[s] += kind == 9 ? 20000 : 1;
					many[n] = util_rtp(s, seq[s], util_below(&rng, 300));
					if (util_one(burst_protect, tx, &many[n]) != BURST_OK)
						continue;
				}
				if (kind == 2 || kind == 5)
					many[n] = forged(many[n]);
				if (kind == 6)
					util_put16(many[n].data + 2, (uint16_t)util_random(&rng));
				n++;
			}
			struct util_packet in[BURST_MAX];
			memcpy(in, many, sizeof(in));
			util_many(burst_unprotect, pair.rx, many, status, n);
			for (uint32_t i = 0; i < n; i++) {
				one = in[i];
				cr_assert_eq(util_one(burst_unprotect, twin.rx, &one), status[i],
					"%s suite %d round %d packet %u", pair.backend, pair.suite,
					round, i);
				if (status[i] == BURST_OK)
					cr_assert(util_same(&one, &many[i]));
			}
			cr_assert_eq(memcmp(pair.rx, twin.rx, sizeof(*pair.rx)), 0);
			for (unsigned slot = 0; slot < pair.rx->ssrc_count; slot++)
				cr_assert_eq(memcmp(state_replay(pair.rx, slot),
						     state_replay(twin.rx, slot),
						     state_replay_bytes(pair.rx)),
					0);
		}
		context_free(tx);
		pair_fini(&pair);
		pair_fini(&twin);
	}
}

// Contexts of all suites and both back ends in one burst, every third packet broken.
Test(burst, mixed_suites)
{
	struct pair pairs[2 * SUITE_COUNT];
	struct util_packet in[BURST_MAX];
	struct burst_packet b[BURST_MAX];
	uint8_t status[BURST_MAX];

	for (unsigned i = 0; i < 2 * SUITE_COUNT; i++)
		pair_init(&pairs[i], i, 0);
	for (unsigned i = 0; i < BURST_MAX; i++) {
		struct pair *pair = &pairs[i % (2 * SUITE_COUNT)];
		in[i] = util_rtp(SSRC, (uint16_t)(100 + i), 10 * i);
		b[i] = (struct burst_packet){pair->tx, in[i].data, in[i].length, UTIL_PACKET_MAX};
	}
	cr_assert_eq(burst_protect(b, status, BURST_MAX), BURST_MAX);
	for (unsigned i = 0; i < BURST_MAX; i++) {
		b[i].ctx = pairs[i % (2 * SUITE_COUNT)].rx;
		if (i % 3 == 1)
			in[i].data[b[i].length - 1] ^= 1;
		if (i % 6 == 2)
			b[i].length = 12;
	}
	burst_unprotect(b, status, BURST_MAX);
	for (unsigned i = 0; i < BURST_MAX; i++) {
		if (i % 6 == 2) {
			cr_assert_eq(status[i], BURST_MALFORMED);
		} else if (i % 3 == 1) {
			cr_assert_eq(status[i], BURST_AUTH_FAILED);
		} else {
			struct util_packet clear = util_rtp(SSRC, (uint16_t)(100 + i), 10 * i);
			cr_assert_eq(status[i], BURST_OK);
			cr_assert_eq(b[i].length, clear.length);
			cr_assert_arr_eq(in[i].data, clear.data, clear.length);
		}
	}
	for (unsigned i = 0; i < 2 * SUITE_COUNT; i++)
		pair_fini(&pairs[i]);
}

// What fails to authenticate must not come out as plain text.
Test(burst, no_plaintext_without_a_tag)
{
	struct pair pair;
	FOR_EACH_PAIR(pair, 0)
	{
		struct util_packet clear = util_rtp(SSRC, 5, 160), p = wire(&pair, SSRC, 5);
		p.data[p.length - 1] ^= 1; // the tag alone: the cipher text is genuine
		cr_assert_eq(util_one(burst_unprotect, pair.rx, &p), BURST_AUTH_FAILED);
		for (unsigned i = 12; i + 8 <= clear.length; i++)
			cr_assert_neq(memcmp(p.data + i, clear.data + i, 8), 0);

		struct util_packet report = util_rtcp(SSRC, 20);
		memset(report.data + 16, 0x5a, 80);
		clear = report;
		cr_assert_eq(util_one(burst_protect_rtcp, pair.tx, &report), BURST_OK);
		report.data[report.length - 1 - (state_is_gcm(pair.rx) ? 4 : 0)] ^= 1;
		cr_assert_eq(util_one(burst_unprotect_rtcp, pair.rx, &report), BURST_AUTH_FAILED);
		for (unsigned i = 16; i + 8 <= clear.length; i++)
			cr_assert_neq(memcmp(report.data + i, clear.data + i, 8), 0);
	}
}

Test(burst, room)
{
	struct pair pair;
	FOR_EACH_PAIR(pair, 0)
	{
		struct util_packet p = util_rtp(SSRC, 5, 100);
		struct burst_packet b = {pair.tx, p.data, p.length, p.length + BURST_ROOM - 1};
		uint8_t status;
		burst_protect(&b, &status, 1);
		cr_assert_eq(status, BURST_NO_ROOM);
		b.room = p.length - 1;
		burst_protect(&b, &status, 1);
		cr_assert_eq(status, BURST_NO_ROOM);
		b.room = p.length + BURST_ROOM;
		memset(p.data + b.room, 0xee, 8);
		burst_protect(&b, &status, 1);
		cr_assert_eq(status, BURST_OK);
		for (int i = 0; i < 8; i++)
			cr_assert_eq(p.data[p.length + BURST_ROOM + i], 0xee);
		b.ctx = pair.rx;
		b.room = b.length - 1;
		burst_unprotect(&b, &status, 1);
		cr_assert_eq(status, BURST_NO_ROOM);
		b.room = b.length;
		burst_unprotect(&b, &status, 1);
		cr_assert_eq(status, BURST_OK);
		cr_assert_eq(b.length, p.length);
	}
}
