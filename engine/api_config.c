// SPDX-License-Identifier: BSD-3-Clause
// How the engine is set up: queues, cores, crypto, limits. Control thread.
#include "engine/api_config.h"

#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>

#include "crypto/context.h"
#include "crypto/replay.h"
#include "engine/api.h"
#include "engine/capture_lane.h"
#include "engine/core.h"
#include "engine/spare.h"

// ---- rxtx

static json_t *show_queues(const struct port *port, enum worker_role role)
{
	return json_pack("{s:i, s:s, s:i, s:i, s:i, s:i}", "id", port->id, "role",
		worker_role_names[role], "rx_queues", port->rx_queues, "rx_descriptors",
		port->rx_desc, "tx_queues", port->tx_queues, "tx_descriptors", port->tx_desc);
}

static json_t *show_rxtx(const struct engine *engine)
{
	json_t *ports = json_array();

	for (int role = ROLE_WIRE; role < ROLE_COUNT; role++)
		if (engine->ports[role].device)
			json_array_append_new(
				ports, show_queues(&engine->ports[role], (enum worker_role)role));
	return json_pack("{s:i, s:i, s:i, s:o}", "burst_max", PACKET_BURST, "buffers",
		(int)engine->pool->size, "buffer_bytes",
		(int)rte_pktmbuf_data_room_size(engine->pool), "ports", ports);
}

// ---- cores

// "0-3,6"
static json_t *cpu_list(const rte_cpuset_t *cpus)
{
	char text[256] = "";
	size_t n = 0;

	for (unsigned cpu = 0; cpu < CPU_SETSIZE && n + 16 < sizeof(text); cpu++) {
		unsigned last = cpu;

		if (!CPU_ISSET(cpu, cpus))
			continue;
		while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, cpus))
			last++;
		n += (size_t)snprintf(text + n, sizeof(text) - n, last > cpu ? "%s%u-%u" : "%s%u",
			n ? "," : "", cpu, last);
		cpu = last;
	}
	return json_string(text);
}

static json_t *show_thread(pthread_t thread)
{
	rte_cpuset_t cpus;

	if (pthread_getaffinity_np(thread, sizeof(cpus), &cpus) != 0)
		CPU_ZERO(&cpus);
	return cpu_list(&cpus);
}

static json_t *show_worker(const struct engine *engine, const struct worker *w)
{
	json_t *ports = json_array();
	rte_cpuset_t cpus;

	for (int role = ROLE_WIRE; role <= ROLE_HOST; role++)
		if (w->index < engine->ports[role].rx_queues)
			json_array_append_new(
				ports, json_sprintf("%s/%u", worker_role_names[role], w->index));
	if (w->index == 0 && engine->shared.has_exception)
		json_array_append_new(ports, json_string("exception/0"));
	if (w->on_lcore)
		cpus = rte_lcore_cpuset(w->lcore);
	return json_pack("{s:i, s:o, s:o, s:o, s:o}", "worker", (int)w->index, "lcore",
		w->on_lcore ? json_integer(w->lcore) : json_null(), "cpus",
		!w->running   ? json_null()
		: w->on_lcore ? cpu_list(&cpus)
			      : show_thread(w->thread),
		"socket",
		w->on_lcore ? json_integer(rte_lcore_to_socket_id(w->lcore)) : json_null(),
		"receives", ports);
}

static json_t *show_cores(const struct engine *engine)
{
	json_t *workers = json_array();

	for (unsigned i = 0; i < engine->shared.n_workers; i++)
		json_array_append_new(workers, show_worker(engine, &engine->shared.workers[i]));
	return json_pack("{s:o, s:b, s:I, s:o}", "control_cpus", show_thread(pthread_self()),
		"idle_sleep", engine->shared.idle_sleep, "tsc_hz",
		(json_int_t)engine->shared.tsc_hz, "workers", workers);
}

// ---- crypto

static json_t *show_crypto(const struct engine *engine)
{
	json_t *suites = json_array();

	(void)engine;
	for (unsigned i = 0; i < SUITE_COUNT; i++) {
		const struct suite *s = &suite_table[i];

		json_array_append_new(suites,
			json_pack("{s:s, s:i, s:i, s:i, s:i}", "suite", s->name, "key_bits",
				8 * s->key_bytes, "salt_bits", 8 * s->salt_bytes, "tag_bits",
				8 * s->tag_bytes, "rtcp_tag_bits", 8 * s->rtcp_tag_bytes));
	}
	return json_pack("{s:s?, s:i, s:i, s:o}", "backend", context_backend_name(), "window_min",
		REPLAY_WINDOW_MIN, "window_max", REPLAY_WINDOW_MAX, "suites", suites);
}

// ---- limits

static json_t *show_limits(const struct engine *engine)
{
	const struct {
		const char *name;
		uint64_t value;
	} limits[] = {
		{"sessions_max", engine->sessions.max},
		{"sessions", engine->sessions.count},
		{"ssrc_max",
			engine->config.ssrc_max ? engine->config.ssrc_max : SPARE_SSRC_DEFAULT},
		{"workers", engine->shared.n_workers},
		{"workers_max", ENGINE_WORKERS_MAX},
		{"addresses_max", FLOW_ADDRESSES},
		{"streams_of_a_port_max", FLOW_CHAIN_MAX},
		{"handover_ring", WORKER_RING},
		{"control_ring", WORKER_CONTROL_RING},
		{"capture_ring", CAPTURE_SLOTS},
		{"tag_bytes_max", API_TAG_MAX},
		{"request_bytes_max", RPC_LINE_MAX},
	};
	json_t *shown = json_object();

	for (size_t i = 0; i < RTE_DIM(limits); i++)
		json_object_set_new(
			shown, limits[i].name, json_integer((json_int_t)limits[i].value));
	json_object_set_new(shown, "decrypted_capture_allowed",
		json_boolean(engine->config.allow_decrypted_capture));
	return shown;
}

json_t *api_config_show(void *user, struct rpc_call *call, json_t *params)
{
	static const char *const known[] = {"section", NULL};
	static const struct {
		const char *name;
		json_t *(*show)(const struct engine *engine);
	} sections[] = {
		{"rxtx", show_rxtx},
		{"cores", show_cores},
		{"crypto", show_crypto},
		{"limits", show_limits},
	};
	const char *name;

	if (rpc_known(call, params, known) < 0)
		return NULL;
	name = rpc_string(call, params, "section", 32, true);
	for (size_t i = 0; name && i < RTE_DIM(sections); i++)
		if (strcmp(sections[i].name, name) == 0)
			return sections[i].show(user);
	return name ? rpc_fail(call, RPC_INVALID_PARAMS, "section",
			      "section: expected rxtx, cores, crypto or limits")
		    : NULL;
}
