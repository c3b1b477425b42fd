// SPDX-License-Identifier: BSD-3-Clause
// What outlives the server: users, permissions, and who was online, in SQLite (WAL). One store a
// thread; several processes may have the same database open.
#pragma once

#include <stdbool.h>
#include <time.h>

#include "control/access/aor.h"
#include "control/access/binding.h"
#include "control/sip/digest.h"

struct store;

enum store_mode {
	STORE_TOOL, // the command line: waits for other writers up to 10 s, every change is on disk
	STORE_SERVER, // never waits long; the last bindings may be lost with the machine's power
};
// Opens the database of `domain`, or makes it, with its key in `path`.key. `domain` NULL: an
// existing database of whatever domain. A database without its key, with another's, or of another
// domain: NULL and one line in `error`.
struct store *store_new(
	const char *path, const char *domain, enum store_mode mode, char error[ERROR_MAX]);
void store_free(struct store *store);
const char *store_domain(const struct store *store);

// All of the following: 0, -ENOENT (no such user), -EEXIST, -EBUSY (somebody else writes), -EIO.
// Addresses are those of aor_parse() or msg_to_aor().
int store_begin(struct store *store);
int store_commit(struct store *store);
void store_rollback(struct store *store);

// `md5`: the HA1 for a phone that knows MD5 only; NULL: there is none.
int store_user_add(struct store *store, const char *aor, const char *ha1, const char *md5);
int store_user_del(struct store *store, const char *aor);
// -ENOENT also if the user has none of this algorithm. Does the same work for a user who does not
// exist. The caller wipes `ha1`.
int store_user_ha1(struct store *store, const char *aor, enum digest_algorithm algorithm,
	char ha1[DIGEST_HEX]);

// a and b may talk to each other, both ways. -EINVAL: a is b.
int store_permit(struct store *store, const char *a, const char *b);
int store_forbid(struct store *store, const char *a, const char *b);
// Whether they may: 0, or -ENOENT (also if one of them is no user).
int store_is_permitted(struct store *store, const char *a, const char *b);

// Calls `each` for every row, in alphabetical order, until it returns false.
typedef bool (*store_aor_cb)(void *arg, const char *aor);
int store_users(struct store *store, store_aor_cb each, void *arg);
int store_permitted(struct store *store, const char *aor, store_aor_cb each, void *arg);

// A binding as it was written last.
struct store_binding {
	const char *aor, *contact, *fingerprint, *source;
	time_t since, expires;
};
typedef bool (*store_binding_cb)(void *arg, const struct store_binding *binding);
// Those that have not expired.
int store_bindings(struct store *store, store_binding_cb each, void *arg);
// Writes up to `max` of the table's changes in one transaction, or none.
int store_save(struct store *store, struct binding_table *table, unsigned max);
