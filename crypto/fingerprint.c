// SPDX-License-Identifier: BSD-3-Clause
// SipHash-2-4 under a key of the process; control thread.
#include "crypto/fingerprint.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void rounds(uint64_t v[4], unsigned n)
{
	while (n-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static uint64_t little_endian(const uint8_t *data, size_t bytes)
{
	uint64_t word = 0;

	for (size_t i = 0; i < bytes; i++)
		word |= (uint64_t)data[i] << (8 * i);
	return word;
}

static void absorb(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	rounds(v, 2);
	v[0] ^= word;
}

uint64_t fingerprint_siphash(
	const uint8_t key[FINGERPRINT_KEY_BYTES], const uint8_t *data, size_t bytes)
{
	uint64_t k0 = little_endian(key, 8), k1 = little_endian(key + 8, 8);
	uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
		k1 ^ 0x7465646279746573};
	uint64_t last = (uint64_t)bytes << 56, hash;

	for (; bytes >= 8; bytes -= 8, data += 8)
		absorb(v, little_endian(data, 8));
	absorb(v, last | little_endian(data, bytes));
	v[2] ^= 0xff;
	rounds(v, 4);
	hash = v[0] ^ v[1] ^ v[2] ^ v[3];
	explicit_bzero(v, sizeof(v));
	return hash;
}

uint64_t fingerprint_of(const uint8_t *data, size_t bytes)
{
	static uint8_t secret[FINGERPRINT_KEY_BYTES];
	static bool made;

	if (!made && getrandom(secret, sizeof(secret), 0) != sizeof(secret))
		abort(); // cannot be, for so few bytes
	made = true;
	return fingerprint_siphash(secret, data, bytes);
}
