// SPDX-License-Identifier: BSD-3-Clause
// Opens the store, or makes it: database, schema, key file, and the proof that they belong
// together. Runs at start-up.
#include "control/access/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCHEMA_VERSION 2
#define CHECK_NAME     "check" // of the sealed bytes that prove the key
#define CHECK_TEXT     "crowfly"
#define CHECK_BYTES    (sizeof(CHECK_TEXT) + SEAL_OVERHEAD)

static const char schema[] =
	"CREATE TABLE store (version INTEGER NOT NULL, domain TEXT NOT NULL, key_check BLOB NOT NULL)"
	" STRICT;"
	"CREATE TABLE users (id INTEGER PRIMARY KEY, aor TEXT NOT NULL UNIQUE, ha1 BLOB NOT NULL,"
	" ha1_md5 BLOB) STRICT;"
	"CREATE TABLE permits (a INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,"
	" b INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,"
	" PRIMARY KEY (a, b), CHECK (a <> b)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX permits_b ON permits (b);"
	"CREATE TABLE bindings (user INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,"
	" contact TEXT NOT NULL, fingerprint TEXT NOT NULL, source TEXT NOT NULL,"
	" since INTEGER NOT NULL, expires INTEGER NOT NULL) STRICT;";

static bool fail(char *error, const char *path, const char *why)
{
	snprintf(error, ERROR_MAX, "%.120s: %.120s", path, why);
	return false;
}

static bool execute(struct store *store, const char *path, const char *sql, char *error)
{
	return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ||
	       fail(error, path, sqlite3_errmsg(store->db));
}

// SQLite does not wait for others where it changes the journal mode, so this does: up to 10 s.
static bool set_wal(struct store *store, const char *path, char *error)
{
	const struct timespec pause = {0, 10000000};
	int rc = SQLITE_BUSY;
	for (int tries = 0; rc == SQLITE_BUSY && tries < 1000; tries++) {
		rc = sqlite3_exec(store->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
		if (rc == SQLITE_BUSY)
			nanosleep(&pause, NULL);
	}
	return rc == SQLITE_OK || fail(error, path, sqlite3_errmsg(store->db));
}

// The database file itself is made here, so that nobody else can read it for a moment.
static bool open_database(
	struct store *store, const char *path, bool make, enum store_mode mode, char *error)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | (make ? O_CREAT : 0), 0600);
	if (fd < 0)
		return fail(error, path,
			errno == ENOENT && !make ? "no such database (give --domain to make it)"
						 : strerror(errno));
	close(fd);
	if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
		SQLITE_OK)
		return fail(
			error, path, store->db != NULL ? sqlite3_errmsg(store->db) : "no memory");
	sqlite3_busy_timeout(store->db, 10000);
	return set_wal(store, path, error) &&
	       execute(store, path, "PRAGMA foreign_keys = ON", error) &&
	       execute(store, path,
		       mode == STORE_TOOL ? "PRAGMA synchronous = FULL"
					  : "PRAGMA synchronous = NORMAL",
		       error);
}

static bool has_schema(struct store *store, bool *found, const char *path, char *error)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(
		store->db, "SELECT count(*) FROM sqlite_schema WHERE name = 'store'", -1, &s, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	*found = rc == SQLITE_ROW && sqlite3_column_int(s, 0) > 0;
	sqlite3_finalize(s);
	return rc == SQLITE_ROW || fail(error, path, sqlite3_errmsg(store->db));
}

static bool open_key(struct store *store, const char *path, bool make, char *error)
{
	char key_path[PATH_MAX];
	snprintf(key_path, sizeof(key_path), "%s.key", path);
	store->seal = seal_new(key_path, make);
	if (store->seal != NULL)
		return true;
	switch (errno) {
	case ENOENT:
		return fail(error, key_path,
			"the key file of the database is missing; the stored passwords are useless "
			"without it");
	case EACCES:
		return fail(error, key_path,
			"not readable, or readable by others (expected mode 0600)");
	case EINVAL:
		return fail(error, key_path, "no key file (expected 32 bytes)");
	default:
		return fail(error, key_path, strerror(errno));
	}
}

static bool make_schema(struct store *store, const char *path, const char *domain, char *error)
{
	unsigned char check[CHECK_BYTES];
	sqlite3_stmt *s = NULL;
	if (!open_key(store, path, true, error) || !execute(store, path, schema, error))
		return false;
	bool ok = seal_close(store->seal, CHECK_NAME, CHECK_TEXT, sizeof(CHECK_TEXT), check) == 0 &&
		  sqlite3_prepare_v2(store->db, "INSERT INTO store VALUES (?, ?, ?)", -1, &s,
			  NULL) == SQLITE_OK &&
		  sqlite3_bind_int(s, 1, SCHEMA_VERSION) == SQLITE_OK &&
		  sqlite3_bind_text(s, 2, domain, -1, SQLITE_STATIC) == SQLITE_OK &&
		  sqlite3_bind_blob(s, 3, check, sizeof(check), SQLITE_STATIC) == SQLITE_OK &&
		  sqlite3_step(s) == SQLITE_DONE;
	sqlite3_finalize(s);
	return ok || fail(error, path, sqlite3_errmsg(store->db));
}

// Version 1 had no HA1s for phones that know MD5 only.
static const char upgrade_from_1[] =
	"ALTER TABLE users ADD COLUMN ha1_md5 BLOB; UPDATE store SET version = 2;";

// The one row of the table `store`: version, domain, and what the key must open.
static bool check_row(
	struct store *store, sqlite3_stmt *s, int *version, const char *path, char *error)
{
	unsigned char text[sizeof(CHECK_TEXT)];
	if (sqlite3_step(s) != SQLITE_ROW)
		return fail(error, path, "no database of crowfly-access");
	*version = sqlite3_column_int(s, 0);
	if (*version < 1 || *version > SCHEMA_VERSION)
		return fail(error, path, "made by another version of crowfly-access");
	snprintf(store->domain, sizeof(store->domain), "%s", sqlite3_column_text(s, 1));
	if (sqlite3_column_bytes(s, 2) != CHECK_BYTES ||
		seal_open(store->seal, CHECK_NAME, sqlite3_column_blob(s, 2), CHECK_BYTES, text) !=
			0)
		return fail(error, path, "its key file belongs to another database");
	return true;
}

static bool check_store(struct store *store, const char *path, char *error)
{
	sqlite3_stmt *s = NULL;
	int version = 0;
	if (sqlite3_prepare_v2(store->db, "SELECT version, domain, key_check FROM store", -1, &s,
		    NULL) != SQLITE_OK)
		return fail(error, path, sqlite3_errmsg(store->db));
	bool ok = check_row(store, s, &version, path, error);
	sqlite3_finalize(s);
	return ok && (version == SCHEMA_VERSION || execute(store, path, upgrade_from_1, error));
}

// Under the write lock, so that two that start at once make one store.
static bool make_or_check(struct store *store, const char *path, const char *domain, char *error)
{
	bool found = false;
	if (!execute(store, path, "BEGIN IMMEDIATE", error))
		return false;
	bool ok = has_schema(store, &found, path, error);
	if (ok && !found)
		ok = domain != NULL ? make_schema(store, path, domain, error)
				    : fail(error, path, "no database of crowfly-access");
	else if (ok)
		ok = open_key(store, path, false, error);
	ok = ok && check_store(store, path, error) && execute(store, path, "COMMIT", error);
	if (!ok)
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return ok;
}

static bool prepare(struct store *store, const char *path, char *error)
{
	static const char *const sql[] = {
#define STORE_QUERY_SQL(name, text) text,
		STORE_QUERIES(STORE_QUERY_SQL)
#undef STORE_QUERY_SQL
	};
	char nobody[DIGEST_HEX] = "";
	for (int i = 0; i < QUERY_COUNT; i++)
		if (sqlite3_prepare_v3(store->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &store->queries[i], NULL) != SQLITE_OK)
			return fail(error, path, sqlite3_errmsg(store->db));
	return seal_close(store->seal, STORE_NOBODY, nobody, DIGEST_HEX - 1, store->no_ha1) == 0 ||
	       fail(error, path, "cannot encrypt");
}

struct store *store_new(
	const char *path, const char *domain, enum store_mode mode, char error[ERROR_MAX])
{
	struct store *store = calloc(1, sizeof(*store));
	if (store == NULL) {
		fail(error, path, strerror(ENOMEM));
		return NULL;
	}
	if (!open_database(store, path, domain != NULL, mode, error) ||
		!make_or_check(store, path, domain, error) || !prepare(store, path, error))
		goto failed;
	if (domain != NULL && strcmp(domain, store->domain) != 0) {
		snprintf(error, ERROR_MAX, "%.100s: made for domain %.64s, not %.64s", path,
			store->domain, domain);
		goto failed;
	}
	store->busy_ms = mode == STORE_TOOL ? 10000 : 250;
	sqlite3_busy_timeout(store->db, store->busy_ms);
	return store;
failed:
	store_free(store);
	return NULL;
}

void store_free(struct store *store)
{
	if (store == NULL)
		return;
	for (int i = 0; i < QUERY_COUNT; i++)
		sqlite3_finalize(store->queries[i]);
	sqlite3_close(store->db);
	seal_free(store->seal);
	free(store);
}

const char *store_domain(const struct store *store)
{
	return store->domain;
}
