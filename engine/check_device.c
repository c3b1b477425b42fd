// SPDX-License-Identifier: BSD-3-Clause
// Checks the wanted devices: there, bound, reachable by vfio, with a driver of DPDK's, near the
// workers, with queues for them.
#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_config.h>

#include "engine/check.h"

// ---- vfio

// NVIDIA's drivers stay with the kernel's.
static bool is_bifurcated(const char *driver)
{
	return strncmp(driver, "mlx5", 4) == 0 || strncmp(driver, "mlx4", 4) == 0;
}

static bool is_dpdk_driver(const char *driver)
{
	return strcmp(driver, "vfio-pci") == 0 || strcmp(driver, "igb_uio") == 0 ||
	       strcmp(driver, "uio_pci_generic") == 0;
}

static unsigned count_entries(const struct check *check, const char *path)
{
	char full[PATH_MAX];
	unsigned n = 0;
	struct dirent *entry;

	snprintf(full, sizeof(full), "%s%s", check->root, path);
	DIR *dir = opendir(full);
	while (dir && (entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return n;
}

static bool wants_vfio(const struct check *check)
{
	char driver[64];

	for (unsigned i = 0; i < check->n_devices; i++) {
		const struct check_device *device = &check->devices[i];

		if (!device->pci)
			continue;
		check_link(check, driver, sizeof(driver), "/sys/bus/pci/devices/%s/driver",
			device->bdf);
		if (!is_bifurcated(driver))
			return true;
	}
	return false;
}

static void check_vfio(struct check *check)
{
	unsigned groups = count_entries(check, "/sys/kernel/iommu_groups");
	char unsafe[8];

	if (!wants_vfio(check)) {
		check_add(check, CHECK_OK, "iommu", NULL, "not needed: no device goes by vfio");
		return;
	}
	check_read(check, unsafe, sizeof(unsafe),
		"/sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
	if (groups > 0)
		check_add(check, CHECK_OK, "iommu", NULL, "%u groups", groups);
	else if (unsafe[0] == 'Y')
		check_add(check, CHECK_WARN, "iommu",
			"intel_iommu=on (or amd_iommu=on) iommu=pt on the kernel's command line",
			"none, vfio without it: the NIC can write to all memory");
	else
		check_add(check, CHECK_FAIL, "iommu",
			"intel_iommu=on iommu=pt on the kernel's command line and in the firmware; in a VM "
			"without one: echo Y >/sys/module/vfio/parameters/enable_unsafe_noiommu_mode",
			"none: vfio-pci takes no device");
	if (check_exists(check, "/sys/module/vfio_pci"))
		check_add(check, CHECK_OK, "vfio", NULL, "vfio-pci is loaded");
	else
		check_add(check, CHECK_FAIL, "vfio", "modprobe vfio-pci", "vfio-pci is not loaded");
}

// ---- each device

static void check_pci(struct check *check, const struct check_device *device)
{
	char driver[64], group[32], mend[CHECK_TEXT_MAX], path[PATH_MAX];

	snprintf(mend, sizeof(mend), "crowfly-host-setup bind %s --yes", device->bdf);
	if (!check_exists(check, "/sys/bus/pci/devices/%s", device->bdf)) {
		check_add(check, CHECK_FAIL, device->role, "lspci -D lists the devices",
			"%s: no such PCI device", device->name);
		return;
	}
	check_link(check, driver, sizeof(driver), "/sys/bus/pci/devices/%s/driver", device->bdf);
	if (is_bifurcated(driver)) {
		check_add(check, CHECK_OK, device->role, NULL,
			"%s: with %s, which DPDK shares with the kernel", device->name, driver);
		return;
	}
	if (!is_dpdk_driver(driver)) {
		check_add(check, CHECK_FAIL, device->role, mend,
			driver[0] ? "%s: the kernel has it, driver %s" : "%s: no driver has it%s",
			device->name, driver);
		return;
	}
	check_link(check, group, sizeof(group), "/sys/bus/pci/devices/%s/iommu_group", device->bdf);
	snprintf(path, sizeof(path), "%s/dev/vfio/%s", check->root, group);
	snprintf(mend, sizeof(mend), "chown the engine's user /dev/vfio/%s", group);
	if (group[0] && access(path, R_OK | W_OK) != 0)
		check_add(check, CHECK_FAIL, device->role, mend,
			"%s: bound to %s, but this user may not open /dev/vfio/%s", device->name,
			driver, group);
	else
		check_add(check, CHECK_OK, device->role, NULL, "%s: bound to %s", device->name,
			driver);
}

static void check_vdev(struct check *check, const struct check_device *device)
{
	char mend[CHECK_TEXT_MAX];
	bool tap = strncmp(device->name, "net_tap", 7) == 0;

	snprintf(mend, sizeof(mend), "--vdev=%.100s,... among DPDK's options", device->name);
	if (!device->arguments)
		check_add(check, CHECK_FAIL, device->role, mend, "%s: no --vdev makes it",
			device->name);
	else if (tap && !check_exists(check, "/dev/net/tun"))
		check_add(check, CHECK_FAIL, device->role, "modprobe tun", "%s: no /dev/net/tun",
			device->name);
	else if (!tap && device->kernel_if[0] &&
		 !check_exists(check, "/sys/class/net/%s", device->kernel_if))
		check_add(check, CHECK_FAIL, device->role, "ip link shows the interfaces",
			"%s: the kernel has no interface %s", device->name, device->kernel_if);
	else
		check_add(check, CHECK_OK, device->role, NULL, "%s: made by --vdev%s%s",
			device->name, device->kernel_if[0] ? ", interface " : "",
			device->kernel_if);
}

// ---- drivers: those of DPDK tell in their libraries which devices they are for

static bool driver_is_for(const json_t *info, long vendor, long product)
{
	const json_t *id;
	size_t i;

	json_array_foreach (json_object_get(info, "pci_ids"), i, id) {
		json_int_t p = json_integer_value(json_array_get(id, 1));

		if (json_integer_value(json_array_get(id, 0)) == vendor &&
			(p == product || p == 0xffff))
			return true;
	}
	return false;
}

// Whether one of the drivers in a library is `name`, or for that PCI device.
static bool library_serves(
	const char *data, size_t size, const char *name, long vendor, long product)
{
	static const char mark[] = "PMD_INFO_STRING= ";
	const char *at = data, *end = data + size;
	bool serves = false;

	while (!serves && (at = memmem(at, (size_t)(end - at), mark, sizeof(mark) - 1))) {
		at += sizeof(mark) - 1;
		json_t *info = json_loadb(at, strnlen(at, (size_t)(end - at)), 0, NULL);
		const char *driver = json_string_value(json_object_get(info, "name"));

		serves = name ? driver && strcmp(driver, name) == 0
			      : driver_is_for(info, vendor, product);
		json_decref(info);
	}
	return serves;
}

static bool file_serves(const char *path, const char *name, long vendor, long product)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool serves = false;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);

		if (data != MAP_FAILED) {
			serves = library_serves(data, (size_t)st.st_size, name, vendor, product);
			munmap(data, (size_t)st.st_size);
		}
	}
	if (fd >= 0)
		close(fd);
	return serves;
}

// The library that serves a device: "librte_net_tap.so.23.0". False: there is none.
static bool find_driver(const struct check *check, const char *name, long vendor, long product,
	char found[NAME_MAX + 1])
{
	char folder[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];
	struct dirent *entry;

	snprintf(folder, sizeof(folder), "%s" RTE_EAL_PMD_PATH, check->root);
	DIR *dir = opendir(folder);
	found[0] = '\0';
	while (dir && !found[0] && (entry = readdir(dir))) {
		if (!strstr(entry->d_name, ".so"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (file_serves(path, name, vendor, product))
			snprintf(found, NAME_MAX + 1, "%s", entry->d_name);
	}
	if (dir)
		closedir(dir);
	return found[0] != '\0';
}

static long read_hex(const struct check *check, const char *bdf, const char *field)
{
	char text[32];

	check_read(check, text, sizeof(text), "/sys/bus/pci/devices/%s/%s", bdf, field);
	return strtol(text, NULL, 16);
}

static void check_driver(struct check *check, const struct check_device *device)
{
	char found[NAME_MAX + 1], name[64];
	long vendor = 0, product = 0;

	if (device->pci) {
		vendor = read_hex(check, device->bdf, "vendor");
		product = read_hex(check, device->bdf, "device");
		if (vendor == 0)
			return; // it is not there
	}
	snprintf(name, sizeof(name), "%s", device->name);
	name[strcspn(name, "0123456789")] = '\0';
	if (find_driver(check, device->pci ? NULL : name, vendor, product, found))
		check_add(check, CHECK_OK, "driver", NULL, "%s: %s", device->name, found);
	else if (device->pci)
		check_add(check, CHECK_FAIL, "driver", "apt install librte-meta-net",
			"%s (%04lx:%04lx): no driver of DPDK's is installed", device->name, vendor,
			product);
	else
		check_add(check, CHECK_FAIL, "driver", "apt install librte-meta-net",
			"%s: no driver %s of DPDK's is installed", device->name, name);
}

// ---- nodes and queues

static void check_numa(struct check *check, const struct check_device *device)
{
	long node = device->pci ? check_number(check, -1, "/sys/bus/pci/devices/%s/numa_node",
					  device->bdf)
				: check_number(check, -1, "/sys/class/net/%s/device/numa_node",
					  device->kernel_if);

	if (node < 0)
		return;
	for (unsigned i = check->n_cores > 1; i < check->n_cores; i++) {
		unsigned other = check_node_of_cpu(check, check->cores[i]);

		if (other == (unsigned)node)
			continue;
		check_add(check, CHECK_WARN, "numa",
			"give workers on the device's node by --lcores",
			"%s is on node %ld, CPU %u on node %u", device->name, node, check->cores[i],
			other);
		return;
	}
	check_add(check, CHECK_OK, "numa", NULL, "%s and the workers are on node %ld", device->name,
		node);
}

// Receive queues that a vdev is made with.
static unsigned vdev_queues(const struct check_device *device)
{
	static const char *const names[] = {"queue_count=", "qpairs=", "queues="};
	unsigned queues = 1;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *at = strstr(device->arguments, names[i]);

		if (at)
			queues = (unsigned)strtoul(at + strlen(names[i]), NULL, 10);
	}
	return queues;
}

// Without a queue of its own, a worker gets all its packets handed over.
static void check_queues(struct check *check, const struct check_device *device)
{
	if (device->pci || !device->arguments || strcmp(device->role, "exception") == 0)
		return;
	unsigned queues = vdev_queues(device);
	if (queues < check->workers)
		check_add(check, CHECK_WARN, "queues",
			"queue_count= (net_af_xdp) or qpairs= (net_af_packet) as many as workers",
			"%s has %u for %u workers: one hands packets over to the others",
			device->name, queues, check->workers);
	else
		check_add(check, CHECK_OK, "queues", NULL, "%s has %u for %u worker%s",
			device->name, queues, check->workers, check->workers == 1 ? "" : "s");
}

void check_devices(struct check *check)
{
	check_vfio(check);
	for (unsigned i = 0; i < check->n_devices; i++) {
		const struct check_device *device = &check->devices[i];

		if (device->pci)
			check_pci(check, device);
		else
			check_vdev(check, device);
		check_driver(check, device);
		check_numa(check, device);
		check_queues(check, device);
	}
	if (check->n_devices == 0)
		check_add(check, CHECK_OK, "devices", NULL,
			"none wanted: give wire and host, or --config, to have them checked");
}
