// SPDX-License-Identifier: BSD-3-Clause
// Nonces under an HMAC, and the table of the used ones: a hash to find them, a heap to let the
// oldest go. Runs on the thread of its owner.
#include "control/sip/nonce.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SIGNED_BYTES offsetof(struct nonce, mac)
#define NONE	     UINT32_MAX

// A nonce that was used. Entries sit in a hash chain and in a heap with the oldest nonce on top:
// that one expires first, and is the one given up when there is no room.
struct used_nonce {
	uint64_t issued_us;
	uint64_t id;
	uint32_t nc;   // the highest count seen
	uint32_t next; // in the hash chain, or in the list of free entries
};

struct nonce_table {
	unsigned char key[32];
	uint64_t lifetime_us;
	uint64_t floor_us; // nonces made up to then are stale: used ones among them were forgotten
	uint32_t max, n, free;
	uint32_t mask;
	uint32_t *buckets;
	uint32_t *heap;
	struct used_nonce *used;
};

static uint64_t now_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void random_bytes(void *out, int n)
{
	if (RAND_bytes(out, n) != 1)
		abort(); // a nonce that can be guessed is worse than none
}

struct nonce_table *nonce_table_new(unsigned lifetime_s, unsigned remembered_max)
{
	struct nonce_table *t = calloc(1, sizeof(*t));
	if (t == NULL)
		return NULL;
	t->max = remembered_max > 0 ? remembered_max : 1;
	t->lifetime_us = (uint64_t)lifetime_s * 1000000;
	uint32_t buckets = 16;
	while (buckets < t->max && buckets < (1u << 30))
		buckets *= 2;
	t->mask = buckets - 1;
	t->buckets = malloc(buckets * sizeof(*t->buckets));
	t->heap = calloc(t->max, sizeof(*t->heap));
	t->used = calloc(t->max, sizeof(*t->used));
	if (t->buckets == NULL || t->heap == NULL || t->used == NULL) {
		nonce_table_free(t);
		return NULL;
	}
	memset(t->buckets, 0xff, buckets * sizeof(*t->buckets));
	t->free = NONE;
	random_bytes(t->key, sizeof(t->key));
	return t;
}

void nonce_table_free(struct nonce_table *t)
{
	if (t == NULL)
		return;
	OPENSSL_cleanse(t->key, sizeof(t->key));
	free(t->buckets);
	free(t->heap);
	free(t->used);
	free(t);
}

static void nonce_mac(const struct nonce_table *t, const struct nonce *nonce, unsigned char out[16])
{
	unsigned char md[32];
	unsigned length = 0;
	if (HMAC(EVP_sha256(), t->key, sizeof(t->key), (const unsigned char *)nonce, SIGNED_BYTES,
		    md, &length) == NULL)
		abort();
	memcpy(out, md, 16);
}

void nonce_make(struct nonce_table *t, char *out, unsigned size)
{
	struct nonce nonce = {.issued_us = now_us()};
	random_bytes(&nonce.id, sizeof(nonce.id));
	nonce_mac(t, &nonce, nonce.mac);
	const unsigned char *bytes = (const unsigned char *)&nonce;
	if (size > 0)
		out[0] = '\0';
	for (unsigned i = 0; i < sizeof(nonce) && 2 * i + 2 < size; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool nonce_read(const struct nonce_table *t, const char *text, struct nonce *nonce)
{
	bool ok = strlen(text) == NONCE_TEXT - 1;
	unsigned char *bytes = (unsigned char *)nonce, mac[16];
	memset(nonce, 0, sizeof(*nonce));
	for (unsigned i = 0; ok && i < sizeof(*nonce); i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
		ok = high >= 0 && low >= 0;
		bytes[i] = ok ? (unsigned char)(high << 4 | low) : 0;
	}
	nonce_mac(t, nonce, mac);
	return CRYPTO_memcmp(mac, nonce->mac, sizeof(mac)) == 0 && ok;
}

// ---- the table

static void heap_swap(struct nonce_table *t, uint32_t a, uint32_t b)
{
	uint32_t entry = t->heap[a];
	t->heap[a] = t->heap[b];
	t->heap[b] = entry;
}

static uint64_t heap_time(const struct nonce_table *t, uint32_t i)
{
	return t->used[t->heap[i]].issued_us;
}

static void heap_push(struct nonce_table *t, uint32_t entry)
{
	uint32_t i = t->n++;
	t->heap[i] = entry;
	for (; i > 0 && heap_time(t, (i - 1) / 2) > heap_time(t, i); i = (i - 1) / 2)
		heap_swap(t, i, (i - 1) / 2);
}

static void heap_pop(struct nonce_table *t)
{
	t->heap[0] = t->heap[--t->n];
	for (uint32_t i = 0, least;; i = least) {
		least = i;
		for (uint32_t child = 2 * i + 1; child <= 2 * i + 2 && child < t->n; child++)
			if (heap_time(t, child) < heap_time(t, least))
				least = child;
		if (least == i)
			return;
		heap_swap(t, i, least);
	}
}

static void forget_oldest(struct nonce_table *t)
{
	uint32_t entry = t->heap[0];
	heap_pop(t);
	uint32_t *link = &t->buckets[t->used[entry].id & t->mask];
	while (*link != entry)
		link = &t->used[*link].next;
	*link = t->used[entry].next;
	t->used[entry].next = t->free;
	t->free = entry;
}

static struct used_nonce *find(struct nonce_table *t, const struct nonce *nonce)
{
	for (uint32_t i = t->buckets[nonce->id & t->mask]; i != NONE; i = t->used[i].next)
		if (t->used[i].id == nonce->id && t->used[i].issued_us == nonce->issued_us)
			return &t->used[i];
	return NULL;
}

static void remember(struct nonce_table *t, const struct nonce *nonce, uint32_t nc)
{
	uint32_t entry = t->free;
	if (entry != NONE)
		t->free = t->used[entry].next;
	else
		entry = t->n; // never used so far: entries are taken in order
	uint32_t *bucket = &t->buckets[nonce->id & t->mask];
	t->used[entry] = (struct used_nonce){nonce->issued_us, nonce->id, nc, *bucket};
	*bucket = entry;
	heap_push(t, entry);
}

static bool is_stale(const struct nonce_table *t, const struct nonce *nonce, uint64_t now)
{
	return nonce->issued_us > now || now - nonce->issued_us >= t->lifetime_us ||
	       nonce->issued_us <= t->floor_us;
}

enum nonce_result nonce_use(struct nonce_table *t, const struct nonce *nonce, uint32_t nc)
{
	uint64_t now = now_us();
	while (t->n > 0 && now - heap_time(t, 0) >= t->lifetime_us)
		forget_oldest(t);
	if (is_stale(t, nonce, now))
		return NONCE_STALE;
	struct used_nonce *used = find(t, nonce);
	if (used != NULL) {
		if (nc <= used->nc)
			return NONCE_REPLAY;
		used->nc = nc;
		return NONCE_OK;
	}
	if (t->n == t->max) {
		t->floor_us = heap_time(t, 0);
		forget_oldest(t);
		if (is_stale(t, nonce, now))
			return NONCE_STALE;
	}
	remember(t, nonce, nc);
	return NONCE_OK;
}

unsigned nonce_remembered(const struct nonce_table *t)
{
	return t->n;
}
