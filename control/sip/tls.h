// SPDX-License-Identifier: BSD-3-Clause
// TLS contexts and certificates: TLS 1.3, 1.2 allowed (AEAD and ECDHE only).
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#define TLS_FINGERPRINT_MAX 44 // base64url of SHA-256, and the NUL

// The agent's own certificate: ECDSA P-256, self-signed, made at first start in `cert_path` and
// `key_path` (mode 0600), both or none. 0, -EEXIST if one of them is there, or -errno.
int tls_make_certificate(const char *cert_path, const char *key_path, const char *common_name);

// Of a server, of an access server's client, of one end of an agent-to-agent connection. `error`:
// 256 bytes. NULL on failure. tls_server: asks for a client certificate, takes any (its fingerprint
// is checked above), does not require one.
SSL_CTX *tls_server(const char *cert_path, const char *key_path, char *error);
// tls_client: `ca_path` a PEM file of trusted roots, NULL: none (fingerprint pinning only).
SSL_CTX *tls_client(const char *cert_path, const char *key_path, const char *ca_path, char *error);

// x5t#S256 of a certificate (RFC 8705 section 3.1), base64url without padding.
int tls_fingerprint(const X509 *cert, char out[TLS_FINGERPRINT_MAX]);
int tls_fingerprint_file(const char *cert_path, char out[TLS_FINGERPRINT_MAX]);

// Of one connection, before its handshake. By name: a DNS name or a numeric address, against the
// context's trusted roots (RFC 5922 section 7.2; common names are not looked at where there are
// alternative ones). By fingerprint: the leaf alone counts, its issuer and dates do not.
int tls_verify_name(SSL *ssl, const char *name);	       // 0 or -EINVAL
int tls_verify_fingerprint(SSL *ssl, const char *fingerprint); // 0 or -EINVAL

// After the handshake: x5t#S256 of what the peer showed; -ENOENT if it showed none.
int tls_peer_fingerprint(SSL *ssl, char out[TLS_FINGERPRINT_MAX]);
// In constant time.
bool tls_fingerprint_equal(const char *a, const char *b);
// Why a handshake failed, in one line: OpenSSL's error queue and what the verification said.
void tls_error(SSL *ssl, char *out, size_t size);
