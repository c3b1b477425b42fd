// SPDX-License-Identifier: BSD-3-Clause
// Session descriptions (RFC 4566, RFC 3264) with SDES keys (RFC 4568) for one audio stream over
// RTP/SAVP. Other streams of an offer are kept in mind, to be refused line by line.
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SDP_CRYPTOS_MAX	 8
#define SDP_PAYLOADS_MAX 16
#define SDP_SUITE_MAX	 40
#define SDP_KEY_MAX	 96 // base64 of key and salt
#define SDP_LINES_MAX	 8
#define SDP_TOKEN_MAX	 32

struct sdp_crypto {
	unsigned tag;
	char suite[SDP_SUITE_MAX]; // "AEAD_AES_128_GCM"
	char key[SDP_KEY_MAX];	   // base64 of master key and salt, as behind "inline:"
};

struct sdp_payload {
	uint8_t type;
	char rtpmap[48]; // "PCMU/8000", empty if none
};

// The m= lines, which an answer and all later offers must repeat (RFC 3264 sections 6 and 8).
// Empty: ours is the only one.
struct sdp_lines {
	unsigned n, ours; // ours: which of them is the stream of struct sdp; the others are refused
	struct sdp_line {
		char media[SDP_TOKEN_MAX], protocol[SDP_TOKEN_MAX], format[SDP_TOKEN_MAX];
	} at[SDP_LINES_MAX];
};

struct sdp {
	uint64_t session_id, session_version;
	struct sockaddr_storage address; // where media of this side is received: address and port;
					 // port 0: the stream is refused
	unsigned direction;		 // SESSION_* bits as in the engine: 1 send, 2 receive
	bool rtcp_mux;
	unsigned n_payloads, n_cryptos;
	struct sdp_payload payloads[SDP_PAYLOADS_MAX];
	struct sdp_crypto cryptos[SDP_CRYPTOS_MAX];
	struct sdp_lines lines;
};

// To be wiped and freed with sdp_text_free(). NULL with errno.
char *sdp_write(const struct sdp *sdp);
void sdp_text_free(char *text);
// Takes the first audio stream with RTP/SAVP, a port and a numeric address (one with port 0 if
// there is no other); unknown attributes, suites and crypto lines with MKI or session parameters it
// does not support are left out. Bounded, no NUL inside. 0 or -EINVAL (or -ENOTSUP: no usable
// audio) with one line in `error` (128 bytes).
int sdp_read(const char *body, size_t length, struct sdp *out, char *error);
// The first crypto of `offer` whose suite is in `suites` (in our order of preference); NULL if
// none.
const struct sdp_crypto *sdp_choose(const struct sdp *offer, const char *const suites[]);
// A fresh random key for a suite, into crypto->key; -EINVAL for an unknown suite.
int sdp_new_key(struct sdp_crypto *crypto);
