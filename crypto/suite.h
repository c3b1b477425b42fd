// SPDX-License-Identifier: BSD-3-Clause
// The SRTP protection profiles and their sizes (RFC 3711, RFC 4568 section 6.2, RFC 7714 section
// 12).
#pragma once

#include <stdint.h>

enum suite_id {
	SUITE_AEAD_AES_128_GCM,
	SUITE_AEAD_AES_256_GCM,
	SUITE_AES_CM_128_HMAC_SHA1_80,
	SUITE_AES_CM_128_HMAC_SHA1_32,
	SUITE_COUNT,
};

#define SUITE_KEY_MAX  32 // bytes
#define SUITE_SALT_MAX 14
#define SUITE_TAG_MAX  16

struct suite {
	const char *name;	// as in SDP and the engine API
	uint8_t key_bytes;	// master key
	uint8_t salt_bytes;	// master salt: 14 for AES-CM, 12 for GCM
	uint8_t tag_bytes;	// authentication tag of SRTP
	uint8_t rtcp_tag_bytes; // of SRTCP: _32 uses 10 bytes here too (RFC 4568 section 6.2.2)
};

extern const struct suite suite_table[SUITE_COUNT];

// The suite of a name (exact), or -1.
int suite_find(const char *name);
