// SPDX-License-Identifier: BSD-3-Clause
// HTTP digest authentication for SIP (RFC 7616, RFC 8760): SHA-256 at both ends, MD5 at the
// server's alone, for phones that know nothing else.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define DIGEST_HEX 65 // the longer of the hashes in hex, and the NUL

enum digest_algorithm { DIGEST_SHA256, DIGEST_MD5 };

// HA1 = hash(user:realm:password) in hex: password-equivalent, to be kept encrypted and wiped.
void digest_ha1(enum digest_algorithm algorithm, const char *user, const char *realm,
	const char *password, char out[DIGEST_HEX]);

// Nonces without a table: time and HMAC-SHA-256 under a key of this process; used ones are
// remembered with their highest nonce count until they expire (bounded), so that no request is
// taken twice.
struct digest_nonces;
struct digest_nonces *digest_nonces_new(unsigned lifetime_s, unsigned remembered_max);
void digest_nonces_free(struct digest_nonces *nonces);
void digest_nonce(struct digest_nonces *nonces, char *out, unsigned size); // at most 128 bytes

// The WWW-Authenticate value: realm, nonce, algorithm, qop="auth", stale.
int digest_challenge(struct digest_nonces *nonces, enum digest_algorithm algorithm,
	const char *realm, bool stale, char *out, unsigned size);

// The fields of an Authorization header; strings in a buffer of its own.
struct digest_response {
	char user[256], realm[256], nonce[160], uri[512], response[80], cnonce[128], algorithm[16],
		qop[16];
	uint32_t nc;
};
int digest_parse(const char *authorization, struct digest_response *out); // 0 or -EINVAL

enum digest_result { DIGEST_OK, DIGEST_STALE, DIGEST_REPLAY, DIGEST_WRONG };
// Checks, in constant time and with the same work whether or not the user exists (`ha1` NULL):
// that it is of `algorithm`, nonce, nonce count, response. Only DIGEST_OK uses up the nonce count.
enum digest_result digest_check(struct digest_nonces *nonces, enum digest_algorithm algorithm,
	const struct digest_response *response, const char *method, const char *ha1);

// The client's Authorization value for a challenge (a WWW-Authenticate value). Refuses algorithms
// other than SHA-256 (-ENOTSUP).
int digest_answer(const char *challenge, const char *method, const char *uri, const char *user,
	const char *password, uint32_t nc, char *out, unsigned size);
