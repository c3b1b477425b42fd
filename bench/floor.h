// SPDX-License-Identifier: BSD-3-Clause
// The floor: straight calls of ipsec-mb over many keys, with the prefetch that suits it, and
// nothing of SRTP around them. It may look ahead past the end of a burst, so no burst of ours can
// be faster.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "crypto/suite.h"

struct floor;

struct floor *floor_new(enum suite_id suite, uint32_t streams);
void floor_free(struct floor *floor);
const char *floor_arch(void); // of ipsec-mb on this CPU: "AVX2"

// Encrypts or decrypts the payload behind 12 bytes of each of n packets with the keys of these
// streams, and makes a tag: `length` bytes in all, without the tag.
void floor_run(struct floor *floor, bool protect, const uint32_t stream[], uint8_t *const data[],
	uint32_t length, uint32_t n);
