// SPDX-License-Identifier: BSD-3-Clause
// Gives the workers their histograms and takes them away. Control thread.
#include "engine/latency.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/core.h"

static void end_latency(void *arg, void *object)
{
	(void)arg;
	free(object);
}

// One for each worker, empty, or NULL.
static struct latency **make_all(const struct engine *engine)
{
	unsigned n = engine->shared.n_workers;
	struct latency **all = calloc(n, sizeof(*all));

	for (unsigned i = 0; all && i < n; i++) {
		all[i] = calloc(1, sizeof(*all[i]));
		if (all[i])
			continue;
		while (i > 0)
			free(all[--i]);
		free(all);
		return NULL;
	}
	return all;
}

static void publish(struct engine *engine)
{
	for (unsigned i = 0; i < engine->shared.n_workers; i++)
		__atomic_store_n(&engine->shared.workers[i].latency,
			engine->latency_on ? engine->latency[i] : NULL, __ATOMIC_RELEASE);
}

// The workers get empty ones; theirs are freed once none of them writes any more.
static int replace(struct engine *engine)
{
	struct latency **old = engine->latency, **new = make_all(engine);

	if (!new)
		return -ENOMEM;
	engine->latency = new;
	publish(engine);
	for (unsigned i = 0; old && i < engine->shared.n_workers; i++)
		retire(engine->retire, end_latency, old[i]);
	free(old);
	return 0;
}

int latency_set(struct engine *engine, bool on)
{
	if (on && !engine->latency && replace(engine) != 0)
		return -ENOMEM;
	engine->latency_on = on;
	if (engine->latency)
		publish(engine);
	return 0;
}

bool latency_is_on(const struct engine *engine)
{
	return engine->latency_on;
}

int latency_clear(struct engine *engine)
{
	return engine->latency ? replace(engine) : 0;
}

void latency_merge(
	const struct engine *engine, unsigned worker, enum packet_side out, struct histogram *into)
{
	if (engine->latency)
		histogram_merge(into, &engine->latency[worker]->out[out]);
}

void latency_fini(struct engine *engine)
{
	for (unsigned i = 0; engine->latency && i < engine->shared.n_workers; i++)
		free(engine->latency[i]);
	free(engine->latency);
	engine->latency = NULL;
}
