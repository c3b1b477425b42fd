// SPDX-License-Identifier: BSD-3-Clause
// Remembers the keys that were given, and tells what has changed when they are read again. Start-up
// and reload only.
#include "engine/base/conf_record.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/log.h"

#define KEYS_MAX  256 // a key may stand several times
#define NAMES_MAX 512

struct record {
	unsigned n;
	struct {
		char *name, *value;
	} keys[KEYS_MAX];
};

// What the program started with, what is in force, what is being read.
static struct record *first, *last, *next;

static void record_free(struct record *record)
{
	for (unsigned i = 0; record && i < record->n; i++) {
		free(record->keys[i].name);
		explicit_bzero(record->keys[i].value, strlen(record->keys[i].value));
		free(record->keys[i].value);
	}
	free(record);
}

void conf_record_begin(void)
{
	conf_record_drop();
	next = calloc(1, sizeof(*next));
}

void conf_record_key(const char *name, const char *value)
{
	if (!next || next->n == KEYS_MAX)
		return;
	char *copy = strdup(name), *text = strdup(value);
	if (!copy || !text) {
		free(copy);
		free(text);
		return;
	}
	next->keys[next->n].name = copy;
	next->keys[next->n++].value = text;
}

void conf_record_keep(void)
{
	first = last = next;
	next = NULL;
}

void conf_record_drop(void)
{
	record_free(next);
	next = NULL;
}

// The value of the i-th key of that name; NULL: there are fewer.
static const char *value_of(const struct record *record, const char *name, unsigned i)
{
	for (unsigned k = 0; record && k < record->n; k++)
		if (strcmp(record->keys[k].name, name) == 0 && i-- == 0)
			return record->keys[k].value;
	return NULL;
}

static bool same(const struct record *a, const struct record *b, const char *name)
{
	const char *x, *y;
	unsigned i = 0;

	do {
		x = value_of(a, name, i);
		y = value_of(b, name, i++);
		if (!x != !y || (x && strcmp(x, y) != 0))
			return false;
	} while (x);
	return true;
}

static bool is_one_of(const char *name, const char *const names[])
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names != NULL;
}

static void append(char names[NAMES_MAX], const char *name)
{
	size_t n = strlen(names);

	snprintf(names + n, NAMES_MAX - n, "%s%s", n ? ", " : "", name);
}

// Appends the keys of `record` that have changed, but those that the others have, too.
static void list_changes(const struct record *record, const struct record *others[2],
	const char *const reloaded[], char now[NAMES_MAX], char later[NAMES_MAX])
{
	for (unsigned i = 0; record && i < record->n; i++) {
		const char *name = record->keys[i].name;
		bool in_force = is_one_of(name, reloaded);

		if (value_of(others[0], name, 0) || value_of(others[1], name, 0) ||
			value_of(record, name, 0) != record->keys[i].value)
			continue;
		if (!same(in_force ? last : first, next, name))
			append(in_force ? now : later, name);
	}
}

void conf_record_tell(const char *what, const char *const reloaded[])
{
	char now[NAMES_MAX] = "", later[NAMES_MAX] = "";

	list_changes(next, (const struct record *[]){NULL, NULL}, reloaded, now, later);
	list_changes(last, (const struct record *[]){next, NULL}, reloaded, now, later);
	list_changes(first, (const struct record *[]){next, last}, reloaded, now, later);
	if (later[0])
		log_warning("SIGHUP: %s%s%s; after a restart only: %s", what,
			now[0] ? ", in force now: " : "", now, later);
	else
		log_notice("SIGHUP: %s, %s%s", what,
			now[0] ? "in force now: " : "nothing has changed", now);
	if (last != first)
		record_free(last);
	last = next;
	next = NULL;
}
