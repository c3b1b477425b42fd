// SPDX-License-Identifier: BSD-3-Clause
// Session keys from a master key (RFC 3711 section 4.3, RFC 6188, RFC 7714 section 11). Control
// thread.
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

// Writes `bytes` (at most 96) of the key of that label, derived once at index 0 (key derivation
// rate zero). The key is 16 bytes (AES-CM PRF) or 32 (AES-256-CM PRF); a salt of 12 bytes counts as
// 14 with two zero bytes at its end. 0, or -ENOMEM; the caller wipes `out`.
int derive_key(const uint8_t *key, size_t key_bytes, const uint8_t *salt, size_t salt_bytes,
	enum derive_label label, uint8_t *out, size_t bytes);
