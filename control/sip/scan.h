// SPDX-License-Identifier: BSD-3-Clause
// The first look at a SIP message, before libosip2's parser sees any of it: lines, names, limits.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define SCAN_HEADERS_MAX 256
#define SCAN_PARSED_MAX	 8192 // bytes of one header that libosip2 parses, and of a start line
#define SCAN_PARTS_MAX	 1024 // commas and semicolons in all of those headers

enum scan_name_flags {
	SCAN_SINGLE = 1, // comes at most once
	SCAN_PARSED = 2, // libosip2 parses its value
	SCAN_LIST = 4,	 // several values in one line, separated by commas
	SCAN_QUOTED = 8, // has URIs and quoted strings
};

struct scan_name {
	const char *name;
	char compact; // RFC 3261 section 7.3.3
	unsigned char flags;
};

// A header; where its name is known, `known` says what of it, and `name` is the long one.
struct scan_header {
	const char *name;
	const char *value; // folding undone, without space around it
	const struct scan_name *known;
};

struct scan {
	char *text; // owns all strings
	const char *start_line;
	unsigned n_headers;
	struct scan_header headers[SCAN_HEADERS_MAX];
	const char *body; // in the caller's data; NULL if none
	size_t body_length;
};

// Splits a whole message. Refuses line ends other than CRLF, control characters, names that are no
// token, too much of anything, single headers that come twice, quotes that do not end, escapes of
// control characters, a Content-Length that is not the body's. 0 or -EINVAL, -ENOMEM with one line
// in `error` (128 bytes).
int scan_message(const char *data, size_t length, struct scan *scan, char *error);
void scan_fini(struct scan *scan);

// The first header of a long name, NULL if none.
const char *scan_value(const struct scan *scan, const char *name);
// What is known of a name, long or compact, in any case; NULL if nothing.
const struct scan_name *scan_known(const char *name);

bool scan_is_token(const char *text);
bool scan_is_line(const char *text); // no control character but tab
// Quotes end, and escapes outside of them are of visible characters.
bool scan_is_balanced(const char *text);
// A number of digits alone up to `max`, -1 if it is none.
long long scan_number(const char *text, long long max);
