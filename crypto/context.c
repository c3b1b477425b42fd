// SPDX-License-Identifier: BSD-3-Clause
// Makes and ends contexts and chooses the back end; control thread.
#include "crypto/context.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/backend.h"
#include "crypto/state.h"

#define SSRC_DEFAULT   4
#define SSRC_LIMIT     64
#define WINDOW_DEFAULT 128

const struct backend *const state_backends[] = {&backend_ipsec_mb, &backend_libsrtp2};
#define BACKENDS (sizeof(state_backends) / sizeof(state_backends[0]))

static bool started[BACKENDS];
static const struct backend *chosen;
static uint8_t chosen_index;
static void (*on_full)(struct context *ctx);

int context_backend_init(const char *name)
{
	for (unsigned i = 0; i < BACKENDS; i++) {
		if (strcmp(name, state_backends[i]->name) != 0)
			continue;
		int error = started[i] ? 0 : state_backends[i]->start();
		if (error)
			return error;
		started[i] = true;
		chosen = state_backends[i];
		chosen_index = (uint8_t)i;
		return 0;
	}
	return -EINVAL;
}

void context_backend_fini(void)
{
	for (unsigned i = 0; i < BACKENDS; i++) {
		if (started[i])
			state_backends[i]->stop();
		started[i] = false;
	}
	chosen = NULL;
}

const char *context_backend_name(void)
{
	return chosen ? chosen->name : NULL;
}

int context_thread_init(void)
{
	for (unsigned i = 0; i < BACKENDS; i++) {
		int error = started[i] && state_backends[i]->thread_start
				    ? state_backends[i]->thread_start()
				    : 0;
		if (error)
			return error;
	}
	return 0;
}

static size_t round_up(size_t bytes, size_t to)
{
	return (bytes + to - 1) / to * to;
}

static bool params_ok(const struct context_params *params)
{
	return (unsigned)params->suite < SUITE_COUNT &&
	       (params->direction == CONTEXT_PROTECT || params->direction == CONTEXT_UNPROTECT) &&
	       (params->window == 0 ||
		       (params->window % 64 == 0 && params->window >= REPLAY_WINDOW_MIN &&
			       params->window <= REPLAY_WINDOW_MAX)) &&
	       params->ssrc_max <= SSRC_LIMIT;
}

// Fills in where the parts of a context are; returns its size, or 0.
static size_t lay_out(struct context *ctx, const struct context_params *params)
{
	if (!chosen || !params_ok(params))
		return 0;
	const struct backend_suite *suite = &chosen->suites[params->suite];
	unsigned window = params->window ? params->window : WINDOW_DEFAULT;

	ctx->window_words = (uint8_t)(window / 64);
	ctx->words = (uint8_t)replay_words(window);
	ctx->ssrc_inline = (uint8_t)(params->ssrc_max ? params->ssrc_max : SSRC_DEFAULT);
	ctx->ssrc_room = ctx->ssrc_inline;
	ctx->keys_line =
		(uint8_t)(round_up(offsetof(struct context, first) + state_replay_bytes(ctx),
				  STATE_LINE) /
			  STATE_LINE);
	size_t size = ctx->keys_line * STATE_LINE + suite->key_bytes + sizeof(struct state_cold) +
		      (ctx->ssrc_inline - 1u) * state_replay_bytes(ctx) +
		      ctx->ssrc_inline * STATE_RTCP_REPLAY_BYTES + suite->rtcp_key_bytes;
	return round_up(size, STATE_LINE);
}

size_t context_size(const struct context_params *params)
{
	struct context ctx;
	return lay_out(&ctx, params);
}

struct context *context_init(void *memory, const struct context_params *params)
{
	struct context *ctx = memory;
	size_t size = context_size(params);
	if (!size || !params->key || !params->salt || (uintptr_t)memory % STATE_LINE) {
		errno = EINVAL;
		return NULL;
	}

	memset(ctx, 0, size);
	lay_out(ctx, params);
	ctx->backend = chosen_index;
	ctx->suite = (uint8_t)params->suite;
	ctx->direction = (uint8_t)params->direction;
	state_cold(ctx)->size = (uint32_t)size;

	int error = chosen->key_init(ctx, params);
	if (error) {
		explicit_bzero(ctx, size);
		errno = -error;
		return NULL;
	}
	return ctx;
}

void context_fini(struct context *ctx)
{
	if (state_backends[ctx->backend]->key_fini)
		state_backends[ctx->backend]->key_fini(ctx);
	explicit_bzero(ctx, context_bytes(ctx));
}

// ---- SSRCs

void context_on_full(void (*full)(struct context *ctx))
{
	on_full = full;
}

size_t context_extension_bytes(uint16_t window, unsigned ssrcs)
{
	unsigned words = replay_words(window ? window : WINDOW_DEFAULT);
	size_t replay = sizeof(struct replay) + words * sizeof(uint64_t);

	return ssrcs * (replay + STATE_RTCP_REPLAY_BYTES);
}

void context_extend(struct context *ctx, void *block, size_t bytes, unsigned ssrcs)
{
	size_t fit = bytes / context_extension_bytes((uint16_t)state_window(ctx), 1);
	size_t most = UINT8_MAX - ctx->ssrc_inline;

	if (most > ssrcs)
		most = ssrcs;
	assert(!state_cold(ctx)->extension);
	state_cold(ctx)->extension = block;
	ctx->ssrc_room = (uint8_t)(ctx->ssrc_inline + (fit < most ? fit : most));
}

void *context_extension(const struct context *ctx)
{
	return state_cold(ctx)->extension;
}

bool state_may_add(const struct context *ctx)
{
	return ctx->ssrc_count < ctx->ssrc_room || (on_full && !state_cold(ctx)->extension);
}

int state_add(struct context *ctx, uint32_t ssrc)
{
	if (ctx->ssrc_count == ctx->ssrc_room && on_full && !state_cold(ctx)->extension)
		on_full(ctx);
	if (ctx->ssrc_count == ctx->ssrc_room)
		return -1;
	state_replay(ctx, ctx->ssrc_count)->ssrc = ssrc;
	return ctx->ssrc_count++;
}

struct context *context_new(const struct context_params *params)
{
	size_t size = context_size(params);
	if (!size) {
		errno = EINVAL;
		return NULL;
	}
	void *memory = aligned_alloc(STATE_LINE, size);
	struct context *ctx = memory ? context_init(memory, params) : NULL;
	if (!ctx)
		free(memory);
	return ctx;
}

void context_free(struct context *ctx)
{
	if (!ctx)
		return;
	context_fini(ctx);
	free(ctx);
}

bool context_same_keys(const struct context *a, const struct context *b)
{
	return a->backend == b->backend && a->suite == b->suite && a->direction == b->direction &&
	       state_backends[a->backend]->same_keys(a, b);
}

enum suite_id context_suite(const struct context *ctx)
{
	return ctx->suite;
}

size_t context_bytes(const struct context *ctx)
{
	return state_cold(ctx)->size;
}

uint64_t context_packets_left(const struct context *ctx, int rtcp)
{
	if (rtcp)
		return STATE_RTCP_LIMIT -
		       __atomic_load_n(&state_cold(ctx)->rtcp_count, __ATOMIC_RELAXED);
	return STATE_RTP_LIMIT - __atomic_load_n(&ctx->rtp_count, __ATOMIC_RELAXED);
}

void context_set_packets(struct context *ctx, uint64_t rtp, uint32_t rtcp)
{
	ctx->rtp_count = rtp < STATE_RTP_LIMIT ? rtp : STATE_RTP_LIMIT;
	state_cold(ctx)->rtcp_count = rtcp < STATE_RTCP_LIMIT ? rtcp : STATE_RTCP_LIMIT;
}

int context_get_index(const struct context *ctx, uint32_t ssrc, uint32_t *roc, uint16_t *seq)
{
	int slot = state_find(ctx, ssrc);
	if (slot < 0)
		return -ENOENT;
	uint64_t highest = state_replay(ctx, (unsigned)slot)->highest;
	*roc = highest >> 16;
	*seq = highest & 0xffff;
	return 0;
}

unsigned context_ssrcs(const struct context *ctx, struct context_ssrc ssrcs[], unsigned max)
{
	unsigned n = __atomic_load_n(&ctx->ssrc_count, __ATOMIC_ACQUIRE);

	// The worker gives the extension before it takes a place in it
	if (n > ctx->ssrc_inline && !__atomic_load_n(&state_cold(ctx)->extension, __ATOMIC_ACQUIRE))
		n = ctx->ssrc_inline;
	if (n > max)
		n = max;
	for (unsigned i = 0; i < n; i++) {
		const struct replay *replay = state_replay(ctx, i);

		ssrcs[i].ssrc = __atomic_load_n(&replay->ssrc, __ATOMIC_RELAXED);
		ssrcs[i].index = __atomic_load_n(&replay->highest, __ATOMIC_RELAXED);
	}
	return n;
}

int context_set_index(struct context *ctx, uint32_t ssrc, uint32_t roc, uint16_t seq)
{
	uint64_t index = (uint64_t)roc << 16 | seq;
	if (state_find(ctx, ssrc) >= 0)
		return -EEXIST;
	if (ctx->ssrc_count == ctx->ssrc_room)
		return -ENOSPC;
	const struct backend *backend = state_backends[ctx->backend];
	int error = backend->seek ? backend->seek(ctx, ssrc, index) : 0;
	if (error)
		return error;
	replay_commit(state_replay(ctx, (unsigned)state_add(ctx, ssrc)), ctx->words, index);
	return 0;
}
