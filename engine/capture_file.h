// SPDX-License-Identifier: BSD-3-Clause
// Writes captured packets to a pcapng file, on a thread of its own: nothing else waits for the
// disk.
#pragma once

#include "engine/capture_lane.h"

enum capture_file_state { CAPTURE_FILE_OPENING, CAPTURE_FILE_WRITING, CAPTURE_FILE_CLOSED };

struct capture_file {
	const char *path;
	struct capture_tap *tap;
	const char *devices[ROLE_COUNT]; // of the ports
	uint64_t count;			 // packets at most; 0: any number
	uint64_t tsc_hz;

	// The writer's, read by the control thread
	int state; // enum capture_file_state
	uint64_t packets, bytes;
	uint64_t dropped; // once it is closed
	// Valid once it is closed: why, NULL if it was told to
	const char *reason;
	char error[160]; // and whether that was a failure; "" if not

	int finish; // control: no packets follow, those there are to be written
	pthread_t thread;
};

// Begins; the rest is set. 0 or -errno.
int capture_file_start(struct capture_file *file);
static inline enum capture_file_state capture_file_state(const struct capture_file *file)
{
	return (enum capture_file_state)__atomic_load_n(&file->state, __ATOMIC_ACQUIRE);
}
// Waits for its end, at most so long. False: it hangs at the disk.
bool capture_file_join(struct capture_file *file, unsigned seconds);
