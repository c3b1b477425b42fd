// SPDX-License-Identifier: BSD-3-Clause
// What store.c (queries) and store_open.c (opening, schema) share.
#pragma once

#include <sqlite3.h>

#include "control/access/seal.h"
#include "control/access/store.h"

#define STORE_NOBODY "nobody" // no address of record: the name of what is sealed for nobody

// clang-format off
#define STORE_QUERIES(QUERY)                                                                       \
	QUERY(BEGIN, "BEGIN IMMEDIATE")                                                            \
	QUERY(COMMIT, "COMMIT")                                                                    \
	QUERY(ROLLBACK, "ROLLBACK")                                                                \
	QUERY(USER_ADD, "INSERT INTO users (aor, ha1, ha1_md5) VALUES (?, ?, ?)")                  \
	QUERY(USER_DEL, "DELETE FROM users WHERE aor = ?")                                         \
	QUERY(USER_HA1, "SELECT ha1, ha1_md5 FROM users WHERE aor = ?")                            \
	QUERY(USER_ID, "SELECT id FROM users WHERE aor = ?")                                       \
	QUERY(USERS, "SELECT aor FROM users ORDER BY aor")                                         \
	QUERY(PERMIT, "INSERT INTO permits (a, b)"                                                 \
		" SELECT x.id, y.id FROM users x, users y WHERE x.aor = ?1 AND y.aor = ?2 UNION ALL"   \
		" SELECT y.id, x.id FROM users x, users y WHERE x.aor = ?1 AND y.aor = ?2"             \
		" ON CONFLICT DO NOTHING")                                                         \
	QUERY(FORBID, "DELETE FROM permits WHERE"                                                  \
		" (a = (SELECT id FROM users WHERE aor = ?1)"                                      \
		" AND b = (SELECT id FROM users WHERE aor = ?2)) OR"                               \
		" (a = (SELECT id FROM users WHERE aor = ?2)"                                      \
		" AND b = (SELECT id FROM users WHERE aor = ?1))")                                 \
	QUERY(IS_PERMITTED, "SELECT 1 FROM permits WHERE"                                          \
		" a = (SELECT id FROM users WHERE aor = ?1)"                                       \
		" AND b = (SELECT id FROM users WHERE aor = ?2)")                                  \
	QUERY(PERMITTED, "SELECT peer.aor FROM users me JOIN permits ON permits.a = me.id"         \
		" JOIN users peer ON peer.id = permits.b WHERE me.aor = ? ORDER BY peer.aor")      \
	QUERY(BINDINGS, "SELECT aor, contact, fingerprint, source, since, expires FROM bindings"   \
		" JOIN users ON users.id = bindings.user WHERE expires > ? ORDER BY aor")          \
	QUERY(BINDING_PUT, "INSERT INTO bindings (user, contact, fingerprint, source, since, expires)" \
		" SELECT id, ?2, ?3, ?4, ?5, ?6 FROM users WHERE aor = ?1"                         \
		" ON CONFLICT (user) DO UPDATE SET contact = excluded.contact,"                    \
		" fingerprint = excluded.fingerprint, source = excluded.source,"                   \
		" since = excluded.since, expires = excluded.expires")                             \
	QUERY(BINDING_DEL, "DELETE FROM bindings WHERE user = (SELECT id FROM users WHERE aor = ?)")
// clang-format on

enum store_query {
#define STORE_QUERY_ENUM(name, sql) QUERY_##name,
	STORE_QUERIES(STORE_QUERY_ENUM)
#undef STORE_QUERY_ENUM
		QUERY_COUNT
};

struct store {
	sqlite3 *db;
	struct seal *seal;
	int busy_ms;
	char domain[DOMAIN_MAX];
	unsigned char no_ha1[DIGEST_HEX - 1 + SEAL_OVERHEAD]; // sealed for STORE_NOBODY
	sqlite3_stmt *queries[QUERY_COUNT];
};
