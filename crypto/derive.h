// SPDX-License-Identifier: BSD-3-Clause
// Session keys from a master key (RFC 3711 section 4.3, RFC 6188, RFC 7714 section 11), for the
// ipsec-mb back end. Control thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

// What a derived key is for: the label of RFC 3711 section 4.3.1.
enum derive_label {
	DERIVE_RTP_KEY = 0x00,
	DERIVE_RTP_AUTH = 0x01,
	DERIVE_RTP_SALT = 0x02,
	DERIVE_RTCP_KEY = 0x03,
	DERIVE_RTCP_AUTH = 0x04,
	DERIVE_RTCP_SALT = 0x05,
};

#define DERIVE_PARTS_MAX 6
#define DERIVE_BYTES_MAX 96

struct derive_part {
	enum derive_label label;
	uint8_t *out;
	size_t bytes; // at most DERIVE_BYTES_MAX
};

// Writes the keys of up to DERIVE_PARTS_MAX labels, derived once at index 0 (key derivation rate
// zero). The key is 16 bytes (AES-CM PRF) or 32 (AES-256-CM PRF); a salt of 12 bytes counts as 14
// with two zero bytes at its end. The back end has been started. 0, or -ENOMEM; the caller wipes
// what was written.
int derive_keys(const uint8_t *key, size_t key_bytes, const uint8_t *salt, size_t salt_bytes,
	const struct derive_part parts[], unsigned n);
