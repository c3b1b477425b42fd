// SPDX-License-Identifier: BSD-3-Clause
// The engine that `wire` measures, its ports and sessions; main thread.
#include "bench/device.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>

#include "bench/bench.h"
#include "bench/child.h"
#include "bench/rig.h"
#include "engine/api.h"
#include "engine/base/rpc.h"
#include "pktio/port.h"

#define START_MS  20000
#define RING_LOG2 "14" // slots of a memif ring: a machine that is busy for some ms loses nothing
#define FOLDER	  "/tmp/crowfly-bench.XXXXXX"

enum { FILE_MEMIF, FILE_SOCKET, FILE_LOG, FILES };
static char folder[] = FOLDER, files[FILES][sizeof(FOLDER) + 16];

// ---- our own engine

static void make_folder(void)
{
	static const char *const names[FILES] = {"memif", "engine.sock", "engine.log"};

	if (!mkdtemp(folder))
		bench_fail("%s: %s", folder, strerror(errno));
	for (int i = 0; i < FILES; i++)
		snprintf(files[i], sizeof(files[i]), "%s/%s", folder, names[i]);
}

void device_tidy(void)
{
	for (int i = 0; i < FILES; i++)
		if (files[i][0])
			unlink(files[i]);
	if (files[0][0])
		rmdir(folder);
}

static void show_log(void)
{
	char line[512];
	FILE *f = fopen(files[FILE_LOG], "r");

	while (f && fgets(line, sizeof(line), f))
		fputs(line, stderr);
	if (f)
		fclose(f);
}

// The program beside our own.
static void find_engine(char *out, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", out, size - 32);
	char *slash;

	if (n <= 0)
		bench_fail("/proc/self/exe: %s", strerror(errno));
	out[n] = 0;
	slash = strrchr(out, '/');
	strcpy(slash ? slash + 1 : out, "crowfly-engine");
}

struct arguments {
	char *list[64];
	int n;
};

__attribute__((format(printf, 2, 3))) static void argue(struct arguments *a, const char *fmt, ...)
{
	va_list values;

	va_start(values, fmt);
	if (a->n + 1 == 64 || vasprintf(&a->list[a->n++], fmt, values) < 0)
		bench_fail("out of memory");
	va_end(values);
}

static void start_engine(struct device *device)
{
	char program[4200];
	struct arguments a = {0};

	make_folder();
	find_engine(program, sizeof(program));
	argue(&a, "%s", program);
	argue(&a, "--no-huge");
	argue(&a, "--no-shconf");
	argue(&a, "--no-pci");
	argue(&a, "--no-telemetry");
	argue(&a, "-m");
	argue(&a, "512");
	argue(&a, "--file-prefix=crowfly-bench-%d", (int)getpid());
	argue(&a, "--lcores");
	// The control thread has work only while sessions are set up, when the generator waits
	if (bench_cores() == 1)
		argue(&a, "0@0");
	else
		argue(&a, "0@%u,1@%u", CHILD_GENERATOR_CORE, child_core());
	for (int i = 0; i < 2; i++)
		argue(&a, "--vdev=net_memif%d,role=server,id=%d,rsize=" RING_LOG2 ",socket=%s", i,
			i, files[FILE_MEMIF]);
	argue(&a, "--");
	argue(&a, "--wire=net_memif0");
	argue(&a, "--host=net_memif1");
	argue(&a, "--socket=%s", files[FILE_SOCKET]);
	argue(&a, "--sessions=%u", device->sessions_max);
	for (unsigned i = 0; i * RIG_PER_ADDRESS < device->sessions_max; i++) {
		argue(&a, "--wire-address=10.0.%u.1/24", i);
		argue(&a, "--host-address=192.168.%u.1/24", i);
	}
	device->pid = child_exec(child_core(), a.list, files[FILE_LOG]);
	while (a.n > 0)
		free(a.list[--a.n]);
}

static void connect_engine(struct device *device, const char *socket)
{
	for (int ms = 0; ms < START_MS; ms += 50) {
		device->fd = rpc_connect(socket);
		if (device->fd >= 0)
			return;
		if (device->pid == 0)
			break;
		if (!child_alive(device->pid)) {
			show_log();
			break;
		}
		usleep(50000);
	}
	bench_fail("no engine at %s", socket);
}

// ---- ports

static uint16_t open_port(const char *name, struct rte_mempool *pool)
{
	struct port port;
	char error[PORT_ERROR_MAX];

	if (port_open(&port, &(struct port_params){.device = name, .workers = 1, .pool = pool},
		    error) != 0)
		bench_fail("%s", error);
	rte_eth_promiscuous_enable(port.id);
	return port.id;
}

static void plug_memif(int i)
{
	char name[32], arguments[256];

	snprintf(name, sizeof(name), "net_memif%d", i);
	snprintf(arguments, sizeof(arguments),
		"role=client,id=%d,rsize=" RING_LOG2 ",socket=%s/memif", i, folder);
	if (rte_eal_hotplug_add("vdev", name, arguments) != 0)
		bench_fail("DPDK's driver net_memif is not installed (librte-net-memif23)");
}

static void wait_link(const struct device *device)
{
	struct rte_eth_link link;

	for (int ms = 0; ms < START_MS; ms += 10) {
		unsigned up = 0;

		for (int side = 0; side < 2; side++)
			up += rte_eth_link_get_nowait(device->ports[side], &link) == 0 &&
			      link.link_status == RTE_ETH_LINK_UP;
		if (up == 2)
			return;
		usleep(10000);
	}
	bench_fail("no link on %s and %s", device->names[0], device->names[1]);
}

// ---- API

static json_t *call(struct device *device, const char *method, json_t *params)
{
	json_t *answer = rpc_call_blocking(device->fd, method, params);
	json_t *result = json_incref(json_object_get(answer, "result"));
	const char *why =
		json_string_value(json_object_get(json_object_get(answer, "error"), "message"));

	if (!result)
		bench_fail("%s: %s", method, why ? why : strerror(errno));
	json_decref(answer);
	return result;
}

static void read_macs(struct device *device)
{
	json_t *result = call(device, API_PORT_LIST, NULL), *port;
	size_t i;

	json_array_foreach (json_object_get(result, "ports"), i, port) {
		const char *role = json_string_value(json_object_get(port, "role"));
		const char *mac = json_string_value(json_object_get(port, "mac"));
		int side = role && strcmp(role, "wire") == 0   ? SIDE_WIRE
			   : role && strcmp(role, "host") == 0 ? SIDE_HOST
							       : -1;

		if (side >= 0 && (!mac || rte_ether_unformat_addr(mac, &device->engine[side]) != 0))
			bench_fail("the engine does not tell the MAC address of its %s port", role);
	}
	json_decref(result);
}

static json_t *address(const struct session_addr *at)
{
	char text[64], ip[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &at->ip.s6_addr32[3], ip, sizeof(ip));
	snprintf(text, sizeof(text), "%s:%u", ip, at->port);
	return json_string(text);
}

static unsigned add_session(struct device *device, enum suite_id suite, unsigned i)
{
	struct session_params params;
	uint8_t key[128];
	json_t *result;
	unsigned id;

	rig_session_params(NULL, suite, i, &params);
	EVP_EncodeBlock(
		key, params.tx_key, suite_table[suite].key_bytes + suite_table[suite].salt_bytes);
	result = call(device, API_SESSION_ADD,
		json_pack("{s:{s:o, s:o}, s:{s:o, s:o}, s:s, s:s, s:s}", "wire", "local",
			address(&params.wire_local), "remote", address(&params.wire_remote), "host",
			"local", address(&params.host_local), "remote",
			address(&params.host_remote), "suite", suite_table[suite].name, "tx_key",
			key, "rx_key", key));
	explicit_bzero(key, sizeof(key));
	explicit_bzero(&params, sizeof(params));
	id = (unsigned)json_integer_value(json_object_get(result, "id"));
	json_decref(result);
	return id;
}

void device_set_sessions(struct device *device, enum suite_id suite, unsigned n)
{
	device_remove_sessions(device);
	if (n > device->sessions_max)
		bench_fail("more sessions than %u", device->sessions_max);
	while (device->n_sessions < n) {
		device->ids[device->n_sessions] = add_session(device, suite, device->n_sessions);
		device->n_sessions++;
	}
}

void device_remove_sessions(struct device *device)
{
	while (device->n_sessions > 0)
		json_decref(call(device, API_SESSION_REMOVE,
			json_pack("{s:i}", "id", (int)device->ids[--device->n_sessions])));
}

// ---- life

struct device *device_new(const struct options *o, unsigned sessions_max, struct rte_mempool *pool)
{
	struct device *device = calloc(1, sizeof(*device));
	const char *socket = o->socket ? o->socket : API_ENGINE_SOCKET;

	if (!device || !(device->ids = calloc(sessions_max, sizeof(*device->ids))))
		bench_fail("out of memory");
	device->sessions_max = sessions_max;
	device->names[SIDE_WIRE] = o->n_ports ? o->ports[0] : "net_memif0";
	device->names[SIDE_HOST] = o->n_ports ? o->ports[1] : "net_memif1";
	if (o->n_ports == 0) {
		start_engine(device);
		socket = files[FILE_SOCKET];
	}
	connect_engine(device, socket);
	for (int side = 0; side < 2; side++) {
		if (o->n_ports == 0)
			plug_memif(side);
		device->ports[side] = open_port(device->names[side], pool);
	}
	read_macs(device);
	wait_link(device);
	return device;
}

void device_free(struct device *device)
{
	device_remove_sessions(device);
	close(device->fd);
	for (int side = 0; side < 2; side++) {
		rte_eth_dev_stop(device->ports[side]);
		rte_eth_dev_close(device->ports[side]);
	}
	child_end(device->pid);
	free(device->ids);
	free(device);
}
