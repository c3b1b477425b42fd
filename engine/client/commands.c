// SPDX-License-Identifier: BSD-3-Clause
// The table of all commands, and looking words up in it. No state; any thread.
#include "engine/client/commands.h"

#include <stdarg.h>
#include <string.h>

#include "engine/client/placeholder.h"

// In the order of `help`.
static const struct client_command *const files[] = {command_client, command_session, command_port,
	command_fwd, command_capture, command_config, command_system, command_observe,
	command_trace, command_agent};
#define FILES (sizeof(files) / sizeof(files[0]))

const struct commands_section commands_sections[] = {
	{"control", "start and stop, files of commands, the client itself"},
	{"display", "totals, state and limits"},
	{"config", "settings"},
	{"session", "sessions, their streams and keys"},
	{"ports", "the ports and their counters"},
	{"capture", "following packets"},
	{"agent", "calls, peers and endpoints of an agent"},
	{0},
};

const struct client_command *commands_at(unsigned i)
{
	for (size_t f = 0; f < FILES; f++) {
		for (const struct client_command *c = files[f]; c->pattern; c++)
			if (i-- == 0)
				return c;
	}
	return NULL;
}

static bool same(const struct pattern_token *a, const struct pattern_token *b)
{
	return a->fixed == b->fixed && a->length == b->length &&
	       strncmp(a->text, b->text, a->length) == 0;
}

static void add_expected(struct commands_match *match, const struct pattern_token *token,
	const struct client_command *command)
{
	struct commands_expected *e = match->expected;

	if (!token->text) {
		match->may_end = true;
		return;
	}
	for (unsigned i = 0; i < match->n_expected; i++, e++) {
		if (!same(&e->token, token))
			continue;
		e->n += e->command != command;
		return;
	}
	if (match->n_expected < COMMANDS_EXPECTED_MAX) {
		*e = (struct commands_expected){*token, command, 1};
		match->n_expected++;
	}
}

void commands_match(char *const words[], unsigned n, struct commands_match *match)
{
	const struct client_command *c;
	struct pattern_match one;

	memset(match, 0, sizeof(*match));
	for (unsigned i = 0; (c = commands_at(i)); i++) {
		pattern_match(c->pattern, words, n, &one);
		if (one.matched < match->matched)
			continue;
		if (one.matched > match->matched) {
			match->n_expected = 0;
			match->may_end = false;
		}
		match->matched = one.matched;
		for (unsigned e = 0; e < one.n_expected; e++)
			add_expected(match, &one.expected[e], c);
		if (one.whole && !match->command) {
			match->command = c;
			match->args.pattern = one.args;
		}
	}
}

// ---- errors

static void append(char *text, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void append(char *text, size_t size, const char *fmt, ...)
{
	size_t at = strlen(text);
	va_list args;

	va_start(args, fmt);
	vsnprintf(text + at, size - at, fmt, args);
	va_end(args);
}

// "all, ID (the number of a session, 0 to 7) or the end"
static void append_expected(char *text, size_t size, const struct commands_match *match)
{
	unsigned n = match->n_expected + match->may_end;

	for (unsigned i = 0; i < n; i++) {
		const struct pattern_token *token = &match->expected[i].token;
		char described[PLACEHOLDER_TEXT_MAX];

		if (i > 0)
			append(text, size, i + 1 == n ? " or " : ", ");
		if (i == match->n_expected) {
			append(text, size, i ? "the end" : "nothing more");
		} else if (token->fixed) {
			append(text, size, "%.*s", (int)token->length, token->text);
		} else {
			placeholder_describe(token->text, token->length, described);
			append(text, size, "%s", described);
		}
	}
}

void commands_explain(char *const words[], unsigned n, const struct commands_match *match,
	char error[COMMANDS_ERROR_MAX])
{
	error[0] = '\0';
	for (unsigned i = 0; i < n; i++)
		append(error, COMMANDS_ERROR_MAX / 2, "%s%s", i ? " " : "", words[i]);
	if (match->matched == n)
		append(error, COMMANDS_ERROR_MAX, ": not complete");
	else
		append(error, COMMANDS_ERROR_MAX, ": '%.64s' (word %u) is wrong",
			words[match->matched], match->matched + 1);
	append(error, COMMANDS_ERROR_MAX, ", expected: ");
	append_expected(error, COMMANDS_ERROR_MAX, match);
}
