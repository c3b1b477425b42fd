// SPDX-License-Identifier: BSD-3-Clause
// How long packets are in the engine, at given shares of the highest rate. The worker has a core of
// its own; the main thread is the network.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "bench/options.h"
#include "bench/pacer.h"
#include "bench/result.h"

#define SEARCH_SECONDS	0.2 // of the highest rate, three times
#define WARM_SECONDS	0.02
#define NOW_SECONDS	0.02
#define GENERATOR_SHARE 0.9 // of what it can do: above, it is what limits

static const char about[] =
	"Packets are stamped when they go into the ring of a port, and read when they come out of the\n"
	"other one's. Their schedule is not slowed by what it measures. The floor is the same with a\n"
	"thread in the engine's place that only moves packets from ring to ring.\n";

enum what { ENGINE, FLOOR, WHATS };
static const char *const what_names[WHATS] = {"engine", "floor"};
static const char *const way_names[2] = {[SIDE_WIRE] = "unprotect", [SIDE_HOST] = "protect"};

// Of one load, all repeats.
struct sum {
	struct histogram way[2], owned[2], late;
	uint64_t windows, owned_windows;
	struct bench_samples p999_us[2], offered_pps; // of each repeat
	uint64_t sent, received;
	uint64_t cpu_ns, wall_ns; // of the worker
};

struct experiment {
	struct rig *rig;
	struct pacer *pacer;
	enum suite_id suite;
	uint32_t streams;
	double max_pps[WHATS]; // the highest rate through each
	pthread_t floor;
	int floor_stop;
};

static double us(uint64_t cycles)
{
	return (double)cycles / (double)rte_get_tsc_hz() * 1e6;
}

// ---- what is behind the ports

static void *pass_through(void *arg)
{
	struct experiment *x = arg;
	struct rte_mbuf *mbufs[32];

	while (!__atomic_load_n(&x->floor_stop, __ATOMIC_RELAXED))
		for (int side = SIDE_WIRE; side <= SIDE_HOST; side++) {
			unsigned n = rte_ring_dequeue_burst(
				x->rig->in[side][0], (void **)mbufs, 32, NULL);

			rte_ring_enqueue_burst(x->rig->out[1 - side][0], (void **)mbufs, n, NULL);
		}
	return NULL;
}

static void start(struct experiment *x, enum what what)
{
	clockid_t clock = CLOCK_MONOTONIC; // not known: taken for one that always runs

	x->floor_stop = 0;
	if (what == ENGINE)
		rig_start(x->rig);
	else if (pthread_create(&x->floor, NULL, pass_through, x) != 0)
		bench_fail("no thread for the floor");
	if (what == ENGINE)
		rig_worker_clock(x->rig, 0, &clock);
	if (what == FLOOR) {
		bench_pin_thread(x->floor, 1);
		pthread_getcpuclockid(x->floor, &clock);
	}
	pacer_begin(x->pacer, what, clock);
}

static void stop(struct experiment *x, enum what what)
{
	pacer_end(x->pacer);
	__atomic_store_n(&x->floor_stop, 1, __ATOMIC_RELAXED);
	if (what == ENGINE)
		rig_stop(x->rig);
	else
		pthread_join(x->floor, NULL);
	pacer_flush(x->pacer);
}

// ---- measuring

static double find_max(struct experiment *x, enum what what)
{
	struct bench_samples pps = {0};
	double max;

	start(x, what);
	for (uint64_t done = 0; done < x->streams; done = x->pacer->received)
		pacer_run_full(x->pacer, WARM_SECONDS); // every stream once
	for (int i = 0; i < 3; i++)
		bench_sample(&pps, pacer_run_full(x->pacer, SEARCH_SECONDS));
	stop(x, what);
	max = bench_quantile(&pps, 0.5);
	bench_samples_fini(&pps);
	return max;
}

// The highest rate at this moment: a shared CPU changes its clock from one second to the next.
static double find_now(struct experiment *x)
{
	double most = 0;

	for (int i = 0; i < 4; i++) {
		double pps = pacer_run_full(x->pacer, NOW_SECONDS / 4);

		most = pps > most ? pps : most;
	}
	return most;
}

// At `load` per cent of what the engine can do at this moment, which it then tells in *pps, or, if
// that is not 0, at that rate.
static void repeat(struct experiment *x, enum what what, unsigned load, double *pps, double seconds,
	struct sum *sum)
{
	struct pacer *p = x->pacer;
	uint64_t cpu, begin;

	start(x, what);
	if (*pps == 0)
		*pps = find_now(x) * load / 100;
	pacer_run(p, *pps, WARM_SECONDS);
	pacer_reset(p);
	cpu = rig_worker_cpu_ns(x->rig, 0);
	begin = bench_now_ns();
	pacer_run(p, *pps, seconds);
	bench_sample(&sum->offered_pps, *pps);
	sum->wall_ns += bench_now_ns() - begin;
	sum->cpu_ns += rig_worker_cpu_ns(x->rig, 0) - cpu;
	stop(x, what);
	for (int side = SIDE_WIRE; side <= SIDE_HOST; side++) {
		bench_sample(&sum->p999_us[side], us(histogram_quantile(&p->way[side], 0.999)));
		histogram_merge(&sum->way[side], &p->way[side]);
		histogram_merge(&sum->owned[side], &p->owned[side]);
	}
	sum->windows += p->windows;
	sum->owned_windows += p->owned_windows;
	histogram_merge(&sum->late, &p->late);
	sum->sent += p->sent;
	sum->received += p->received;
}

// ---- rows

static double owned_share(const struct sum *sum)
{
	return sum->windows ? (double)sum->owned_windows / (double)sum->windows : 0;
}

static json_t *row_json(const struct experiment *x, const struct options *o, unsigned load,
	enum what what, enum packet_side side, struct sum *sum)
{
	const struct histogram *h = &sum->way[side], *late = &sum->late;
	json_t *row = json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:f, s:f, s:f}", "code",
		what_names[what], "direction", way_names[side], "suite", suite_table[x->suite].name,
		"streams", (int)x->streams, "payload", (int)x->pacer->payload, "load", (int)load,
		"offered_mpps", bench_quantile(&sum->offered_pps, 0.5) / 1e6, "highest_mpps",
		x->max_pps[ENGINE] / 1e6, "floor_highest_mpps", x->max_pps[FLOOR] / 1e6);
	const struct histogram *owned = &sum->owned[side];
	json_t *cores = json_pack("{s:f, s:f, s:f, s:f, s:f, s:I}", "owned_share", owned_share(sum),
		"owned_p50_us", us(histogram_quantile(owned, 0.5)), "owned_p99_us",
		us(histogram_quantile(owned, 0.99)), "owned_p999_us",
		us(histogram_quantile(owned, 0.999)), "owned_max_us", us(owned->max),
		"owned_packets", (json_int_t)owned->n);
	json_t *figures = json_pack("{s:s, s:f, s:f, s:f, s:f, s:o, s:I, s:I, s:{s:f, s:f, s:f}}",
		"crypto", o->crypto, "p50_us", us(histogram_quantile(h, 0.5)), "p99_us",
		us(histogram_quantile(h, 0.99)), "p999_us", us(histogram_quantile(h, 0.999)),
		"max_us", us(h->max), "p999_us_spread", result_spread(&sum->p999_us[side]),
		"packets", (json_int_t)h->n, "lost", (json_int_t)(sum->sent - sum->received),
		"generator", "late_p50_us", us(histogram_quantile(late, 0.5)), "late_p999_us",
		us(histogram_quantile(late, 0.999)), "late_max_us", us(late->max));

	if (!row || !figures || !cores || json_object_update_new(row, figures) != 0 ||
		json_object_update_new(row, cores) != 0)
		bench_fail("out of memory");
	if (what == ENGINE && sum->cpu_ns > 0)
		json_object_set_new(
			row, "worker_share", json_real((double)sum->cpu_ns / (double)sum->wall_ns));
	return row;
}

static void report(const struct experiment *x, const struct options *o, unsigned load,
	enum what what, struct sum *sum, json_t *result)
{
	for (int side = SIDE_HOST; side >= SIDE_WIRE; side--) {
		const struct histogram *h = &sum->way[side], *owned = &sum->owned[side];

		printf("%-25s %8u %5u %6.2f %-6s %-9s %8.1f %8.1f %8.1f %8.1f %9.1f %7.1f %6lu | %3.0f %6.1f %6.1f %6.1f %7.1f\n",
			suite_table[x->suite].name, x->streams, load,
			bench_quantile(&sum->offered_pps, 0.5) / 1e6, what_names[what],
			way_names[side], us(histogram_quantile(h, 0.5)),
			us(histogram_quantile(h, 0.99)), us(histogram_quantile(h, 0.999)),
			bench_quantile(&sum->p999_us[side], 0.5), us(h->max),
			us(histogram_quantile(&sum->late, 0.999)), sum->sent - sum->received,
			100 * owned_share(sum), us(histogram_quantile(owned, 0.5)),
			us(histogram_quantile(owned, 0.99)), us(histogram_quantile(owned, 0.999)),
			us(owned->max));
		result_add(result, row_json(x, o, load, what, (enum packet_side)side, sum));
	}
	if (what == ENGINE && sum->cpu_ns > 0 && sum->cpu_ns < sum->wall_ns / 100 * 99)
		printf("  the worker had %.0f %% of a core: what waited for it is in its latency\n",
			100.0 * (double)sum->cpu_ns / (double)sum->wall_ns);
	fflush(stdout);
}

static void measure_load(
	struct experiment *x, const struct options *o, unsigned load, json_t *result)
{
	struct sum *sums = calloc(WHATS, sizeof(*sums));

	if (!sums)
		bench_fail("out of memory");
	for (unsigned r = 0; r < o->repeats; r++) {
		double pps = 0;

		for (int what = ENGINE; what < WHATS; what++)
			repeat(x, (enum what)what, load, &pps, o->seconds / o->repeats,
				&sums[what]);
	}
	for (int what = ENGINE; what < WHATS; what++) {
		report(x, o, load, (enum what)what, &sums[what], result);
		for (int side = SIDE_WIRE; side <= SIDE_HOST; side++)
			bench_samples_fini(&sums[what].p999_us[side]);
		bench_samples_fini(&sums[what].offered_pps);
	}
	free(sums);
}

static void measure(struct rig *rig, enum suite_id suite, uint32_t streams, uint32_t payload,
	const struct options *o, json_t *result)
{
	struct experiment x = {.rig = rig, .suite = suite, .streams = streams};

	x.pacer = calloc(1, sizeof(*x.pacer));
	if (!x.pacer)
		bench_fail("out of memory");
	rig_add(rig, suite, (streams + 1) / 2);
	pacer_init(x.pacer, rig, rig->sessions, payload);
	for (int what = ENGINE; what < WHATS; what++)
		x.max_pps[what] = find_max(&x, (enum what)what);
	if (x.max_pps[ENGINE] > GENERATOR_SHARE * x.max_pps[FLOOR])
		printf("  the generator makes %.2f Mpps, the engine took %.2f: it could do more than that\n",
			x.max_pps[FLOOR] / 1e6, x.max_pps[ENGINE] / 1e6);
	for (unsigned l = 0; l < o->n_loads; l++)
		measure_load(&x, o, o->loads[l], result);
	pacer_fini(x.pacer);
	free(x.pacer);
	rig_remove(rig);
}

int bench_latency(int argc, char **argv)
{
	struct options o = {.takes = "streams payload suite load seconds repeats crypto json",
		.n_streams = 2,
		.streams = {1000, 100000},
		.n_payloads = 1,
		.payloads = {160},
		.n_suites = 1,
		.suites = {SUITE_AEAD_AES_128_GCM},
		.n_loads = 2,
		.loads = {50, 80},
		.repeats = 20,
		.seconds = 2,
		.crypto = "ipsec_mb"};
	int rc = options_read(&o, argc, argv, about);
	json_t *result;
	struct rig *rig;

	if (rc >= 0)
		return rc;
	rig = rig_new(
		&(struct rig_params){.workers = 1, .packets = PACER_PACKETS, .crypto = o.crypto});
	result = result_new("latency", argc, argv);
	bench_print_machine();
	printf("\none worker; ring ports; both directions at once; microseconds. `median`: of the p99.9\n"
	       "of each repeat. `late`: 99.9 %% of what the generator offered was no later than this\n"
	       "Behind the bar: of the milliseconds (so many %%) in which neither thread was without its core\n"
	       "%-25s %8s %5s %6s %-6s %-9s %8s %8s %8s %8s %9s %7s %6s | %3s %6s %6s %6s %7s\n",
		"suite", "streams", "load%", "Mpps", "code", "direction", "p50", "p99", "p99.9",
		"median", "max", "late", "lost", "own", "p50", "p99", "p99.9", "max");
	for (unsigned u = 0; u < o.n_suites; u++)
		for (unsigned s = 0; s < o.n_streams; s++)
			for (unsigned p = 0; p < o.n_payloads; p++)
				measure(rig, o.suites[u], o.streams[s], o.payloads[p], &o, result);
	rig_free(rig);
	return result_end(result, o.json);
}
