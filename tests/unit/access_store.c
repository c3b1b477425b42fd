// SPDX-License-Identifier: BSD-3-Clause
// The store: users, permissions, bindings, and what its files do and do not hold.
#include <criterion/criterion.h>

#include "control/access/seal.h"
#include "control/access/store.h"
#include "control/sip/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DOMAIN "example.org"
#define ALICE  "sip:alice@example.org"
#define BOB    "sip:bob@example.org"
#define CAROL  "sip:carol@example.org"

static char dir[64], path[96], key_path[112], error[ERROR_MAX];
static struct store *store;

static void setup(void)
{
	strcpy(dir, "/tmp/crowfly-store-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/access.db", dir);
	snprintf(key_path, sizeof(key_path), "%s.key", path);
	msg_init();
	store = store_new(path, DOMAIN, STORE_TOOL, error);
	cr_assert_not_null(store, "%s", error);
}

static void teardown(void)
{
	char command[128];
	store_free(store);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	cr_assert_eq(system(command), 0);
}

TestSuite(store, .init = setup, .fini = teardown);

static void add(const char *aor, const char *password)
{
	char ha1[DIGEST_HEX], user[AOR_MAX];
	aor_user(aor, user);
	digest_ha1(DIGEST_SHA256, user, DOMAIN, password, ha1);
	cr_assert_eq(store_user_add(store, aor, ha1, NULL), 0);
}

static struct store *again(void)
{
	store_free(store);
	store = store_new(path, DOMAIN, STORE_TOOL, error);
	return store;
}

Test(store, users)
{
	char ha1[DIGEST_HEX], expected[DIGEST_HEX];
	add(ALICE, "wonderland");
	digest_ha1(DIGEST_SHA256, "alice", DOMAIN, "wonderland", expected);
	cr_assert_eq(store_user_ha1(store, ALICE, DIGEST_SHA256, ha1), 0);
	cr_assert_str_eq(ha1, expected);
	cr_assert_eq(store_user_add(store, ALICE, ha1, NULL), -EEXIST);
	cr_assert_eq(store_user_ha1(store, BOB, DIGEST_SHA256, ha1), -ENOENT);
	cr_assert_eq(ha1[0], '\0');
	cr_assert_eq(store_user_del(store, BOB), -ENOENT);
	cr_assert_eq(store_user_del(store, ALICE), 0);
	cr_assert_eq(store_user_ha1(store, ALICE, DIGEST_SHA256, ha1), -ENOENT);
}

Test(store, hashes_for_phones)
{
	char ha1[DIGEST_HEX], sha256[DIGEST_HEX], md5[DIGEST_HEX];
	digest_ha1(DIGEST_SHA256, "alice", DOMAIN, "wonderland", sha256);
	digest_ha1(DIGEST_MD5, "alice", DOMAIN, "wonderland", md5);
	cr_assert_eq(store_user_add(store, ALICE, sha256, md5), 0);
	add(BOB, "builder");
	cr_assert_not_null(again(), "%s", error);
	cr_assert_eq(store_user_ha1(store, ALICE, DIGEST_MD5, ha1), 0);
	cr_assert_str_eq(ha1, md5);
	cr_assert_eq(store_user_ha1(store, ALICE, DIGEST_SHA256, ha1), 0);
	cr_assert_str_eq(ha1, sha256);
	cr_assert_eq(store_user_ha1(store, BOB, DIGEST_MD5, ha1), -ENOENT, "he did not opt in");
	cr_assert_eq(ha1[0], '\0');
	cr_assert_eq(store_user_ha1(store, CAROL, DIGEST_MD5, ha1), -ENOENT);
	// One cannot be put in the place of the other
	char command[256];
	snprintf(command, sizeof(command), "sqlite3 %s 'UPDATE users SET ha1_md5 = ha1'", path);
	cr_assert_eq(system(command), 0);
	cr_assert_eq(store_user_ha1(store, ALICE, DIGEST_MD5, ha1), -EIO);
	cr_assert_eq(ha1[0], '\0');
}

Test(store, one_of_version_1_is_taken_over)
{
	char ha1[DIGEST_HEX], command[256];
	add(ALICE, "wonderland");
	add(BOB, "builder");
	cr_assert_eq(store_permit(store, ALICE, BOB), 0);
	snprintf(command, sizeof(command),
		"sqlite3 %s 'ALTER TABLE users DROP COLUMN ha1_md5; UPDATE store SET version = 1'",
		path);
	store_free(store);
	store = NULL;
	cr_assert_eq(system(command), 0);
	for (int i = 0; i < 2; i++) {
		cr_assert_not_null(again(), "%s", error);
		cr_assert_eq(store_user_ha1(store, ALICE, DIGEST_SHA256, ha1), 0);
		cr_assert_eq(store_user_ha1(store, ALICE, DIGEST_MD5, ha1), -ENOENT);
		cr_assert_eq(store_is_permitted(store, BOB, ALICE), 0);
	}
	snprintf(command, sizeof(command), "sqlite3 %s 'UPDATE store SET version = 3'", path);
	cr_assert_eq(system(command), 0);
	cr_assert_null(again());
	cr_assert_not_null(strstr(error, "another version"), "%s", error);
}

static char seen[1024];

static bool collect(void *arg, const char *aor)
{
	strcat(seen, aor + 4);
	strcat(seen, " ");
	(void)arg;
	return true;
}

static const char *permitted(const char *aor)
{
	seen[0] = '\0';
	cr_assert_eq(store_permitted(store, aor, collect, NULL), 0);
	return seen;
}

Test(store, permissions)
{
	add(ALICE, "a");
	add(BOB, "b");
	add(CAROL, "c");
	cr_assert_str_eq(permitted(ALICE), "", "the default is to deny");
	cr_assert_eq(store_permit(store, BOB, ALICE), 0);
	cr_assert_eq(store_permit(store, ALICE, BOB), 0, "again, and the other way round");
	cr_assert_eq(store_permit(store, ALICE, CAROL), 0);
	cr_assert_str_eq(permitted(ALICE), "bob@example.org carol@example.org ");
	cr_assert_str_eq(permitted(BOB), "alice@example.org ");
	cr_assert_str_eq(permitted(CAROL), "alice@example.org ");
	cr_assert_eq(store_is_permitted(store, ALICE, BOB), 0);
	cr_assert_eq(store_is_permitted(store, BOB, ALICE), 0);
	cr_assert_eq(store_is_permitted(store, BOB, CAROL), -ENOENT);
	cr_assert_eq(store_is_permitted(store, ALICE, ALICE), -ENOENT);
	cr_assert_eq(store_is_permitted(store, ALICE, "sip:x@example.org"), -ENOENT);
	cr_assert_eq(store_permit(store, ALICE, ALICE), -EINVAL);
	cr_assert_eq(store_permit(store, ALICE, "sip:x@example.org"), -ENOENT);
	cr_assert_eq(store_forbid(store, "sip:x@example.org", ALICE), -ENOENT);
	cr_assert_eq(store_forbid(store, BOB, ALICE), 0);
	cr_assert_eq(store_forbid(store, BOB, ALICE), 0);
	cr_assert_str_eq(permitted(ALICE), "carol@example.org ");
	cr_assert_str_eq(permitted(BOB), "");
	cr_assert_eq(store_user_del(store, CAROL), 0);
	cr_assert_str_eq(permitted(ALICE), "", "who is deleted is nobody's peer");
	add(CAROL, "c");
	cr_assert_str_eq(permitted(CAROL), "", "and a new user of that name starts with nobody");
}

Test(store, rollback)
{
	char ha1[DIGEST_HEX];
	cr_assert_eq(store_begin(store), 0);
	add(ALICE, "a");
	store_rollback(store);
	cr_assert_eq(store_user_ha1(store, ALICE, DIGEST_SHA256, ha1), -ENOENT);
}

static bool file_has(const char *name, const void *needle, size_t length)
{
	char *data = malloc(1 << 20);
	int fd = open(name, O_RDONLY);
	ssize_t n = fd >= 0 ? read(fd, data, 1 << 20) : -1;
	bool found = n > 0 && memmem(data, (size_t)n, needle, length) != NULL;
	if (fd >= 0)
		close(fd);
	free(data);
	return found;
}

Test(store, no_file_holds_password_or_ha1)
{
	char ha1[DIGEST_HEX], wal[128];
	unsigned char raw[32];
	add(ALICE, "wonderland-4711");
	digest_ha1(DIGEST_SHA256, "alice", DOMAIN, "wonderland-4711", ha1);
	for (int i = 0; i < 32; i++)
		sscanf(ha1 + 2 * i, "%2hhx", &raw[i]);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	cr_assert(file_has(wal, ALICE, strlen(ALICE)), "the search itself works");
	for (int round = 0; round < 2; round++) {
		const char *const files[] = {path, wal, key_path};
		for (int i = 0; i < 3; i++) {
			cr_assert_not(file_has(files[i], "wonderland", 10));
			cr_assert_not(file_has(files[i], ha1, 64));
			cr_assert_not(file_has(files[i], raw, 32));
		}
		cr_assert_not_null(again()); // the write-ahead log has gone into the database
	}
	cr_assert(file_has(path, ALICE, strlen(ALICE)));
}

Test(store, files_are_private)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", ".key"};
	add(ALICE, "a");
	for (int i = 0; i < 4; i++) {
		struct stat st;
		char name[128];
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		cr_assert_eq(stat(name, &st), 0, "%s", name);
		cr_assert_eq(st.st_mode & 0777, 0600, "%s: %o", name, st.st_mode);
	}
}

Test(store, key_file_is_needed)
{
	char other[128];
	add(ALICE, "a");
	snprintf(other, sizeof(other), "%s/elsewhere", dir);
	cr_assert_eq(rename(key_path, other), 0);
	cr_assert_null(again());
	cr_assert_not_null(strstr(error, "access.db.key: the key file"), "%s", error);
	cr_assert_neq(access(key_path, F_OK), 0, "no new key is made for an old database");

	FILE *file = fopen(key_path, "w");
	fwrite("0123456789abcdef0123456789abcdef", 1, 32, file);
	fclose(file);
	chmod(key_path, 0600);
	cr_assert_null(again());
	cr_assert_not_null(strstr(error, "belongs to another database"), "%s", error);

	cr_assert_eq(truncate(key_path, 31), 0);
	cr_assert_null(again());
	cr_assert_not_null(strstr(error, "32 bytes"), "%s", error);

	cr_assert_eq(rename(other, key_path), 0);
	chmod(key_path, 0640);
	cr_assert_null(again());
	cr_assert_not_null(strstr(error, "0600"), "%s", error);
	chmod(key_path, 0600);
	cr_assert_not_null(again(), "%s", error);
}

Test(store, sealed_for_one_user_only)
{
	// A row copied to another user, by whoever can write the file, opens nothing
	char ha1[DIGEST_HEX], command[256];
	add(ALICE, "a");
	add(BOB, "b");
	snprintf(command, sizeof(command),
		"sqlite3 %s \"UPDATE users SET ha1 = (SELECT ha1 FROM users WHERE aor = '" ALICE
		"') WHERE aor = '" BOB "'\"",
		path);
	cr_assert_eq(system(command), 0);
	cr_assert_eq(store_user_ha1(store, ALICE, DIGEST_SHA256, ha1), 0);
	cr_assert_eq(store_user_ha1(store, BOB, DIGEST_SHA256, ha1), -EIO);
	cr_assert_eq(ha1[0], '\0');
}

Test(store, another_domain)
{
	cr_assert_null(store_new(path, "example.com", STORE_TOOL, error));
	cr_assert_not_null(strstr(error, "made for domain example.org"), "%s", error);
	struct store *any = store_new(path, NULL, STORE_TOOL, error);
	cr_assert_str_eq(store_domain(any), DOMAIN);
	store_free(any);
	char missing[128];
	snprintf(missing, sizeof(missing), "%s/none.db", dir);
	cr_assert_null(store_new(missing, NULL, STORE_TOOL, error));
	cr_assert_not_null(strstr(error, "no such database"), "%s", error);
	cr_assert_neq(access(missing, F_OK), 0);
}

Test(store, not_a_database)
{
	char other[128];
	snprintf(other, sizeof(other), "%s/text", dir);
	FILE *file = fopen(other, "w");
	for (int i = 0; i < 1000; i++)
		fputs("this is no database\n", file);
	fclose(file);
	cr_assert_null(store_new(other, DOMAIN, STORE_TOOL, error));
	cr_assert_not_null(strstr(error, "not a database"), "%s", error);
}

static struct binding_login login_of(const char *aor, unsigned expires_s)
{
	return (struct binding_login){
		.aor = aor,
		.contact = "sip:a@10.0.0.1:5061;transport=tls",
		.fingerprint = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		.source = "10.0.0.1:1234",
		.call_id = "c",
		.cseq = 1,
		.expires_s = expires_s,
	};
}

static bool collect_binding(void *arg, const struct store_binding *b)
{
	struct store_binding *out = arg;
	cr_assert_str_eq(b->contact, "sip:a@10.0.0.1:5061;transport=tls");
	cr_assert_str_eq(b->fingerprint, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	cr_assert_str_eq(b->source, "10.0.0.1:1234");
	out->since = b->since;
	out->expires = b->expires;
	return collect(NULL, b->aor);
}

static const char *bindings(struct store_binding *last)
{
	seen[0] = '\0';
	cr_assert_eq(store_bindings(store, collect_binding, last), 0);
	return seen;
}

Test(store, bindings)
{
	struct store_binding last;
	struct binding_table *table = binding_table_new();
	struct binding_login alice = login_of(ALICE, 600), bob = login_of(BOB, 60),
			     nobody = login_of("sip:x@example.org", 60);
	add(ALICE, "a");
	add(BOB, "b");
	binding_put(table, &alice, false);
	binding_put(table, &bob, false);
	binding_put(table, &nobody, false);
	cr_assert_eq(store_save(store, table, 2), 0);
	cr_assert_not_null(binding_first_dirty(table), "two at a time");
	cr_assert_eq(store_save(store, table, 2), 0);
	cr_assert_null(binding_first_dirty(table));
	cr_assert_str_eq(bindings(&last), "alice@example.org bob@example.org ",
		"none of a user who does not exist");
	cr_assert_leq(labs(last.expires - time(NULL) - 60), 2);
	cr_assert_leq(labs(last.since - time(NULL)), 2);

	// Removed and put again before it was written: the last word counts
	binding_remove(table, binding_find(table, ALICE));
	binding_remove(table, binding_find(table, BOB));
	binding_put(table, &bob, false);
	cr_assert_eq(store_save(store, table, 100), 0);
	cr_assert_str_eq(bindings(&last), "bob@example.org ");
	cr_assert_eq(store_user_del(store, BOB), 0);
	cr_assert_str_eq(bindings(&last), "", "the binding goes with the user");
	binding_table_free(table);
}

Test(store, another_writer_does_not_hold_up_the_server)
{
	struct binding_table *table = binding_table_new();
	struct binding_login alice = login_of(ALICE, 600);
	add(ALICE, "a");
	struct store *server = store_new(path, DOMAIN, STORE_SERVER, error);
	cr_assert_not_null(server, "%s", error);
	binding_put(table, &alice, false);
	cr_assert_eq(store_begin(store), 0);
	add(BOB, "b");
	uint64_t before = binding_now_us();
	char ha1[DIGEST_HEX];
	cr_assert_eq(store_save(server, table, 10), -EBUSY);
	cr_assert_eq(store_user_ha1(server, ALICE, DIGEST_SHA256, ha1), 0, "logins go on");
	cr_assert_eq(store_user_ha1(server, BOB, DIGEST_SHA256, ha1), -ENOENT);
	cr_assert_lt(binding_now_us() - before, 200000);
	cr_assert_eq(store_commit(store), 0);
	cr_assert_eq(store_save(server, table, 10), 0);
	cr_assert_eq(store_user_ha1(server, BOB, DIGEST_SHA256, ha1), 0,
		"what was added is seen at once");
	store_free(server);
	binding_table_free(table);
}

Test(store, two_make_it_at_once)
{
	char fresh[112];
	snprintf(fresh, sizeof(fresh), "%s/fresh.db", dir);
	for (int i = 0; i < 8; i++) {
		if (fork() > 0)
			continue;
		struct store *mine = store_new(fresh, DOMAIN, STORE_TOOL, error);
		if (mine == NULL)
			dprintf(2, "%s\n", error);
		store_free(mine);
		_exit(mine != NULL ? 0 : 1);
	}
	int failed = 0, status;
	for (int i = 0; i < 8; i++) {
		wait(&status);
		failed += status != 0;
	}
	cr_assert_eq(failed, 0);
}

Test(store, ten_thousand_users)
{
	cr_assert_eq(store_begin(store), 0);
	char aor[64];
	for (int i = 0; i < 10000; i++) {
		snprintf(aor, sizeof(aor), "sip:u%d@example.org", i);
		add(aor, "p");
		if (i > 0)
			cr_assert_eq(store_permit(store, "sip:u0@example.org", aor), 0);
	}
	cr_assert_eq(store_commit(store), 0);
	char ha1[DIGEST_HEX];
	cr_assert_eq(store_user_ha1(store, "sip:u9999@example.org", DIGEST_SHA256, ha1), 0);
}

// ---- the seal alone

Test(seal, opens_what_it_closed)
{
	char key[] = "/tmp/crowfly-seal-XXXXXX";
	int fd = mkstemp(key);
	close(fd);
	unlink(key);
	cr_assert_null(seal_new(key, false));
	cr_assert_eq(errno, ENOENT);
	struct seal *seal = seal_new(key, true), *same = seal_new(key, false);
	unsigned char closed[100 + SEAL_OVERHEAD], twice[100 + SEAL_OVERHEAD];
	char text[100], out[100];
	memset(text, 'x', sizeof(text));
	cr_assert_eq(seal_close(seal, "a", text, 100, closed), 0);
	cr_assert_eq(seal_close(seal, "a", text, 100, twice), 0);
	cr_assert_neq(memcmp(closed, twice, sizeof(closed)), 0, "never the same nonce");
	cr_assert_eq(seal_open(same, "a", closed, sizeof(closed), out), 0);
	cr_assert_eq(memcmp(text, out, 100), 0);
	cr_assert_eq(seal_open(same, "b", closed, sizeof(closed), out), -EBADMSG);
	cr_assert_eq(out[0], 0);
	for (size_t i = 0; i < sizeof(closed); i++) {
		closed[i] ^= 1;
		cr_assert_eq(seal_open(same, "a", closed, sizeof(closed), out), -EBADMSG);
		closed[i] ^= 1;
	}
	for (size_t n = 0; n < sizeof(closed); n++)
		cr_assert_eq(seal_open(same, "a", closed, n, out), -EBADMSG);
	seal_free(seal);
	seal_free(same);
	unlink(key);
}
