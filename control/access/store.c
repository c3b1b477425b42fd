// SPDX-License-Identifier: BSD-3-Clause
// The queries of the store. Runs on the thread of its owner; a statement is prepared once.
#include "control/access/store_private.h"

#include <openssl/crypto.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HA1_BYTES     (DIGEST_HEX - 1)
#define HA1_SEALED    (HA1_BYTES + SEAL_OVERHEAD)
#define SEAL_NAME_MAX (AOR_MAX + 8)

// The columns of one row are there until the next call.
static int step(sqlite3_stmt *s)
{
	int rc = sqlite3_step(s);
	switch (rc) {
	case SQLITE_ROW:
	case SQLITE_DONE:
		return rc;
	case SQLITE_BUSY:
		return -EBUSY;
	default:
		return (rc & 0xff) == SQLITE_CONSTRAINT ? -EEXIST : -EIO;
	}
}

static sqlite3_stmt *bound(
	struct store *store, enum store_query query, const char *a, const char *b)
{
	sqlite3_stmt *s = store->queries[query];
	if (a != NULL)
		sqlite3_bind_text(s, 1, a, -1, SQLITE_STATIC);
	if (b != NULL)
		sqlite3_bind_text(s, 2, b, -1, SQLITE_STATIC);
	return s;
}

// Ends a use of a statement: nothing of the caller's stays bound.
static int done(sqlite3_stmt *s, int result)
{
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return result;
}

// Runs a statement that gives no rows.
static int run(sqlite3_stmt *s)
{
	int rc = step(s);
	return done(s, rc == SQLITE_DONE ? 0 : rc == SQLITE_ROW ? -EIO : rc);
}

int store_begin(struct store *store)
{
	return run(bound(store, QUERY_BEGIN, NULL, NULL));
}

int store_commit(struct store *store)
{
	int result = run(bound(store, QUERY_COMMIT, NULL, NULL));
	if (result != 0)
		store_rollback(store);
	return result;
}

void store_rollback(struct store *store)
{
	run(bound(store, QUERY_ROLLBACK, NULL, NULL));
}

// ---- users

// The name under which an HA1 is sealed: one of one algorithm does not open as one of the other.
static const char *seal_name(
	const char *aor, enum digest_algorithm algorithm, char out[SEAL_NAME_MAX])
{
	snprintf(out, SEAL_NAME_MAX, "%s%s", algorithm == DIGEST_MD5 ? "md5 " : "", aor);
	return out;
}

// All are sealed at one length.
static int seal_ha1(struct store *store, const char *aor, enum digest_algorithm algorithm,
	const char *ha1, unsigned char sealed[HA1_SEALED])
{
	char padded[DIGEST_HEX] = "", name[SEAL_NAME_MAX];
	snprintf(padded, sizeof(padded), "%s", ha1);
	int result =
		seal_close(store->seal, seal_name(aor, algorithm, name), padded, HA1_BYTES, sealed);
	OPENSSL_cleanse(padded, sizeof(padded));
	return result;
}

int store_user_add(struct store *store, const char *aor, const char *ha1, const char *md5)
{
	unsigned char sealed[HA1_SEALED], sealed_md5[HA1_SEALED];
	if (seal_ha1(store, aor, DIGEST_SHA256, ha1, sealed) != 0 ||
		(md5 != NULL && seal_ha1(store, aor, DIGEST_MD5, md5, sealed_md5) != 0))
		return -EIO;
	sqlite3_stmt *s = bound(store, QUERY_USER_ADD, aor, NULL);
	sqlite3_bind_blob(s, 2, sealed, sizeof(sealed), SQLITE_STATIC);
	if (md5 != NULL)
		sqlite3_bind_blob(s, 3, sealed_md5, sizeof(sealed_md5), SQLITE_STATIC);
	return run(s);
}

int store_user_del(struct store *store, const char *aor)
{
	int result = run(bound(store, QUERY_USER_DEL, aor, NULL));
	return result == 0 && sqlite3_changes(store->db) == 0 ? -ENOENT : result;
}

int store_user_ha1(
	struct store *store, const char *aor, enum digest_algorithm algorithm, char ha1[DIGEST_HEX])
{
	unsigned char sealed[HA1_SEALED];
	char name[SEAL_NAME_MAX];
	int column = algorithm == DIGEST_MD5 ? 1 : 0;
	sqlite3_stmt *s = bound(store, QUERY_USER_HA1, aor, NULL);
	int rc = step(s);
	int bytes = rc == SQLITE_ROW ? sqlite3_column_bytes(s, column) : 0;
	bool found = bytes == HA1_SEALED;
	// A user who does not exist has an HA1 too, which is thrown away
	memcpy(sealed, found ? sqlite3_column_blob(s, column) : store->no_ha1, sizeof(sealed));
	seal_name(found ? aor : STORE_NOBODY, found ? algorithm : DIGEST_SHA256, name);
	int opened = seal_open(store->seal, name, sealed, sizeof(sealed), ha1);
	ha1[HA1_BYTES] = '\0';
	done(s, 0);
	if (found && opened == 0)
		return 0;
	OPENSSL_cleanse(ha1, DIGEST_HEX);
	if (rc == SQLITE_DONE || (rc == SQLITE_ROW && bytes == 0))
		return -ENOENT;
	return rc == SQLITE_ROW ? -EIO : rc;
}

int store_users(struct store *store, store_aor_cb each, void *arg)
{
	sqlite3_stmt *s = bound(store, QUERY_USERS, NULL, NULL);
	int rc;
	while ((rc = step(s)) == SQLITE_ROW)
		if (!each(arg, (const char *)sqlite3_column_text(s, 0)))
			break;
	return done(s, rc < 0 ? rc : 0);
}

// ---- permissions: two rows each, so that a look-up is one range of the primary key

static int user_exists(struct store *store, const char *aor)
{
	sqlite3_stmt *s = bound(store, QUERY_USER_ID, aor, NULL);
	int rc = step(s);
	return done(s, rc == SQLITE_ROW ? 0 : rc == SQLITE_DONE ? -ENOENT : rc);
}

static int both_exist(struct store *store, const char *a, const char *b)
{
	if (strcmp(a, b) == 0)
		return -EINVAL;
	int result = user_exists(store, a);
	return result == 0 ? user_exists(store, b) : result;
}

int store_permit(struct store *store, const char *a, const char *b)
{
	int result = both_exist(store, a, b);
	return result == 0 ? run(bound(store, QUERY_PERMIT, a, b)) : result;
}

int store_forbid(struct store *store, const char *a, const char *b)
{
	int result = both_exist(store, a, b);
	return result == 0 ? run(bound(store, QUERY_FORBID, a, b)) : result;
}

int store_is_permitted(struct store *store, const char *a, const char *b)
{
	sqlite3_stmt *s = bound(store, QUERY_IS_PERMITTED, a, b);
	int rc = step(s);
	return done(s, rc == SQLITE_ROW ? 0 : rc == SQLITE_DONE ? -ENOENT : rc);
}

int store_permitted(struct store *store, const char *aor, store_aor_cb each, void *arg)
{
	sqlite3_stmt *s = bound(store, QUERY_PERMITTED, aor, NULL);
	int rc;
	while ((rc = step(s)) == SQLITE_ROW)
		if (!each(arg, (const char *)sqlite3_column_text(s, 0)))
			break;
	return done(s, rc < 0 ? rc : 0);
}

// ---- bindings

int store_bindings(struct store *store, store_binding_cb each, void *arg)
{
	sqlite3_stmt *s = bound(store, QUERY_BINDINGS, NULL, NULL);
	int rc;
	sqlite3_bind_int64(s, 1, time(NULL));
	while ((rc = step(s)) == SQLITE_ROW) {
		struct store_binding binding = {
			.aor = (const char *)sqlite3_column_text(s, 0),
			.contact = (const char *)sqlite3_column_text(s, 1),
			.fingerprint = (const char *)sqlite3_column_text(s, 2),
			.source = (const char *)sqlite3_column_text(s, 3),
			.since = sqlite3_column_int64(s, 4),
			.expires = sqlite3_column_int64(s, 5),
		};
		if (!each(arg, &binding))
			break;
	}
	return done(s, rc < 0 ? rc : 0);
}

// When a binding expires, on the clock that outlives the process; rounded up.
static time_t expires_at(const struct binding *b)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec + (now.tv_nsec > 0) + (time_t)binding_expires_s(b);
}

// Of a user who was deleted meanwhile nothing is written.
static int save_one(struct store *store, const struct binding *b)
{
	if (b->removed)
		return run(bound(store, QUERY_BINDING_DEL, b->aor, NULL));
	sqlite3_stmt *s = bound(store, QUERY_BINDING_PUT, b->aor, b->contact);
	sqlite3_bind_text(s, 3, b->fingerprint, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 4, b->source, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 5, b->since);
	sqlite3_bind_int64(s, 6, expires_at(b));
	return run(s);
}

int store_save(struct store *store, struct binding_table *table, unsigned max)
{
	const struct binding *b = binding_first_dirty(table);
	unsigned n = 0;
	if (b == NULL)
		return 0;
	sqlite3_busy_timeout(store->db, 0); // logins go on; it is tried again
	int result = store_begin(store);
	if (result == 0) {
		for (; result == 0 && b != NULL && n < max; n++) {
			result = save_one(store, b);
			b = TAILQ_NEXT(b, dirty_link);
		}
		if (result == 0)
			result = store_commit(store);
		else
			store_rollback(store);
	}
	sqlite3_busy_timeout(store->db, store->busy_ms);
	for (; result == 0 && n > 0; n--)
		binding_saved(table);
	return result;
}
