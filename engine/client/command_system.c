// SPDX-License-Identifier: BSD-3-Clause
// The commands that tell of the engine as a whole, and run it. One thread.
#include <string.h>

#include "engine/api.h"
#include "engine/client/commands.h"
#include "engine/client/save.h"
#include "engine/client/table.h"

static void show_stats(struct client *client, const struct client_args *args)
{
	(void)args;
	client_call_and_print(client, API_STATS, NULL);
}

static void show_info(struct client *client, const struct client_args *args)
{
	(void)args;
	client_call_and_print(client, API_INFO, NULL);
}

static void show_version(struct client *client, const struct client_args *args)
{
	(void)args;
	client_call_and_print(client, API_VERSION, NULL);
}

static void print_checks(struct client *client, const json_t *checks)
{
	static const char *const fields[] = {"state", "name", "text"};
	const json_t *check;
	size_t i;

	json_array_foreach (checks, i, check) {
		char cells[3][TABLE_CELL_MAX];

		for (unsigned f = 0; f < 3; f++)
			table_cell(json_object_get(check, fields[f]), cells[f]);
		fprintf(client->out, "%-4s  %-9s  %s\n", cells[0], cells[1], cells[2]);
	}
}

// Fails if the engine does, so that a script can ask.
static void show_health(struct client *client, const struct client_args *args)
{
	json_t *result = client_call(client, API_HEALTH, NULL);
	const char *state = json_string_value(json_object_get(result, "state"));

	(void)args;
	if (result && !client_print_json(client, result))
		print_checks(client, json_object_get(result, "checks"));
	if (state && strcmp(state, "FAIL") == 0)
		client->status = CLIENT_FAILED;
	json_decref(result);
}

static void drain(struct client *client, const struct client_args *args)
{
	json_t *params = json_object();

	if (client_arg_has(args, "timeout"))
		json_object_set_new(params, "timeout_s",
			json_integer((json_int_t)client_arg_uint(args, "SECONDS", 0)));
	client_call_and_print(client, API_DRAIN, params);
}

static void drain_status(struct client *client, const struct client_args *args)
{
	(void)args;
	client_call_and_print(client, API_DRAIN_STATUS, NULL);
}

static void undrain(struct client *client, const struct client_args *args)
{
	(void)args;
	client_call_and_print(client, API_UNDRAIN, NULL);
}

static void show_log(struct client *client, const struct client_args *args)
{
	static const struct table_column columns[] = {{"TYPE", "type"}, {"LEVEL", "level"}, {0}};
	json_t *result = client_call(client, API_LOG_LIST, NULL);

	(void)args;
	if (result && !client_print_json(client, result))
		table_print(client->out, columns, json_object_get(result, "types"));
	json_decref(result);
}

static void set_log(struct client *client, const struct client_args *args)
{
	client_call_and_print(client, API_LOG_SET,
		json_pack("{s:s, s:s}", "type", client_arg_text(args, "TYPE"), "level",
			client_arg_text(args, "LEVEL")));
}

static void set_verbose(struct client *client, const struct client_args *args)
{
	client_call_and_print(
		client, API_VERBOSE_SET, json_pack("{s:b}", "on", client_arg_has(args, "1")));
}

static void save(struct client *client, const struct client_args *args)
{
	json_t *result = client_call(client, API_SETTINGS, NULL);

	if (result)
		save_settings(client, client_arg_text(args, "FILE"), result);
	json_decref(result);
}

const struct client_command command_system[] = {
	{"drain [timeout SECONDS]", "control", "0.2", CLIENT_ENGINE,
		"take no new sessions; after the time, end those left", drain},
	{"drain status", "control", "0.2", CLIENT_ENGINE, "whether it drains, and what is left",
		drain_status},
	{"undrain", "control", "0.2", CLIENT_ENGINE, "take sessions again", undrain},
	{"save FILE", "control", "0.2", CLIENT_ENGINE,
		"write the settings made by commands, for `load`; never keys", save},
	{"show stats", "display", "0.1", CLIENT_ENGINE, "totals, and drops by reason", show_stats},
	{"show info", "display", "0.1", CLIENT_ENGINE, "version, crypto back end, addresses",
		show_info},
	{"show health", "display", "0.2", CLIENT_ENGINE,
		"whether it is well, in one list; exit status 1 if not", show_health},
	{"show version", "display", "0.2", CLIENT_ENGINE,
		"the engine's and its libraries' versions", show_version},
	{"show log", "display", "0.2", CLIENT_ENGINE, "the log types and their levels", show_log},
	{"set log TYPE LEVEL", "config", "0.2", CLIENT_ENGINE,
		"what a log type says: a name, a pattern of DPDK's, or global", set_log},
	{"set verbose (0|1)", "config", "0.2", CLIENT_ENGINE,
		"1: log a sample of the packets that come in", set_verbose},
	{0},
};
