// SPDX-License-Identifier: BSD-3-Clause
// Reads out of the options what the machine has to give: memory, cores, devices.
#include <stdlib.h>
#include <string.h>

#include "engine/check.h"
#include "engine/worker.h"

#define DESCRIPTORS_DEFAULT 1024
#define BUFFERS_SPARE	    4096
#define BUFFER_CACHE	    256
#define BUFFER_BYTES	    2560 // with its headers
#define EAL_MIB		    32	 // of DPDK's own

// The value of an EAL option, "-l" or "--lcores", the i-th time that it stands there; NULL.
static const char *eal_option(
	const struct options *o, const char *brief, const char *name, unsigned i)
{
	for (int a = 1; a < o->eal_argc; a++) {
		const char *word = o->eal_argv[a], *value = NULL;
		size_t length = name ? strlen(name) : 0;

		if (brief && strncmp(word, brief, 2) == 0 && word[1] != '-')
			value = word[2] ? word + 2 : o->eal_argv[a + 1];
		else if (name && strncmp(word, name, length) == 0 && word[length] == '=')
			value = word + length + 1;
		else if (name && strcmp(word, name) == 0)
			value = a + 1 < o->eal_argc ? o->eal_argv[a + 1] : "";
		if (value && i-- == 0)
			return value;
	}
	return NULL;
}

static bool eal_flag(const struct options *o, const char *name)
{
	for (int a = 1; a < o->eal_argc; a++)
		if (strcmp(o->eal_argv[a], name) == 0)
			return true;
	return false;
}

static void add_core(struct check *check, unsigned cpu)
{
	for (unsigned i = 0; i < check->n_cores; i++)
		if (check->cores[i] == cpu)
			return;
	if (check->n_cores < CHECK_CORES_MAX)
		check->cores[check->n_cores++] = cpu;
}

// "0-3,8"
static void add_list(struct check *check, const char *list)
{
	unsigned first, last;

	for (;; list += strcspn(list, ",") + 1) {
		int n = sscanf(list, "%u-%u", &first, &last);

		for (unsigned cpu = first; n >= 1 && cpu <= (n == 2 ? last : first) && cpu < 4096;
			cpu++)
			add_core(check, cpu);
		if (!strchr(list, ','))
			return;
	}
}

// "0-3,8", and of --lcores "0@2,(1-3)@(4,6)": the CPUs, not the numbers of lcores.
static void add_cores(struct check *check, const char *text)
{
	char group[256];

	while (*text) {
		bool inside = false;
		size_t n = 0, length = 0;

		for (; text[length] && (inside || text[length] != ','); length++) {
			if (text[length] == '(' || text[length] == ')')
				inside = text[length] == '(';
			else if (text[length] == '@')
				n = 0;
			else if (n < sizeof(group) - 1)
				group[n++] = text[length];
		}
		group[n] = '\0';
		add_list(check, group);
		text += length + (text[length] == ',');
	}
}

static void add_mask(struct check *check, const char *text)
{
	unsigned long long mask = strtoull(text, NULL, 16);

	for (unsigned cpu = 0; cpu < 64; cpu++)
		if (mask >> cpu & 1)
			add_core(check, cpu);
}

static void wish_cores(struct check *check)
{
	const struct options *o = check->options;
	const char *list = eal_option(o, "-l", "--lcores", 0), *mask = eal_option(o, "-c", NULL, 0);
	char online[256];

	if (list)
		add_cores(check, list);
	else if (mask)
		add_mask(check, mask);
	else if (check_read(check, online, sizeof(online), "/sys/devices/system/cpu/online"))
		add_cores(check, online);
	check->workers = o->config.workers > 0 ? o->config.workers
			 : check->n_cores > 1  ? check->n_cores - 1
					       : 1;
}

static void wish_memory(struct check *check)
{
	const struct engine_config *c = &check->options->config;
	const char *given = eal_option(check->options, "-m", "--socket-mem", 0);
	unsigned descriptors = (c->queues_rx_desc ? c->queues_rx_desc : DESCRIPTORS_DEFAULT) +
			       (c->queues_tx_desc ? c->queues_tx_desc : DESCRIPTORS_DEFAULT);
	unsigned long buffers = c->mbufs;

	check->no_huge = eal_flag(check->options, "--no-huge");
	check->in_memory = eal_flag(check->options, "--in-memory");
	if (buffers == 0)
		buffers = BUFFERS_SPARE + check->workers * (WORKER_RING + 2 * BUFFER_CACHE) +
			  2ul * descriptors *
				  (check->workers * (check->n_devices < 2 ? check->n_devices : 2) +
					  (check->n_devices > 2));
	check->memory_mib = (unsigned)(buffers * BUFFER_BYTES >> 20) + EAL_MIB;
	if (given && strtoul(given, NULL, 10) > 0)
		check->memory_mib = (unsigned)strtoul(given, NULL, 10);
}

// "3b:00.0" or "0000:3b:00.0"
static bool read_bdf(const char *name, char bdf[16])
{
	unsigned domain = 0, bus, slot, function;
	int end = 0;

	if (sscanf(name, "%4x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &end) != 4 ||
		name[end]) {
		domain = 0;
		if (sscanf(name, "%2x:%2x.%1x%n", &bus, &slot, &function, &end) != 3 || name[end])
			return false;
	}
	snprintf(bdf, 16, "%04x:%02x:%02x.%x", domain & 0xffff, bus & 0xff, slot & 0xff,
		function & 0xf);
	return true;
}

// What stands behind a name in the arguments of a --vdev: "iface=eth1".
static void read_argument(const char *arguments, const char *name, char *out, size_t size)
{
	size_t length = strlen(name);

	out[0] = '\0';
	while (arguments && *arguments) {
		if (strncmp(arguments, name, length) == 0 && arguments[length] == '=') {
			snprintf(out, size, "%.*s", (int)strcspn(arguments + length + 1, ","),
				arguments + length + 1);
			return;
		}
		arguments += strcspn(arguments, ",");
		arguments += *arguments == ',';
	}
}

static void wish_device(struct check *check, const char *role, const char *name)
{
	struct check_device *device = &check->devices[check->n_devices];
	const char *vdev;

	if (!name)
		return;
	check->n_devices++;
	device->role = role;
	device->name = name;
	device->pci = read_bdf(name, device->bdf);
	for (unsigned i = 0; (vdev = eal_option(check->options, NULL, "--vdev", i)); i++) {
		size_t length = strcspn(vdev, ",");

		if (strlen(name) == length && strncmp(vdev, name, length) == 0)
			device->arguments = vdev + length;
	}
	if (device->arguments)
		read_argument(
			device->arguments, "iface", device->kernel_if, sizeof(device->kernel_if));
}

void check_wishes(struct check *check)
{
	const struct engine_config *c = &check->options->config;

	wish_device(check, "wire", c->wire);
	wish_device(check, "host", c->host);
	wish_device(check, "exception", c->exception);
	wish_cores(check);
	wish_memory(check);
}
