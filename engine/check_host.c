// SPDX-License-Identifier: BSD-3-Clause
// Checks memory and processors: hugepages, locked memory, cores, clock, instructions.
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "engine/check.h"

// ---- memory

// MiB of hugepages on a node (-1: of the machine): free and in all.
static void count_pages(
	const struct check *check, int node, unsigned long *left, unsigned long *all)
{
	static const unsigned sizes_kib[] = {2048, 1048576};
	char base[64];

	snprintf(base, sizeof(base),
		node < 0 ? "/sys/kernel/mm/hugepages" : "/sys/devices/system/node/node%d/hugepages",
		node);
	*left = *all = 0;
	for (unsigned i = 0; i < 2; i++) {
		unsigned long mib = sizes_kib[i] >> 10;

		*left += mib * (unsigned long)check_number(check, 0,
				       "%s/hugepages-%ukB/free_hugepages", base, sizes_kib[i]);
		*all += mib * (unsigned long)check_number(check, 0,
				      "%s/hugepages-%ukB/nr_hugepages", base, sizes_kib[i]);
	}
}

static void check_hugepages(struct check *check)
{
	unsigned node = check_node_of_cpu(check, check->n_cores ? check->cores[0] : 0);
	bool nodes = check_exists(check, "/sys/devices/system/node/node%u/hugepages", node);
	unsigned long left, all;
	char mend[CHECK_TEXT_MAX], line[512];

	if (check->no_huge) {
		check_add(check, CHECK_WARN, "hugepages", "leave --no-huge out for service",
			"not used (--no-huge): slower, and nothing for a NIC");
		return;
	}
	count_pages(check, nodes ? (int)node : -1, &left, &all);
	snprintf(mend, sizeof(mend), "crowfly-host-setup hugepages %u --node %u --yes",
		(check->memory_mib + 1) / 2 + (unsigned)(all - left) / 2, node);
	check_add(check, left < check->memory_mib ? CHECK_FAIL : CHECK_OK, "hugepages", mend,
		"node %u: %lu of %lu MiB free, about %u MiB needed", node, left, all,
		check->memory_mib);
	if (!check->in_memory &&
		!check_find_line(check, "/proc/mounts", "hugetlbfs ", line, sizeof(line)) &&
		!check_find_line(check, "/proc/mounts", "none /dev/hugepages", line, sizeof(line)))
		check_add(check, CHECK_FAIL, "hugetlbfs",
			"give --in-memory, or: mount -t hugetlbfs hugetlbfs /dev/hugepages",
			"no mount for hugepages");
}

static bool has_capability(const struct check *check, unsigned bit)
{
	char line[128];

	return check_find_line(check, "/proc/self/status", "CapEff:", line, sizeof(line)) &&
	       (strtoull(line + strlen("CapEff:"), NULL, 16) >> bit & 1);
}

#define CAP_IPC_LOCK_BIT 14

// vfio maps all memory for the NIC, and the sessions' is locked as far as it may be.
static void check_memlock(struct check *check)
{
	bool vfio = false;
	char line[256], soft[32] = "";

	for (unsigned i = 0; i < check->n_devices; i++)
		vfio |= check->devices[i].pci;
	if (!check_find_line(check, "/proc/self/limits", "Max locked memory", line, sizeof(line)) ||
		sscanf(line + strlen("Max locked memory"), "%31s", soft) != 1) {
		check_add(check, CHECK_WARN, "memlock", "mount /proc", "the limit cannot be read");
		return;
	}
	unsigned long long mib = strtoull(soft, NULL, 10) >> 20;
	if (has_capability(check, CAP_IPC_LOCK_BIT) || strcmp(soft, "unlimited") == 0)
		check_add(check, CHECK_OK, "memlock", NULL, "no limit for this user");
	else
		check_add(check,
			mib >= check->memory_mib ? CHECK_OK
			: vfio			 ? CHECK_FAIL
						 : CHECK_WARN,
			"memlock", "LimitMEMLOCK=infinity in the unit, or ulimit -l unlimited",
			"%llu MiB may be locked, about %u MiB needed", mib, check->memory_mib);
}

void check_memory(struct check *check)
{
	check_hugepages(check);
	check_memlock(check);
}

// ---- processors

// Those of the workers: all but the control thread's, if there are others.
static unsigned first_worker(const struct check *check)
{
	return check->n_cores > 1 ? 1 : 0;
}

// Appends " 3" to a list of CPUs.
static void append(char list[128], unsigned cpu)
{
	size_t n = strlen(list);

	snprintf(list + n, 128 - n, " %u", cpu);
}

static void check_isolated(struct check *check)
{
	char isolated[256], shared[128] = "", mend[CHECK_TEXT_MAX];

	check_read(check, isolated, sizeof(isolated), "/sys/devices/system/cpu/isolated");
	for (unsigned i = first_worker(check); i < check->n_cores; i++)
		if (!check_list_has(isolated, check->cores[i]))
			append(shared, check->cores[i]);
	snprintf(mend, sizeof(mend),
		"isolcpus= nohz_full= rcu_nocbs= with%.100s on the kernel's command line%s", shared,
		check->options->config.idle_sleep ? "" : ", or idle-sleep = yes");
	if (check->n_cores <= 1)
		check_add(check, CHECK_WARN, "cores", "give two or more by -l or --lcores",
			"one core: worker and control thread share it");
	else if (shared[0])
		check_add(check, CHECK_WARN, "cores", mend,
			"the kernel runs other programs on the workers' cores:%s", shared);
	else
		check_add(check, CHECK_OK, "cores", NULL, "%u for workers, isolated",
			check->n_cores - 1);
}

static void check_siblings(struct check *check)
{
	char list[128];

	for (unsigned i = first_worker(check); i < check->n_cores; i++) {
		check_read(check, list, sizeof(list),
			"/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list",
			check->cores[i]);
		for (unsigned k = i + 1; k < check->n_cores; k++) {
			if (!check_list_has(list, check->cores[k]))
				continue;
			check_add(check, CHECK_WARN, "siblings",
				"give the workers cores of their own",
				"CPUs %u and %u are threads of one core", check->cores[i],
				check->cores[k]);
			return;
		}
	}
	if (check->n_cores > 1)
		check_add(check, CHECK_OK, "siblings", NULL, "no two workers on one core");
}

static bool has_flag(const char *flags, const char *flag)
{
	size_t length = strlen(flag);

	for (const char *at = flags; (at = strstr(at, flag)); at += length)
		if ((at == flags || at[-1] == ' ' || at[-1] == '\t') &&
			(at[length] == ' ' || at[length] == '\0'))
			return true;
	return false;
}

static void check_tsc(struct check *check, const char *flags)
{
	char source[64];
	bool constant = has_flag(flags, "constant_tsc"), nonstop = has_flag(flags, "nonstop_tsc");

	check_read(check, source, sizeof(source),
		"/sys/devices/system/clocksource/clocksource0/current_clocksource");
	if (!constant || !nonstop)
		check_add(check, CHECK_WARN, "tsc",
			"in a VM: give it the host's invariant TSC (host-passthrough)",
			"the CPU's clock is not %s: times and latencies are wrong",
			constant ? "nonstop" : "constant");
	else if (strcmp(source, "tsc") != 0)
		check_add(check, CHECK_WARN, "tsc",
			"clocksource=tsc tsc=reliable, if the machine's clocks agree",
			"the kernel does not trust it: its clock is %s",
			source[0] ? source : "unknown");
	else
		check_add(check, CHECK_OK, "tsc", NULL, "constant, nonstop, the kernel's clock");
}

static void check_governor(struct check *check)
{
	char governor[64], slow[128] = "", last[64] = "";

	for (unsigned i = 0; i < check->n_cores; i++) {
		if (!check_read(check, governor, sizeof(governor),
			    "/sys/devices/system/cpu/cpu%u/cpufreq/scaling_governor",
			    check->cores[i]) ||
			strcmp(governor, "performance") == 0)
			continue;
		append(slow, check->cores[i]);
		memcpy(last, governor, sizeof(last));
	}
	if (slow[0])
		check_add(check, CHECK_WARN, "frequency", "crowfly-host-setup governor --yes",
			"governor %s, not performance, on CPUs%s", last, slow);
	else
		check_add(check, CHECK_OK, "frequency", NULL, "no governor slows the cores down");
}

// The ways that intel-ipsec-mb has, the best last.
static void check_instructions(struct check *check, const char *flags)
{
	const char *crypto = check->options->config.crypto, *level = NULL;

	if (crypto && strcmp(crypto, "libsrtp2") == 0) {
		check_add(check, CHECK_WARN, "crypto", "leave crypto = libsrtp2 out",
			"libsrtp2 is wanted: a tenth of ipsec_mb's speed and less");
		return;
	}
	if (has_flag(flags, "aes") && has_flag(flags, "pclmulqdq") && has_flag(flags, "sse4_2"))
		level = "SSE";
	if (level && has_flag(flags, "avx"))
		level = "AVX";
	if (level && has_flag(flags, "avx2") && has_flag(flags, "bmi2"))
		level = has_flag(flags, "vaes") ? "AVX2 with VAES" : "AVX2";
	if (level && has_flag(flags, "avx512bw") && has_flag(flags, "avx512vl"))
		level = has_flag(flags, "vaes") ? "AVX512 with VAES" : "AVX512";
	if (!level)
		check_add(check, CHECK_FAIL, "crypto",
			"crypto = libsrtp2; in a VM, give it the host's CPU (host-passthrough)",
			"the CPU has no AES instructions that ipsec_mb needs");
	else
		check_add(check, strncmp(level, "SSE", 3) == 0 ? CHECK_WARN : CHECK_OK, "crypto",
			"in a VM, give it the host's CPU (host-passthrough)",
			"ipsec_mb at level %s", level);
}

void check_cpu(struct check *check)
{
	char *flags = calloc(1, 8192);

	if (!flags)
		return;
	check_find_line(check, "/proc/cpuinfo", "flags", flags, 8192);
	check_isolated(check);
	check_siblings(check);
	check_tsc(check, flags);
	check_governor(check);
	check_instructions(check, flags);
	free(flags);
}
