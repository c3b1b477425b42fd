// SPDX-License-Identifier: BSD-3-Clause
// The whole way of a packet through the engine's workers, against the floor of the same run.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "bench/lane.h"
#include "bench/result.h"

static const char about[] =
	"The engine's own worker functions: packets come in by rte_eth_rx_burst() of a ring port and\n"
	"leave by rte_eth_tx_burst() of another, after parsing, look-up, replay check, SRTP and new\n"
	"headers; and the crypto of as many keys alone, the floor, in the same run.\n";

static const char *const stage_names[STAGE_COUNT] = {
#define X(name, help) [STAGE_##name] = #name,
	STAGE_LIST(X)
#undef X
};

struct row {
	uint32_t streams, payload;
	enum suite_id suite;
	enum bench_direction direction;
};

// A stream is a direction of a session; with both directions there are two a session.
static uint32_t sessions_of(const struct row *row)
{
	return row->direction == BENCH_BOTH ? (row->streams + 1) / 2 : row->streams;
}

static void print_head(unsigned workers)
{
	printf("\n%u worker%s; ring ports; Mpps are of all together, ns of one worker; stages in ns\n",
		workers, workers == 1 ? "" : "s");
	printf("%-25s %7s %5s %-9s %6s %6s %5s %6s |", "suite", "streams", "bytes", "direction",
		"Mpps", "floor", "ratio", "ns");
	for (int s = 0; s <= STAGE_tx; s++)
		if (s != STAGE_unprotect)
			printf(" %s", s == STAGE_protect ? "crypto" : stage_names[s]);
	printf("%s\n", workers > 1 ? " | times one (floor)" : "");
}

// ---- a row's figures from its lanes'

struct figures {
	struct bench_samples mpps, floor, ratio, ns;
	struct bench_samples scaling, floor_scaling; // times one worker alone
	double stage_ns[STAGE_COUNT];
};

// Mpps of all workers in one repeat.
static double sum_of(
	const struct lane lanes[], unsigned workers, enum lane_series series, unsigned repeat)
{
	double mpps = 0;

	for (unsigned w = 0; w < workers; w++)
		mpps += 1000 / lanes[w].repeats_of[series][repeat];
	return mpps;
}

static void sum_up(struct figures *f, struct lane lanes[], const struct options *o)
{
	double tsc_ghz = (double)rte_get_tsc_hz() / 1e9;
	unsigned n = o->workers;

	memset(f, 0, sizeof(*f));
	for (unsigned r = 0; r < o->repeats; r++) {
		double path = sum_of(lanes, n, LANE_PATH, r);
		double floor = sum_of(lanes, n, LANE_FLOOR, r);

		bench_sample(&f->mpps, path);
		bench_sample(&f->floor, floor);
		bench_sample(&f->ratio, path / floor);
		bench_sample(&f->ns, 1000 * n / path);
		if (n == 1)
			continue;
		bench_sample(&f->scaling, n * path / sum_of(lanes, n, LANE_PATH_ALONE, r));
		bench_sample(&f->floor_scaling, n * floor / sum_of(lanes, n, LANE_FLOOR_ALONE, r));
	}
	for (int s = 0; s < STAGE_COUNT; s++)
		f->stage_ns[s] = bench_quantile(&lanes[0].stage_cycles[s], 0.25) / tsc_ghz;
}

static void free_figures(struct figures *f)
{
	bench_samples_fini(&f->mpps);
	bench_samples_fini(&f->floor);
	bench_samples_fini(&f->ratio);
	bench_samples_fini(&f->ns);
	bench_samples_fini(&f->scaling);
	bench_samples_fini(&f->floor_scaling);
}

static double crypto_ns(const struct figures *f, enum bench_direction direction)
{
	double protect = f->stage_ns[STAGE_protect], unprotect = f->stage_ns[STAGE_unprotect];

	if (direction == BENCH_BOTH)
		return (protect + unprotect) / 2;
	return direction == BENCH_PROTECT ? protect : unprotect;
}

static void print_row(const struct row *row, struct figures *f)
{
	printf("%-25s %7u %5u %-9s %6.2f %6.2f %5.2f %6.1f |", suite_table[row->suite].name,
		row->streams, row->payload, bench_direction_names[row->direction],
		bench_quantile(&f->mpps, 0.5), bench_quantile(&f->floor, 0.5),
		bench_quantile(&f->ratio, 0.5), bench_quantile(&f->ns, 0.5));
	for (int s = 0; s <= STAGE_tx; s++)
		if (s != STAGE_unprotect)
			printf(" %*.1f", s == STAGE_protect ? 6 : (int)strlen(stage_names[s]),
				s == STAGE_protect ? crypto_ns(f, row->direction) : f->stage_ns[s]);
	if (f->scaling.n > 0)
		printf(" | %.2f (%.2f)", bench_quantile(&f->scaling, 0.5),
			bench_quantile(&f->floor_scaling, 0.5));
	printf("\n");
	fflush(stdout);
}

static json_t *stages_json(const struct figures *f)
{
	double tsc_ghz = (double)rte_get_tsc_hz() / 1e9;
	json_t *stages = json_object();

	for (int s = 0; s < STAGE_COUNT; s++)
		if (f->stage_ns[s] > 0)
			json_object_set_new(stages, stage_names[s],
				json_pack("{s:f, s:f}", "ns", f->stage_ns[s], "cycles",
					f->stage_ns[s] * tsc_ghz));
	return stages;
}

static json_t *row_json(const struct row *row, const struct options *o, struct figures *f)
{
	json_t *json =
		json_pack("{s:i, s:i, s:s, s:s, s:i, s:s, s:f, s:f, s:f, s:f, s:o, s:o, s:o, s:o}",
			"streams", (int)row->streams, "payload", (int)row->payload, "suite",
			suite_table[row->suite].name, "direction",
			bench_direction_names[row->direction], "workers", (int)o->workers, "crypto",
			o->crypto, "mpps", bench_quantile(&f->mpps, 0.5), "floor_mpps",
			bench_quantile(&f->floor, 0.5), "ratio", bench_quantile(&f->ratio, 0.5),
			"ns_per_packet", bench_quantile(&f->ns, 0.5), "mpps_spread",
			result_spread(&f->mpps), "floor_mpps_spread", result_spread(&f->floor),
			"ratio_spread", result_spread(&f->ratio), "stages", stages_json(f));

	if (json && f->scaling.n > 0)
		json_object_update_new(
			json, json_pack("{s:f, s:o, s:f, s:o}", "scaling",
				      bench_quantile(&f->scaling, 0.5), "scaling_spread",
				      result_spread(&f->scaling), "floor_scaling",
				      bench_quantile(&f->floor_scaling, 0.5),
				      "floor_scaling_spread", result_spread(&f->floor_scaling)));
	return json;
}

// ---- measuring

static void verify(const struct lane lanes[], unsigned workers)
{
	for (unsigned w = 0; w < workers; w++)
		if (lanes[w].sent != lanes[w].received || lanes[w].sent == 0)
			bench_fail("worker %u: the packets received are not those sent", w);
}

static void measure(struct rig *rig, const struct row *row, const struct options *o, json_t *result)
{
	struct lane *lanes = calloc(o->workers, sizeof(*lanes));
	pthread_barrier_t barrier;
	struct figures figures;

	if (!lanes || pthread_barrier_init(&barrier, NULL, o->workers) != 0)
		bench_fail("out of memory");
	for (unsigned w = 0; w < o->workers; w++) {
		lanes[w] = (struct lane){.rig = rig,
			.index = w,
			.workers = o->workers,
			.direction = row->direction,
			.suite = row->suite,
			.payload = row->payload,
			.seconds = o->seconds / o->repeats,
			.repeats = o->repeats,
			.verify = o->verify,
			.barrier = &barrier,
			.n_sessions = (rig->sessions + o->workers - 1 - w) / o->workers};
		lane_init(&lanes[w]);
	}
	for (unsigned w = 0; w < o->workers; w++)
		if (pthread_create(&lanes[w].thread, NULL, lane_run, &lanes[w]) != 0)
			bench_fail("no thread for worker %u", w);
	for (unsigned w = 0; w < o->workers; w++)
		pthread_join(lanes[w].thread, NULL);
	if (o->verify)
		verify(lanes, o->workers);
	sum_up(&figures, lanes, o);
	print_row(row, &figures);
	result_add(result, row_json(row, o, &figures));
	free_figures(&figures);
	for (unsigned w = 0; w < o->workers; w++)
		lane_fini(&lanes[w]);
	pthread_barrier_destroy(&barrier);
	free(lanes);
}

static void measure_sessions(
	struct rig *rig, struct row *row, const struct options *o, json_t *result)
{
	uint32_t sessions = sessions_of(row);

	if (sessions < o->workers || sessions > RIG_SESSIONS_MAX)
		bench_fail(
			"--streams: %u cannot be shared by %u workers", row->streams, o->workers);
	for (unsigned p = 0; p < o->n_payloads; p++) {
		rig_add(rig, row->suite, sessions); // anew each time: sequence numbers begin again
		row->payload = o->payloads[p];
		measure(rig, row, o, result);
		rig_remove(rig);
	}
}

int bench_path(int argc, char **argv)
{
	struct options o = {.takes = "streams payload suite direction workers seconds repeats "
				     "crypto json verify",
		.n_streams = 2,
		.streams = {1000, 100000},
		.n_payloads = 1,
		.payloads = {160},
		.n_suites = 1,
		.suites = {SUITE_AEAD_AES_128_GCM},
		.n_directions = 2,
		.directions = {BENCH_PROTECT, BENCH_UNPROTECT},
		.workers = 1,
		.repeats = 5,
		.seconds = 2,
		.crypto = "ipsec_mb"};
	int rc = options_read(&o, argc, argv, about);
	struct row row;

	if (rc >= 0)
		return rc;
	struct rig *rig = rig_new(&(struct rig_params){
		.workers = o.workers, .packets = 2 * LANE_CHUNK, .crypto = o.crypto});
	json_t *result = result_new("path", argc, argv);

	bench_print_machine();
	print_head(o.workers);
	for (unsigned u = 0; u < o.n_suites; u++)
		for (unsigned s = 0; s < o.n_streams; s++)
			for (unsigned d = 0; d < o.n_directions; d++) {
				row = (struct row){.streams = o.streams[s],
					.suite = o.suites[u],
					.direction = o.directions[d]};
				measure_sessions(rig, &row, &o, result);
			}
	if (o.verify)
		printf("verified: what came out of the host port is what went in, byte for byte\n");
	rig_free(rig);
	return result_end(result, o.json);
}
