// SPDX-License-Identifier: BSD-3-Clause
// crowfly-bench: one subcommand a part of the product. Main thread.
#include <stdio.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/rig.h"
#include "engine/base/version.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{"floor", bench_floor, "SRTP alone: ipsec-mb's floor, our bursts, libsrtp2; many keys"},
	{"path", bench_path, "the whole way through the engine's workers, against the floor"},
	{"lookup", bench_lookup, "the flow table against rte_hash and cds_lfht, beside a writer"},
	{"setup", bench_setup, "sessions added and removed while packets flow"},
	{"latency", bench_latency, "how long packets are in the engine, at 50 and 80 % load"},
	{"memory", bench_memory_use, "bytes a stream, for many streams"},
	{"wire", bench_wire, "the highest rate without loss between two real ports"},
	{"peers", bench_peers,
		"rtpengine, a forwarder over sockets and the engine, for each CPU second"},
};

static int usage(FILE *out)
{
	fprintf(out, "usage: crowfly-bench [EAL options --] COMMAND [OPTION...]\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
	fprintf(out,
		"crowfly-bench COMMAND --help shows the options. EAL options are DPDK's, such as\n"
		"-l 2,3 -a 0000:3b:00.0; without any, no hugepages and no NIC are needed.\n");
	return out == stdout ? 0 : 2;
}

static int run(const struct command *command, int eal_argc, char **eal_argv, int argc, char **argv)
{
	bool help = argc > 1 && strcmp(argv[1], "--help") == 0;

	if (!help)
		rig_eal(eal_argc, eal_argv);
	return command->run(argc, argv);
}

int main(int argc, char **argv)
{
	char **eal = argv;
	int eal_argc = 1;

	if (argc >= 2 && strcmp(argv[1], "--help") == 0)
		return usage(stdout);
	if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
		puts("crowfly-bench " VERSION);
		return 0;
	}
	if (argc >= 2 && argv[1][0] == '-') {
		while (eal_argc < argc && strcmp(argv[eal_argc], "--") != 0)
			eal_argc++;
		argv += eal_argc;
		argc -= eal_argc;
	}
	if (argc < 2)
		return usage(stderr);
	if (eal != argv)
		eal[eal_argc] = NULL;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return run(
				&commands[i], eal == argv ? 1 : eal_argc, eal, argc - 1, argv + 1);
	fprintf(stderr, "crowfly-bench: unknown command %s\n", argv[1]);
	return usage(stderr);
}
