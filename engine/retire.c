// SPDX-License-Identifier: BSD-3-Clause
// Batches of retired objects, each with one grace period by call_rcu(); control thread.
#include "engine/retire.h"

#include <stdbool.h>
#include <stdlib.h>

#include "engine/rcu.h"

#define PENDING_MAX 4096 // more than that, and the control thread waits for the workers

struct entry {
	retire_cb end;
	void *object;
};

struct list {
	unsigned n;
	struct entry *entries; // PENDING_MAX
};

struct retire {
	void *arg;
	struct list fresh;   // retired since the grace period began
	struct list waiting; // for the end of it
	struct rcu_head head;
	int under_way; // cleared by liburcu's thread
};

struct retire *retire_new(void *arg)
{
	struct retire *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->arg = arg;
	r->fresh.entries = calloc(PENDING_MAX, sizeof(struct entry));
	r->waiting.entries = calloc(PENDING_MAX, sizeof(struct entry));
	if (r->fresh.entries && r->waiting.entries)
		return r;
	free(r->fresh.entries);
	free(r->waiting.entries);
	free(r);
	return NULL;
}

static void end_all(struct retire *r, struct list *list)
{
	for (unsigned i = 0; i < list->n; i++)
		list->entries[i].end(r->arg, list->entries[i].object);
	list->n = 0;
}

void retire_free(struct retire *r)
{
	if (!r)
		return;
	if (__atomic_load_n(&r->under_way, __ATOMIC_ACQUIRE))
		rcu_barrier(); // its callback writes to this memory
	end_all(r, &r->waiting);
	end_all(r, &r->fresh);
	free(r->waiting.entries);
	free(r->fresh.entries);
	free(r);
}

void retire(struct retire *r, retire_cb end, void *object)
{
	if (!object)
		return;
	if (r->fresh.n == PENDING_MAX)
		retire_flush(r);
	r->fresh.entries[r->fresh.n++] = (struct entry){end, object};
}

static void grace_period_over(struct rcu_head *head)
{
	struct retire *r = caa_container_of(head, struct retire, head);

	__atomic_store_n(&r->under_way, 0, __ATOMIC_RELEASE);
}

void retire_flush(struct retire *r)
{
	synchronize_rcu();
	end_all(r, &r->waiting);
	end_all(r, &r->fresh);
}

void retire_tick(struct retire *r)
{
	struct list swap;

	if (__atomic_load_n(&r->under_way, __ATOMIC_ACQUIRE))
		return;
	end_all(r, &r->waiting);
	if (r->fresh.n == 0)
		return;
	swap = r->waiting;
	r->waiting = r->fresh;
	r->fresh = swap;
	__atomic_store_n(&r->under_way, 1, __ATOMIC_RELAXED);
	rcu_thread_online();
	call_rcu(&r->head, grace_period_over);
	rcu_thread_offline();
}

unsigned retire_pending(const struct retire *r)
{
	return r->fresh.n + r->waiting.n;
}
