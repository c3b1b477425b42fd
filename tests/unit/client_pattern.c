// SPDX-License-Identifier: BSD-3-Clause
// The patterns of commands: what they match, which arguments they give, what may follow.
#include "engine/client/pattern.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "engine/client/commands.h"
#include "engine/client/placeholder.h"

static char copy[256];

static struct pattern_match match(const char *pattern, const char *line)
{
	static char *words[PATTERN_WORDS_MAX];
	struct pattern_match result;
	char *save = NULL;
	unsigned n = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		words[n++] = w;
	pattern_match(pattern, words, n, &result);
	cr_assert(result.good, "%s", pattern);
	return result;
}

#define LIST	"show (all|ID) [detail] [limit N] [after ID]"
#define TRACE	"trace (session ID|ssrc SSRC|drops [WORD]) count N"
#define NESTED	"a [b (c|d [e])] f"
#define OFFERED "say WORD... [end]"

Test(pattern, what_matches)
{
	static const struct {
		const char *pattern, *line;
		bool whole;
		unsigned matched;
	} cases[] = {
		{LIST, "show all", true, 2},
		{LIST, "show 7", true, 2},
		{LIST, "show 0x1F detail", true, 3},
		{LIST, "show all limit 5 detail after 9", true, 7},
		{LIST, "show all after 9 limit 5 detail", true, 7},
		{LIST, "show", false, 1},
		{LIST, "show -1", false, 1},
		{LIST, "show 1e3", false, 1},
		{LIST, "show 99999999999999999999", false, 1},
		{LIST, "show all detail detail", false, 3},
		{LIST, "show all limit", false, 3},
		{LIST, "show all limit 0", false, 3},
		{LIST, "sho all", false, 0},
		{TRACE, "trace session 7 count 3", true, 5},
		{TRACE, "trace drops count 3", true, 4},
		{TRACE, "trace drops mtu count 3", true, 5},
		{TRACE, "trace drops mtu mtu count 3", false, 3},
		{TRACE, "trace session 7", false, 3},
		{NESTED, "a f", true, 2},
		{NESTED, "a b c f", true, 4},
		{NESTED, "a b d e f", true, 5},
		{NESTED, "a b f", false, 2},
		{NESTED, "a b c e f", false, 3},
		{OFFERED, "say one", true, 2},
		{OFFERED, "say one two three", true, 4},
		{OFFERED, "say", false, 1},
		{"", "", true, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pattern_match m = match(cases[i].pattern, cases[i].line);

		cr_expect_eq(m.whole, cases[i].whole, "%s", cases[i].line);
		cr_expect_eq(m.matched, cases[i].matched, "%s: %u", cases[i].line, m.matched);
	}
}

Test(pattern, arguments_by_name)
{
	struct pattern_match m = match(TRACE, "trace ssrc 0x10 count 3");

	cr_expect_str_eq(pattern_arg_text(&m.args, "SSRC"), "0x10");
	cr_expect_str_eq(pattern_arg_text(&m.args, "count"), "3");
	cr_expect_str_eq(pattern_arg_text(&m.args, "N"), "3");
	cr_expect(pattern_arg_has(&m.args, "ssrc") && !pattern_arg_has(&m.args, "session"));
	cr_expect(pattern_arg_has(&m.args, "N") && !pattern_arg_has(&m.args, "ID"));
	cr_expect_null(pattern_arg_text(&m.args, "ID"));
	cr_expect_null(pattern_arg_text(&m.args, "ssr"));

	m = match(LIST, "show 7 after 9");
	cr_expect_str_eq(pattern_arg_text(&m.args, "ID"), "7");
	cr_expect_str_eq(pattern_arg_text(&m.args, "after"), "9");
	cr_expect_null(pattern_arg_text(&m.args, "limit"));
}

Test(pattern, fixed_words_come_before_placeholders)
{
	struct pattern_match m = match("hang-up (CALL|all)", "hang-up all");

	cr_expect(m.whole && pattern_arg_has(&m.args, "all"));
	cr_expect_not(pattern_arg_has(&m.args, "CALL"));
}

// The expected words of a match, as one text.
static const char *expected(const struct pattern_match *m)
{
	static char text[256];

	text[0] = '\0';
	for (unsigned i = 0; i < m->n_expected; i++) {
		size_t at = strlen(text);

		snprintf(text + at, sizeof(text) - at, "%s%.*s", i ? " " : "",
			m->expected[i].text ? (int)m->expected[i].length : 1,
			m->expected[i].text ? m->expected[i].text : ".");
	}
	return text;
}

Test(pattern, what_may_follow)
{
	static const struct {
		const char *pattern, *line, *expected;
	} cases[] = {
		{LIST, "show", "all ID"},
		{LIST, "show all", "detail limit after ."},
		{LIST, "show all after 3 detail", "limit ."},
		{LIST, "show all nonsense", "detail limit after ."},
		{LIST, "show all limit", "N"},
		{TRACE, "trace", "session ssrc drops"},
		{TRACE, "trace drops", "WORD count"},
		{NESTED, "a b d", "e f"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pattern_match m = match(cases[i].pattern, cases[i].line);

		cr_expect_str_eq(expected(&m), cases[i].expected, "%s", cases[i].line);
	}
}

Test(pattern, faulty_patterns_are_told)
{
	static const char *const faulty[] = {"a (b", "a [b", "a b)", "a ]b", "a |b", "a (b]",
		"a ...",
		"((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((a"};

	for (size_t i = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++) {
		struct pattern_match m;

		pattern_match(faulty[i], NULL, 0, &m);
		cr_expect_not(m.good || m.whole, "%s", faulty[i]);
	}
}

Test(pattern, numbers_and_addresses)
{
	static const char *const addresses[] = {"1.2.3.4:5", "[2001:db8::1]:65535"};
	static const char *const none[] = {"1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "2001:db8::1:5",
		"[1.2.3.4]:5", "[::1:5", ":5", "", "a:5"};
	uint64_t number;

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		cr_expect(placeholder_is_address(addresses[i]), "%s", addresses[i]);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		cr_expect_not(placeholder_is_address(none[i]), "%s", none[i]);
	cr_expect(placeholder_number("0xff", &number) && number == 255);
	cr_expect(placeholder_number("010", &number) && number == 10);
	cr_expect_not(placeholder_number("0x", &number) || placeholder_number("+1", &number) ||
		      placeholder_number(" 1", &number) || placeholder_number("", &number));
}

static bool is_section(const char *name)
{
	for (const struct commands_section *s = commands_sections; s->name; s++)
		if (strcmp(s->name, name) == 0)
			return true;
	return false;
}

// Every placeholder of the pattern is in the dictionary.
static void check_placeholders(const char *pattern)
{
	for (const char *at = pattern; *at; at += strcspn(at, " ()[]|.")) {
		at += strspn(at, " ()[]|.");
		if (*at >= 'A' && *at <= 'Z')
			cr_expect_not_null(placeholder_find(at, (unsigned)strcspn(at, " ()[]|.")),
				"%s: %s is not in placeholder.c", pattern, at);
	}
}

Test(commands, the_table_is_well_formed)
{
	const struct client_command *c;
	struct pattern_match m;

	for (unsigned i = 0; (c = commands_at(i)); i++) {
		pattern_match(c->pattern, NULL, 0, &m);
		cr_expect(m.good && !m.whole && m.n_expected == 1 && m.expected[0].fixed, "%s",
			c->pattern);
		cr_expect(c->run && c->since && is_section(c->section), "%s", c->pattern);
		cr_expect(
			c->help[0] && strlen(c->help) <= 76 && c->help[strlen(c->help) - 1] != '.',
			"%s: the help is no line", c->pattern);
		check_placeholders(c->pattern);
	}
	for (unsigned i = 0; placeholders[i].name; i++)
		cr_expect(!placeholders[i + 1].name ||
				  strcmp(placeholders[i].name, placeholders[i + 1].name) < 0,
			"%s is out of order", placeholders[i].name);
}
