// SPDX-License-Identifier: BSD-3-Clause
// The bindings in memory: a hash by address, a heap by expiry, a list of what the store has not
// got yet. Runs on the server's thread.
#include "control/access/binding.h"

#include <openssl/rand.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TAILQ_HEAD(dirty_list, binding);

struct binding_table {
	struct binding **buckets;
	unsigned mask, n;
	uint64_t hash_key;
	struct binding **heap; // the first to expire on top
	unsigned heap_room;
	struct dirty_list dirty;
};

uint64_t binding_now_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

// FNV-1a from a random start. Only names of existing users get here.
static unsigned hash(const struct binding_table *t, const char *aor)
{
	uint64_t h = t->hash_key;
	for (; *aor != '\0'; aor++)
		h = (h ^ (unsigned char)*aor) * 0x100000001b3;
	return (unsigned)(h ^ h >> 32) & t->mask;
}

struct binding_table *binding_table_new(void)
{
	struct binding_table *t = calloc(1, sizeof(*t));
	if (t == NULL)
		return NULL;
	t->mask = 1023;
	t->heap_room = 1024;
	t->buckets = calloc(t->mask + 1, sizeof(*t->buckets));
	t->heap = calloc(t->heap_room, sizeof(*t->heap));
	TAILQ_INIT(&t->dirty);
	RAND_bytes((unsigned char *)&t->hash_key, sizeof(t->hash_key));
	if (t->buckets == NULL || t->heap == NULL) {
		binding_table_free(t);
		return NULL;
	}
	return t;
}

static void binding_free(struct binding *b)
{
	free(b->contact);
	free(b->call_id);
	free(b);
}

void binding_table_free(struct binding_table *t)
{
	if (t == NULL)
		return;
	while (!TAILQ_EMPTY(&t->dirty))
		binding_saved(t);
	for (unsigned i = 0; i < t->n; i++)
		binding_free(t->heap[i]);
	free(t->buckets);
	free(t->heap);
	free(t);
}

// ---- the heap

static void heap_set(struct binding_table *t, unsigned i, struct binding *b)
{
	t->heap[i] = b;
	b->heap_index = i;
}

// Moves the binding at `i`, whose expiry has changed, to its place.
static void heap_fix(struct binding_table *t, unsigned i)
{
	struct binding *b = t->heap[i];
	for (; i > 0 && t->heap[(i - 1) / 2]->expires_us > b->expires_us; i = (i - 1) / 2)
		heap_set(t, i, t->heap[(i - 1) / 2]);
	for (unsigned child; (child = 2 * i + 1) < t->n; i = child) {
		if (child + 1 < t->n && t->heap[child + 1]->expires_us < t->heap[child]->expires_us)
			child++;
		if (t->heap[child]->expires_us >= b->expires_us)
			break;
		heap_set(t, i, t->heap[child]);
	}
	heap_set(t, i, b);
}

// ---- the hash

static struct binding **find_link(const struct binding_table *t, const char *aor)
{
	struct binding **link = &t->buckets[hash(t, aor)];
	while (*link != NULL && strcmp((*link)->aor, aor) != 0)
		link = &(*link)->next;
	return link;
}

// Room for one more in the heap and in the hash.
static bool grow(struct binding_table *t)
{
	if (t->n < t->heap_room)
		return true;
	struct binding **heap = realloc(t->heap, 2 * t->heap_room * sizeof(*heap));
	if (heap == NULL)
		return false;
	t->heap = heap;
	t->heap_room *= 2;
	struct binding **buckets = calloc(t->heap_room, sizeof(*buckets));
	if (buckets == NULL)
		return true; // longer chains
	free(t->buckets);
	t->buckets = buckets;
	t->mask = t->heap_room - 1;
	for (unsigned i = 0; i < t->n; i++) {
		struct binding **head = &t->buckets[hash(t, t->heap[i]->aor)];
		t->heap[i]->next = *head;
		*head = t->heap[i];
	}
	return true;
}

struct binding *binding_find(const struct binding_table *t, const char *aor)
{
	struct binding *b = *find_link(t, aor);
	return b != NULL && b->expires_us > binding_now_us() ? b : NULL;
}

static struct binding *add(struct binding_table *t, const char *aor)
{
	if (!grow(t))
		return NULL;
	struct binding *b = calloc(1, sizeof(*b));
	if (b == NULL)
		return NULL;
	snprintf(b->aor, sizeof(b->aor), "%s", aor);
	*find_link(t, aor) = b;
	heap_set(t, t->n++, b);
	return b;
}

static void mark_dirty(struct binding_table *t, struct binding *b)
{
	if (b->dirty)
		return;
	b->dirty = true;
	TAILQ_INSERT_TAIL(&t->dirty, b, dirty_link);
}

struct binding *binding_put(struct binding_table *t, const struct binding_login *login, bool saved)
{
	char *contact = strdup(login->contact), *call_id = strdup(login->call_id);
	struct binding *b = *find_link(t, login->aor);
	if (contact != NULL && call_id != NULL && b == NULL)
		b = add(t, login->aor);
	if (contact == NULL || call_id == NULL || b == NULL) {
		free(contact);
		free(call_id);
		return NULL;
	}
	bool moved = b->contact == NULL || strcmp(b->contact, contact) != 0 ||
		     strcmp(b->fingerprint, login->fingerprint) != 0;
	if (moved)
		b->since = login->since != 0 ? login->since : time(NULL);
	free(b->contact);
	free(b->call_id);
	b->contact = contact;
	b->call_id = call_id;
	b->cseq = login->cseq;
	snprintf(b->fingerprint, sizeof(b->fingerprint), "%s", login->fingerprint);
	snprintf(b->source, sizeof(b->source), "%s", login->source);
	b->expires_us = binding_now_us() + (uint64_t)login->expires_s * 1000000;
	heap_fix(t, b->heap_index);
	if (!saved)
		mark_dirty(t, b);
	return b;
}

void binding_remove(struct binding_table *t, struct binding *b)
{
	struct binding **link = find_link(t, b->aor);
	*link = b->next;
	struct binding *last = t->heap[--t->n];
	if (last != b) {
		heap_set(t, b->heap_index, last);
		heap_fix(t, b->heap_index);
	}
	b->removed = true;
	mark_dirty(t, b);
}

void binding_expire(struct binding_table *t,
	void (*expired)(void *arg, const struct binding *binding), void *arg)
{
	uint64_t now = binding_now_us();
	while (t->n > 0 && t->heap[0]->expires_us <= now) {
		if (expired != NULL)
			expired(arg, t->heap[0]);
		binding_remove(t, t->heap[0]);
	}
}

unsigned binding_count(const struct binding_table *t)
{
	return t->n;
}

unsigned binding_expires_s(const struct binding *b)
{
	uint64_t now = binding_now_us();
	return b->expires_us > now ? (unsigned)((b->expires_us - now + 999999) / 1000000) : 0;
}

// ---- what the store has not got yet

const struct binding *binding_first_dirty(const struct binding_table *t)
{
	return TAILQ_FIRST(&t->dirty);
}

void binding_saved(struct binding_table *t)
{
	struct binding *b = TAILQ_FIRST(&t->dirty);
	TAILQ_REMOVE(&t->dirty, b, dirty_link);
	b->dirty = false;
	if (b->removed)
		binding_free(b);
}
