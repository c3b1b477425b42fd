// SPDX-License-Identifier: BSD-3-Clause
// The commands that tell how the engine is set up. One thread.
#include "engine/api.h"
#include "engine/client/commands.h"
#include "engine/client/table.h"

static const struct table_column port_columns[] = {
	{"PORT", "id"},
	{"ROLE", "role"},
	{"RX QUEUES", "rx_queues"},
	{"RXDS", "rx_descriptors"},
	{"TX QUEUES", "tx_queues"},
	{"TXDS", "tx_descriptors"},
	{0},
};

static const struct table_column worker_columns[] = {
	{"WORKER", "worker"},
	{"LCORE", "lcore"},
	{"CPUS", "cpus"},
	{"SOCKET", "socket"},
	{"RECEIVES", "receives"},
	{0},
};

static const struct table_column suite_columns[] = {
	{"SUITE", "suite"},
	{"KEY BITS", "key_bits"},
	{"SALT BITS", "salt_bits"},
	{"TAG BITS", "tag_bits"},
	{"RTCP TAG BITS", "rtcp_tag_bits"},
	{0},
};

// A section: its values a line each, then its list, if it has one, as a table.
static void show_section(struct client *client, const char *section, const char *list,
	const struct table_column columns[])
{
	json_t *result =
		client_call(client, API_CONFIG_SHOW, json_pack("{s:s}", "section", section));

	if (result && !client_print_json(client, result)) {
		json_t *rows = list ? json_incref(json_object_get(result, list)) : NULL;

		if (rows)
			json_object_del(result, list);
		table_print_object(client->out, result);
		if (rows)
			table_print(client->out, columns, rows);
		json_decref(rows);
	}
	json_decref(result);
}

static void show_rxtx(struct client *client, const struct client_args *args)
{
	(void)args;
	show_section(client, "rxtx", "ports", port_columns);
}

static void show_cores(struct client *client, const struct client_args *args)
{
	(void)args;
	show_section(client, "cores", "workers", worker_columns);
}

static void show_crypto(struct client *client, const struct client_args *args)
{
	(void)args;
	show_section(client, "crypto", "suites", suite_columns);
}

static void show_limits(struct client *client, const struct client_args *args)
{
	(void)args;
	show_section(client, "limits", NULL, NULL);
}

const struct client_command command_config[] = {
	{"show config rxtx", "display", "0.2", CLIENT_ENGINE, "queues, descriptors, packet buffers",
		show_rxtx},
	{"show config cores", "display", "0.2", CLIENT_ENGINE,
		"which worker runs where, and which queues it polls", show_cores},
	{"show config crypto", "display", "0.2", CLIENT_ENGINE, "crypto back end and suites",
		show_crypto},
	{"show config limits", "display", "0.2", CLIENT_ENGINE, "how much there may be of what",
		show_limits},
	{0},
};
