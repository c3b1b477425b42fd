// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the framing of the byte stream: it must find the same messages in one piece and in pieces.
// The first byte says how long the pieces are.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/sip/frame.h"

#define HEAD_MAX 512
#define BODY_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// What was found: how many of each kind, and where it ended.
struct found {
	unsigned messages, pings, breaks;
	size_t at;
	int bad;
};

// Bytes `0` to `end` have arrived.
static void run(struct frame *frame, const char *data, size_t end, struct found *found)
{
	while (!found->bad) {
		const char *why = NULL;
		size_t used;
		enum frame_result result = frame_next(
			frame, data + found->at, end - found->at, HEAD_MAX, BODY_MAX, &used, &why);

		if (result == FRAME_MORE)
			return;
		if (used > end - found->at || (result == FRAME_BAD) != (why != NULL) ||
			(result != FRAME_BAD && used == 0))
			abort();
		found->bad = result == FRAME_BAD;
		found->messages += result == FRAME_WHOLE;
		found->pings += result == FRAME_PING;
		found->breaks += result == FRAME_BREAK;
		found->at += used;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame one = {0}, many = {0};
	struct found whole = {0}, pieces = {0};
	size_t step;
	char *text;

	if (size < 2)
		return 0;
	step = data[0] == 0 ? 1 : data[0];
	size--;
	text = malloc(size); // of exactly the size
	if (text == NULL)
		return 0;
	memcpy(text, data + 1, size);
	run(&one, text, size, &whole);
	for (size_t end = step < size ? step : size;; end = end + step < size ? end + step : size) {
		run(&many, text, end, &pieces);
		if (end == size)
			break;
	}
	if (memcmp(&whole, &pieces, sizeof(whole)) != 0)
		abort();
	free(text);
	return 0;
}
