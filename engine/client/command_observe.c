// SPDX-License-Identifier: BSD-3-Clause
// The commands that show what the workers do with packets, and why they drop some. One thread.
#include "engine/api.h"
#include "engine/client/commands.h"
#include "engine/client/table.h"

static void print_interval(struct client *client, const json_t *result)
{
	fprintf(client->out, "(over the last %.0f s)\n",
		json_number_value(json_object_get(result, "interval_s")));
}

static void show_workers(struct client *client, const struct client_args *args)
{
	static const struct table_column columns[] = {
		{"WORKER", "worker"},
		{"LCORE", "lcore"},
		{"SOCKET", "socket"},
		{"WIRE Q", "queues.wire"},
		{"HOST Q", "queues.host"},
		{"EXC Q", "queues.exception"},
		{"STATE", "state"},
		{"STREAMS", "streams"},
		{"RX", "rx_packets"},
		{"TX", "tx_packets"},
		{"RX/S", "rx_packets_per_s"},
		{"PKTS/BATCH", "packets_per_batch"},
		{"CYCLES/PKT", "cycles_per_packet"},
		{"BUSY %", "busy_percent"},
		{0},
	};
	json_t *result = client_call(client, API_WORKER_LIST, NULL);

	(void)args;
	if (result && !client_print_json(client, result)) {
		table_print(client->out, columns, json_object_get(result, "workers"));
		print_interval(client, result);
	}
	json_decref(result);
}

static void show_stages(struct client *client, const struct client_args *args)
{
	static const struct table_column columns[] = {
		{"STAGE", "stage"},
		{"PACKETS", "total.packets"},
		{"BATCHES", "total.batches"},
		{"PKTS/BATCH", "total.packets_per_batch"},
		{"CYCLES/PKT", "total.cycles_per_packet"},
		{"NS/PKT", "total.ns_per_packet"},
		{"RECENT CYCLES/PKT", "recent.cycles_per_packet"},
		{0},
	};
	json_t *result = client_call(client, API_STAGE_LIST, NULL);

	(void)args;
	if (result && !client_print_json(client, result)) {
		table_print(client->out, columns, json_object_get(result, "stages"));
		fprintf(client->out, "(of one batch in %d; recent: the last %.0f s)\n",
			(int)json_integer_value(json_object_get(result, "timed_one_in")),
			json_number_value(json_object_get(result, "interval_s")));
	}
	json_decref(result);
}

// ---- drops

// Without the reasons that no packet was dropped for.
static json_t *which_happened(json_t *drops)
{
	json_t *rows = json_array(), *drop;
	size_t i;

	json_array_foreach (drops, i, drop)
		if (json_integer_value(json_object_get(drop, "packets")) > 0)
			json_array_append(rows, drop);
	return rows;
}

static void print_drops(struct client *client, json_t *result)
{
	static const struct table_column columns[] = {
		{"REASON", "reason"},
		{"PACKETS", "packets"},
		{"PER S", "packets_per_s"},
		{"THE PACKETS WERE", "meaning"},
		{0},
	};
	json_t *rows = which_happened(json_object_get(result, "drops"));

	if (json_array_size(rows) > 0)
		table_print(client->out, columns, rows);
	else
		fputs("no packet was dropped\n", client->out);
	fprintf(client->out, "(since %.0f s ago; per s: over the last %.0f s)\n",
		json_number_value(json_object_get(result, "since_s")),
		json_number_value(json_object_get(result, "interval_s")));
	json_decref(rows);
}

static void show_drops(struct client *client, const struct client_args *args)
{
	json_t *result = client_call(client, API_DROP_LIST, NULL);

	(void)args;
	if (result && !client_print_json(client, result))
		print_drops(client, result);
	json_decref(result);
}

static void clear_drops(struct client *client, const struct client_args *args)
{
	(void)args;
	client_call_and_print(client, API_DROP_CLEAR, NULL);
}

const struct client_command command_observe[] = {
	{"show workers", "display", "0.2", CLIENT_ENGINE,
		"the workers: cores, queues, streams, packets, how busy they are", show_workers},
	{"show stages", "display", "0.2", CLIENT_ENGINE,
		"what each stage of a packet's way takes: cycles, packets in a batch", show_stages},
	{"show drops", "display", "0.2", CLIENT_ENGINE, "packets not forwarded, by reason",
		show_drops},
	{"clear drops", "display", "0.2", CLIENT_ENGINE,
		"count drops anew for show drops; metrics and totals go on", clear_drops},
	{0},
};
