// SPDX-License-Identifier: BSD-3-Clause
// Bursts of ports that are stopped or captured. Workers.
#include "engine/worker_port.h"

#include "engine/capture.h"
#include "engine/capture_lane.h"

const char *const worker_role_names[ROLE_COUNT] = {"wire", "host", "exception"};

static bool is_captured(const struct worker *w, enum worker_role role)
{
	return worker_port_special(w, role) & WORKER_PORT_CAPTURED;
}

uint16_t worker_port_receive_special(struct worker *w, enum worker_role role, uint16_t queue,
	struct rte_mbuf *mbufs[], uint16_t n)
{
	uint16_t received;

	if (worker_port_special(w, role) & WORKER_PORT_STOPPED)
		return 0;
	received = rte_eth_rx_burst(w->shared->port[role], queue, mbufs, n);
	for (unsigned at = 0; at < received && is_captured(w, role); at += CAPTURE_CHUNK) {
		struct capture_tap *tap = capture_tap(w->shared->capture);
		unsigned chunk = RTE_MIN(received - at, (unsigned)CAPTURE_CHUNK);
		uint64_t copied = capture_lane_copy(tap, w->index, role, false, mbufs + at, chunk);

		capture_lane_publish(tap, w->index, (unsigned)__builtin_popcountll(copied));
	}
	return received;
}

// Copied before they are sent, as they are the driver's afterwards; what it does not take is
// forgotten again.
static uint16_t send_captured(struct worker *w, enum worker_role role, uint16_t queue,
	struct rte_mbuf *mbufs[], uint16_t n)
{
	struct capture_tap *tap = capture_tap(w->shared->capture);
	uint64_t copied = capture_lane_copy(tap, w->index, role, true, mbufs, n);
	uint16_t sent = rte_eth_tx_burst(w->shared->port[role], queue, mbufs, n);

	if (sent < 64)
		copied &= (1ull << sent) - 1;
	capture_lane_publish(tap, w->index, (unsigned)__builtin_popcountll(copied));
	return sent;
}

uint16_t worker_port_send_special(struct worker *w, enum worker_role role, uint16_t queue,
	struct rte_mbuf *mbufs[], uint16_t n)
{
	uint16_t sent = 0;

	if (worker_port_special(w, role) & WORKER_PORT_STOPPED)
		return 0;
	if (!is_captured(w, role))
		return rte_eth_tx_burst(w->shared->port[role], queue, mbufs, n);
	while (sent < n) {
		uint16_t chunk = RTE_MIN((uint16_t)(n - sent), (uint16_t)CAPTURE_CHUNK);
		uint16_t taken = send_captured(w, role, queue, mbufs + sent, chunk);

		sent = (uint16_t)(sent + taken);
		if (taken < chunk)
			break;
	}
	return sent;
}
