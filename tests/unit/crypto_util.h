// SPDX-License-Identifier: BSD-3-Clause
// What the tests of crypto/ share: packets, contexts and random numbers.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "crypto/burst.h"

#define UTIL_PACKET_MAX 2048

static const char *const util_backends[] = {"ipsec_mb", "libsrtp2"};

struct util_packet {
	uint8_t data[UTIL_PACKET_MAX];
	uint32_t length;
};

static inline void util_put16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v & 0xff;
}

static inline void util_put32(uint8_t *p, uint32_t v)
{
	util_put16(p, v >> 16);
	util_put16(p + 2, v & 0xffff);
}

// xorshift64*: the same numbers in every run.
static inline uint64_t util_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

static inline uint32_t util_below(uint64_t *state, uint32_t n)
{
	return (util_random(state) >> 32) % n;
}

// An RTP packet with `payload` bytes that depend on the sequence number.
static inline struct util_packet util_rtp(uint32_t ssrc, uint16_t seq, uint32_t payload)
{
	struct util_packet p = {.data = {0x80, 0}, .length = 12 + payload};
	util_put16(p.data + 2, seq);
	util_put32(p.data + 4, seq * 160u);
	util_put32(p.data + 8, ssrc);
	for (uint32_t i = 0; i < payload; i++)
		p.data[12 + i] = (uint8_t)(seq + i * 7);
	return p;
}

// A compound RTCP packet: a receiver report without blocks and an SDES chunk of `words` words.
static inline struct util_packet util_rtcp(uint32_t ssrc, uint32_t words)
{
	struct util_packet p = {.data = {0x80, 201, 0, 1}, .length = 8 + 8 + words * 4};
	util_put32(p.data + 4, ssrc);
	p.data[8] = 0x81;
	p.data[9] = 202;
	util_put16(p.data + 10, (uint16_t)(1 + words));
	util_put32(p.data + 12, ssrc);
	return p;
}

static const uint8_t util_key[32] = "the master key that all tests us";
static const uint8_t util_salt[14] = "and their salt";

static inline struct context *util_context(const char *backend, enum suite_id suite,
	enum context_direction direction, uint16_t window, uint16_t ssrc_max)
{
	struct context_params params = {
		.suite = suite,
		.direction = direction,
		.key = util_key,
		.salt = util_salt,
		.window = window,
		.ssrc_max = ssrc_max,
	};
	return context_backend_init(backend) == 0 ? context_new(&params) : NULL;
}

typedef uint32_t (*util_burst)(struct burst_packet packets[], uint8_t status[], uint32_t n);

// Transforms n packets of one context in one burst; returns how many are OK.
static inline uint32_t util_many(util_burst burst, struct context *ctx,
	struct util_packet packets[], uint8_t status[], uint32_t n)
{
	struct burst_packet b[BURST_MAX];
	for (uint32_t i = 0; i < n; i++)
		b[i] = (struct burst_packet){
			ctx, packets[i].data, packets[i].length, UTIL_PACKET_MAX};
	uint32_t good = burst(b, status, n);
	for (uint32_t i = 0; i < n; i++)
		packets[i].length = b[i].length;
	return good;
}

static inline enum burst_status util_one(
	util_burst burst, struct context *ctx, struct util_packet *packet)
{
	uint8_t status;
	util_many(burst, ctx, packet, &status, 1);
	return status;
}

static inline bool util_same(const struct util_packet *a, const struct util_packet *b)
{
	return a->length == b->length && memcmp(a->data, b->data, a->length) == 0;
}
