// SPDX-License-Identifier: BSD-3-Clause
// What may follow the beginning of a command: for Tab and `?`, and for shells. No state; any
// thread.
#include "engine/client/complete.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/client/commands.h"
#include "engine/client/placeholder.h"
#include "engine/client/words.h"

static bool begins(const char *word, const char *with)
{
	return strncmp(word, with, strlen(with)) == 0;
}

static struct editor_item *add_item(struct editor_items *items)
{
	static const struct editor_item none;

	if (items->n == EDITOR_ITEMS_MAX)
		return NULL;
	items->list[items->n] = none;
	return &items->list[items->n++];
}

// ---- help of a word

// The words that may follow one that several commands share: "info, summary, stats".
static void list_next(char *const words[], unsigned n, char *word, struct editor_item *item)
{
	char *all[PATTERN_WORDS_MAX + 1];
	struct commands_match next;
	size_t at = 0, size = sizeof(item->help);

	memcpy(all, words, n * sizeof(words[0]));
	all[n] = word;
	commands_match(all, n + 1, &next);
	for (unsigned i = 0; i < next.n_expected && at < size; i++) {
		const struct pattern_token *t = &next.expected[i].token;

		at += (size_t)snprintf(item->help + at, size - at, "%s%.*s", i ? ", " : "",
			(int)t->length, t->text);
	}
}

static void describe(char *const words[], unsigned n, const struct commands_expected *e,
	struct editor_item *item)
{
	const struct pattern_token *t = &e->token;
	char described[PLACEHOLDER_TEXT_MAX];

	snprintf(item->text, sizeof(item->text), "%.*s", (int)t->length, t->text);
	item->insert = t->fixed;
	if (!t->fixed) {
		placeholder_describe(t->text, t->length, described);
		snprintf(item->help, sizeof(item->help), "%.255s", described + t->length + 2);
		item->help[strcspn(item->help, ")")] = '\0';
	} else if (e->n > 1) {
		list_next(words, n, item->text, item);
	} else if (t->next && n > 0) {
		placeholder_describe(t->next, t->next_length, described);
		snprintf(item->help, sizeof(item->help), "%.255s", described);
	} else {
		snprintf(item->help, sizeof(item->help), "%s", e->command->help);
	}
}

// ---- values of placeholders

static void add_choices(const char *choices, const char *begun, struct editor_items *items)
{
	for (size_t n; *choices; choices += n + (choices[n] == '|')) {
		struct editor_item *item;

		n = strcspn(choices, "|");
		if (strlen(begun) > n || strncmp(choices, begun, strlen(begun)) != 0)
			continue;
		if (!(item = add_item(items)))
			return;
		snprintf(item->text, sizeof(item->text), "%.*s", (int)n, choices);
		item->insert = true;
	}
}

// Names in the folder that `begun` names. Those with blanks and the like would have to be quoted.
static void add_files(const char *begun, struct editor_items *items)
{
	const char *slash = strrchr(begun, '/');
	char folder[256] = ".";
	const struct dirent *entry;
	struct stat stat_;
	DIR *dir;

	if (slash)
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - begun + 1), begun);
	dir = opendir(folder);
	while (dir && (entry = readdir(dir))) {
		const char *name = entry->d_name, *wanted = slash ? slash + 1 : begun;
		struct editor_item item = {.insert = true};
		int n = snprintf(item.text, sizeof(item.text), "%.*s%s",
			slash ? (int)(slash - begun + 1) : 0, begun, name);

		if (!begins(name, wanted) || (name[0] == '.' && wanted[0] != '.') || n < 0 ||
			(size_t)n + 1 >= sizeof(item.text) || strpbrk(item.text, " \t\"'\\#?"))
			continue;
		if (stat(item.text, &stat_) == 0 && S_ISDIR(stat_.st_mode))
			strcat(item.text, "/");
		if (items->n < EDITOR_ITEMS_MAX)
			items->list[items->n++] = item;
	}
	if (dir)
		closedir(dir);
}

// Whether values were added for the placeholder, in whose place `begun` stands.
static bool add_values(
	const struct pattern_token *token, const char *begun, struct editor_items *items)
{
	const struct placeholder *p = placeholder_find(token->text, token->length);
	unsigned before = items->n;

	if (p && p->kind == PLACEHOLDER_CHOICE)
		add_choices(p->choices, begun, items);
	else if (p && p->kind == PLACEHOLDER_FILE && begun[0])
		add_files(begun, items);
	return items->n > before;
}

// ---- what can be added

// What all items have in common behind `begun`; a blank, if there is one item and it is a word.
static void find_more(const char *begun, bool open, struct editor_items *items)
{
	const char *first = items->list[0].text;
	size_t common = strlen(first), at = strlen(begun);

	if (items->n == 0 || open)
		return;
	for (unsigned i = 1; i < items->n; i++)
		while (strncmp(items->list[i].text, first, common) != 0)
			common--;
	if (common < at)
		return;
	snprintf(items->more, sizeof(items->more), "%.*s%s", (int)(common - at), first + at,
		items->n == 1 && first[strlen(first) - 1] != '/' ? " " : "");
}

void complete_line(const char *left, struct editor_items *items)
{
	char line[EDITOR_LINE_MAX], *words[PATTERN_WORDS_MAX], *begun = "";
	bool inside = *left && !strchr(" \t", left[strlen(left) - 1]), open = false;
	struct commands_match match;
	int n;

	snprintf(line, sizeof(line), "%s", left);
	n = words_split(line, words, PATTERN_WORDS_MAX - 1);
	if (n < 0)
		return;
	if (inside && n > 0)
		begun = words[--n];
	commands_match(words, (unsigned)n, &match);
	if (match.matched < (unsigned)n)
		return;
	for (unsigned i = 0; i < match.n_expected; i++) {
		const struct commands_expected *e = &match.expected[i];
		struct editor_item *item;

		if (e->token.fixed ? strncmp(e->token.text, begun, strlen(begun)) != 0
				   : add_values(&e->token, begun, items))
			continue;
		if (!(item = add_item(items)))
			return;
		describe(words, (unsigned)n, e, item);
		open |= !e->token.fixed; // anything may be typed
	}
	if (match.may_end && !begun[0] && (items->n > 0 || n > 0)) {
		struct editor_item *item = add_item(items);

		if (item)
			snprintf(item->text, sizeof(item->text), "<Enter>");
		open = true;
	}
	find_more(begun, open, items);
}
