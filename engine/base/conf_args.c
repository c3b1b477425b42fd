// SPDX-License-Identifier: BSD-3-Clause
// The command line of a program: every main key of its configuration as a long option; start-up
// only.
#include "engine/base/conf.h"

#include "engine/base/conf_record.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

// One option as it stands on the command line.
struct option_word {
	const char *name;
	size_t length;
	const char *value;	    // NULL: none
	const struct conf_key *key; // NULL: --config
	int words;		    // it took
};

static const struct conf_key *find_key(const struct conf_key *keys, const char *name, size_t length)
{
	for (; keys->name; keys++) {
		if (strlen(keys->name) == length && strncmp(keys->name, name, length) == 0)
			return keys;
	}
	return NULL;
}

static bool is_word(const struct option_word *word, const char *name)
{
	return word->length == strlen(name) && strncmp(word->name, name, word->length) == 0;
}

// Reads the option at argv[0]. 0, -1 with `error`, CONF_HELP, CONF_VERSION.
static int read_option(
	char **argv, const struct conf_section *sections, struct option_word *word, char *error)
{
	const char *text = argv[0];

	if (strcmp(text, "-h") == 0 || strcmp(text, "--help") == 0)
		return CONF_HELP;
	if (strcmp(text, "-V") == 0 || strcmp(text, "--version") == 0)
		return CONF_VERSION;
	if (text[1] != '-') {
		snprintf(error, CONF_ERROR_MAX, "unknown option '%.64s' (see --help)", text);
		return -1;
	}
	word->name = text + 2;
	word->length = strcspn(word->name, "=");
	word->words = 1;
	word->value = word->name[word->length] ? word->name + word->length + 1 : NULL;
	word->key = find_key(sections->keys, word->name, word->length);
	bool config = is_word(word, "config");
	if (!word->key && !config) {
		snprintf(error, CONF_ERROR_MAX, "unknown option '--%.*s' (see --help)",
			(int)(word->length < 64 ? word->length : 64), word->name);
		return -1;
	}
	if (!config && !word->key->argument) {
		if (!word->value)
			return 0;
		snprintf(error, CONF_ERROR_MAX, "--%s takes no value", word->key->name);
		return -1;
	}
	if (!word->value) {
		word->value = argv[1];
		word->words = 2;
	}
	if (!word->value) {
		snprintf(error, CONF_ERROR_MAX, "--%.*s needs a value (%s)", (int)word->length,
			word->name, config ? "FILE" : word->key->argument);
		return -1;
	}
	return 0;
}

static bool ends_options(const char *word)
{
	return !word || word[0] != '-' || !word[1] || strcmp(word, "--") == 0;
}

// First pass: every option is known, and where the file is.
static int find_config(
	char **argv, const struct conf_section *sections, const char **config, char *error)
{
	struct option_word word;

	*config = NULL;
	for (int i = 1; !ends_options(argv[i]); i += word.words) {
		int rc = read_option(argv + i, sections, &word, error);

		if (rc < 0)
			return rc;
		if (!is_word(&word, "config"))
			continue;
		if (*config) {
			snprintf(error, CONF_ERROR_MAX, "--config stands twice");
			return -1;
		}
		*config = word.value;
	}
	return 0;
}

static int read_config(
	const char *path, const struct conf_section *sections, void *program, char *error)
{
	int rc = conf_read(path, sections, program, error);

	if (rc < -1)
		snprintf(error, CONF_ERROR_MAX, "--config: %.160s: %s", path, strerror(-rc));
	return rc;
}

int conf_args(
	int argc, char **argv, const struct conf_section *sections, void *program, char *error)
{
	struct option_word word;
	char why[CONF_ERROR_MAX] = "";
	const char *config;
	int i;

	error[0] = '\0';
	if (argc < 1)
		return 0;
	int rc = find_config(argv, sections, &config, error);
	if (rc < 0)
		return rc;
	if (config && read_config(config, sections, program, error) < 0)
		return -1;
	for (i = 1; !ends_options(argv[i]); i += word.words) {
		if (read_option(argv + i, sections, &word, error) < 0)
			return -1;
		if (!word.key)
			continue;
		conf_record_key(word.key->name, word.value ? word.value : "yes");
		if (word.key->set(program, word.value ? word.value : "yes", why) < 0) {
			snprintf(error, CONF_ERROR_MAX, "--%.40s: %.200s", word.key->name, why);
			return -1;
		}
	}
	return i < argc && strcmp(argv[i], "--") == 0 ? i + 1 : i;
}

static void print_option(FILE *out, const char *name, const char *argument, const char *help)
{
	char option[64];

	snprintf(option, sizeof(option), "--%s%s%s", name, argument ? " " : "",
		argument ? argument : "");
	fprintf(out, "  %-28s  %s\n", option, help);
}

void conf_usage(FILE *out, const struct conf_section *sections)
{
	print_option(out, "config", "FILE", "read this INI file first");
	for (const struct conf_key *key = sections->keys; key->name; key++)
		print_option(out, key->name, key->argument, key->help);
	print_option(out, "help", NULL, "print this");
	print_option(out, "version", NULL, "print the version");
}
