// SPDX-License-Identifier: BSD-3-Clause
// What people use today beside Crowfly, in one run: rtpengine in user space, a forwarder over
// kernel sockets, the engine. Packets for each second of CPU time. Main thread.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/child.h"
#include "bench/forwarder.h"
#include "bench/lane.h"
#include "bench/load.h"
#include "bench/result.h"
#include "bench/rtpengine.h"
#include "bench/search.h"

#define LOSS	     0.001 // that is allowed to the others
#define TRIAL_S	     0.3   // of the search
#define STREAMS_MOST 10000
#define RETRIES	     20
#define STEP_DOWN    0.85 // of the rate, after a repeat that lost

static const char about[] =
	"Packets of RTP made SRTP for each second of CPU time, all of it counted, the kernel's too, by\n"
	"rtpengine in user space (Debian's rtpengine-daemon, where it is installed), by a forwarder with\n"
	"recvmmsg() and sendmmsg(), and by the engine. The others run in a network namespace of their\n"
	"own, at the highest rate at which they lose at most 0.1 %.\n";

struct row {
	uint32_t streams, payload;
	enum suite_id suite;
};

// One of those compared, in one row.
struct peer {
	const char *code, *what;
	struct bench_samples mpps_per_cpu; // for each CPU second, of each repeat
	double mpps;			   // forwarded in real time; 0: has no such thing
	double loss;
	unsigned trials;
	bool generator; // could not send more
};

// ---- the others

static void measure_load(struct load *load, struct peer *peer, const struct options *o)
{
	struct search search = {.min_pps = 2000,
		.max_pps = 2e6,
		.loss = LOSS,
		.precision = 0.03,
		.run = load_trial,
		.arg = load};
	double pps;

	if (!load_verify(load))
		bench_fail("%s: of %u streams not each packet came out as it went in", peer->code,
			load->streams);
	load->seconds = TRIAL_S;
	search_run(&search);
	if (search.best.sent == 0)
		bench_fail("%s: loses packets at any rate", peer->code);
	peer->trials = search.trials;
	peer->generator = search.generator;
	load->seconds = o->seconds / o->repeats;
	pps = search.best.sent_pps;
	for (unsigned r = 0, retries = 0; r < o->repeats && retries <= RETRIES;) {
		struct search_trial trial = {0};

		load_trial(load, pps, &trial);
		peer->trials++;
		if (!search_passes(&search, &trial)) {
			retries++;
			pps *= STEP_DOWN;
			continue;
		}
		r++;
		peer->mpps = trial.sent_pps / 1e6;
		peer->loss = (double)trial.lost / (double)trial.sent;
		bench_sample(&peer->mpps_per_cpu,
			(double)(trial.sent - trial.lost) * 1e3 / trial.cpu_ns);
	}
	if (peer->mpps_per_cpu.n == 0)
		bench_fail("%s: loses packets at %.0f a second, too: this machine is too busy",
			peer->code, pps);
}

static void prepare(struct load *load, const struct row *row, bool softirq_apart)
{
	memset(load, 0, sizeof(*load));
	load->suite = row->suite;
	load->srtp = true;
	load->softirq_apart = softirq_apart;
	load->streams = row->streams;
	load->payload = row->payload;
	load_init(load);
}

// Once a socket of it is full it never reads that again: it polls edge-triggered, gives up after 50
// packets, and a full socket has no more edges.
static void restart_rtpengine(struct load *load)
{
	child_end(load->pid);
	rtpengine_start(load);
}

static void measure_rtpengine(
	const struct row *row, struct peer *peer, const struct options *o, bool softirq_apart)
{
	struct load load;
	uint16_t unused;

	prepare(&load, row, softirq_apart);
	load.out = load_socket(&unused);
	load.in = load_socket(&unused);
	load.restart = restart_rtpengine;
	rtpengine_start(&load);
	measure_load(&load, peer, o);
	child_end(load.pid);
	close(load.out);
	close(load.in);
	load_fini(&load);
}

static void measure_sockets(const struct row *row, enum forwarder_crypto crypto, struct peer *peer,
	const struct options *o, bool softirq_apart)
{
	struct forwarder forwarder = {
		.crypto = crypto, .suite = row->suite, .streams = row->streams};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct load load;
	uint16_t port, sink, unused;

	prepare(&load, row, softirq_apart);
	load.srtp = crypto != FORWARDER_NONE;
	load.out = load_socket(&unused);
	load.in = load_socket(&sink);
	forwarder.in = load_socket(&port);
	forwarder.out = load_socket(&unused);
	to.sin_port = htons(sink);
	if (connect(forwarder.out, (struct sockaddr *)&to, sizeof(to)) != 0)
		bench_fail("no socket");
	for (uint32_t i = 0; i < row->streams; i++) {
		load.to[i].sin_port = htons(port);
		forwarder_key(i, load.keys + (size_t)i * (SUITE_KEY_MAX + SUITE_SALT_MAX));
	}
	load.pid = child_start(child_core(), forwarder_run, &forwarder);
	measure_load(&load, peer, o);
	child_end(load.pid);
	close(load.out);
	close(load.in);
	close(forwarder.in);
	close(forwarder.out);
	load_fini(&load);
}

// ---- the engine, as `path` measures it

static void measure_crowfly(
	struct rig *rig, const struct row *row, struct peer *peer, const struct options *o)
{
	pthread_barrier_t barrier;
	struct lane lane = {.rig = rig,
		.direction = BENCH_PROTECT,
		.suite = row->suite,
		.payload = row->payload,
		.seconds = o->seconds / o->repeats,
		.repeats = o->repeats,
		.verify = true,
		.barrier = &barrier,
		.n_sessions = row->streams};

	rig_add(rig, row->suite, row->streams);
	lane_init(&lane);
	if (pthread_barrier_init(&barrier, NULL, 1) != 0 ||
		pthread_create(&lane.thread, NULL, lane_run, &lane) != 0)
		bench_fail("no thread");
	pthread_join(lane.thread, NULL);
	pthread_barrier_destroy(&barrier);
	if (lane.sent != lane.received)
		bench_fail("crowfly: the packets received are not those sent");
	// All of its CPU time, as of the others, whose noisy moments are in theirs
	for (unsigned r = 0; r < o->repeats; r++)
		bench_sample(&peer->mpps_per_cpu, 1e3 / lane.means[r]);
	lane_fini(&lane);
	rig_remove(rig);
}

// ---- a row's lines

static void report(json_t *result, const struct row *row, struct peer *peer, double crowfly)
{
	double mpps = bench_quantile(&peer->mpps_per_cpu, 0.5);
	struct bench_samples ratios = {0};

	for (size_t i = 0; i < peer->mpps_per_cpu.n; i++)
		bench_sample(&ratios, crowfly / peer->mpps_per_cpu.values[i]);
	printf("%-25s %7u %5u %-17s %10.3f %8.1f", suite_table[row->suite].name, row->streams,
		row->payload, peer->code, mpps, crowfly / mpps);
	if (peer->mpps > 0)
		printf(" %9.3f %6.3f %%%s", peer->mpps, 100 * peer->loss,
			peer->generator ? "  (all that the generator could send)" : "");
	printf("\n");
	fflush(stdout);
	result_add(
		result, json_pack("{s:i, s:i, s:s, s:s, s:s, s:f, s:o, s:f, s:o, s:f, s:f, s:i}",
				"streams", (int)row->streams, "payload", (int)row->payload, "suite",
				suite_table[row->suite].name, "direction", "protect", "code",
				peer->code, "mpps_per_cpu", mpps, "mpps_per_cpu_spread",
				result_spread(&peer->mpps_per_cpu), "crowfly_ratio", crowfly / mpps,
				"crowfly_ratio_spread", result_spread(&ratios), "forwarded_mpps",
				peer->mpps, "loss", peer->loss, "trials", (int)peer->trials));
	bench_samples_fini(&ratios);
	bench_samples_fini(&peer->mpps_per_cpu);
}

static void measure(struct rig *rig, const struct row *row, const struct options *o, json_t *result,
	bool softirq_apart)
{
	struct peer crowfly = {.code = "crowfly"};
	struct peer others[] = {{.code = "rtpengine"}, {.code = "sockets+libsrtp2"},
		{.code = "sockets+ipsec_mb"}, {.code = "sockets, no SRTP"}};
	bool rtpengine = rtpengine_installed();
	double mpps;

	if (rtpengine)
		measure_rtpengine(row, &others[0], o, softirq_apart);
	measure_sockets(row, FORWARDER_LIBSRTP2, &others[1], o, softirq_apart);
	measure_sockets(row, FORWARDER_CROWFLY, &others[2], o, softirq_apart);
	measure_sockets(row, FORWARDER_NONE, &others[3], o, softirq_apart);
	measure_crowfly(rig, row, &crowfly, o);
	mpps = bench_quantile(&crowfly.mpps_per_cpu, 0.5);
	report(result, row, &crowfly, mpps);
	for (unsigned i = rtpengine ? 0 : 1; i < sizeof(others) / sizeof(others[0]); i++)
		report(result, row, &others[i], mpps);
}

static void print_head(json_t *result, bool softirq_apart)
{
	bool rtpengine = rtpengine_installed();
	const char *version = rtpengine ? rtpengine_version() : NULL;

	bench_print_machine();
	if (rtpengine)
		printf("rtpengine %s, user space only, one worker thread, a call for each stream\n",
			version);
	else
		printf("rtpengine is not installed and left out: scripts/install-deps.sh --bench\n");
	printf("sockets: recvmmsg() and sendmmsg() of up to 64, one socket each way\n"
	       "libsrtp2: %s\n"
	       "CPU time: the process's, its system calls and what the kernel receives for it%s\n",
		forwarder_libsrtp2(),
		softirq_apart ? ", softirqs of its core" : ", in its sends on loopback");
	printf("crowfly: one worker between two ring ports; the others: loopback\n"
	       "\n%-25s %7s %5s %-17s %10s %8s %9s %8s\n",
		"suite", "streams", "bytes", "", "Mpps/CPU-s", "crowfly", "Mpps", "loss");
	json_object_set_new(result, "peers",
		json_pack("{s:s*, s:s, s:b}", "rtpengine", version, "libsrtp2",
			forwarder_libsrtp2(), "softirq_apart", softirq_apart));
}

int bench_peers(int argc, char **argv)
{
	struct options o = {.takes = "streams payload suite seconds repeats crypto json",
		.n_streams = 1,
		.streams = {400},
		.n_payloads = 1,
		.payloads = {160},
		.n_suites = 2,
		.suites = {SUITE_AEAD_AES_128_GCM, SUITE_AES_CM_128_HMAC_SHA1_80},
		.repeats = 5,
		.seconds = 2.5,
		.crypto = "ipsec_mb"};
	int rc = options_read(&o, argc, argv, about);
	bool softirq_apart;

	if (rc >= 0)
		return rc;
	struct rig *rig = rig_new(
		&(struct rig_params){.workers = 1, .packets = 2 * LANE_CHUNK, .crypto = o.crypto});
	json_t *result = result_new("peers", argc, argv);

	child_init(NULL);
	load_namespace();
	softirq_apart = !load_sender_pays();
	print_head(result, softirq_apart);
	for (unsigned u = 0; u < o.n_suites; u++)
		for (unsigned s = 0; s < o.n_streams; s++)
			for (unsigned p = 0; p < o.n_payloads; p++) {
				if (o.streams[s] > STREAMS_MOST)
					bench_fail("--streams: at most %u here", STREAMS_MOST);
				measure(rig,
					&(struct row){o.streams[s], o.payloads[p], o.suites[u]}, &o,
					result, softirq_apart);
			}
	rig_free(rig);
	return result_end(result, o.json);
}
