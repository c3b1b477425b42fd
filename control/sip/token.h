// SPDX-License-Identifier: BSD-3-Clause
// Tokens: JWTs (RFC 7519, ES256) that bind an address of record to a certificate (RFC 7800, RFC
// 8705 section 3.1).
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <time.h>

struct token_signer;   // the access server's key
struct token_verifier; // the public keys an agent got as a JWKS

// Reads the EC P-256 private key in `path` (PEM), made there (mode 0600) if missing. NULL and
// errno.
struct token_signer *token_signer_new(const char *path, const char *issuer);
void token_signer_free(struct token_signer *signer);
json_t *token_signer_jwks(
	const struct token_signer *signer); // RFC 7517: a new reference {"keys": [...]}
// What a token for one call alone is bound to besides.
struct token_call {
	const char *callee; // AoR
	const char *call_id;
};
#define TOKEN_CALL_ID_MAX 256
#define TOKEN_PARAM	  "crowfly-token" // of the URI in a redirect that carries it

// iss, sub = aor, cnf.x5t#S256 = fingerprint, iat, exp, kid in the header; of a token for one call
// aud = its callee and call_id. `call` NULL: a login's. To be freed with free().
char *token_sign(struct token_signer *signer, const char *aor, const char *fingerprint,
	const struct token_call *call, unsigned lifetime_s);

struct token_verifier *token_verifier_new(
	const json_t *jwks); // NULL if none of the keys is an ES256 key
void token_verifier_free(struct token_verifier *verifier);

struct token_claims {
	char aor[256];
	char fingerprint[64];
	char callee[256], call_id[TOKEN_CALL_ID_MAX]; // "": a login's, good for every call
	time_t expires;
};
enum token_result { TOKEN_OK, TOKEN_MALFORMED, TOKEN_BAD_SIGNATURE, TOKEN_EXPIRED };
// Takes ES256 alone (never "none", never HS256 with a public key), exp required, 5 s of clock skew
// allowed.
enum token_result token_verify(
	const struct token_verifier *verifier, const char *token, struct token_claims *claims);
const char *token_result_text(enum token_result result);
