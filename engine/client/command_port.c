// SPDX-License-Identifier: BSD-3-Clause
// The commands of the engine's ports. One thread.
#include "engine/api.h"
#include "engine/client/commands.h"
#include "engine/client/table.h"

static void show_ports(struct client *client, const struct client_args *args)
{
	static const struct table_column columns[] = {
		{"ROLE", "role"},
		{"DEVICE", "device"},
		{"MAC", "mac"},
		{"LINK", "link_up"},
		{"QUEUES", "queues"},
		{"RX", "rx_packets"},
		{"TX", "tx_packets"},
		{"RX MISSED", "rx_missed"},
		{"RX ERRORS", "rx_errors"},
		{"TX ERRORS", "tx_errors"},
		{"ADDRESSES", "addresses"},
		{0},
	};

	(void)args;
	json_t *result = client_call(client, API_PORT_LIST, NULL);
	if (result && !client_print_json(client, result))
		table_print(client->out, columns, json_object_get(result, "ports"));
	json_decref(result);
}

const struct client_command command_port[] = {
	{"show port all", "ports", "0.1", CLIENT_ENGINE, "the ports, their addresses and counters",
		show_ports},
	{0},
};
