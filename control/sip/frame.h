// SPDX-License-Identifier: BSD-3-Clause
// Where messages begin and end in a stream (RFC 3261 sections 7.5 and 18.3, RFC 5626
// section 3.5.1).
#pragma once

#include <stddef.h>

// What is known of the message that has begun; all zero between messages.
struct frame {
	size_t searched; // bytes in which its head does not end
	size_t head;	 // bytes up to and with the empty line, 0: not known
	size_t whole;	 // with the body
	unsigned breaks; // CRLFs seen since the last message, without the pings they made
};

enum frame_result {
	FRAME_MORE,  // wait for more bytes
	FRAME_BREAK, // *used bytes of CRLF are nothing, or an answer to a ping
	FRAME_PING,  // *used bytes end a ping, CRLF twice
	FRAME_WHOLE, // *used bytes are a message
	FRAME_BAD,   // *why says what is wrong; the stream cannot be read on
};

// Looks at the `length` bytes that wait, from the same first byte as in the last call, less those
// used since. A head has at most `head_max`, a body `body_max` bytes.
enum frame_result frame_next(struct frame *frame, const char *data, size_t length, size_t head_max,
	size_t body_max, size_t *used, const char **why);
