// SPDX-License-Identifier: BSD-3-Clause
// Arms traces and clears them. Control thread.
#include <errno.h>
#include <stdlib.h>

#include "engine/core.h"
#include "engine/trace.h"

static void end_trace(void *arg, void *object)
{
	struct engine *engine = arg;
	struct trace *trace = object;

	for (unsigned i = 0; trace && i < engine->shared.n_workers; i++)
		free(trace->batches[i]);
	free(trace);
}

static struct trace *make_trace(struct engine *engine)
{
	unsigned n = engine->shared.n_workers;
	struct trace *trace = calloc(1, sizeof(*trace) + n * sizeof(trace->batches[0]));

	for (unsigned i = 0; trace && i < n; i++) {
		trace->batches[i] = calloc(1, trace_batch_bytes());
		if (trace->batches[i])
			continue;
		end_trace(engine, trace);
		return NULL;
	}
	return trace;
}

int trace_add(struct engine *engine, const struct trace_filter *filter)
{
	struct trace *trace = engine->trace;

	if (!trace)
		trace = engine->trace = make_trace(engine);
	if (!trace)
		return -ENOMEM;
	if (trace->n_filters == TRACE_FILTERS_MAX || filter->count > TRACE_MAX - trace->wanted)
		return -ENOSPC;
	trace->filters[trace->n_filters] = *filter;
	trace->filters[trace->n_filters].left = (int32_t)filter->count;
	trace->wanted += filter->count;
	__atomic_store_n(&trace->n_filters, trace->n_filters + 1, __ATOMIC_RELEASE);
	__atomic_fetch_add(&trace->armed, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&engine->shared.trace, trace, __ATOMIC_RELEASE);
	return 0;
}

void trace_clear(struct engine *engine)
{
	__atomic_store_n(&engine->shared.trace, NULL, __ATOMIC_RELEASE);
	retire(engine->retire, end_trace, engine->trace);
	engine->trace = NULL;
}

void trace_tick(struct engine *engine)
{
	if (engine->trace && __atomic_load_n(&engine->trace->armed, __ATOMIC_RELAXED) <= 0)
		__atomic_store_n(&engine->shared.trace, NULL, __ATOMIC_RELEASE);
}

void trace_fini(struct engine *engine)
{
	end_trace(engine, engine->trace);
	engine->trace = NULL;
}
