// SPDX-License-Identifier: BSD-3-Clause
// The commands of the client itself: help, files of commands, the end. One thread.
#include <string.h>

#include "engine/client/commands.h"
#include "engine/client/placeholder.h"
#include "engine/client/script.h"
#include "engine/client/table.h"

#define WORDS_WIDTH 30 // of the commands, where their help is beside them

static const char *const server_names[] = {[CLIENT_NO_SERVER] = "none",
	[CLIENT_ENGINE] = "engine",
	[CLIENT_AGENT] = "agent",
	[CLIENT_EITHER] = "either"};
static const char *const kind_names[] = {[PLACEHOLDER_NUMBER] = "number",
	[PLACEHOLDER_TEXT] = "text",
	[PLACEHOLDER_FILE] = "file",
	[PLACEHOLDER_ADDRESS] = "address",
	[PLACEHOLDER_CHOICE] = "choice"};

// Whether the command belongs to the section, or begins with the words.
static bool is_meant(const struct client_command *command, const struct pattern_args *words)
{
	char *begin[PATTERN_WORDS_MAX];
	unsigned n = words->n - 1; // without `help` itself
	struct pattern_match match;

	if (n == 1 && strcmp(command->section, words->args[1].value) == 0)
		return true;
	for (unsigned i = 0; i < n; i++)
		begin[i] = (char *)words->args[i + 1].value;
	pattern_match(command->pattern, begin, n, &match);
	return match.matched == n;
}

static void print_help(struct client *client, const struct client_command *c)
{
	size_t length = strlen(c->pattern);

	fputs("  ", client->out);
	if (length <= WORDS_WIDTH) {
		fprintf(client->out, "%-*s  ", WORDS_WIDTH, c->pattern);
	} else {
		table_wrap(client->out, c->pattern, 2, 6, true);
		fprintf(client->out, "%*s", WORDS_WIDTH + 4, "");
	}
	table_wrap(client->out, c->help, WORDS_WIDTH + 4, WORDS_WIDTH + 4, true);
}

static json_t *pack_command(const struct client_command *c)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "command", c->pattern, "section", c->section,
		"since", c->since, "server", server_names[c->server], "help", c->help);
}

static json_t *pack_placeholders(void)
{
	json_t *all = json_object();

	for (const struct placeholder *p = placeholders; p->name; p++) {
		json_t *one = json_pack("{s:s, s:s}", "kind", kind_names[p->kind], "help", p->help);

		if (p->kind == PLACEHOLDER_NUMBER) {
			json_object_set_new(one, "min", json_integer((json_int_t)p->min));
			json_object_set_new(one, "max", json_integer((json_int_t)p->max));
		}
		if (p->choices)
			json_object_set_new(one, "choices", json_string(p->choices));
		json_object_set_new(all, p->name, one);
	}
	return all;
}

static json_t *pack_sections(void)
{
	json_t *all = json_array();

	for (const struct commands_section *s = commands_sections; s->name; s++)
		json_array_append_new(
			all, json_pack("{s:s, s:s}", "section", s->name, "help", s->help));
	return all;
}

static void help_json(struct client *client, const struct pattern_args *words)
{
	json_t *list = json_array(), *result;
	const struct client_command *c;

	for (unsigned i = 0; (c = commands_at(i)); i++)
		if (is_meant(c, words))
			json_array_append_new(list, pack_command(c));
	result = json_pack("{s:o, s:o, s:o}", "commands", list, "placeholders", pack_placeholders(),
		"sections", pack_sections());
	client_print_json(client, result);
	json_decref(result);
}

static void help_text(struct client *client, const struct pattern_args *words)
{
	bool any = false;

	for (const struct commands_section *s = commands_sections; s->name; s++) {
		const struct client_command *c;
		bool titled = false;

		for (unsigned i = 0; (c = commands_at(i)); i++) {
			if (strcmp(c->section, s->name) != 0 || !is_meant(c, words))
				continue;
			if (!titled)
				fprintf(client->out, "%s%s: %s\n", any ? "\n" : "", s->name,
					s->help);
			titled = any = true;
			print_help(client, c);
		}
	}
	if (!any)
		client_fail(client, CLIENT_USAGE,
			"help: '%s' is no section, and no command begins so (help lists all)",
			words->args[1].value);
}

static void help(struct client *client, const struct client_args *args)
{
	if (client->json)
		help_json(client, &args->pattern);
	else
		help_text(client, &args->pattern);
}

static void load(struct client *client, const struct client_args *args)
{
	script_load(client, client_arg_text(args, "FILE"));
}

static void quit(struct client *client, const struct client_args *args)
{
	(void)args;
	client->quit = true;
}

const struct client_command command_client[] = {
	{"help [WORD...]", "control", "0.1", CLIENT_NO_SERVER,
		"the commands: all, of a section, or that begin so", help},
	{"load FILE", "control", "0.2", CLIENT_NO_SERVER,
		"run the commands in a file, up to the first that fails", load},
	{"quit", "control", "0.2", CLIENT_NO_SERVER, "end the prompt; with -i the engine, too",
		quit},
	{0},
};
