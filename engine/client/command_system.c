// SPDX-License-Identifier: BSD-3-Clause
// The commands that tell of the engine as a whole. One thread.
#include "engine/api.h"
#include "engine/client/commands.h"

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

const struct client_command command_system[] = {
	{"show stats", "display", "0.1", CLIENT_ENGINE, "totals, and drops by reason", show_stats},
	{"show info", "display", "0.1", CLIENT_ENGINE, "version, crypto back end, addresses",
		show_info},
	{0},
};
