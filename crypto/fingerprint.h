// SPDX-License-Identifier: BSD-3-Clause
// Tells whether two keys are equal without telling anything else of them: SipHash-2-4 (Aumasson,
// Bernstein 2012) under a random key of this process, which is never shown. Control thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define FINGERPRINT_KEY_BYTES 16

// The same for the same bytes, as long as the process lives; another process tells another.
uint64_t fingerprint_of(const uint8_t *data, size_t bytes);

// SipHash-2-4 itself, for its test vectors.
uint64_t fingerprint_siphash(
	const uint8_t key[FINGERPRINT_KEY_BYTES], const uint8_t *data, size_t bytes);
