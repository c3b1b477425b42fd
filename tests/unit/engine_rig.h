// SPDX-License-Identifier: BSD-3-Clause
// A whole engine between two (or three) ring ports: the test is the network on the wire side and
// the application on the host side. Criterion runs each test in a process of its own, so each
// starts EAL.
#pragma once

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <event2/event.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_arp.h>
#include <rte_cycles.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "crypto/burst.h"
#include "engine/base/log.h"
#include "engine/core.h"
#include "pktio/eal.h"

#define RIG_QUEUES 2

enum { RIG_WIRE, RIG_HOST, RIG_KERNEL, RIG_PORTS };

struct rig_port {
	struct rte_ring *in[RIG_QUEUES], *out[RIG_QUEUES];
	struct rte_ether_addr peer_mac;
};

struct rig {
	struct engine_config config;
	struct event_base *base;
	struct engine *engine;
	struct rte_mempool *pool;
	struct rig_port ports[RIG_PORTS];
	struct session_params params; // of the session that tests use by default
	uint32_t id;
};

// A frame as the test sees it.
struct rig_frame {
	uint32_t length;
	uint8_t bytes[2048];
};

__attribute__((unused)) static const struct rte_ether_addr rig_macs[RIG_PORTS] = {
	{{2, 0, 0, 0, 0, 0x11}}, {{2, 0, 0, 0, 0, 0x22}}, {{2, 0, 0, 0, 0, 0x33}}};
static const char *const rig_devices[RIG_PORTS] = {"net_ring_w", "net_ring_h", "net_ring_k"};

static inline void rig_eal(void)
{
	static char *argv[] = {"test", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry",
		"-m", "192", "--lcores", "0@0", NULL};
	char error[256] = "";

	log_init("test", LOG_ERR);
	cr_assert_eq(eal_init(9, argv, error, sizeof(error)), 0, "%s", error);
}

static inline struct rte_ring *rig_ring(const char *port, const char *way, unsigned queue)
{
	char name[RTE_RING_NAMESIZE];
	struct rte_ring *ring;

	snprintf(name, sizeof(name), "%s_%s_%u", port, way, queue);
	ring = rte_ring_create(name, 1024, 0, 0);
	cr_assert_not_null(ring);
	return ring;
}

static inline void rig_make_port(struct rig *rig, int port)
{
	static int (*from_rings)(const char *, struct rte_ring *const[], unsigned,
		struct rte_ring *const[], unsigned, unsigned);
	struct rig_port *p = &rig->ports[port];

	// The driver is a plugin of EAL, not a library we link
	if (!from_rings) {
		void *driver = dlopen("librte_net_ring.so.23", RTLD_NOW);

		cr_assert_not_null(driver, "%s", dlerror());
		*(void **)&from_rings = dlsym(driver, "rte_eth_from_rings");
	}
	for (unsigned q = 0; q < RIG_QUEUES; q++) {
		p->in[q] = rig_ring(rig_devices[port], "in", q);
		p->out[q] = rig_ring(rig_devices[port], "out", q);
	}
	p->peer_mac = rig_macs[port];
	cr_assert_geq(from_rings(rig_devices[port] + strlen("net_ring_"), p->in, RIG_QUEUES, p->out,
			      RIG_QUEUES, 0),
		0);
}

static inline struct in6_addr rig_ip(const char *text)
{
	struct address address;

	cr_assert_eq(address_parse(text, &address), 0, "%s", text);
	return address.ip;
}

static inline struct session_addr rig_addr(const char *ip, uint16_t port)
{
	return (struct session_addr){rig_ip(ip), port};
}

static inline void rig_params(struct session_params *p, bool ipv6)
{
	memset(p, 0, sizeof(*p));
	p->wire_local = rig_addr(ipv6 ? "2001:db8::1" : "10.0.0.1", 20000);
	p->wire_remote = rig_addr(ipv6 ? "2001:db8::2" : "10.0.0.2", 20002);
	p->host_local = rig_addr(ipv6 ? "fd50::1" : "192.168.50.1", 30000);
	p->host_remote = rig_addr(ipv6 ? "fd50::2" : "192.168.50.2", 40000);
	p->suite = SUITE_AEAD_AES_128_GCM;
	memset(p->tx_key, 0x11, sizeof(p->tx_key));
	memset(p->rx_key, 0x22, sizeof(p->rx_key));
	p->direction = SESSION_SENDRECV;
	p->tag = "tag";
}

// EAL, the ports and the default configuration. rig_run() then starts the engine.
static inline void rig_prepare(struct rig *rig, unsigned ports)
{
	memset(rig, 0, sizeof(*rig));
	rig_eal();
	for (unsigned i = 0; i < ports; i++)
		rig_make_port(rig, (int)i);
	rig->config = (struct engine_config){
		.wire = "net_ring_w",
		.host = "net_ring_h",
		.wire_addresses = {"10.0.0.1/24", "2001:db8::1/64"},
		.host_addresses = {"192.168.50.1/24", "fd50::1/64"},
		.workers = 1,
		.mbufs = 8192,
		.idle_sleep = true,
	};
	rig->base = event_base_new();
	rig_params(&rig->params, false);
}

static inline void rig_run(struct rig *rig)
{
	rig->engine = engine_new(&rig->config, rig->base);
	cr_assert_not_null(rig->engine);
	rig->pool = rte_pktmbuf_pool_create("rig", 4095, 0, 0, 2176, 0);
	cr_assert_not_null(rig->pool);
}

static inline void rig_start(struct rig *rig)
{
	rig_prepare(rig, 2);
	rig_run(rig);
}

static inline void rig_stop(struct rig *rig)
{
	engine_free(rig->engine);
	event_base_free(rig->base);
}

// Gives the control thread's work its turn.
static inline void rig_pump(struct rig *rig)
{
	event_base_loop(rig->base, EVLOOP_NONBLOCK);
	control_tick(rig->engine);
	usleep(200);
}

static inline void rig_send_queue(
	struct rig *rig, int port, unsigned queue, const struct rig_frame *frame)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(rig->pool);

	cr_assert_not_null(mbuf);
	memcpy(rte_pktmbuf_append(mbuf, (uint16_t)frame->length), frame->bytes, frame->length);
	cr_assert_eq(rte_ring_enqueue(rig->ports[port].in[queue], mbuf), 0);
}

static inline void rig_send(struct rig *rig, int port, const struct rig_frame *frame)
{
	rig_send_queue(rig, port, 0, frame);
}

static inline bool rig_take(struct rig *rig, int port, struct rig_frame *frame)
{
	void *object;

	for (unsigned q = 0; q < RIG_QUEUES; q++) {
		if (rte_ring_dequeue(rig->ports[port].out[q], &object) == 0) {
			struct rte_mbuf *mbuf = object;

			cr_assert_eq(mbuf->nb_segs, 1);
			frame->length = mbuf->data_len;
			memcpy(frame->bytes, rte_pktmbuf_mtod(mbuf, void *), frame->length);
			rte_pktmbuf_free(mbuf);
			return true;
		}
	}
	return false;
}

// The next frame that leaves by a port within two seconds.
static inline bool rig_receive(struct rig *rig, int port, struct rig_frame *frame)
{
	for (int i = 0; i < 4000; i++) {
		if (rig_take(rig, port, frame))
			return true;
		rig_pump(rig);
	}
	return false;
}

// ---- frames

static inline void rig_append(struct rig_frame *f, const void *data, uint32_t length)
{
	memcpy(f->bytes + f->length, data, length);
	f->length += length;
}

static inline void rig_ethernet(struct rig_frame *f, int port, uint16_t vlan, uint16_t type)
{
	static const struct rte_ether_addr any = {{2, 1, 2, 3, 4, 5}};
	rte_be16_t words[] = {
		RTE_BE16(RTE_ETHER_TYPE_VLAN), rte_cpu_to_be_16(vlan), rte_cpu_to_be_16(type)};

	f->length = 0;
	rig_append(f, &any, 6);
	rig_append(f, &rig_macs[port], 6);
	if (vlan)
		rig_append(f, words, 6);
	else
		rig_append(f, &words[2], 2);
}

static inline void rig_udp_vlan(struct rig_frame *f, int port, uint16_t vlan,
	const struct session_addr *src, const struct session_addr *dst, const void *payload,
	uint16_t length)
{
	struct rte_udp_hdr udp = {rte_cpu_to_be_16(src->port), rte_cpu_to_be_16(dst->port),
		rte_cpu_to_be_16((uint16_t)(8 + length)), 0};

	if (address_is_ipv4(&src->ip)) {
		struct rte_ipv4_hdr ip = {.version_ihl = 0x45,
			.total_length = rte_cpu_to_be_16((uint16_t)(28 + length)),
			.time_to_live = 9,
			.next_proto_id = 17,
			.src_addr = src->ip.s6_addr32[3],
			.dst_addr = dst->ip.s6_addr32[3]};

		ip.hdr_checksum = rte_ipv4_cksum(&ip);
		rig_ethernet(f, port, vlan, RTE_ETHER_TYPE_IPV4);
		rig_append(f, &ip, sizeof(ip));
	} else {
		struct rte_ipv6_hdr ip = {.vtc_flow = RTE_BE32(0x60000000),
			.payload_len = rte_cpu_to_be_16((uint16_t)(8 + length)),
			.proto = 17,
			.hop_limits = 9};

		memcpy(ip.src_addr, &src->ip, 16);
		memcpy(ip.dst_addr, &dst->ip, 16);
		rig_ethernet(f, port, vlan, RTE_ETHER_TYPE_IPV6);
		rig_append(f, &ip, sizeof(ip));
	}
	rig_append(f, &udp, sizeof(udp));
	rig_append(f, payload, length);
}

static inline void rig_udp(struct rig_frame *f, int port, const struct session_addr *src,
	const struct session_addr *dst, const void *payload, uint16_t length)
{
	rig_udp_vlan(f, port, 0, src, dst, payload, length);
}

// An RTP packet of `length` bytes; the payload's bytes depend on the sequence number.
static inline void rig_rtp(uint8_t *out, uint32_t ssrc, uint16_t seq, uint16_t length)
{
	const uint8_t header[] = {0x80, 0, (uint8_t)(seq >> 8), (uint8_t)seq, 0, 0,
		(uint8_t)(seq * 160 >> 8), (uint8_t)(seq * 160), (uint8_t)(ssrc >> 24),
		(uint8_t)(ssrc >> 16), (uint8_t)(ssrc >> 8), (uint8_t)ssrc};

	memcpy(out, header, sizeof(header));
	for (unsigned i = sizeof(header); i < length; i++)
		out[i] = (uint8_t)(i + seq);
}

// A sender report of `length` bytes.
static inline void rig_rtcp(uint8_t *out, uint32_t ssrc, uint16_t seq, uint16_t length)
{
	const uint8_t header[] = {0x80, 200, 0, (uint8_t)(length / 4 - 1), (uint8_t)(ssrc >> 24),
		(uint8_t)(ssrc >> 16), (uint8_t)(ssrc >> 8), (uint8_t)ssrc};

	memcpy(out, header, sizeof(header));
	for (unsigned i = sizeof(header); i < length; i++)
		out[i] = (uint8_t)(i + seq);
}

static inline struct context *rig_context(
	const struct session_params *p, enum context_direction direction)
{
	// The far end protects with our receive key
	const uint8_t *key = direction == CONTEXT_PROTECT ? p->rx_key : p->tx_key;
	const struct context_params params = {.suite = p->suite,
		.direction = direction,
		.key = key,
		.salt = key + suite_table[p->suite].key_bytes};
	struct context *ctx = context_new(&params);

	cr_assert_not_null(ctx);
	return ctx;
}

// ---- neighbours

// Answers one ARP request or neighbour solicitation of the engine.
static inline bool rig_answer(struct rig *rig, int port, const struct rig_frame *f)
{
	struct rig_frame reply;
	struct rte_arp_hdr arp;
	rte_be16_t type;

	memcpy(&type, f->bytes + 12, 2);
	if (type == RTE_BE16(RTE_ETHER_TYPE_ARP)) {
		memcpy(&arp, f->bytes + 14, sizeof(arp));
		arp.arp_opcode = RTE_BE16(RTE_ARP_OP_REPLY);
		arp.arp_data = (struct rte_arp_ipv4){rig_macs[port], arp.arp_data.arp_tip,
			arp.arp_data.arp_sha, arp.arp_data.arp_sip};
		rig_ethernet(&reply, port, 0, RTE_ETHER_TYPE_ARP);
		rig_append(&reply, &arp, sizeof(arp));
	} else if (type == RTE_BE16(RTE_ETHER_TYPE_IPV6) && f->bytes[54] == 135) {
		struct rte_ipv6_hdr ip = {.vtc_flow = RTE_BE32(0x60000000),
			.payload_len = RTE_BE16(32),
			.proto = IPPROTO_ICMPV6,
			.hop_limits = 255};
		uint8_t advert[32] = {136, 0, 0, 0, 0x60};
		uint16_t sum;

		memcpy(advert + 8, f->bytes + 62, 16);
		advert[24] = 2;
		advert[25] = 1;
		memcpy(advert + 26, &rig_macs[port], 6);
		memcpy(ip.src_addr, f->bytes + 62, 16);
		memcpy(ip.dst_addr, f->bytes + 22, 16);
		sum = rte_ipv6_udptcp_cksum(&ip, advert);
		memcpy(advert + 2, &sum, 2);
		rig_ethernet(&reply, port, 0, RTE_ETHER_TYPE_IPV6);
		rig_append(&reply, &ip, sizeof(ip));
		rig_append(&reply, advert, sizeof(advert));
	} else {
		return false;
	}
	rig_send(rig, port, &reply);
	return true;
}

// Answers on both sides until every next hop is known.
static inline void rig_resolve(struct rig *rig)
{
	struct engine_stats stats;
	struct rig_frame frame;

	for (int i = 0; i < 5000; i++) {
		rig_pump(rig);
		for (int port = RIG_WIRE; port <= RIG_HOST; port++)
			while (rig_take(rig, port, &frame))
				rig_answer(rig, port, &frame);
		engine_stats_get(rig->engine, &stats);
		if (stats.nexthops_unresolved == 0)
			return;
	}
	cr_assert_fail("next hops were not resolved");
}

static inline void rig_add(struct rig *rig)
{
	struct session_error error = {0};

	cr_assert_eq(session_add(rig->engine, &rig->params, &rig->id, &error), 0, "%s: %s",
		error.field ? error.field : "", error.text);
	rig_resolve(rig);
}

// Waits until a drop reason has been counted n times in all.
static inline uint64_t rig_drops(struct rig *rig, enum drop_reason reason, uint64_t n)
{
	struct engine_stats stats;

	for (int i = 0; i < 4000; i++) {
		engine_stats_get(rig->engine, &stats);
		if (stats.drops[reason] >= n)
			break;
		rig_pump(rig);
	}
	return stats.drops[reason];
}
