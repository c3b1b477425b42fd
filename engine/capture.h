// SPDX-License-Identifier: BSD-3-Clause
// Captures of packets into a file, one at a time: when they begin and end. Control thread; the
// workers' part is capture_lane.h, the file's is capture_file.h.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct engine;
struct capture;

struct capture_params {
	const char *path; // absolute; there must be no such file
	unsigned roles;	  // ports whose packets are wanted, bits by enum worker_role
	uint32_t session; // of them, those of this session; 0: all
	uint64_t count;	  // packets at most; 0: any number
	unsigned seconds; // at most; 0: any number
	uint32_t snaplen; // bytes of a packet; 0: all
};

#define CAPTURE_ERROR_MAX 256

// Begins; it is under way once capture_state() is CAPTURE_RUNNING. 0; or -EBUSY (one is under way),
// -ENOENT (no such session), -ENOMEM with `error` (CAPTURE_ERROR_MAX) written.
int capture_start(struct engine *engine, const struct capture_params *params, char *error);
// Ends it, in the background; nothing if none is under way.
void capture_stop(struct engine *engine, const char *reason);

enum capture_state {
	CAPTURE_NONE,
	CAPTURE_OPENING,
	CAPTURE_RUNNING,
	CAPTURE_ENDING,
	CAPTURE_ENDED
};
enum capture_state capture_state(const struct engine *engine);

// Of the capture under way, or of the last one.
struct capture_info {
	enum capture_state state;
	const char *path;
	unsigned roles;
	uint32_t session;
	uint64_t count, packets, bytes, dropped;
	unsigned seconds, snaplen;
	double elapsed_s;
	const char *reason; // why it ended; NULL: it has not
	bool failed;
};
// False: there was none.
bool capture_get(const struct engine *engine, struct capture_info *info);

// Called whenever the state has changed. Set once.
void capture_on_change(struct engine *engine, void (*changed)(void *arg), void *arg);

// What the workers see of it.
struct capture_tap *capture_tap(struct capture *capture);

void capture_tick(struct engine *engine);
// When no worker runs and nothing is retired any more: finishes the file.
void capture_free(struct engine *engine);
