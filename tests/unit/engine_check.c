// SPDX-License-Identifier: BSD-3-Clause
// `crowfly-engine --check` on made-up machines: each thing that can be wrong is told with what
// mends it, and nothing else changes.
#include "engine/check.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_config.h>

#include "engine/base/conf.h"

static char root[64];

static void make_folders(char *path)
{
	for (char *slash = strchr(path + strlen(root) + 1, '/'); slash;
		slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
}

// Puts a file into the tree; NULL takes it out.
static void put(const char *name, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", root, name);
	if (!text) {
		cr_assert_eq(remove(path), 0, "%s", path);
		return;
	}
	make_folders(path);
	FILE *file = fopen(path, "w");
	cr_assert_not_null(file, "%s", path);
	fputs(text, file);
	fclose(file);
}

static void put_link(const char *name, const char *target)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", root, name);
	make_folders(path);
	unlink(path);
	cr_assert_eq(symlink(target, path), 0, "%s", path);
}

#define FLAGS	     "flags\t\t: fpu sse4_2 aes pclmulqdq avx avx2 bmi2 vaes constant_tsc nonstop_tsc\n"
#define NIC	     "/sys/bus/pci/devices/0000:3b:00.0"
#define PAGES	     "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/"
#define GOVERNOR     "/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor"
#define LIMITS(soft) "Limit Soft Hard\nMax locked memory         " soft "   unlimited  bytes\n"

// A server with a NIC at 3b:00.0, four cores on one node, all as it should be.
static void setup(void)
{
	char cpu[PATH_MAX];

	snprintf(root, sizeof(root), "/tmp/crowfly-check-XXXXXX");
	cr_assert_not_null(mkdtemp(root));
	put(PAGES "free_hugepages", "1024\n");
	put(PAGES "nr_hugepages", "1024\n");
	put("/proc/mounts", "proc /proc proc rw 0 0\nhugetlbfs /dev/hugepages hugetlbfs rw 0 0\n");
	put("/proc/self/limits", LIMITS("unlimited"));
	put("/proc/self/status", "Name:\tx\nCapEff:\t0000000000000000\n");
	put("/proc/cpuinfo", "processor\t: 0\n" FLAGS);
	put("/sys/devices/system/cpu/online", "0-3\n");
	put("/sys/devices/system/cpu/isolated", "1-3\n");
	put("/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
	for (int i = 0; i < 4; i++) {
		snprintf(cpu, sizeof(cpu), "/sys/devices/system/cpu/cpu%d/node0/x", i);
		put(cpu, "");
		snprintf(cpu, sizeof(cpu),
			"/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", i);
		put(cpu, i == 0 ? "0\n" : i == 1 ? "1\n" : i == 2 ? "2\n" : "3\n");
	}
	put(GOVERNOR, "performance\n");
	put(NIC "/vendor", "0x8086\n");
	put(NIC "/device", "0x1572\n");
	put(NIC "/numa_node", "0\n");
	put_link(NIC "/driver", "../../../../bus/pci/drivers/vfio-pci");
	put_link(NIC "/iommu_group", "../../../../kernel/iommu_groups/14");
	put("/sys/kernel/iommu_groups/14/x", "");
	put("/sys/module/vfio_pci/x", "");
	put("/dev/vfio/14", "");
	put("/dev/net/tun", "");
	put(RTE_EAL_PMD_PATH "/librte_net_i40e.so.23.0",
		"ELF...PMD_INFO_STRING= {\"name\" : \"net_i40e\", \"pci_ids\" : "
		"[[32902, 5490, 65535, 65535]]}");
	put(RTE_EAL_PMD_PATH "/librte_net_tap.so.23.0",
		"xPMD_INFO_STRING= {\"name\" : \"net_tap\", \"params\" : \"iface=<string>\"}");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void teardown(void)
{
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(check, .init = setup, .fini = teardown);

#define EAL "-l 0-3 --vdev=net_tap1,iface=host0"
#define DEVICES                                                                                    \
	"--wire 0000:3b:00.0 --host net_tap1 --wire-address 10.0.0.1/24 --host-address 192.168.50.1/24"

// Runs the check; the JSON that it prints, new, and the worst.
static json_t *run(const char *line, enum check_state *worst)
{
	static struct options options;
	char copy[1024], *argv[64] = {"crowfly-engine"}, *save = NULL, error[CONF_ERROR_MAX],
			 *out = NULL;
	size_t size;
	int argc = 1;

	snprintf(copy, sizeof(copy), "%s --check", line);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	argv[argc] = NULL;
	cr_assert_eq(options_read(&options, argc, argv, error), OPTIONS_OK, "%s", error);
	FILE *file = open_memstream(&out, &size);
	*worst = check_run(&options, root, true, file);
	fclose(file);
	json_t *object = json_loads(out, 0, NULL);
	cr_assert_not_null(object, "%s", out);
	free(out);
	options_free(&options);
	return object;
}

static const char *field(const json_t *line, const char *name)
{
	const char *text = json_string_value(json_object_get(line, name));

	return text ? text : "";
}

// Expects exactly one line that is not OK, with these texts; `state` OK: none at all.
static void expect(
	const char *line, const char *state, const char *name, const char *text, const char *mend)
{
	enum check_state worst;
	json_t *result = run(line, &worst), *one;
	unsigned wrong = 0;
	size_t i;

	json_array_foreach (json_object_get(result, "checks"), i, one) {
		if (strcmp(field(one, "state"), "OK") == 0)
			continue;
		wrong++;
		cr_expect_str_eq(field(one, "state"), state, "%s: %s", field(one, "name"),
			field(one, "text"));
		cr_expect_str_eq(field(one, "name"), name, "%s", field(one, "text"));
		cr_expect(strstr(field(one, "text"), text), "%s: %s", text, field(one, "text"));
		cr_expect(strstr(field(one, "mend"), mend), "%s: %s", mend, field(one, "mend"));
	}
	cr_expect_eq(wrong, strcmp(state, "OK") == 0 ? 0 : 1, "%s: %u lines", name, wrong);
	cr_expect_str_eq(field(result, "state"), state);
	cr_expect_eq(worst, strcmp(state, "FAIL") == 0	 ? CHECK_FAIL
			    : strcmp(state, "WARN") == 0 ? CHECK_WARN
							 : CHECK_OK);
	json_decref(result);
}

#define GOOD EAL " -- --workers 1 " DEVICES

Test(check, a_good_server)
{
	expect(GOOD, "OK", "", "", "");
	expect("--lcores 0@0,(1-2)@(1,3) --vdev net_tap1,iface=host0 -- --workers 1 " DEVICES, "OK",
		"", "", "");
	expect("-c f --vdev=net_tap1 -- --workers 1 " DEVICES, "OK", "", "", "");
}

// One thing is changed in the tree.
Test(check, what_is_wrong_with_the_machine)
{
	static const struct {
		const char *file, *was, *text; // text NULL: taken out
		const char *state, *name, *says, *mend;
	} cases[] = {
		{PAGES "free_hugepages", "1024\n", "10\n", "FAIL", "hugepages",
			"20 of 2048 MiB free", "crowfly-host-setup hugepages"},
		{"/proc/mounts", "hugetlbfs /dev/hugepages hugetlbfs rw 0 0\n", "proc /proc\n",
			"FAIL", "hugetlbfs", "no mount", "--in-memory"},
		{"/proc/self/limits", LIMITS("unlimited"), LIMITS("8388608"), "FAIL", "memlock",
			"8 MiB may be locked", "LimitMEMLOCK=infinity"},
		{"/proc/cpuinfo", FLAGS, "flags : aes pclmulqdq sse4_2 avx nonstop_tsc\n", "WARN",
			"tsc", "not constant", "invariant TSC"},
		{"/proc/cpuinfo", FLAGS, "flags : avx avx2 bmi2 constant_tsc nonstop_tsc\n", "FAIL",
			"crypto", "no AES instructions", "libsrtp2"},
		{"/proc/cpuinfo", FLAGS, "flags : aes pclmulqdq sse4_2 constant_tsc nonstop_tsc\n",
			"WARN", "crypto", "level SSE", "host-passthrough"},
		{"/sys/devices/system/cpu/isolated", "1-3\n", "1,3\n", "WARN", "cores",
			"workers' cores: 2", "isolcpus"},
		{"/sys/devices/system/cpu/isolated", "1-3\n", "\n", "WARN", "cores", "cores: 1 2 3",
			"idle-sleep"},
		{"/sys/devices/system/cpu/cpu2/topology/thread_siblings_list", "2\n", "2-3\n",
			"WARN", "siblings", "CPUs 2 and 3", "cores of their own"},
		{"/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n",
			"hpet\n", "WARN", "tsc", "its clock is hpet", "clocksource=tsc"},
		{GOVERNOR, "performance\n", "powersave\n", "WARN", "frequency",
			"governor powersave, not performance, on CPUs 2", "governor --yes"},
		{"/sys/module/vfio_pci/x", "", NULL, "OK", "", "", ""},
		{NIC "/numa_node", "0\n", "1\n", "WARN", "numa", "is on node 1, CPU 1 on node 0",
			"--lcores"},
		{NIC "/numa_node", "0\n", "-1\n", "OK", "", "", ""},
		{NIC "/device", "0x1572\n", "0x9999\n", "FAIL", "driver",
			"(8086:9999): no driver of DPDK's", "apt install"},
		{RTE_EAL_PMD_PATH "/librte_net_tap.so.23.0",
			"xPMD_INFO_STRING= {\"name\" : \"net_tap\"}", "PMD_INFO_STRING= {\"name\":",
			"FAIL", "driver", "no driver net_tap", "apt install"},
		{"/dev/net/tun", "", NULL, "FAIL", "host", "no /dev/net/tun", "modprobe tun"},
		{"/dev/vfio/14", "", NULL, "FAIL", "wire", "may not open /dev/vfio/14", "chown"},
		{"/sys/kernel/iommu_groups/14/x", "", NULL, "OK", "", "", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put(cases[i].file, cases[i].text);
		expect(GOOD, cases[i].state, cases[i].name, cases[i].says, cases[i].mend);
		put(cases[i].file, cases[i].was);
	}
	expect(GOOD, "OK", "", "", "");
}

Test(check, who_has_the_nic)
{
	put_link(NIC "/driver", "../../../../bus/pci/drivers/i40e");
	expect(GOOD, "FAIL", "wire", "the kernel has it, driver i40e",
		"crowfly-host-setup bind 0000:3b:00.0 --yes");
	put(NIC "/driver", NULL);
	expect(GOOD, "FAIL", "wire", "no driver has it", "bind 0000:3b:00.0");
	// NVIDIA's stays with the kernel and needs no vfio
	put_link(NIC "/driver", "../../../../bus/pci/drivers/mlx5_core");
	put("/sys/module/vfio_pci/x", NULL);
	put("/sys/module/vfio_pci", NULL);
	expect(GOOD, "OK", "", "", "");
	put_link(NIC "/driver", "../../../../bus/pci/drivers/vfio-pci");
	expect(GOOD, "FAIL", "vfio", "not loaded", "modprobe vfio-pci");
}

Test(check, without_an_iommu)
{
	put("/sys/kernel/iommu_groups/14/x", NULL);
	put("/sys/kernel/iommu_groups/14", NULL);
	expect(GOOD, "FAIL", "iommu", "vfio-pci takes no device", "iommu=pt");
	put("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
	expect(GOOD, "WARN", "iommu", "the NIC can write to all memory", "iommu=pt");
}

// What the options ask for
Test(check, what_is_wrong_with_the_wishes)
{
	expect("-l 0-3 --no-huge --vdev=net_tap1 -- --workers 1 " DEVICES, "WARN", "hugepages",
		"not used", "--no-huge");
	expect("-l 0-3 -m 4096 --vdev=net_tap1 -- --workers 1 " DEVICES, "FAIL", "hugepages",
		"about 4096 MiB needed", "hugepages 2048 --node 0");
	expect("-l 0-3 -- --workers 1 " DEVICES, "FAIL", "host", "no --vdev makes it",
		"--vdev=net_tap1");
	expect(EAL " -- " DEVICES, "WARN", "queues", "net_tap1 has 1 for 3 workers",
		"queue_count=");
	expect("-l 2 --vdev=net_tap1 -- " DEVICES, "WARN", "cores", "one core", "two or more");
	expect(GOOD " --crypto libsrtp2", "WARN", "crypto", "libsrtp2 is wanted", "leave");
	put("/proc/mounts", "proc\n");
	expect("--in-memory " GOOD, "OK", "", "", "");
	put("/proc/self/limits", LIMITS("8388608"));
	put("/proc/self/status", "CapEff:\t0000000000004000\n"); // CAP_IPC_LOCK
	expect("--in-memory " GOOD, "OK", "", "", "");
	// The machine alone
	expect("--in-memory -l 0-3 --", "OK", "", "", "");
}

Test(check, another_device)
{
	expect("-l 0-3 --vdev=net_tap1 -- --workers 1 --wire 3b:00.1 --host net_tap1 --wire-address "
	       "10.0.0.1/24 --host-address 192.168.50.1/24",
		"FAIL", "wire", "3b:00.1: no such PCI device", "lspci");
	put("/sys/class/net/eth1/x", "");
	put(RTE_EAL_PMD_PATH "/librte_net_af_xdp.so.23.0",
		"PMD_INFO_STRING= {\"name\" : \"net_af_xdp\"}");
#define XDP                                                                                        \
	" --vdev=net_tap1 -- --workers 2 --wire net_af_xdp0 --host net_tap1 --wire-address 10.0.0.1/24 --host-address 192.168.50.1/24"
	put(RTE_EAL_PMD_PATH "/librte_net_tap.so.23.0",
		"PMD_INFO_STRING= {\"name\" : \"net_tap\"}");
	expect("-l 0-3 --vdev=net_af_xdp0,iface=eth1,queue_count=2" XDP, "WARN", "queues",
		"net_tap1 has 1 for 2 workers", "queue_count");
	put("/sys/class/net/eth1/x", NULL);
	put("/sys/class/net/eth1", NULL);
	enum check_state worst;
	json_decref(run("-l 0-3 --vdev=net_af_xdp0,iface=eth1,queue_count=2" XDP, &worst));
	cr_expect_eq(worst, CHECK_FAIL);
}

Test(check, an_empty_tree_is_no_crash)
{
	enum check_state worst;

	teardown();
	mkdir(root, 0755);
	json_decref(run(GOOD, &worst));
	cr_expect_eq(worst, CHECK_FAIL);
}

Test(check, text)
{
	static struct options options;
	char *out = NULL;
	size_t size;

	put(GOVERNOR, "powersave\n");
	FILE *file = open_memstream(&out, &size);
	cr_expect_eq(check_run(&options, root, false, file), CHECK_WARN);
	fclose(file);
	cr_expect(strstr(out, "WARN  frequency   governor powersave, not performance, on CPUs 2\n"
			      "                  mend: crowfly-host-setup governor --yes\n"),
		"%s", out);
	cr_expect(strstr(out, "OK    tsc         constant, nonstop, the kernel's clock\n"), "%s",
		out);
	free(out);
}
