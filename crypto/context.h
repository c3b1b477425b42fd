// SPDX-License-Identifier: BSD-3-Clause
// One direction of one SRTP session: session keys, and index and replay state of its SSRCs. Made
// and ended by the control thread, in between touched by one worker only.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/suite.h"

struct context; // opaque; 64-byte aligned

enum context_direction { CONTEXT_PROTECT, CONTEXT_UNPROTECT };

struct context_params {
	enum suite_id suite;
	enum context_direction direction;
	const uint8_t *key;  // master key, suite.key_bytes; borrowed
	const uint8_t *salt; // master salt, suite.salt_bytes; borrowed
	uint16_t window;     // replay window in packets: 0 = 128, else 64 to 1,024, multiple of 64
	uint16_t ssrc_max;   // SSRCs that it has room for from the start: 0 = 4, else 1 to 64
};

// The back end all new contexts use: "ipsec_mb" (default) or "libsrtp2". Call before any other
// thread starts; contexts made under another name go on (the tests compare both). 0, -ENOTSUP when
// this CPU cannot run it, -EINVAL for an unknown name.
int context_backend_init(const char *name);
void context_backend_fini(void); // when all contexts are gone
const char *context_backend_name(void);
// Optional, on each worker before it works: makes the state that the back ends keep for a thread,
// which the first burst would otherwise do. It is freed when the thread ends. 0 or -ENOMEM.
int context_thread_init(void);

// Bytes that a context of these parameters needs, a multiple of 64; 0 if the parameters are bad.
size_t context_size(const struct context_params *params);

// Makes a context in `memory` (context_size() bytes, 64-byte aligned, the caller's), deriving the
// session keys (RFC 3711 section 4.3, RFC 7714 section 11). Returns it, or NULL with errno.
struct context *context_init(void *memory, const struct context_params *params);
// Wipes all of the memory; the caller frees it.
void context_fini(struct context *ctx);

// Room for more SSRCs, for contexts whose first are nearly always enough. When a packet of a new
// SSRC finds no place, after it has authenticated (to protect: it is ours), `full` is called on the
// worker and may call context_extend(). Set once, before the workers start; NULL: never.
void context_on_full(void (*full)(struct context *ctx));
// Bytes of a block that holds `ssrcs` more for contexts with this window; fewer with a larger one.
size_t context_extension_bytes(uint16_t window, unsigned ssrcs);
// Gives a context that has no extension yet a zeroed block, which stays the caller's: room for
// `ssrcs` more, or for as many as fit. Worker.
void context_extend(struct context *ctx, void *block, size_t bytes, unsigned ssrcs);
// The block, or NULL; to be freed after context_fini().
void *context_extension(const struct context *ctx);

// context_init() in memory of its own, for tests and tools; context_free() wipes and frees.
struct context *context_new(const struct context_params *params);
void context_free(struct context *ctx);

// Whether both protect, or both unprotect, with the same suite and the same session keys. Then the
// one must not begin anew what the other has done: it would use a keystream twice, or take packets
// again. Constant time; control thread, while the worker works.
bool context_same_keys(const struct context *a, const struct context *b);

enum suite_id context_suite(const struct context *ctx);
size_t context_bytes(const struct context *ctx); // as context_size() said
// Packets that the master key may still protect: 2^48 for SRTP, 2^31 for SRTCP at the start (RFC
// 3711 section 9.2). Any thread, while the worker works.
uint64_t context_packets_left(const struct context *ctx, int rtcp);
// For tests: brings the packet counts near the limit.
void context_set_packets(struct context *ctx, uint64_t rtp, uint32_t rtcp);
// The rollover counter and the highest sequence number of an SSRC: 0, or -ENOENT.
int context_get_index(const struct context *ctx, uint32_t ssrc, uint32_t *roc, uint16_t *seq);
// All SSRCs with their highest index so far (rollover counter * 2^16 + sequence number), up to
// `max`; how many. Any thread, while the worker works.
struct context_ssrc {
	uint32_t ssrc;
	uint64_t index;
};
unsigned context_ssrcs(const struct context *ctx, struct context_ssrc ssrcs[], unsigned max);
// Begins an SSRC at a given index, to join late or to go on after a move. 0, -ENOSPC, -EEXIST.
int context_set_index(struct context *ctx, uint32_t ssrc, uint32_t roc, uint16_t seq);
// Prefetches the lines that a burst function will touch.
static inline void context_prefetch(const struct context *ctx)
{
	__builtin_prefetch(ctx, 1);
}
