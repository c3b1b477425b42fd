// SPDX-License-Identifier: BSD-3-Clause
// The port allocator of ports.h: a ring of free ports, oldest first; the agent's one thread.
#include "control/agent/ports.h"

#include <openssl/rand.h>
#include <stdbool.h>
#include <stdlib.h>

#define PORTS_TRIES 64 // ports still resting that a look-up passes by

struct ports_state {
	uint64_t rested_us; // not to be handed out before
	bool used;
	bool queued; // its index is in the ring
};

struct ports {
	unsigned first, count, in_use;
	uint64_t rest_us;
	unsigned head, queued; // of the ring
	uint16_t *ring;
	struct ports_state *states;
};

static void push(struct ports *ports, unsigned index)
{
	ports->ring[(ports->head + ports->queued++) % ports->count] = index;
	ports->states[index].queued = true;
}

static unsigned pop(struct ports *ports)
{
	unsigned index = ports->ring[ports->head];

	ports->head = (ports->head + 1) % ports->count;
	ports->queued--;
	ports->states[index].queued = false;
	return index;
}

static void shuffle(struct ports *ports)
{
	unsigned i, j;
	uint16_t other;
	uint32_t r;

	for (i = ports->count - 1; i > 0; i--) {
		if (RAND_bytes((unsigned char *)&r, sizeof(r)) != 1)
			return;
		j = r % (i + 1);
		other = ports->ring[i];
		ports->ring[i] = ports->ring[j];
		ports->ring[j] = other;
	}
}

struct ports *ports_new(unsigned first, unsigned last, unsigned rest_s)
{
	struct ports *ports = calloc(1, sizeof(*ports));
	unsigned i;

	if (!ports)
		return NULL;
	first += first & 1;
	ports->first = first;
	ports->count = last > first ? (last - first + 1) / 2 : 0;
	ports->rest_us = rest_s * UINT64_C(1000000);
	ports->ring = calloc(ports->count + 1, sizeof(*ports->ring));
	ports->states = calloc(ports->count + 1, sizeof(*ports->states));
	if (!ports->ring || !ports->states) {
		ports_free(ports);
		return NULL;
	}
	for (i = 0; i < ports->count; i++)
		push(ports, i);
	if (ports->count)
		shuffle(ports);
	return ports;
}

void ports_free(struct ports *ports)
{
	if (!ports)
		return;
	free(ports->ring);
	free(ports->states);
	free(ports);
}

unsigned ports_take(struct ports *ports, uint64_t now_us)
{
	unsigned tries, index;

	for (tries = 0; ports->queued && tries < PORTS_TRIES;) {
		index = pop(ports);
		if (ports->states[index].used) // claimed while it waited
			continue;
		if (ports->states[index].rested_us > now_us) {
			push(ports, index);
			tries++;
			continue;
		}
		ports->states[index].used = true;
		ports->in_use++;
		return ports->first + 2 * index;
	}
	return 0;
}

static struct ports_state *find(struct ports *ports, unsigned port)
{
	unsigned index = (port - ports->first) / 2;

	return port >= ports->first && index < ports->count ? &ports->states[index] : NULL;
}

void ports_give_back(struct ports *ports, unsigned port, uint64_t now_us)
{
	struct ports_state *state = find(ports, port);

	if (!state || !state->used)
		return;
	state->used = false;
	state->rested_us = now_us + ports->rest_us;
	ports->in_use--;
	if (!state->queued)
		push(ports, state - ports->states);
}

void ports_claim(struct ports *ports, unsigned port)
{
	struct ports_state *state = find(ports, port);

	if (!state || state->used)
		return;
	state->used = true;
	ports->in_use++;
}

unsigned ports_in_use(const struct ports *ports)
{
	return ports->in_use;
}
