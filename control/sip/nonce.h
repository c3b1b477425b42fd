// SPDX-License-Identifier: BSD-3-Clause
// Nonces that need no table to be recognized, and the bounded table of those that were used. One
// thread at a time.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// What a nonce says: when it was made, and a random number that makes it unique; the rest is the
// proof that this table's owner made it. In hex on the wire.
struct nonce {
	uint64_t issued_us;
	uint64_t id;
	unsigned char mac[16]; // HMAC-SHA-256 of the above, cut
};
#define NONCE_TEXT (2 * sizeof(struct nonce) + 1)

struct nonce_table;
// Nonces are good for lifetime_s. At most remembered_max used ones are remembered: 32 bytes each.
struct nonce_table *nonce_table_new(unsigned lifetime_s, unsigned remembered_max);
void nonce_table_free(struct nonce_table *table);

// Writes a fresh nonce, NONCE_TEXT bytes with the NUL. Nothing is kept.
void nonce_make(struct nonce_table *table, char *out, unsigned size);
// Whether `text` is a nonce that nonce_make() made, of whatever age; fills `nonce`. The same work
// whatever the text.
bool nonce_read(const struct nonce_table *table, const char *text, struct nonce *nonce);

// Uses up the count `nc` of a nonce from nonce_read(): each count once, upwards. Where the table
// is full the oldest nonce is forgotten and, so that none is taken twice, it and all that are as
// old or older are stale from then on.
enum nonce_result { NONCE_OK, NONCE_STALE, NONCE_REPLAY };
enum nonce_result nonce_use(struct nonce_table *table, const struct nonce *nonce, uint32_t nc);
unsigned nonce_remembered(const struct nonce_table *table);
