// SPDX-License-Identifier: BSD-3-Clause
// Makes and ends contexts and chooses the back end; control thread.
#include "crypto/context.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/backend.h"
#include "crypto/state.h"

#define SSRC_DEFAULT   4
#define SSRC_LIMIT     64
#define WINDOW_DEFAULT 128

static const struct backend *const backends[] = {&backend_ipsec_mb, &backend_libsrtp2};
#define BACKENDS (sizeof(backends) / sizeof(backends[0]))

static bool started[BACKENDS];
static const struct backend *chosen;

int context_backend_init(const char *name)
{
	for (unsigned i = 0; i < BACKENDS; i++) {
		if (strcmp(name, backends[i]->name) != 0)
			continue;
		int error = started[i] ? 0 : backends[i]->start();
		if (error)
			return error;
		started[i] = true;
		chosen = backends[i];
		return 0;
	}
	return -EINVAL;
}

void context_backend_fini(void)
{
	for (unsigned i = 0; i < BACKENDS; i++) {
		if (started[i])
			backends[i]->stop();
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
		int error =
			started[i] && backends[i]->thread_start ? backends[i]->thread_start() : 0;
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
	size_t keys, rtcp_keys;
	chosen->key_bytes(params->suite, &keys, &rtcp_keys);

	ctx->window = params->window ? params->window : WINDOW_DEFAULT;
	ctx->words = replay_words(ctx->window);
	ctx->ssrc_max = params->ssrc_max ? params->ssrc_max : SSRC_DEFAULT;
	ctx->replay_bytes = sizeof(struct replay) + ctx->words * sizeof(uint64_t);
	ctx->replay_at = round_up(offsetof(struct context, ssrcs) + 4 * ctx->ssrc_max, 8);
	ctx->keys_at = round_up(ctx->replay_at + ctx->ssrc_max * ctx->replay_bytes, STATE_LINE);
	ctx->rtcp_at = round_up(ctx->keys_at + keys, 8);
	ctx->rtcp_keys_at =
		ctx->rtcp_at +
		ctx->ssrc_max * (sizeof(struct replay) + STATE_RTCP_WORDS * sizeof(uint64_t));
	return round_up(ctx->rtcp_keys_at + rtcp_keys, STATE_LINE);
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
	ctx->backend = chosen;
	ctx->transforms = &chosen->suites[params->suite];
	ctx->size = size;
	ctx->suite = params->suite;
	ctx->direction = params->direction;
	ctx->tag_bytes = suite_table[params->suite].tag_bytes;
	ctx->rtcp_tag_bytes = suite_table[params->suite].rtcp_tag_bytes;

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
	if (ctx->backend->key_fini)
		ctx->backend->key_fini(ctx);
	explicit_bzero(ctx, ctx->size);
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

enum suite_id context_suite(const struct context *ctx)
{
	return ctx->suite;
}

size_t context_bytes(const struct context *ctx)
{
	return ctx->size;
}

uint64_t context_packets_left(const struct context *ctx, int rtcp)
{
	if (rtcp)
		return STATE_RTCP_LIMIT - __atomic_load_n(&ctx->rtcp_count, __ATOMIC_RELAXED);
	return STATE_RTP_LIMIT - __atomic_load_n(&ctx->rtp_count, __ATOMIC_RELAXED);
}

void context_set_packets(struct context *ctx, uint64_t rtp, uint32_t rtcp)
{
	ctx->rtp_count = rtp < STATE_RTP_LIMIT ? rtp : STATE_RTP_LIMIT;
	ctx->rtcp_count = rtcp < STATE_RTCP_LIMIT ? rtcp : STATE_RTCP_LIMIT;
}

int context_get_index(const struct context *ctx, uint32_t ssrc, uint32_t *roc, uint16_t *seq)
{
	int slot = state_find(ctx, ssrc);
	if (slot < 0)
		return -ENOENT;
	uint64_t highest = state_replay(ctx, slot)->highest;
	*roc = highest >> 16;
	*seq = highest & 0xffff;
	return 0;
}

int context_set_index(struct context *ctx, uint32_t ssrc, uint32_t roc, uint16_t seq)
{
	uint64_t index = (uint64_t)roc << 16 | seq;
	if (state_find(ctx, ssrc) >= 0)
		return -EEXIST;
	if (ctx->ssrc_count == ctx->ssrc_max)
		return -ENOSPC;
	int error = ctx->backend->seek ? ctx->backend->seek(ctx, ssrc, index) : 0;
	if (error)
		return error;
	replay_commit(state_replay(ctx, state_add(ctx, ssrc)), ctx->words, index);
	return 0;
}

void context_prefetch(const struct context *ctx)
{
	__builtin_prefetch(ctx);
	__builtin_prefetch(&ctx->rtp_count, 1);
}
