// SPDX-License-Identifier: BSD-3-Clause
// Certificates, and whom a client takes for its server: by name and trust, or by pinned
// fingerprint.
#include "tests/unit/sip_world.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

static struct world world;

static void init(void)
{
	world_init(&world);
}

static void fini(void)
{
	if (world.client.conn != NULL)
		conn_abort(world.client.conn);
	world_fini(&world);
}

TestSuite(sip_tls, .init = init, .fini = fini, .timeout = 30);

static void in_folder(char *out, size_t size, const char *name)
{
	snprintf(out, size, "%s/%s", world.folder, name);
}

static mode_t mode_of(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? status.st_mode & 0777 : 0;
}

Test(sip_tls, certificate_is_what_it_should_be)
{
	FILE *file = fopen(world.client_cert, "r");
	X509 *cert = PEM_read_X509(file, NULL, NULL, NULL);
	char name[64], curve[64], other[TLS_FINGERPRINT_MAX], own[TLS_FINGERPRINT_MAX];
	const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
	int days, seconds;
	size_t length;

	fclose(file);
	cr_expect(eq(int, mode_of(world.client_cert), 0600));
	cr_expect(eq(int, mode_of(world.client_key), 0600));
	X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, sizeof(name));
	cr_expect(eq(str, name, "client"));
	cr_expect(eq(int, EVP_PKEY_get_base_id(X509_get0_pubkey(cert)), EVP_PKEY_EC));
	EVP_PKEY_get_group_name(X509_get0_pubkey(cert), curve, sizeof(curve), &length);
	cr_expect(eq(str, curve, "prime256v1"));
	cr_expect(eq(int, X509_verify(cert, X509_get0_pubkey(cert)), 1));
	ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert));
	cr_expect(days >= 3649 && days <= 3650, "%d", days);
	cr_expect(ASN1_STRING_length(serial) >= 12, "random, and long");
	cr_assert(eq(int, tls_fingerprint(cert, own), 0));
	cr_assert(eq(int, tls_fingerprint_file(world.server_cert, other), 0));
	cr_expect(eq(sz, strlen(own), 43));
	cr_expect(not(tls_fingerprint_equal(own, other)));
	cr_expect(tls_fingerprint_equal(own, own));
	X509_free(cert);
}

// Against an independent implementation of x5t#S256.
Test(sip_tls, fingerprint_is_that_of_openssl_and_base64)
{
	char command[512], expected[64] = "", own[TLS_FINGERPRINT_MAX];
	FILE *pipe;

	snprintf(command, sizeof(command),
		"openssl x509 -in %s -outform DER | openssl dgst -sha256 -binary | basenc "
		"--base64url | tr -d '=\\n'",
		world.client_cert);
	pipe = popen(command, "r");
	cr_assert(ne(ptr, fgets(expected, sizeof(expected), pipe), NULL));
	pclose(pipe);
	tls_fingerprint_file(world.client_cert, own);
	cr_expect(eq(str, own, expected));
}

Test(sip_tls, both_files_or_none_and_none_replaced)
{
	char cert[96], key[96], command[160];
	struct stat before, after;

	in_folder(cert, sizeof(cert), "new.crt");
	in_folder(key, sizeof(key), "new.key");
	cr_expect(eq(int, tls_make_certificate(cert, world.server_key, "x"), -EEXIST));
	cr_expect(eq(int, access(cert, F_OK), -1));
	stat(world.server_cert, &before);
	cr_expect(eq(int, tls_make_certificate(world.server_cert, key, "x"), -EEXIST));
	stat(world.server_cert, &after);
	cr_expect(eq(int, (int)(before.st_ino == after.st_ino), 1));
	cr_expect(eq(int, access(key, F_OK), -1));
	cr_expect(eq(int, tls_make_certificate("/nowhere/a.crt", key, "x"), -ENOENT));
	cr_expect(eq(int, access(key, F_OK), -1));
	snprintf(command, sizeof(command), "! ls %s | grep -q new", world.folder);
	cr_expect(eq(int, system(command), 0), "nothing is left behind");
}

Test(sip_tls, bad_files_are_told)
{
	char error[256];

	cr_expect(eq(ptr, tls_server("/nowhere.crt", "/nowhere.key", error), NULL));
	cr_expect(strstr(error, "/nowhere.crt") != NULL, "%s", error);
	cr_expect(eq(ptr, tls_server(world.server_cert, world.client_key, error), NULL));
	cr_expect(eq(ptr, tls_server(world.server_key, world.server_cert, error), NULL));
	cr_expect(
		eq(ptr, tls_client(world.client_cert, world.client_key, "/nowhere", error), NULL));
	cr_expect(strstr(error, "/nowhere") != NULL, "%s", error);
	cr_expect(eq(int, tls_fingerprint_file(world.server_key, error), -EINVAL));
	cr_expect(eq(int, tls_fingerprint_file("/nowhere", error), -ENOENT));
}

// Signs it again, as one that ended a minute ago.
static void expire(const char *cert_path, const char *key_path)
{
	FILE *file = fopen(cert_path, "r"), *key_file = fopen(key_path, "r");
	X509 *cert = PEM_read_X509(file, NULL, NULL, NULL);
	EVP_PKEY *key = PEM_read_PrivateKey(key_file, NULL, NULL, NULL);

	fclose(file);
	fclose(key_file);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), -60);
	cr_assert(gt(int, X509_sign(cert, key, EVP_sha256()), 0));
	file = fopen(cert_path, "w");
	PEM_write_X509(file, cert);
	fclose(file);
	X509_free(cert);
	EVP_PKEY_free(key);
}

// A server whose certificate names it, and a client that trusts it or nobody.
static void serve_named(const char *names, bool expired, bool trusted)
{
	char cert[96], key[96], error[256], command[1024];

	in_folder(cert, sizeof(cert), "named.crt");
	in_folder(key, sizeof(key), "named.key");
	snprintf(command, sizeof(command),
		"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s "
		"-out %s -subj /CN=other.example.org -days 2 -addext 'subjectAltName=%s' "
		"2>/dev/null",
		key, cert, names);
	cr_assert(eq(int, system(command), 0));
	if (expired)
		expire(cert, key);
	SSL_CTX_free(world.server_tls);
	SSL_CTX_free(world.client_tls);
	world.server_tls = tls_server(cert, key, error);
	cr_assert(ne(ptr, world.server_tls, NULL), "%s", error);
	world.client_tls =
		tls_client(world.client_cert, world.client_key, trusted ? cert : NULL, error);
	cr_assert(ne(ptr, world.client_tls, NULL), "%s", error);
	strcpy(world.server_cert, cert);
	world_listen(&world, NULL);
}

// Whether a client that verifies so becomes ready.
static bool accepted(const struct conn_verify *verify)
{
	unsigned closed = world.client.closed, ready = world.client.ready;
	struct conn *conn = world_connect(&world, verify, NULL);

	cr_assert(ne(ptr, conn, NULL));
	world_send(conn, 1);
	while (world.client.closed == closed && world.client.ready == ready)
		world_run(&world, 5);
	if (world.client.ready == ready)
		return false;
	conn_close(conn);
	world.client.conn = NULL;
	return true;
}

Test(sip_tls, server_by_name)
{
	static const struct {
		const char *name;
		bool accepted;
	} cases[] = {
		{"access.example.org", true},
		{"ACCESS.example.org", true},
		{"127.0.0.1", true},
		{"::1", true},
		{"127.0.0.2", false},
		{"example.org", false},
		{"a.access.example.org", false},
		{"other.example.org", false},
		{"any.wild.example.org", false},
		{"access.example.org.", false},
	};

	serve_named(
		"DNS:access.example.org,DNS:*.wild.example.org,IP:127.0.0.1,IP:::1", false, true);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned messages = world.server.messages;
		cr_expect(eq(int, accepted(&(struct conn_verify){.name = cases[i].name}),
				  cases[i].accepted),
			"%s: %s", cases[i].name, world.client.why);
		world_run(&world, 30);
		cr_expect(eq(uint, world.server.messages, messages + cases[i].accepted),
			"nothing is sent to the wrong one: %s", cases[i].name);
	}
}

// A pattern would be met by the certificate that has it.
Test(sip_tls, name_to_verify_is_no_pattern)
{
	world_listen(&world, NULL);
	cr_expect(eq(ptr,
		world_connect(&world, &(struct conn_verify){.name = "*.example.org"}, NULL), NULL));
	cr_expect(eq(ptr, world_connect(&world, &(struct conn_verify){.name = "a b"}, NULL), NULL));
	cr_expect(eq(ptr,
		world_connect(&world, &(struct conn_verify){.name = ".example.org"}, NULL), NULL));
}

Test(sip_tls, right_name_but_not_trusted)
{
	serve_named("DNS:access.example.org", false, false);
	cr_expect(not(accepted(&(struct conn_verify){.name = "access.example.org"})));
	cr_expect(eq(int, strncmp(world.client.why, "TLS: self", 9), 0), "%s", world.client.why);
	world_run(&world, 30);
	cr_expect(eq(uint, world.server.messages, 0));
}

// A pin is of the key; dates and issuer are what it replaces.
Test(sip_tls, server_by_pin)
{
	char pin[TLS_FINGERPRINT_MAX], wrong[TLS_FINGERPRINT_MAX];

	serve_named("DNS:access.example.org", false, false);
	tls_fingerprint_file(world.server_cert, pin);
	strcpy(wrong, pin);
	wrong[20] = wrong[20] == 'A' ? 'B' : 'A';
	cr_expect(accepted(&(struct conn_verify){.fingerprint = pin}), "%s", world.client.why);
	cr_assert(world_wait(&world, &world.server.messages, 1));
	cr_expect(not(accepted(&(struct conn_verify){.fingerprint = wrong})));
	cr_expect(eq(str, world.client.why, "TLS: not the certificate that was expected"));
	world_run(&world, 30);
	cr_expect(eq(uint, world.server.messages, 1), "nothing is sent to the wrong one");
}

// The pinned certificate is in the chain, but another one is the server's own.
Test(sip_tls, pin_is_of_the_leaf_not_of_the_chain)
{
	char pin[TLS_FINGERPRINT_MAX], chain[96], command[512], error[256];

	in_folder(chain, sizeof(chain), "chain.crt");
	snprintf(command, sizeof(command), "cat %s %s > %s", world.server_cert, world.client_cert,
		chain);
	cr_assert(eq(int, system(command), 0));
	tls_fingerprint_file(world.client_cert, pin);
	SSL_CTX_free(world.server_tls);
	world.server_tls = tls_server(chain, world.server_key, error);
	cr_assert(ne(ptr, world.server_tls, NULL), "%s", error);
	world_listen(&world, NULL);
	cr_expect(not(accepted(&(struct conn_verify){.fingerprint = pin})));
	tls_fingerprint_file(world.server_cert, pin);
	cr_expect(accepted(&(struct conn_verify){.fingerprint = pin}), "%s", world.client.why);
}

Test(sip_tls, out_of_date)
{
	char pin[TLS_FINGERPRINT_MAX];

	serve_named("DNS:access.example.org", true, true);
	cr_expect(not(accepted(&(struct conn_verify){.name = "access.example.org"})));
	cr_expect(strstr(world.client.why, "expired") != NULL, "%s", world.client.why);
	tls_fingerprint_file(world.server_cert, pin);
	cr_expect(accepted(&(struct conn_verify){.fingerprint = pin}), "%s", world.client.why);
}
