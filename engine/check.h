// SPDX-License-Identifier: BSD-3-Clause
// `crowfly-engine --check`: whether this machine is fit for what the options want, and how to mend
// what is not. Before anything is started; one thread.
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "engine/options.h"

enum check_state { CHECK_OK, CHECK_WARN, CHECK_FAIL };

#define CHECK_CORES_MAX 128
#define CHECK_LINES_MAX 64
#define CHECK_TEXT_MAX	256

// A port that is wanted.
struct check_device {
	const char *role, *name;
	const char *arguments; // of its --vdev; NULL: a PCI device, or no --vdev makes it
	bool pci;
	char bdf[16];	    // of a PCI device, with the domain
	char kernel_if[32]; // of the kernel's interface behind it; "" if there is none
};

struct check_line {
	enum check_state state;
	const char *name;
	char text[CHECK_TEXT_MAX];
	char mend[CHECK_TEXT_MAX]; // "" if nothing is wrong
};

struct check {
	const char *root; // "" or the folder that stands for /
	const struct options *options;
	bool no_huge, in_memory;
	unsigned memory_mib; // of -m, or what the buffers take
	unsigned workers, n_cores;
	unsigned cores[CHECK_CORES_MAX]; // the control thread's first
	unsigned n_devices;
	struct check_device devices[3];
	unsigned n_lines;
	struct check_line lines[CHECK_LINES_MAX];
};

// Looks and prints, as text or one JSON object. `root`: a tree with /sys, /proc and /dev in it;
// NULL: the machine's. The worst that was found.
enum check_state check_run(const struct options *options, const char *root, bool json, FILE *out);

// ---- for the files check_*.c

void check_wishes(struct check *check); // check_wish.c: fills what is wanted
void check_memory(struct check *check); // check_host.c
void check_cpu(struct check *check);
void check_devices(struct check *check); // check_device.c

void check_add(struct check *check, enum check_state state, const char *name, const char *mend,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));

// The first line of a file below the root; false: it cannot be read, `out` is "".
bool check_read(const struct check *check, char *out, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
// A number in such a file, or `fallback`.
long check_number(const struct check *check, long fallback, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool check_exists(const struct check *check, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
// The last part of what a symbolic link leads to: a driver's name, a group's number.
bool check_link(const struct check *check, char *out, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
// The line of a file that begins with `start`; false: there is none.
bool check_find_line(
	const struct check *check, const char *path, const char *start, char *out, size_t size);
// Whether "0-3,8" has the number in it.
bool check_list_has(const char *list, unsigned number);
unsigned check_node_of_cpu(const struct check *check, unsigned cpu);
