// SPDX-License-Identifier: BSD-3-Clause
// Addresses of record as operators write them; any thread.
#pragma once

#include <stdbool.h>

#define AOR_MAX	   256
#define DOMAIN_MAX 200
#define ERROR_MAX  256 // of the one-line error texts of this folder

// Reads "sip:alice@example.org" or "alice@example.org" into its one spelling (domain in lower
// case). The domain must be `domain`. 0, or -EINVAL with one line in `error`.
int aor_parse(const char *text, const char *domain, char out[AOR_MAX], char error[ERROR_MAX]);

// The user part of an address from aor_parse(): "alice", the user name of the digest.
void aor_user(const char *aor, char out[AOR_MAX]);
// Whether the address from msg_to_aor() belongs to the domain.
bool aor_in_domain(const char *aor, const char *domain);
// Whether the text is a domain name (or an IPv4 address) in lower case.
bool aor_is_domain(const char *text);
