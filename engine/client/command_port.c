// SPDX-License-Identifier: BSD-3-Clause
// The commands of the engine's ports, in testpmd's words and layouts. One thread.
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "engine/api.h"
#include "engine/client/commands.h"
#include "engine/client/table.h"

#define PORTS "(PORT|wire|host|exception|all)"

#define FIRST_SAMPLE_US 200000 // between the two readings of the first rates

static json_t *pack_port(const struct client_args *args)
{
	static const char *const words[] = {"wire", "host", "exception"};

	if (client_arg_text(args, "PORT"))
		return json_pack("{s:I}", "port", (json_int_t)client_arg_uint(args, "PORT", 0));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (client_arg_has(args, words[i]))
			return json_pack("{s:s}", "port", words[i]);
	return json_pack("{s:s}", "port", "all");
}

// A field as text, "not available" if there is none.
static const char *cell(const json_t *object, const char *field, char out[TABLE_CELL_MAX])
{
	const json_t *value = json_object_get(object, field);

	table_cell(value, out);
	return value && !json_is_null(value) ? out : "not available";
}

static bool is_true(const json_t *object, const char *field)
{
	return json_is_true(json_object_get(object, field));
}

// Calls a method for the ports that are named; prints each unless -j has printed all.
static void each_port(struct client *client, const struct client_args *args, const char *method,
	void (*print)(struct client *client, const json_t *port))
{
	json_t *result = client_call(client, method, pack_port(args)), *port;
	size_t index;

	if (result && !client_print_json(client, result))
		json_array_foreach (json_object_get(result, "ports"), index, port)
			print(client, port);
	json_decref(result);
}

// ---- what they are

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

static const char *speed(const json_t *port, char out[64])
{
	json_int_t mbit = client_number(port, "link_mbit_per_s");

	if (mbit == 0)
		return "Unknown";
	snprintf(out, 64, "%" JSON_INTEGER_FORMAT " %s", mbit % 1000 ? mbit : mbit / 1000,
		mbit % 1000 ? "Mbps" : "Gbps");
	return out;
}

static void print_info(struct client *client, const json_t *port)
{
	static const struct {
		const char *title, *field;
	} rows[] = {
		{"Role", "role"},
		{"MAC address", "mac"},
		{"Device name", "device"},
		{"Driver name", "driver"},
		{"Firmware-version", "firmware"},
		{"Connect to socket", "socket"},
		{"MTU", "mtu"},
		{"Minimum MTU", "min_mtu"},
		{"Maximum MTU", "max_mtu"},
		{"Maximum number of MAC addresses", "max_mac_addresses"},
		{"Current number of RX queues", "rx_queues"},
		{"Max possible RX queues", "max_rx_queues"},
		{"Current number of RXDs per queue", "rx_descriptors"},
		{"Max possible number of RXDs per queue", "max_rx_descriptors"},
		{"Current number of TX queues", "tx_queues"},
		{"Max possible TX queues", "max_tx_queues"},
		{"Current number of TXDs per queue", "tx_descriptors"},
		{"Max possible number of TXDs per queue", "max_tx_descriptors"},
	};
	char text[TABLE_CELL_MAX], mbit[64];
	FILE *out = client->out;

	fprintf(out, "\n********************* Infos for port %-2d *********************\n",
		(int)client_number(port, "id"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		fprintf(out, "%s: %s\n", rows[i].title, cell(port, rows[i].field, text));
	fprintf(out, "Port status: %s\n", is_true(port, "started") ? "started" : "stopped");
	fprintf(out, "Link status: %s\n", is_true(port, "link_up") ? "up" : "down");
	fprintf(out, "Link speed: %s\n", speed(port, mbit));
	fprintf(out, "Link duplex: %s\n",
		is_true(port, "full_duplex") ? "full-duplex" : "half-duplex");
	fprintf(out, "Autoneg status: %s\n", is_true(port, "autoneg") ? "On" : "Off");
	fprintf(out, "Promiscuous mode: %s\n",
		is_true(port, "promiscuous") ? "enabled" : "disabled");
	fprintf(out, "Allmulticast mode: %s\n",
		is_true(port, "allmulticast") ? "enabled" : "disabled");
}

static void show_info(struct client *client, const struct client_args *args)
{
	each_port(client, args, API_PORT_INFO, print_info);
}

static void print_summary(struct client *client, const json_t *port)
{
	char mac[TABLE_CELL_MAX], device[TABLE_CELL_MAX], driver[TABLE_CELL_MAX],
		role[TABLE_CELL_MAX], mbit[64];

	fprintf(client->out, "%-4d %-17s %-12s %-14s %-9s %-7s %-8s %s\n",
		(int)client_number(port, "id"), cell(port, "mac", mac),
		cell(port, "device", device), cell(port, "driver", driver),
		cell(port, "role", role), is_true(port, "started") ? "started" : "stopped",
		is_true(port, "link_up") ? "up" : "down", speed(port, mbit));
}

static void show_summary(struct client *client, const struct client_args *args)
{
	json_t *result = client_call(client, API_PORT_INFO, pack_port(args)), *port;
	size_t index;

	if (result && !client_print_json(client, result)) {
		fprintf(client->out, "Number of available ports: %zu\n",
			json_array_size(json_object_get(result, "ports")));
		fprintf(client->out, "%-4s %-17s %-12s %-14s %-9s %-7s %-8s %s\n", "Port",
			"MAC Address", "Name", "Driver", "Role", "State", "Status", "Link");
		json_array_foreach (json_object_get(result, "ports"), index, port)
			print_summary(client, port);
	}
	json_decref(result);
}

// ---- what they counted

// What the last show read, for rates: each client is a thread of its own, with rates of its own.
#define RATES_PORTS 32
enum { RATE_RX_PACKETS, RATE_RX_BYTES, RATE_TX_PACKETS, RATE_TX_BYTES, RATES };
static const char *const rate_fields[RATES] = {"rx_packets", "rx_bytes", "tx_packets", "tx_bytes"};
static __thread struct rates_sample {
	json_int_t time_us, counts[RATES];
} samples[RATES_PORTS];

// The rates since the sample, which the new one takes the place of.
static void take_rates(const json_t *port, json_int_t time_us, uint64_t per_s[RATES])
{
	struct rates_sample *last = &samples[(unsigned)client_number(port, "id") % RATES_PORTS];
	json_int_t us = time_us - last->time_us;

	for (int i = 0; i < RATES; i++) {
		json_int_t now = client_number(port, rate_fields[i]), more = now - last->counts[i];

		per_s[i] = us > 0 && more > 0 ? (uint64_t)((double)more * 1e6 / (double)us) : 0;
		last->counts[i] = now;
	}
	last->time_us = time_us;
}

static void print_stats(struct client *client, const json_t *port, json_int_t time_us, bool first)
{
	FILE *out = client->out;
	uint64_t per_s[RATES];

	take_rates(port, time_us, per_s);
	fprintf(out,
		"\n  ######################## NIC statistics for port %-2d ########################\n",
		(int)client_number(port, "id"));
#define COUNT(name) (uint64_t) client_number(port, name)
	fprintf(out,
		"  RX-packets: %-10" PRIu64 " RX-missed: %-10" PRIu64 " RX-bytes:  %" PRIu64 "\n",
		COUNT("rx_packets"), COUNT("rx_missed"), COUNT("rx_bytes"));
	fprintf(out, "  RX-errors: %" PRIu64 "\n  RX-nombuf:  %" PRIu64 "\n", COUNT("rx_errors"),
		COUNT("rx_nombuf"));
	fprintf(out,
		"  TX-packets: %-10" PRIu64 " TX-errors: %-10" PRIu64 " TX-bytes:  %" PRIu64 "\n\n",
		COUNT("tx_packets"), COUNT("tx_errors"), COUNT("tx_bytes"));
#undef COUNT
	fprintf(out, "  Throughput (%s)\n", first ? "of 0.2 s" : "since last show");
	fprintf(out, "  Rx-pps: %12" PRIu64 "          Rx-bps: %12" PRIu64 "\n",
		per_s[RATE_RX_PACKETS], per_s[RATE_RX_BYTES] * 8);
	fprintf(out, "  Tx-pps: %12" PRIu64 "          Tx-bps: %12" PRIu64 "\n",
		per_s[RATE_TX_PACKETS], per_s[RATE_TX_BYTES] * 8);
	fprintf(out,
		"  ############################################################################\n");
}

// Whether a port of the answer has no sample yet; all of them have one then.
static bool is_first(const json_t *result)
{
	uint64_t per_s[RATES];
	bool first = false;
	size_t index;
	json_t *port;

	json_array_foreach (json_object_get(result, "ports"), index, port)
		first |= samples[(unsigned)client_number(port, "id") % RATES_PORTS].time_us == 0;
	if (first)
		json_array_foreach (json_object_get(result, "ports"), index, port)
			take_rates(port, client_number(result, "time_us"), per_s);
	return first;
}

static void show_stats(struct client *client, const struct client_args *args)
{
	json_t *result = client_call(client, API_PORT_STATS, pack_port(args)), *port;
	bool first = result && !client->json && is_first(result);
	size_t index;

	if (first) { // there is no last show: a short look instead
		json_decref(result);
		usleep(FIRST_SAMPLE_US);
		result = client_call(client, API_PORT_STATS, pack_port(args));
	}
	if (result && !client_print_json(client, result))
		json_array_foreach (json_object_get(result, "ports"), index, port)
			print_stats(client, port, client_number(result, "time_us"), first);
	json_decref(result);
}

static void print_xstats(struct client *client, const json_t *port)
{
	const char *name;
	json_t *value;

	fprintf(client->out, "###### NIC extended statistics for port %-2d\n",
		(int)client_number(port, "id"));
	json_object_foreach (json_object_get(port, "xstats"), name, value)
		fprintf(client->out, "%s: %" JSON_INTEGER_FORMAT "\n", name,
			json_integer_value(value));
}

static void show_xstats(struct client *client, const struct client_args *args)
{
	each_port(client, args, API_PORT_XSTATS, print_xstats);
}

// The rates begin anew, too.
static void print_cleared(struct client *client, const json_t *port)
{
	samples[(unsigned)client_number(port, "id") % RATES_PORTS].time_us = 0;
	fprintf(client->out, "  NIC statistics for port %d cleared\n",
		(int)client_number(port, "id"));
}

static void clear_stats(struct client *client, const struct client_args *args)
{
	each_port(client, args, API_PORT_CLEAR, print_cleared);
}

// ---- stop and start

static void print_change(struct client *client, const json_t *port)
{
	char role[TABLE_CELL_MAX];

	fprintf(client->out, "Port %d (%s) %s %s\n", (int)client_number(port, "id"),
		cell(port, "role", role), is_true(port, "changed") ? "is now" : "was already",
		is_true(port, "started") ? "started" : "stopped");
}

static void start_ports(struct client *client, const struct client_args *args)
{
	each_port(client, args, API_PORT_START, print_change);
}

static void stop_ports(struct client *client, const struct client_args *args)
{
	each_port(client, args, API_PORT_STOP, print_change);
}

const struct client_command command_port[] = {
	{"show port all", "ports", "0.1", CLIENT_ENGINE, "the ports, their addresses and counters",
		show_ports},
	{"show port info " PORTS, "ports", "0.2", CLIENT_ENGINE,
		"what a port is: driver, link, queues", show_info},
	{"show port summary " PORTS, "ports", "0.2", CLIENT_ENGINE, "a line for each port",
		show_summary},
	{"show port stats " PORTS, "ports", "0.2", CLIENT_ENGINE,
		"what a port counted, and its rates since the last show", show_stats},
	{"show port xstats " PORTS, "ports", "0.2", CLIENT_ENGINE,
		"what the driver of a port counts besides", show_xstats},
	{"clear port stats " PORTS, "ports", "0.2", CLIENT_ENGINE,
		"count from zero again in show port stats", clear_stats},
	{"port start " PORTS, "ports", "0.2", CLIENT_ENGINE, "start a stopped port again",
		start_ports},
	{"port stop " PORTS, "ports", "0.2", CLIENT_ENGINE,
		"stop a port; its sessions stay, packets to it are dropped", stop_ports},
	{0},
};
