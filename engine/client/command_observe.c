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

static void print_direction(struct client *client, const char *name, const json_t *counts)
{
	fprintf(client->out,
		"%-9s  %12" JSON_INTEGER_FORMAT "  %12" JSON_INTEGER_FORMAT
		"  %12" JSON_INTEGER_FORMAT "  %13" JSON_INTEGER_FORMAT "\n",
		name, client_number(counts, "dropped"), client_number(counts, "auth_failed"),
		client_number(counts, "replayed"), client_number(counts, "key_exhausted"));
}

static const char *would(const json_t *failure, const char *roc)
{
	const json_t *passes = json_object_get(json_object_get(failure, "would_pass"), roc);

	if (json_is_null(passes))
		return "not tried";
	return json_is_true(passes) ? "passes" : "does not pass";
}

static void print_causes(struct client *client, json_t *failure)
{
	const char *name;
	json_t *count;

	fprintf(client->out, "  of %d looked into:", (int)client_number(failure, "sampled"));
	json_object_foreach (json_object_get(failure, "causes"), name, count)
		if (json_integer_value(count) > 0)
			fprintf(client->out, " %s %d", name, (int)json_integer_value(count));
	fputc('\n', client->out);
}

static void print_failure(struct client *client, json_t *failure)
{
	const json_t *good = json_object_get(failure, "last_good");

	fprintf(client->out,
		"\nlatest that did not authenticate: %.1f s ago, SSRC 0x%08x, sequence number %d\n"
		"  %s: %s\n"
		"  taken for rollover counter %u; with one more it %s, with one less it %s\n",
		json_number_value(json_object_get(failure, "age_ms")) / 1000,
		(unsigned)client_number(failure, "ssrc"), (int)client_number(failure, "seq"),
		json_string_value(json_object_get(failure, "cause")),
		json_string_value(json_object_get(failure, "meaning")),
		(unsigned)client_number(failure, "roc"), would(failure, "roc_plus_1"),
		would(failure, "roc_minus_1"));
	if (json_is_null(good))
		fputs("  no packet has passed before it\n", client->out);
	else
		fprintf(client->out,
			"  last good one: %.0f ms before, SSRC 0x%08x, sequence number %d\n",
			json_number_value(json_object_get(good, "before_ms")),
			(unsigned)client_number(good, "ssrc"), (int)client_number(good, "seq"));
	print_causes(client, failure);
}

static void show_session_drops(struct client *client, json_int_t id)
{
	json_t *result = client_call(client, API_SESSION_DROPS, json_pack("{s:I}", "id", id));
	json_t *failure = json_object_get(result, "auth_failure");

	if (result && !client_print_json(client, result)) {
		fprintf(client->out, "%-9s  %12s  %12s  %12s  %13s\n", "DIRECTION", "DROPPED",
			"AUTH FAILED", "REPLAYED", "KEY EXHAUSTED");
		print_direction(client, "rx", json_object_get(result, "rx"));
		print_direction(client, "tx", json_object_get(result, "tx"));
		if (!json_is_null(failure))
			print_failure(client, failure);
	}
	json_decref(result);
}

static void show_drops(struct client *client, const struct client_args *args)
{
	json_t *result;

	if (client_arg_has(args, "session")) {
		show_session_drops(client, (json_int_t)client_arg_uint(args, "ID", 0));
		return;
	}
	result = client_call(client, API_DROP_LIST, NULL);
	if (result && !client_print_json(client, result))
		print_drops(client, result);
	json_decref(result);
}

static void clear_drops(struct client *client, const struct client_args *args)
{
	(void)args;
	client_call_and_print(client, API_DROP_CLEAR, NULL);
}

// ---- latency and jitter

static void set_latency(struct client *client, const struct client_args *args)
{
	client_call_and_print(
		client, API_LATENCY_SET, json_pack("{s:b}", "on", client_arg_has(args, "on")));
}

static void clear_latency(struct client *client, const struct client_args *args)
{
	(void)args;
	client_call_and_print(client, API_LATENCY_CLEAR, NULL);
}

static void show_latency(struct client *client, const struct client_args *args)
{
	static const struct table_column columns[] = {
		{"WORKER", "worker"},
		{"OUT", "out"},
		{"PACKETS", "packets"},
		{"P50 US", "p50_us"},
		{"P90", "p90_us"},
		{"P99", "p99_us"},
		{"P99.9", "p99_9_us"},
		{"P99.99", "p99_99_us"},
		{"MAX", "max_us"},
		{0},
	};
	json_t *result = client_call(client, API_LATENCY_GET, NULL);

	(void)args;
	if (result && !client_print_json(client, result)) {
		table_print(client->out, columns, json_object_get(result, "latencies"));
		fprintf(client->out,
			"(from receive to transmit burst; no worker: all; latency is %s)\n",
			json_is_true(json_object_get(result, "on")) ? "on" : "off");
	}
	json_decref(result);
}

static json_t *named(const char *from, json_t *distribution)
{
	json_object_set_new(distribution, "from", json_string(from));
	return distribution;
}

static void print_jitter(struct client *client, json_t *result)
{
	static const struct table_column columns[] =
		{
			{"FROM", "from"},
			{"STREAMS", "streams"},
			{"P50 US", "p50_us"},
			{"P90", "p90_us"},
			{"P99", "p99_us"},
			{"P99.9", "p99_9_us"},
			{"P99.99", "p99_99_us"},
			{"MAX", "max_us"},
			{0},
		},
					 worst_columns[] = {
						 {"SESSION", "session"},
						 {"FROM", "from"},
						 {"SSRC", "ssrc"},
						 {"JITTER US", "jitter_us"},
						 {"LOST", "lost"},
						 {0},
					 };
	json_t *rows = json_pack("[O, O]", named("wire", json_object_get(result, "wire")),
		named("host", json_object_get(result, "host")));

	table_print(client->out, columns, rows);
	json_decref(rows);
	fputs("\nthe worst:\n", client->out);
	table_print(client->out, worst_columns, json_object_get(result, "worst"));
}

static void show_jitter(struct client *client, const struct client_args *args)
{
	json_int_t worst = (json_int_t)client_arg_uint(args, "worst", 10);
	json_t *result = client_call(client, API_JITTER_GET, json_pack("{s:I}", "worst", worst));

	if (result && !client_print_json(client, result))
		print_jitter(client, result);
	json_decref(result);
}

const struct client_command command_observe[] = {
	{"show workers", "display", "0.2", CLIENT_ENGINE,
		"the workers: cores, queues, streams, packets, how busy they are", show_workers},
	{"show stages", "display", "0.2", CLIENT_ENGINE,
		"what each stage of a packet's way takes: cycles, packets in a batch", show_stages},
	{"show drops [session ID]", "display", "0.2", CLIENT_ENGINE,
		"packets not forwarded, by reason; why a session's do not authenticate",
		show_drops},
	{"clear drops", "display", "0.2", CLIENT_ENGINE,
		"count drops anew for show drops; metrics and totals go on", clear_drops},
	{"set latency (on|off)", "config", "0.2", CLIENT_ENGINE,
		"measure how long packets are in the engine", set_latency},
	{"show latency", "display", "0.2", CLIENT_ENGINE,
		"how long packets were in the engine: quantiles of each worker", show_latency},
	{"clear latency", "display", "0.2", CLIENT_ENGINE, "forget what was measured",
		clear_latency},
	{"show jitter [worst N]", "display", "0.2", CLIENT_ENGINE,
		"RFC 3550's jitter over all streams, and the worst ones", show_jitter},
	{0},
};
