// SPDX-License-Identifier: BSD-3-Clause
// The engine between two ring ports, and the sessions and frames of the benchmarks.
#include "bench/rig.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <event2/event.h>

#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_lcore.h>
#include <rte_udp.h>

#include "bench/bench.h"
#include "crypto/suite.h"
#include "engine/base/log.h"
#include "engine/rcu.h"
#include "pktio/eal.h"

#define FIRST_PORT   1024
#define MEMORY_MB    "512"
#define HUGE_PAGE_KB 2048

// ---- EAL

static unsigned long free_huge_kb(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "r");

	if (!f)
		return 0;
	if (fscanf(f, "%lu", &pages) != 1)
		pages = 0;
	fclose(f);
	return pages * HUGE_PAGE_KB;
}

static int advise(const struct rte_memseg_list *list, const struct rte_memseg *segment, void *arg)
{
	(void)list;
	(void)arg;
	madvise(segment->addr, segment->len, MADV_HUGEPAGE);
	return 0;
}

void rig_eal(int argc, char **argv)
{
	static char *const plain[] = {"--no-huge", "--no-shconf"};
	static char *const huge[] = {"--in-memory"};
	static char *const common[] = {
		"-m", MEMORY_MB, "--no-pci", "--no-telemetry", "--lcores", "0@0"};
	char *all[16] = {argv[0]}, error[256] = "";
	bool has_huge = free_huge_kb() >= 512 * 1024;
	int n = 1;

	log_init("crowfly-bench", LOG_WARNING);
	if (argc == 1) {
		for (size_t i = 0; i < (has_huge ? 1 : 2); i++)
			all[n++] = has_huge ? huge[i] : plain[i];
		for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
			all[n++] = common[i];
		argc = n;
		argv = all;
	}
	if (eal_init(argc, argv, error, sizeof(error)) != 0)
		bench_fail("%s", error);
	if (!rte_eal_has_hugepages())
		rte_memseg_walk(advise, NULL);
}

// ---- the engine

static struct rte_ring *make_ring(const char *side, const char *way, unsigned queue, unsigned size)
{
	char name[RTE_RING_NAMESIZE];
	struct rte_ring *ring;

	snprintf(name, sizeof(name), "bench_%s_%s_%u", side, way, queue);
	ring = rte_ring_create(
		name, size, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
	if (!ring)
		bench_fail("no memory for a ring of %u packets", size);
	return ring;
}

static void make_port(struct rig *rig, const struct rig_params *params, enum packet_side side)
{
	const char *name = side == SIDE_WIRE ? "wire" : "host";
	int (*from_rings)(const char *, struct rte_ring *const[], unsigned,
		struct rte_ring *const[], unsigned, unsigned);
	// The driver is a plugin of EAL, not a library we link
	void *driver = dlopen("librte_net_ring.so.23", RTLD_NOW);

	*(void **)&from_rings = driver ? dlsym(driver, "rte_eth_from_rings") : NULL;
	if (!from_rings)
		bench_fail("DPDK's driver net_ring is not installed (librte-net-ring23)");
	for (unsigned q = 0; q < params->workers; q++) {
		rig->in[side][q] = make_ring(name, "in", q, params->packets);
		rig->out[side][q] = make_ring(name, "out", q, params->packets);
	}
	if (from_rings(name, rig->in[side], params->workers, rig->out[side], params->workers, 0) <
		0)
		bench_fail("no ring port");
}

static void address_list(const char *list[], const char *format)
{
	for (unsigned i = 0; i < RIG_ADDRESSES; i++) {
		char text[32];

		snprintf(text, sizeof(text), format, i);
		list[i] = strdup(text);
	}
}

static uint32_t address(enum packet_side side, uint32_t session, unsigned host)
{
	uint32_t net = session / RIG_PER_ADDRESS;

	return (side == SIDE_WIRE ? 10u << 24 : 192u << 24 | 168u << 16) | net << 8 | host;
}

// The peers' MAC addresses are told to the engine: no ARP in a benchmark.
static void learn(struct rig *rig, uint32_t i)
{
	static const struct rte_ether_addr mac = {{2, 0, 0, 0, 0, 1}};

	for (int side = SIDE_WIRE; side <= SIDE_HOST; side++) {
		struct in6_addr ip = {0};

		ip.s6_addr32[2] = RTE_BE32(0xffff);
		ip.s6_addr32[3] = rte_cpu_to_be_32(address(side, i, 2));
		nexthop_learn(rig->engine->sides[side].nexthops, &ip, &mac);
	}
}

static void drain(struct rte_ring *ring)
{
	void *mbuf;

	while (rte_ring_dequeue(ring, &mbuf) == 0)
		rte_pktmbuf_free(mbuf);
}

// Takes the engine's questions for its neighbours off the ports.
static void hush(struct rig *rig)
{
	if (rig->config.paused) {
		rcu_thread_online();
		worker_iterate(&rig->engine->shared.workers[0]);
		rcu_thread_offline();
	}
	drain(rig->out[SIDE_WIRE][0]);
	drain(rig->out[SIDE_HOST][0]);
}

// Each worker gets a core of its own, if there are enough: those behind the main thread's.
static void spread_workers(struct rig *rig)
{
	for (unsigned i = 0; i < rig->config.workers; i++) {
		const struct worker *worker = &rig->engine->shared.workers[i];

		if (!worker->on_lcore) // else as EAL's options say
			bench_pin_thread(worker->thread, i + 1);
	}
}

void rig_start(struct rig *rig)
{
	int rc = worker_start_all(&rig->engine->shared);

	if (rc != 0)
		bench_fail("the workers do not start: %s", strerror(-rc));
	rig->config.paused = false;
	spread_workers(rig);
}

void rig_stop(struct rig *rig)
{
	worker_stop_all(&rig->engine->shared);
	rig->config.paused = true;
}

int rig_worker_clock(const struct rig *rig, unsigned worker, clockid_t *clock)
{
	const struct worker *w = &rig->engine->shared.workers[worker];

	if (!w->running || w->on_lcore)
		return -1;
	return pthread_getcpuclockid(w->thread, clock) == 0 ? 0 : -1;
}

uint64_t rig_worker_cpu_ns(const struct rig *rig, unsigned worker)
{
	struct timespec t;
	clockid_t clock;

	if (rig_worker_clock(rig, worker, &clock) != 0 || clock_gettime(clock, &t) != 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct rig *rig_new(const struct rig_params *params)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	if (!rig)
		bench_fail("out of memory");
	make_port(rig, params, SIDE_WIRE);
	make_port(rig, params, SIDE_HOST);
	rig->config = (struct engine_config){
		.wire = "net_ring_wire",
		.host = "net_ring_host",
		.workers = params->workers,
		.mbufs = 4095,
		.sessions_max = RIG_SESSIONS_MAX,
		.crypto = params->crypto,
		.paused = true,
	};
	address_list(rig->config.wire_addresses, "10.0.%u.1/24");
	address_list(rig->config.host_addresses, "192.168.%u.1/24");
	rig->pool = rte_pktmbuf_pool_create("bench", params->workers * params->packets, 0, 0,
		RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	rig->base = event_base_new();
	if (!rig->pool || !rig->base)
		bench_fail("no memory for %u packets", params->workers * params->packets);
	rig->engine = engine_new(&rig->config, rig->base);
	if (!rig->engine)
		exit(1); // the reason is logged
	if (params->running)
		rig_start(rig);
	return rig;
}

static void free_ring(struct rte_ring *ring)
{
	drain(ring);
	rte_ring_free(ring);
}

void rig_free(struct rig *rig)
{
	engine_free(rig->engine);
	event_base_free(rig->base);
	for (int side = SIDE_WIRE; side <= SIDE_HOST; side++) {
		// The device as well as the port: the next rig has the same names
		rte_eal_hotplug_remove(
			"vdev", side == SIDE_WIRE ? "net_ring_wire" : "net_ring_host");
		for (unsigned q = 0; q < rig->config.workers; q++) {
			free_ring(rig->in[side][q]);
			free_ring(rig->out[side][q]);
		}
	}
	for (unsigned i = 0; i < RIG_ADDRESSES; i++) {
		free((char *)rig->config.wire_addresses[i]);
		free((char *)rig->config.host_addresses[i]);
	}
	rte_mempool_free(rig->pool);
	free(rig);
}

// ---- sessions

static void set_address(struct session_addr *out, uint32_t ip, uint32_t port)
{
	memset(&out->ip, 0, sizeof(out->ip));
	out->ip.s6_addr32[2] = RTE_BE32(0xffff);
	out->ip.s6_addr32[3] = rte_cpu_to_be_32(ip);
	out->port = (uint16_t)port;
}

static uint16_t port_of(uint32_t session)
{
	return (uint16_t)(FIRST_PORT + 2 * (session % RIG_PER_ADDRESS));
}

void rig_session_params(
	const struct rig *rig, enum suite_id suite, uint32_t i, struct session_params *params)
{
	(void)rig;
	memset(params, 0, sizeof(*params));
	set_address(&params->wire_local, address(SIDE_WIRE, i, 1), port_of(i));
	set_address(&params->wire_remote, address(SIDE_WIRE, i, 2), port_of(i));
	set_address(&params->host_local, address(SIDE_HOST, i, 1), port_of(i));
	set_address(&params->host_remote, address(SIDE_HOST, i, 2), port_of(i));
	params->suite = suite;
	params->direction = SESSION_SENDRECV;
	for (unsigned k = 0; k < sizeof(params->tx_key); k++)
		params->tx_key[k] = (uint8_t)(k * 7 + (i >> 8 * (k % 4)));
	memcpy(params->rx_key, params->tx_key, sizeof(params->rx_key));
}

void rig_add(struct rig *rig, enum suite_id suite, uint32_t n)
{
	struct session_params params;
	struct session_error error = {0};

	for (uint32_t i = rig->sessions; i < n; i++) {
		rig_session_params(rig, suite, i, &params);
		if (session_add(rig->engine, &params, &rig->ids[i], &error) != 0)
			bench_fail("session %u: %s: %s", i, error.field ? error.field : "",
				error.text);
		rig->sessions = i + 1;
		if (i % RIG_PER_ADDRESS == 0)
			learn(rig, i);
	}
	hush(rig);
}

void rig_remove(struct rig *rig)
{
	for (uint32_t i = 0; i < rig->sessions; i++)
		session_remove(rig->engine, rig->ids[i]);
	rig->sessions = 0;
	retire_flush(rig->engine->retire);
}

// ---- frames

uint8_t *rig_frame(struct rte_mbuf *mbuf, uint32_t session, enum packet_side side, uint32_t length)
{
	struct rte_ether_hdr *eth;
	struct rte_ipv4_hdr *ip;
	struct rte_udp_hdr *udp;

	rte_pktmbuf_reset(mbuf);
	eth = (struct rte_ether_hdr *)rte_pktmbuf_append(mbuf, (uint16_t)(RIG_HEADERS + length));
	ip = (struct rte_ipv4_hdr *)(eth + 1);
	udp = (struct rte_udp_hdr *)(ip + 1);
	memset(eth, 0, RIG_HEADERS);
	eth->ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + sizeof(*udp) + length));
	ip->time_to_live = 64;
	ip->next_proto_id = IPPROTO_UDP;
	ip->src_addr = rte_cpu_to_be_32(address(side, session, 2));
	ip->dst_addr = rte_cpu_to_be_32(address(side, session, 1));
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	udp->src_port = rte_cpu_to_be_16(port_of(session));
	udp->dst_port = udp->src_port;
	udp->dgram_len = rte_cpu_to_be_16((uint16_t)(sizeof(*udp) + length));
	return (uint8_t *)(udp + 1);
}

void rig_reflect(struct rte_mbuf *mbuf)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(mbuf, struct rte_ether_hdr *);
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(eth + 1);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);
	rte_be32_t src = ip->src_addr;
	rte_be16_t port = udp->src_port;

	ip->src_addr = ip->dst_addr;
	ip->dst_addr = src;
	udp->src_port = udp->dst_port;
	udp->dst_port = port;
}
