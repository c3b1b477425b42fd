// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the SRTP bursts: any bytes as packets, protected, unprotected, and both ways round.
//
// Input: a byte that chooses suite (bits 0, 1), back end (bit 2) and RTCP (bit 3); then packets,
// each a length of two bytes and what it holds. Each packet lies in memory of exactly its room.
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/burst.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

typedef uint32_t (*burst_function)(struct burst_packet packets[], uint8_t status[], uint32_t n);

struct input {
	const uint8_t *packet[BURST_MAX];
	uint32_t length[BURST_MAX];
	uint32_t n;
};

static struct context *make(uint8_t choice, enum context_direction direction)
{
	static const uint8_t key[SUITE_KEY_MAX] = {1, 2, 3}, salt[SUITE_SALT_MAX] = {4, 5, 6};
	struct context_params params = {
		.suite = choice & 3, .direction = direction, .key = key, .salt = salt};
	CHECK(context_backend_init(choice & 4 ? "libsrtp2" : "ipsec_mb") == 0);
	struct context *ctx = context_new(&params);
	CHECK(ctx);
	return ctx;
}

static void split(struct input *input, const uint8_t *data, size_t size)
{
	input->n = 0;
	while (size >= 2 && input->n < BURST_MAX) {
		uint32_t length = ((uint32_t)data[0] << 8 | data[1]) % 2048;
		data += 2;
		size -= 2;
		length = length < size ? length : (uint32_t)size;
		input->packet[input->n] = data;
		input->length[input->n++] = length;
		data += length;
		size -= length;
	}
}

static void load(const struct input *input, struct burst_packet packets[], struct context *ctx,
	uint32_t behind)
{
	for (uint32_t i = 0; i < input->n; i++) {
		uint32_t room = input->length[i] + behind;
		packets[i] =
			(struct burst_packet){ctx, malloc(room ? room : 1), input->length[i], room};
		CHECK(packets[i].data);
		memcpy(packets[i].data, input->packet[i], input->length[i]);
	}
}

static void unload(struct burst_packet packets[], uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		free(packets[i].data);
}

static void run(
	burst_function function, struct burst_packet packets[], uint8_t status[], uint32_t n)
{
	uint32_t good = 0, returned = function(packets, status, n);
	for (uint32_t i = 0; i < n; i++) {
		CHECK(status[i] < BURST_STATUS_COUNT && status[i] != BURST_INTERNAL);
		CHECK(packets[i].length <= packets[i].room);
		good += status[i] == BURST_OK;
	}
	CHECK(good == returned);
}

// As they are: nothing of this authenticates, and nothing is learned from it.
static void as_received(const struct input *input, struct context *rx, burst_function unprotect)
{
	struct burst_packet packets[BURST_MAX];
	uint8_t status[BURST_MAX];
	load(input, packets, rx, 0);
	run(unprotect, packets, status, input->n);
	for (uint32_t i = 0; i < input->n; i++)
		CHECK(status[i] == BURST_MALFORMED || status[i] == BURST_AUTH_FAILED);
	CHECK(context_packets_left(rx, 0) == 1ull << 48);
	unload(packets, input->n);
}

// What protect takes, unprotect gives back.
static void both_ways(const struct input *input, struct context *tx, struct context *rx,
	burst_function protect, burst_function unprotect)
{
	struct burst_packet packets[BURST_MAX];
	uint8_t sent[BURST_MAX], received[BURST_MAX];
	load(input, packets, tx, BURST_ROOM);
	run(protect, packets, sent, input->n);
	for (uint32_t i = 0; i < input->n; i++) {
		CHECK(sent[i] == BURST_OK || packets[i].length == input->length[i]);
		packets[i].ctx = rx;
		if (sent[i] != BURST_OK)
			packets[i].length = 0;
	}
	run(unprotect, packets, received, input->n);
	for (uint32_t i = 0; i < input->n; i++) {
		CHECK(received[i] == (sent[i] == BURST_OK ? BURST_OK : BURST_MALFORMED));
		if (sent[i] != BURST_OK)
			continue;
		CHECK(packets[i].length == input->length[i]);
		CHECK(memcmp(packets[i].data, input->packet[i], input->length[i]) == 0);
	}
	unload(packets, input->n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input;
	if (size == 0)
		return 0;
	bool rtcp = data[0] & 8;
	struct context *tx = make(data[0], CONTEXT_PROTECT);
	struct context *rx = make(data[0], CONTEXT_UNPROTECT);

	split(&input, data + 1, size - 1);
	as_received(&input, rx, rtcp ? burst_unprotect_rtcp : burst_unprotect);
	both_ways(&input, tx, rx, rtcp ? burst_protect_rtcp : burst_protect,
		rtcp ? burst_unprotect_rtcp : burst_unprotect);
	context_free(tx);
	context_free(rx);
	return 0;
}
