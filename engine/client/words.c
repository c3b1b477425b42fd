// SPDX-License-Identifier: BSD-3-Clause
// Cuts a line into words, as shells do. No state; any thread.
#include "engine/client/words.h"

#include <stdbool.h>
#include <string.h>

#define BLANKS " \t\r\n"

// Moves one word from *from to *to, which is never ahead of it. False: a quote is not closed.
static bool take_word(char **from, char **to)
{
	char quote = '\0', *at = *from, *out = *to;

	for (; *at && (quote || !strchr(BLANKS, *at)); at++) {
		if (quote ? *at == quote : *at == '"' || *at == '\'')
			quote = quote ? '\0' : *at;
		else if (*at == '\\' && quote != '\'' && at[1])
			*out++ = *++at;
		else
			*out++ = *at;
	}
	*from = *at ? at + 1 : at;
	*out++ = '\0';
	*to = out;
	return !quote;
}

int words_split(char *line, char *words[], unsigned max)
{
	char *out = line;
	unsigned n = 0;

	for (;;) {
		line += strspn(line, BLANKS);
		if (!*line || *line == '#')
			return (int)n;
		if (n == max)
			return -1;
		words[n++] = out;
		if (!take_word(&line, &out))
			return -2;
	}
}
