// SPDX-License-Identifier: BSD-3-Clause
// The engine's API: its methods, and its events to those who subscribed. Control thread.
#include "engine/api_server.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/context.h"
#include "engine/api.h"
#include "engine/api_latency.h"
#include "engine/api_observe.h"
#include "engine/api_port.h"
#include "engine/api_fwd.h"
#include "engine/api_capture.h"
#include "engine/api_config.h"
#include "engine/api_gen.h"
#include "engine/api_session.h"
#include "engine/api_trace.h"
#include "engine/api_system.h"
#include "engine/api_table.h"
#include "engine/base/rpc.h"
#include "engine/base/version.h"
#include "engine/drop.h"
#include "engine/settings.h"

struct api_server {
	struct engine *engine;
	struct rpc_server *rpc;
};

// ---- methods; `user` is the engine

static json_t *show_drops(const struct engine_stats *stats)
{
	json_t *drops = json_object();

	for (unsigned i = 0; i < DROP_COUNT; i++)
		json_object_set_new(
			drops, drop_names[i], json_integer((json_int_t)stats->drops[i]));
	return drops;
}

static json_t *get_stats(void *user, struct rpc_call *call, json_t *params)
{
	struct engine_stats stats = {0};

	if (rpc_known_none(call, params) < 0)
		return NULL;
	engine_stats_get(user, &stats);
#define COUNT(field)                                                                               \
	{                                                                                          \
#field, (json_int_t)stats.field                                                    \
	}
	const struct {
		const char *name;
		json_int_t value;
	} counts[] = {
		COUNT(rx_wire),
		COUNT(tx_wire),
		COUNT(rx_host),
		COUNT(tx_host),
		COUNT(to_kernel),
		COUNT(from_kernel),
		COUNT(punted),
		COUNT(handed_over),
		COUNT(fragments),
		COUNT(protected_packets),
		COUNT(unprotected_packets),
		COUNT(sessions),
		COUNT(workers),
		COUNT(iterations),
		COUNT(busy_iterations),
		COUNT(sleeps),
		COUNT(nexthops),
		COUNT(nexthops_unresolved),
		COUNT(mbufs),
		COUNT(mbufs_free),
		COUNT(memory_mapped),
		COUNT(memory_used),
	};
#undef COUNT
	json_t *result = json_object();
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		json_object_set_new(result, counts[i].name, json_integer(counts[i].value));
	json_object_set_new(result, "drops", show_drops(&stats));
	return result;
}

static json_t *show_addresses(const struct engine_port *port)
{
	json_t *addresses = json_array();

	for (unsigned i = 0; i < port->n_addresses; i++)
		json_array_append_new(addresses, json_string(port->addresses[i]));
	return addresses;
}

static json_t *show_port(const struct engine_port *port)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:i, s:o}", "role",
		port->role, "device", port->device, "mac", port->mac, "link_up", port->link_up,
		"rx_packets", (json_int_t)port->rx_packets, "tx_packets",
		(json_int_t)port->tx_packets, "rx_missed", (json_int_t)port->rx_missed, "rx_errors",
		(json_int_t)port->rx_errors, "tx_errors", (json_int_t)port->tx_errors, "queues",
		(int)port->queues, "addresses", show_addresses(port));
}

static json_t *list_ports(void *user, struct rpc_call *call, json_t *params)
{
	struct engine_port ports[3];

	if (rpc_known_none(call, params) < 0)
		return NULL;
	memset(ports, 0, sizeof(ports));
	unsigned n = engine_ports_get(user, ports);
	json_t *list = json_array();
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list, show_port(&ports[i]));
	return json_pack("{s:o}", "ports", list);
}

// The addresses that sessions may have on a port.
static json_t *addresses_of(const struct engine_port ports[], unsigned n, const char *role)
{
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(ports[i].role, role) == 0)
			return show_addresses(&ports[i]);
	}
	return json_array();
}

static json_t *get_info(void *user, struct rpc_call *call, json_t *params)
{
	struct engine_port ports[3];
	struct engine_stats stats;
	json_t *suites = json_array();

	if (rpc_known_none(call, params) < 0) {
		json_decref(suites);
		return NULL;
	}
	memset(ports, 0, sizeof(ports));
	unsigned n = engine_ports_get(user, ports);
	engine_stats_get(user, &stats);
	for (unsigned i = 0; i < SUITE_COUNT; i++)
		json_array_append_new(suites, json_string(suite_table[i].name));
	return json_pack("{s:s, s:s, s:i, s:s?, s:b, s:o, s:o, s:o}", "program", "crowfly-engine",
		"version", VERSION, "pid", (int)getpid(), "crypto", context_backend_name(),
		"draining", stats.draining, "suites", suites, "wire_addresses",
		addresses_of(ports, n, "wire"), "host_addresses", addresses_of(ports, n, "host"));
}

static json_t *subscribe(void *user, struct rpc_call *call, json_t *params)
{
	(void)user;
	if (rpc_known_none(call, params) < 0)
		return NULL;
	rpc_conn_subscribe(rpc_call_conn(call), true);
	return json_object();
}

static const struct rpc_method methods[] = {
	{API_SESSION_ADD, api_session_add},
	{API_SESSION_UPDATE, api_session_update},
	{API_SESSION_REMOVE, api_session_remove},
	{API_SESSION_DRAIN, api_session_drain},
	{API_SESSION_LIST, api_table_sessions},
	{API_SESSION_COUNT, api_table_session_count},
	{API_SESSION_STATS, api_session_stats},
	{API_STREAM_LIST, api_table_streams},
	{API_KEY_LIST, api_table_keys},
	{API_ROUTE_LIST, api_table_routes},
	{API_STATS, get_stats},
	{API_PORT_LIST, list_ports},
	{API_PORT_INFO, api_port_info},
	{API_PORT_STATS, api_port_stats},
	{API_PORT_XSTATS, api_port_xstats},
	{API_PORT_CLEAR, api_port_clear},
	{API_PORT_START, api_port_start},
	{API_PORT_STOP, api_port_stop},
	{API_CAPTURE_START, api_capture_start},
	{API_CAPTURE_STOP, api_capture_stop},
	{API_CAPTURE_SHOW, api_capture_show},
	{API_CONFIG_SHOW, api_config_show},
	{API_INFO, get_info},
	{API_WORKER_LIST, api_observe_workers},
	{API_STAGE_LIST, api_observe_stages},
	{API_DROP_LIST, api_observe_drops},
	{API_SESSION_DROPS, api_observe_session_drops},
	{API_LATENCY_SET, api_latency_set},
	{API_LATENCY_GET, api_latency_get},
	{API_LATENCY_CLEAR, api_latency_clear},
	{API_JITTER_GET, api_jitter_get},
	{API_TRACE_ADD, api_trace_add},
	{API_TRACE_LIST, api_trace_list},
	{API_TRACE_CLEAR, api_trace_clear},
	{API_DROP_CLEAR, api_observe_drops_clear},
	{API_FWD_SHOW, api_fwd_show},
	{API_FWD_SET, api_fwd_set},
	{API_FWD_START, api_fwd_start},
	{API_FWD_STOP, api_fwd_stop},
	{API_FWD_STATS, api_fwd_stats},
	{API_FWD_CLEAR, api_fwd_clear},
	{API_GEN_SET, api_gen_set},
	{API_GEN_SHOW, api_gen_show},
	{API_GEN_CLEAR, api_gen_clear},
	{API_EVENTS, subscribe},
	{API_HEALTH, api_system_health},
	{API_VERSION, api_system_version},
	{API_DRAIN, api_system_drain},
	{API_UNDRAIN, api_system_undrain},
	{API_DRAIN_STATUS, api_system_drain_status},
	{API_LOG_SET, api_system_set_log},
	{API_LOG_LIST, api_system_list_log},
	{API_VERBOSE_SET, api_system_set_verbose},
	{API_SETTINGS, settings_get},
	{NULL, NULL},
};

// ---- events

// What each event is called, and the field that tells its kinds apart.
static const struct {
	const char *method, *field, *value;
} events[] = {
	[SESSION_FIRST_PACKET_WIRE] = {API_EVENT_FIRST_PACKET, "from", "wire"},
	[SESSION_FIRST_PACKET_HOST] = {API_EVENT_FIRST_PACKET, "from", "host"},
	[SESSION_MEDIA_TIMEOUT] = {API_EVENT_MEDIA_TIMEOUT, NULL, NULL},
	[SESSION_KEY_EXHAUSTED_RX] = {API_EVENT_KEY_EXHAUSTED, "direction", "rx"},
	[SESSION_KEY_EXHAUSTED_TX] = {API_EVENT_KEY_EXHAUSTED, "direction", "tx"},
	[SESSION_REMOVED] = {API_EVENT_REMOVED, NULL, NULL},
};

static void on_event(
	void *arg, enum session_event event, uint32_t id, const char *tag, uint64_t idle_ms)
{
	struct api_server *server = arg;
	json_t *params = json_pack("{s:I, s:s?}", "id", (json_int_t)id, "tag", tag);

	if (events[event].field)
		json_object_set_new(params, events[event].field, json_string(events[event].value));
	if (event == SESSION_MEDIA_TIMEOUT)
		json_object_set_new(params, "idle_ms", json_integer((json_int_t)idle_ms));
	rpc_notify_all(server->rpc, events[event].method, params);
}

struct api_server *api_server_new(
	struct event_base *base, struct engine *engine, const char *socket_path)
{
	struct api_server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	server->engine = engine;
	server->rpc = rpc_server_new(base, socket_path, methods, engine);
	if (!server->rpc) {
		free(server);
		return NULL;
	}
	session_on_event(engine, on_event, server);
	api_capture_init(engine);
	return server;
}

void api_server_adopt(struct api_server *server, int fd)
{
	rpc_server_adopt(server->rpc, fd);
}

int api_server_allow_group(struct api_server *server, const char *group)
{
	return rpc_server_allow_group(server->rpc, group);
}

void api_server_free(struct api_server *server)
{
	if (!server)
		return;
	session_on_event(server->engine, NULL, NULL);
	api_capture_fini(server->engine);
	rpc_server_free(server->rpc);
	free(server);
}
