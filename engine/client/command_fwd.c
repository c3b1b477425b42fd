// SPDX-License-Identifier: BSD-3-Clause
// The commands of forwarding and of the generator, in testpmd's words and layout. One thread.
#include <string.h>
#include <unistd.h>

#include "engine/api.h"
#include "engine/base/conf.h"
#include "engine/client/commands.h"
#include "engine/client/table.h"

#define SECRET_MAX 257
#define ADDING_US  20000

// ---- statistics

#define D22 "----------------------"
#define P15 "+++++++++++++++"

static void print_counts(FILE *out, const json_t *n)
{
	json_int_t rx = client_number(n, "rx_packets"), missed = client_number(n, "rx_missed");
	json_int_t tx = client_number(n, "tx_packets"), dropped = client_number(n, "tx_dropped");

	fprintf(out, "  RX-packets: %-14lld RX-dropped: %-14lldRX-total: %lld\n", rx, missed,
		rx + missed);
	fprintf(out, "  TX-packets: %-14lld TX-dropped: %-14lldTX-total: %lld\n", tx, dropped,
		tx + dropped);
}

static void print_port(FILE *out, const json_t *port)
{
	fprintf(out, "\n  " D22 " Forward statistics for port %-2lld " D22 "\n",
		client_number(port, "port"));
	fprintf(out, "  %s, %s\n", client_text(port, "role"), client_text(port, "device"));
	print_counts(out, port);
	fprintf(out, "  RX-pps: %-18lld TX-pps: %lld\n", client_number(port, "rx_per_s"),
		client_number(port, "tx_per_s"));
	fprintf(out, "  " D22 "--------------------------------" D22 "\n");
}

static void print_total(FILE *out, const json_t *stats)
{
	const json_t *total = json_object_get(stats, "total");

	fprintf(out, "\n  " P15 " Accumulated forward statistics for all ports" P15 "\n");
	print_counts(out, total);
	fprintf(out, "  Ended here: %-14lld Dropped: %lld (see show drops)\n",
		client_number(total, "sunk_packets"), client_number(total, "dropped_packets"));
	fprintf(out, "  " P15 "++++++++++++++++++++++++++++++++++++++++++++++" P15 "\n");
}

static void print_workers(FILE *out, const json_t *stats)
{
	static const struct table_column columns[] = {
		{"WORKER", "worker"},
		{"LCORE", "lcore"},
		{"RX", "rx_packets"},
		{"TX", "tx_packets"},
		{"ENDED", "sunk_packets"},
		{"DROPPED", "dropped_packets"},
		{"RX/S", "rx_per_s"},
		{"TX/S", "tx_per_s"},
		{0},
	};

	fputc('\n', out);
	table_print(out, columns, json_object_get(stats, "workers"));
}

// Of the batches that are timed.
static void print_cycles(FILE *out, const json_t *stats)
{
	const json_t *total = json_object_get(stats, "total");

	if (client_number(total, "timed_packets") == 0)
		return;
	fprintf(out,
		"\n  CPU cycles/packet=%.2f (total cycles=%lld / total RX packets=%lld, of one batch "
		"in 17) at %lld MHz Clock\n",
		json_number_value(json_object_get(total, "cycles_per_packet")),
		client_number(total, "timed_cycles"), client_number(total, "timed_packets"),
		client_number(stats, "tsc_hz") / 1000000);
}

static void print_stats(FILE *out, const json_t *stats)
{
	const json_t *port;
	size_t i;

	json_array_foreach (json_object_get(stats, "ports"), i, port)
		print_port(out, port);
	print_total(out, stats);
	print_workers(out, stats);
	print_cycles(out, stats);
	fprintf(out, "  (%s, %s, %.3f s)\n", client_text(stats, "mode"),
		json_is_true(json_object_get(stats, "forwarding")) ? "started" : "stopped",
		(double)client_number(stats, "elapsed_us") / 1e6);
}

static void show_stats(struct client *client, const struct client_args *args)
{
	json_t *stats = client_call(client, API_FWD_STATS, NULL);

	(void)args;
	if (stats && !client_print_json(client, stats))
		print_stats(client->out, stats);
	json_decref(stats);
}

static void clear_stats(struct client *client, const struct client_args *args)
{
	(void)args;
	client_call_and_print(client, API_FWD_CLEAR, NULL);
}

// ---- settings

// Where the packets of port `i` of the two go in a mode.
static void print_way(FILE *out, const json_t *settings, size_t i, json_int_t queue)
{
	const json_t *ports = json_object_get(settings, "ports");
	const json_t *in = json_array_get(ports, i);
	const char *mode = client_text(settings, "mode");
	bool passes = strcmp(mode, "direct") == 0 || strcmp(mode, "io") == 0;
	const json_t *to = json_array_get(ports, passes ? 1 - i : i);

	if (queue >= client_number(in, "queues"))
		return;
	fprintf(out, "  RX P=%lld/Q=%lld (%s) -> ", client_number(in, "port"), queue,
		client_text(in, "role"));
	if (passes || (i == 0 && strcmp(mode, "echo") == 0))
		fprintf(out, "TX P=%lld/Q=%lld (%s)\n", client_number(to, "port"), queue,
			client_text(to, "role"));
	else
		fprintf(out, "freed\n");
}

static void print_settings(FILE *out, const json_t *settings)
{
	const json_t *worker, *next = json_object_get(settings, "next");
	bool started = json_is_true(json_object_get(settings, "forwarding"));
	size_t i;

	fprintf(out, "%s packet forwarding%s - ports=%zu - workers=%zu - packets/burst=%lld\n",
		client_text(settings, "mode"), started ? "" : " (stopped)",
		json_array_size(json_object_get(settings, "ports")),
		json_array_size(json_object_get(settings, "workers")),
		client_number(settings, "burst"));
	json_array_foreach (json_object_get(settings, "workers"), i, worker) {
		json_int_t index = client_number(worker, "worker");
		char lcore[TABLE_CELL_MAX];

		table_cell(json_object_get(worker, "lcore"), lcore);
		fprintf(out, "Worker %lld (lcore %s):\n", index, lcore);
		print_way(out, settings, 0, index);
		print_way(out, settings, 1, index);
	}
	if (strcmp(client_text(next, "mode"), client_text(settings, "mode")) != 0 ||
		client_number(next, "burst") != client_number(settings, "burst"))
		fprintf(out, "at the next start: %s packet forwarding - packets/burst=%lld\n",
			client_text(next, "mode"), client_number(next, "burst"));
}

static void show_config(struct client *client, const struct client_args *args)
{
	json_t *settings = client_call(client, API_FWD_SHOW, NULL);

	(void)args;
	if (settings && !client_print_json(client, settings))
		print_settings(client->out, settings);
	json_decref(settings);
}

// Prints what was set, and when it takes effect.
static void set(struct client *client, json_t *params, const char *fmt, const char *value)
{
	json_t *settings = client_call(client, API_FWD_SET, params);

	if (settings && !client_print_json(client, settings)) {
		fprintf(client->out, fmt, value);
		if (json_is_true(json_object_get(settings, "forwarding")))
			fputs("forwarding runs: it takes effect at the next start (stop, start)\n",
				client->out);
	}
	json_decref(settings);
}

static void set_fwd(struct client *client, const struct client_args *args)
{
	const char *mode = client_arg_text(args, "MODE");

	set(client, json_pack("{s:s}", "mode", mode), "Set %s packet forwarding mode\n", mode);
}

static void set_burst(struct client *client, const struct client_args *args)
{
	json_int_t burst = (json_int_t)client_arg_uint(args, "BURST", 0);

	set(client, json_pack("{s:I}", "burst", burst), "Number of packets per burst set to %s\n",
		client_arg_text(args, "BURST"));
}

// ---- start and stop

static void start(struct client *client, const struct client_args *args)
{
	json_t *settings = client_call(client, API_FWD_START, NULL);

	(void)args;
	if (settings && !client_print_json(client, settings))
		print_settings(client->out, settings);
	json_decref(settings);
}

static void stop(struct client *client, const struct client_args *args)
{
	json_t *stats = client_call(client, API_FWD_STOP, NULL);

	(void)args;
	if (stats && !client_print_json(client, stats)) {
		print_stats(client->out, stats);
		fputs("\nDone.\n", client->out);
	}
	json_decref(stats);
}

// ---- the generator

static void print_generator(FILE *out, const json_t *gen)
{
	const json_t *next = json_object_get(gen, "next");
	json_int_t sessions = client_number(gen, "sessions"),
		   rate = client_number(gen, "rate_per_s");

	if (sessions == 0) {
		fputs("the generator is not set\n", out);
		return;
	}
	fprintf(out, "%lld sessions from %s to %s%s, %s, keys of %s\n", sessions,
		client_text(gen, "local"), client_text(gen, "remote"),
		json_is_true(json_object_get(gen, "both_ends")) ? " (both here)" : "",
		client_text(gen, "suite"),
		json_is_true(json_object_get(gen, "own_secret")) ? "the secret given"
								 : "the test secret");
	if (rate > 0)
		fprintf(out, "each %lld packets/s, %lld in all, of %lld bytes payload: %s\n", rate,
			rate * sessions, client_number(gen, "payload_bytes"),
			client_text(gen, "state"));
	else
		fprintf(out, "as many packets as go, of %lld bytes payload: %s\n",
			client_number(gen, "payload_bytes"), client_text(gen, "state"));
	if (client_number(next, "rate_per_s") != rate ||
		client_number(next, "payload_bytes") != client_number(gen, "payload_bytes"))
		fprintf(out, "at the next start: %lld packets/s, %lld bytes\n",
			client_number(next, "rate_per_s"), client_number(next, "payload_bytes"));
	fprintf(out, "  Sent:     %-14lld Made: %-14lld Late: %-10lld per s: %lld\n",
		client_number(gen, "sent_packets"), client_number(gen, "generated_packets"),
		client_number(gen, "late_packets"), client_number(gen, "generated_per_s"));
	fprintf(out, "  Received: %-14lld Lost: %-14lld Out of order: %-2lld per s: %lld\n",
		client_number(gen, "received_packets"), client_number(gen, "lost_packets"),
		client_number(gen, "out_of_order_packets"), client_number(gen, "received_per_s"));
	fprintf(out, "  Auth-failed: %-11lld Replayed: %-10lld Jitter: %.1f us, at most %.1f us\n",
		client_number(gen, "auth_failed_packets"), client_number(gen, "replayed_packets"),
		json_number_value(json_object_get(gen, "jitter_us")),
		json_number_value(json_object_get(gen, "jitter_max_us")));
}

static void print_and_free(struct client *client, json_t *gen)
{
	if (gen && !client_print_json(client, gen))
		print_generator(client->out, gen);
	json_decref(gen);
}

static void show_gen(struct client *client, const struct client_args *args)
{
	(void)args;
	print_and_free(client, client_call(client, API_GEN_SHOW, NULL));
}

static void clear_gen(struct client *client, const struct client_args *args)
{
	(void)args;
	client_call_and_print(client, API_GEN_CLEAR, NULL);
}

static void add_number(json_t *params, const struct client_args *args, const char *name)
{
	if (client_arg_text(args, name))
		json_object_set_new(
			params, name, json_integer((json_int_t)client_arg_uint(args, name, 0)));
}

static void add_text(json_t *params, const struct client_args *args, const char *name)
{
	const char *value = client_arg_text(args, name);

	if (value)
		json_object_set_new(params, name, json_string(value));
}

// The secret in the file of `key FILE`. False after client_fail().
static bool add_secret(struct client *client, json_t *params, const char *path)
{
	char secret[SECRET_MAX], error[CONF_ERROR_MAX] = "standard input holds the commands";
	bool taken = path && strcmp(path, "-") == 0 && client->stdin_is_commands;
	bool good = !path || (!taken && conf_secret(path, secret, sizeof(secret), error) == 0);

	if (path && good)
		json_object_set_new(params, "secret", json_string(secret));
	else if (path)
		client_fail(client, CLIENT_FAILED, "set gen: %s", error);
	if (path && good && !json_object_get(params, "secret")) {
		client_fail(client, CLIENT_FAILED, "set gen: %s: not UTF-8", path);
		good = false;
	}
	explicit_bzero(secret, sizeof(secret));
	return good;
}

static void set_gen(struct client *client, const struct client_args *args)
{
	static const char *const numbers[] = {"sessions", "rate", "payload"};
	static const char *const texts[] = {"remote", "local", "suite"};
	json_t *params = json_object(), *gen;

	for (unsigned i = 0; i < 3; i++) {
		add_number(params, args, numbers[i]);
		add_text(params, args, texts[i]);
	}
	if (!add_secret(client, params, client_arg_text(args, "key"))) {
		json_decref(params);
		return;
	}
	gen = client_call(client, API_GEN_SET, params);
	while (gen && strcmp(client_text(gen, "state"), "adding sessions") == 0) {
		json_decref(gen);
		usleep(ADDING_US);
		gen = client_call(client, API_GEN_SHOW, NULL);
	}
	if (gen && client_number(gen, "sessions") == 0)
		client_fail(client, CLIENT_FAILED, "set gen: %s", client_text(gen, "error"));
	else
		print_and_free(client, json_incref(gen));
	json_decref(gen);
}

const struct client_command command_fwd[] = {
	{"start", "control", "0.2", CLIENT_ENGINE, "start packet forwarding with what was set",
		start},
	{"stop", "control", "0.2", CLIENT_ENGINE,
		"stop packet forwarding; prints the statistics since the start", stop},
	{"show fwd stats all", "display", "0.2", CLIENT_ENGINE,
		"packets forwarded since the last start or clear: ports, workers, cycles",
		show_stats},
	{"clear fwd stats all", "display", "0.2", CLIENT_ENGINE,
		"begin the forwarding statistics at 0", clear_stats},
	{"show config fwd", "display", "0.2", CLIENT_ENGINE,
		"the forwarding mode, now and at the next start", show_config},
	{"show gen", "display", "0.2", CLIENT_ENGINE,
		"the generator's sessions: sent, received, lost, jitter", show_gen},
	{"set fwd MODE", "config", "0.2", CLIENT_ENGINE,
		"set the forwarding mode of the next start", set_fwd},
	{"set burst BURST", "config", "0.2", CLIENT_ENGINE,
		"set how many packets a worker takes at a time, from the next start on", set_burst},
	{"set gen sessions N remote ADDRESS [local ADDRESS] [rate PPS] [payload BYTES] [suite "
	 "SUITE] [key FILE]",
		"config", "0.2", CLIENT_ENGINE,
		"make synthetic sessions for mode gen, or the other end of another engine's",
		set_gen},
	{"set gen rate PPS [payload BYTES]", "config", "0.2", CLIENT_ENGINE,
		"set how much the generator sends from the next start on", set_gen},
	{"set gen payload BYTES", "config", "0.2", CLIENT_ENGINE,
		"set how long its packets are from the next start on", set_gen},
	{"clear gen", "config", "0.2", CLIENT_ENGINE, "remove the generator's sessions", clear_gen},
	{0},
};
