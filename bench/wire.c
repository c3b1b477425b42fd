// SPDX-License-Identifier: BSD-3-Clause
// The highest rate without loss of an engine in a process or machine of its own, between two real
// ports. Main thread, which is the generator.
#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>

#include "bench/bench.h"
#include "bench/child.h"
#include "bench/device.h"
#include "bench/generator.h"
#include "bench/options.h"
#include "bench/result.h"
#include "bench/rig.h"

#define MIN_PPS	  1000
#define MAX_PPS	  40e6
#define PRECISION 0.02
#define MBUFS	  65535

static const char about[] =
	"Binary search (RFC 2544) for the highest rate without loss through an engine between two real\n"
	"ports: a crowfly-engine is started on a core of its own, with two memif ports, and the\n"
	"generator has one core, too. With --port twice the generator's are these, and the engine that\n"
	"of --socket, whose ports they are cabled to; see bench/README.md for its addresses.\n";

struct row {
	uint32_t streams, payload;
	enum suite_id suite;
	enum bench_direction direction;
};

static uint32_t sessions_of(const struct row *row)
{
	return row->direction == BENCH_BOTH ? (row->streams + 1) / 2 : row->streams;
}

static bool is_memif(const struct device *device)
{
	struct rte_eth_dev_info info;

	return rte_eth_dev_info_get(device->ports[0], &info) == 0 &&
	       strcmp(info.driver_name, "net_memif") == 0;
}

static void report(const struct row *row, const struct device *device, const struct search *search,
	json_t *result)
{
	const struct search_trial *best = &search->best;
	const char *by = search->generator ? "generator" : "engine";
	double loss = best->sent ? (double)best->lost / (double)best->sent : 1;

	printf("%-25s %7u %5u %-9s %7.3f %8.4f %% %6u  %s\n", suite_table[row->suite].name,
		row->streams, row->payload, bench_direction_names[row->direction],
		best->sent_pps / 1e6, 100 * loss, search->trials, by);
	fflush(stdout);
	result_add(result, json_pack("{s:i, s:i, s:s, s:s, s:s, s:f, s:f, s:f, s:i, s:s}",
				   "streams", (int)row->streams, "payload", (int)row->payload,
				   "suite", suite_table[row->suite].name, "direction",
				   bench_direction_names[row->direction], "port",
				   is_memif(device) ? "memif" : device->names[0], "mpps",
				   best->sent_pps / 1e6, "loss", loss, "loss_allowed", search->loss,
				   "trials", (int)search->trials, "limited_by", by));
}

static void measure(struct device *device, const struct row *row, const struct options *o,
	struct rte_mempool *pool, json_t *result)
{
	struct generator g = {.suite = row->suite,
		.direction = row->direction,
		.sessions = sessions_of(row),
		.payload = row->payload,
		.seconds = o->seconds,
		.ports = {device->ports[0], device->ports[1]},
		.engine = {device->engine[0], device->engine[1]},
		.refused_is_lost = is_memif(device),
		.pool = pool};
	struct search search = {.min_pps = MIN_PPS,
		.max_pps = MAX_PPS,
		.loss = o->loss,
		.precision = PRECISION,
		.run = generator_trial,
		.arg = &g};
	uint32_t left;

	device_set_sessions(device, row->suite, g.sessions);
	generator_init(&g);
	left = generator_verify(&g);
	if (left > 0)
		bench_fail(
			"of %u streams, %u did not come out as they went in", row->streams, left);
	search_run(&search);
	generator_fini(&g);
	report(row, device, &search, result);
}

static uint32_t most_sessions(const struct options *o)
{
	uint32_t most = 0;

	for (unsigned i = 0; i < o->n_streams; i++)
		most = o->streams[i] > most ? o->streams[i] : most;
	if (most > RIG_SESSIONS_MAX)
		bench_fail("--streams: at most %u here", RIG_SESSIONS_MAX);
	return most;
}

static void measure_all(
	struct device *device, const struct options *o, struct rte_mempool *pool, json_t *result)
{
	for (unsigned u = 0; u < o->n_suites; u++)
		for (unsigned s = 0; s < o->n_streams; s++)
			for (unsigned p = 0; p < o->n_payloads; p++)
				for (unsigned d = 0; d < o->n_directions; d++)
					measure(device,
						&(struct row){o->streams[s], o->payloads[p],
							o->suites[u], o->directions[d]},
						o, pool, result);
}

int bench_wire(int argc, char **argv)
{
	struct options o = {
		.takes = "streams payload suite direction seconds loss port socket json",
		.n_streams = 1,
		.streams = {1000},
		.n_payloads = 1,
		.payloads = {160},
		.n_suites = 1,
		.suites = {SUITE_AEAD_AES_128_GCM},
		.n_directions = 2,
		.directions = {BENCH_PROTECT, BENCH_UNPROTECT},
		.seconds = 1};
	int rc = options_read(&o, argc, argv, about);
	struct rte_mempool *pool;
	struct device *device;
	json_t *result;

	if (rc >= 0)
		return rc;
	if (o.n_ports == 1)
		bench_fail("--port is given twice or not at all");
	child_init(device_tidy);
	if (o.n_ports == 0)
		child_pin(CHILD_GENERATOR_CORE);
	pool = rte_pktmbuf_pool_create(
		"generator", MBUFS, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (!pool || context_backend_init("ipsec_mb") != 0 || context_thread_init() != 0)
		bench_fail("no memory for %u packets, or no ipsec-mb on this CPU", MBUFS);
	result = result_new("wire", argc, argv);
	device = device_new(&o, most_sessions(&o), pool);
	bench_print_machine();
	printf("\n%s; %s; loss up to %g allowed, trials of %g s\n"
	       "%-25s %7s %5s %-9s %7s %10s %6s  limited by\n",
		is_memif(device) ? "memif (virtual) ports"
				 : "the ports given, which may be virtual, too",
		o.n_ports ? "one core generates and receives"
			  : "one core generates and receives, one runs the engine",
		o.loss, o.seconds, "suite", "streams", "bytes", "direction", "Mpps", "loss",
		"trials");
	measure_all(device, &o, pool, result);
	device_free(device);
	return result_end(result, o.json);
}
