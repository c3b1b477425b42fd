// SPDX-License-Identifier: BSD-3-Clause
// Text of any bytes as the inside of a JSON string; any thread.
#include "engine/base/log_json.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define PIECE_MAX 8 // bytes that one character may become, and its end

// Bytes of the UTF-8 character at `s` (RFC 3629: shortest form, no surrogates); 0: it is none.
static unsigned utf8_length(const unsigned char *s)
{
	unsigned n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

	if (s[0] > 0xf4)
		return 0;
	for (unsigned i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
		(s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

// The character at `s` as JSON has it; how many bytes of `s` it was.
static unsigned take(const unsigned char *s, char piece[PIECE_MAX])
{
	unsigned n = utf8_length(s);

	if (n == 0) {
		strcpy(piece, "\xef\xbf\xbd");
		return 1;
	}
	if (n == 1 && (*s == '"' || *s == '\\'))
		snprintf(piece, PIECE_MAX, "\\%c", *s);
	else if (n == 1 && (*s < 0x20 || *s == 0x7f))
		snprintf(piece, PIECE_MAX, "\\u%04x", *s);
	else if (n == 2 && s[0] == 0xc2 && s[1] < 0xa0) // C1 controls: terminals obey some
		snprintf(piece, PIECE_MAX, "\\u%04x", s[1]);
	else
		snprintf(piece, PIECE_MAX, "%.*s", (int)n, (const char *)s);
	return n;
}

size_t log_json_text(char *out, size_t n, size_t size, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	static const char cut[] = "...";
	char piece[PIECE_MAX];

	while (*s) {
		s += take(s, piece);
		size_t length = strlen(piece);
		if (n + length + sizeof(cut) > size) {
			memcpy(out + n, cut, sizeof(cut) - 1);
			return n + sizeof(cut) - 1;
		}
		memcpy(out + n, piece, length);
		n += length;
	}
	return n;
}
