// SPDX-License-Identifier: BSD-3-Clause
// Fuzz target: the packet parser, and the responder of ARP and neighbour discovery.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "pktio/demux.h"
#include "pktio/neigh.h"
#include "pktio/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore_send(void *arg, const uint8_t *frame, uint32_t length)
{
	(void)arg;
	(void)frame;
	if (length > NEIGH_FRAME_MAX)
		abort();
}

static void ignore_learn(void *arg, const struct in6_addr *ip, const struct rte_ether_addr *mac)
{
	(void)arg;
	(void)ip;
	(void)mac;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rte_ether_addr mac = {{2, 0, 0, 0, 0, 1}};
	struct neigh neigh = {.send = ignore_send, .learn = ignore_learn};
	struct address addresses[2];
	struct parse p;

	if (size > UINT16_MAX)
		return 0;
	parse_frame(data, (uint32_t)size, &p);
	if (p.kind == PARSE_UDP) {
		if ((size_t)p.payload + p.length > size)
			abort();
		demux_classify(data + p.payload, p.length);
	}
	address_parse("192.168.50.1/24", &addresses[0]);
	address_parse("fd50::1/64", &addresses[1]);
	neigh_init(&neigh, &mac, 0, addresses, 2);
	neigh_input(&neigh, data, (uint32_t)size);
	return 0;
}
