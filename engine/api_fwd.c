// SPDX-License-Identifier: BSD-3-Clause
// Forwarding as JSON: its settings, its start and stop, its statistics. Control thread.
#include "engine/api_fwd.h"

#include <errno.h>
#include <string.h>

#include "engine/core.h"
#include "engine/settings.h"

// ---- settings

static json_t *show_modes(void)
{
	json_t *modes = json_object();

	for (unsigned i = 0; i < FWD_COUNT; i++)
		json_object_set_new(modes, fwd_names[i], json_string(fwd_helps[i]));
	return modes;
}

static json_t *show_ports(const struct engine *engine)
{
	json_t *ports = json_array();

	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		const struct port *port = &engine->ports[role];

		if (port->device)
			json_array_append_new(
				ports, json_pack("{s:s, s:i, s:s, s:i}", "role",
					       worker_role_names[role], "port", port->id, "device",
					       port->device, "queues", port->rx_queues));
	}
	return ports;
}

static json_t *show_workers(const struct engine *engine)
{
	json_t *workers = json_array();

	for (unsigned i = 0; i < engine->shared.n_workers; i++) {
		const struct worker *w = &engine->shared.workers[i];

		json_array_append_new(
			workers, json_pack("{s:i, s:o}", "worker", (int)i, "lcore",
					 w->on_lcore ? json_integer(w->lcore) : json_null()));
	}
	return workers;
}

static json_t *show(const struct engine *engine)
{
	const struct fwd_setting *now = &engine->shared.fwd, *next = &engine->fwd.next;

	return json_pack("{s:s, s:b, s:i, s:{s:s, s:i}, s:o, s:o, s:o}", "mode",
		fwd_names[now->mode], "forwarding", fwd_is_running(engine), "burst", now->burst,
		"next", "mode", fwd_names[next->mode], "burst", next->burst, "ports",
		show_ports(engine), "workers", show_workers(engine), "modes", show_modes());
}

json_t *api_fwd_show(void *user, struct rpc_call *call, json_t *params)
{
	return rpc_known_none(call, params) == 0 ? show(user) : NULL;
}

// 0, or -1 after rpc_fail().
static int read_mode(struct rpc_call *call, json_t *params, uint8_t *mode)
{
	const char *name = rpc_string(call, params, "mode", 32, false);
	char known[128] = "";

	if (rpc_failed(call))
		return -1;
	for (unsigned i = 0; i < FWD_COUNT; i++) {
		size_t at = strlen(known);

		if (!name || strcmp(name, fwd_names[i]) == 0) {
			*mode = name ? (uint8_t)i : *mode;
			return 0;
		}
		snprintf(known + at, sizeof(known) - at, "%s%s", i ? ", " : "", fwd_names[i]);
	}
	rpc_fail(call, RPC_INVALID_PARAMS, "mode", "mode: expected one of %s", known);
	return -1;
}

json_t *api_fwd_set(void *user, struct rpc_call *call, json_t *params)
{
	static const char *const known[] = {"mode", "burst", NULL};
	struct engine *engine = user;
	struct fwd_setting setting = engine->fwd.next;
	const uint64_t same = setting.burst;
	uint64_t burst;

	if (rpc_known(call, params, known) < 0 || read_mode(call, params, &setting.mode) < 0 ||
		rpc_uint(call, params, "burst", UINT32_MAX, &same, &burst) < 0)
		return NULL;
	if (burst < 1 || burst > FWD_BURST_MAX)
		return rpc_fail(call, RPC_INVALID_PARAMS, "burst",
			"burst: expected an integer from 1 to %d", FWD_BURST_MAX);
	if (json_object_size(params) == 0)
		return rpc_fail(call, RPC_INVALID_PARAMS, NULL,
			"nothing to set (expected mode, burst or both)");
	setting.burst = (uint16_t)burst;
	fwd_set(engine, &setting);
	return show(engine);
}

void api_fwd_settings(struct engine *engine, json_t *commands)
{
	const struct fwd_setting *next = &engine->fwd.next;

	if (next->mode != FWD_direct)
		settings_add(commands, "set fwd %s", fwd_names[next->mode]);
	if (next->burst != FWD_BURST_MAX)
		settings_add(commands, "set burst %u", next->burst);
}

// ---- start and stop

json_t *api_fwd_start(void *user, struct rpc_call *call, json_t *params)
{
	struct engine *engine = user;
	int rc;

	if (rpc_known_none(call, params) < 0)
		return NULL;
	rc = fwd_start(user);
	if (rc == -EALREADY)
		return rpc_fail(call, RPC_REFUSED, NULL, "packet forwarding already started");
	if (rc == -ENOENT)
		return rpc_fail(call, RPC_REFUSED, NULL,
			engine->gen ? "the generator's sessions are still being added"
				    : "mode gen needs sessions of the generator: set gen first");
	return show(user);
}

json_t *api_fwd_stop(void *user, struct rpc_call *call, json_t *params)
{
	if (rpc_known_none(call, params) < 0)
		return NULL;
	if (fwd_stop(user) != 0)
		return rpc_fail(call, RPC_REFUSED, NULL, "packet forwarding not started");
	return api_fwd_stats(user, call, params);
}

// ---- statistics

static json_t *count(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *show_port(const struct engine *engine, const struct fwd_stats *stats, unsigned role)
{
	const struct fwd_port_counts *n = &stats->counts.ports[role];
	const struct fwd_port_counts *s = &stats->ports_per_s[role];

	return json_pack("{s:s, s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "role",
		worker_role_names[role], "port", engine->ports[role].id, "device",
		engine->ports[role].device, "rx_packets", count(n->rx), "rx_missed",
		count(n->rx_missed), "tx_packets", count(n->tx), "tx_dropped", count(n->unsent),
		"rx_per_s", count(s->rx), "tx_per_s", count(s->tx));
}

// Of one batch in STAGE_SAMPLE the cycles are known.
static double cycles_per_packet(const struct fwd_worker_counts *n)
{
	return n->timed_packets ? (double)n->timed_cycles / (double)n->timed_packets : 0;
}

static double busy_percent(const struct fwd_worker_counts *n, double tsc)
{
	double busy = tsc > 0 ? 100.0 * STAGE_SAMPLE * (double)n->timed_cycles / tsc : 0;

	return busy < 100 ? busy : 100;
}

static json_t *show_worker(const struct engine *engine, const struct fwd_stats *stats, unsigned i)
{
	const struct worker *w = &engine->shared.workers[i];
	const struct fwd_worker_counts *n = &stats->counts.workers[i];
	const struct fwd_worker_counts *s = &stats->workers_per_s[i];
	double elapsed = (double)stats->elapsed_us / 1e6 * (double)engine->shared.tsc_hz;

	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:f, s:f}", "worker",
		(int)i, "lcore", w->on_lcore ? json_integer(w->lcore) : json_null(), "rx_packets",
		count(n->rx), "tx_packets", count(n->tx), "sunk_packets", count(n->sunk),
		"dropped_packets", count(n->dropped), "generated_packets", count(n->generated),
		"late_packets", count(n->late), "rx_per_s", count(s->rx), "tx_per_s", count(s->tx),
		"cycles_per_packet", cycles_per_packet(n), "busy_percent",
		busy_percent(n, elapsed));
}

static json_t *show_total(const struct engine *engine, const struct fwd_stats *stats)
{
	struct fwd_port_counts ports = {0};
	struct fwd_worker_counts workers = {0};

	for (unsigned i = 0; i < ROLE_COUNT; i++) {
		ports.rx += stats->counts.ports[i].rx;
		ports.rx_missed += stats->counts.ports[i].rx_missed;
		ports.tx += stats->counts.ports[i].tx;
		ports.unsent += stats->counts.ports[i].unsent;
	}
	for (unsigned i = 0; i < engine->shared.n_workers; i++) {
		workers.sunk += stats->counts.workers[i].sunk;
		workers.dropped += stats->counts.workers[i].dropped;
		workers.timed_packets += stats->counts.workers[i].timed_packets;
		workers.timed_cycles += stats->counts.workers[i].timed_cycles;
	}
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:f}", "rx_packets",
		count(ports.rx), "rx_missed", count(ports.rx_missed), "tx_packets", count(ports.tx),
		"tx_dropped", count(ports.unsent), "sunk_packets", count(workers.sunk),
		"dropped_packets", count(workers.dropped), "timed_packets",
		count(workers.timed_packets), "timed_cycles", count(workers.timed_cycles),
		"cycles_per_packet", cycles_per_packet(&workers));
}

json_t *api_fwd_stats(void *user, struct rpc_call *call, json_t *params)
{
	struct engine *engine = user;
	struct fwd_stats stats;
	json_t *ports, *workers;

	if (rpc_known_none(call, params) < 0)
		return NULL;
	fwd_stats_get(engine, &stats);
	ports = json_array();
	workers = json_array();
	for (unsigned role = 0; role < ROLE_COUNT; role++)
		if (engine->ports[role].device)
			json_array_append_new(ports, show_port(engine, &stats, role));
	for (unsigned i = 0; i < engine->shared.n_workers; i++)
		json_array_append_new(workers, show_worker(engine, &stats, i));
	return json_pack("{s:s, s:b, s:o, s:o, s:o, s:o, s:o}", "mode",
		fwd_names[engine->shared.fwd.mode], "forwarding", fwd_is_running(engine),
		"elapsed_us", count(stats.elapsed_us), "tsc_hz", count(engine->shared.tsc_hz),
		"ports", ports, "workers", workers, "total", show_total(engine, &stats));
}

json_t *api_fwd_clear(void *user, struct rpc_call *call, json_t *params)
{
	if (rpc_known_none(call, params) < 0)
		return NULL;
	fwd_clear(user);
	return json_object();
}
