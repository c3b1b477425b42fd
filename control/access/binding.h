// SPDX-License-Identifier: BSD-3-Clause
// Who is online: the bindings of addresses of record, in memory. The server's thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <time.h>

#include "control/access/aor.h"
#include "control/sip/tls.h"

#define BINDING_CONTACT_MAX 512
#define BINDING_SOURCE_MAX  64

// Where an endpoint is. One device a user: a new login takes the place of the old.
struct binding {
	char aor[AOR_MAX];
	char *contact;
	char fingerprint[TLS_FINGERPRINT_MAX]; // of its client certificate, x5t#S256
	char source[BINDING_SOURCE_MAX];       // where the REGISTER came from
	char *call_id;			       // of the last REGISTER, and its CSeq
	unsigned cseq;
	time_t since;
	uint64_t expires_us; // on binding_now_us()'s clock

	// The table's own
	struct binding *next;		 // in the hash chain
	TAILQ_ENTRY(binding) dirty_link; // to be written to the store
	unsigned heap_index;
	bool dirty, removed;
};

// What a login sets.
struct binding_login {
	const char *aor, *contact, *fingerprint, *source, *call_id;
	unsigned cseq;
	unsigned expires_s;
	time_t since; // 0: now
};

struct binding_table;
struct binding_table *binding_table_new(void);
void binding_table_free(struct binding_table *table);

uint64_t binding_now_us(void); // monotonic
// The binding of an address that has not expired, or NULL. Valid until the table changes.
struct binding *binding_find(const struct binding_table *table, const char *aor);
// Makes or replaces the binding; `saved` if it comes from the store and need not go there. NULL on
// lack of memory: the old binding, if any, stays.
struct binding *binding_put(
	struct binding_table *table, const struct binding_login *login, bool saved);
void binding_remove(struct binding_table *table, struct binding *binding);
// Removes what has expired, telling `expired` (may be NULL) of each before.
void binding_expire(struct binding_table *table,
	void (*expired)(void *arg, const struct binding *binding), void *arg);
unsigned binding_count(const struct binding_table *table);
// Seconds left, rounded up.
unsigned binding_expires_s(const struct binding *binding);

// Changes to be written to the store, oldest first: put it, or where `removed` is set delete it.
// binding_saved() takes the first off the list.
const struct binding *binding_first_dirty(const struct binding_table *table);
void binding_saved(struct binding_table *table);
