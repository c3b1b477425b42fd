// SPDX-License-Identifier: BSD-3-Clause
// Presence documents (RFC 3863): one entity, one tuple, its status and contact.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct pidf {
	char entity[256];  // "sip:alice@example.org"
	char contact[512]; // empty if none
	bool open;
};

// Writes the document, XML-escaped. To be freed with free().
char *pidf_write(const struct pidf *pidf);
// Reads one (expat; no DTD, at most 16 KiB, depth 16). 0 or -EINVAL with one line in `error` (128
// bytes).
int pidf_read(const char *body, size_t length, struct pidf *out, char *error);
