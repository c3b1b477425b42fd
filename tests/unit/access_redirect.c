// SPDX-License-Identifier: BSD-3-Clause
// Phones at the access server: MD5 where it was opted for and nowhere else, and the redirect of
// their calls.
#include "tests/unit/access_world.h"

#include "control/sip/token.h"

#include <openssl/evp.h>

#define PHONE_CONTACT "sip:phone@127.0.0.1:7001;transport=tls"

static struct access_world world;
static struct client client; // at the door for MD5
static struct endpoint phone, alice;

static void add_phone(const char *user, const char *password)
{
	char sha256[DIGEST_HEX], md5[DIGEST_HEX], aor[AOR_MAX];
	digest_ha1(DIGEST_SHA256, user, DOMAIN, password, sha256);
	digest_ha1(DIGEST_MD5, user, DOMAIN, password, md5);
	snprintf(aor, sizeof(aor), "sip:%s@" DOMAIN, user);
	cr_assert_eq(store_user_add(world.admin, aor, sha256, md5), 0);
}

static void setup(void)
{
	world_setup(&world);
	add_phone("phone", "ring ring");
	world_user(&world, "alice", "wonderland");
	world_user(&world, "bob", "builder");
	world_user(&world, "carol", "singer");
	world_permit(&world, "phone", "alice");
	world_permit(&world, "phone", "bob");
	client_open_at(&world, &client, world.tls, &world.address_md5);
	endpoint_init(&phone, "phone", "ring ring");
	endpoint_init(&alice, "alice", "wonderland");
}

static void teardown(void)
{
	client_close(&client);
	world_teardown(&world);
}

TestSuite(redirect, .init = setup, .fini = teardown);

// ---- a client that knows MD5

static void md5(const char *text, char out[33])
{
	unsigned char md[16];
	unsigned length = sizeof(md);
	EVP_Digest(text, strlen(text), md, &length, EVP_md5(), NULL);
	for (unsigned i = 0; i < length; i++)
		snprintf(out + 2 * i, 3, "%02x", md[i]);
}

static void md5_answer(const struct msg *challenge, const struct endpoint *e, const char *method,
	const char *uri, char out[2048])
{
	const char *value = msg_header(challenge, "WWW-Authenticate");
	char text[512], nonce[128], ha1[33], ha2[33], response[33];
	cr_assert_not_null(value);
	cr_assert_eq(sscanf(strstr(value, "nonce=\""), "nonce=\"%127[^\"]", nonce), 1);
	snprintf(text, sizeof(text), "%s:" DOMAIN ":%s", e->user, e->password);
	md5(text, ha1);
	snprintf(text, sizeof(text), "%s:%s", method, uri);
	md5(text, ha2);
	snprintf(text, sizeof(text), "%s:%s:00000001:c:auth:%s", ha1, nonce, ha2);
	md5(text, response);
	snprintf(out, 2048,
		"Digest username=\"%s\", realm=\"" DOMAIN "\", nonce=\"%s\", uri=\"%s\", "
		"response=\"%s\", cnonce=\"c\", qop=auth, nc=00000001",
		e->user, nonce, uri, response);
}

static struct msg *md5_login(struct client *c, struct endpoint *e)
{
	char header[2048];
	struct msg *response = client_ask(c, endpoint_register(e, 600, NULL));
	cr_assert_eq(msg_status(response), 401);
	md5_answer(response, e, "REGISTER", "sip:" DOMAIN, header);
	return client_ask(c, endpoint_register(e, 600, header));
}

// ---- MD5

Test(redirect, a_phone_logs_in_with_md5)
{
	char contact[128];
	size_t length;
	struct msg *response = md5_login(&client, &phone);
	cr_assert_eq(msg_status(response), 200);
	cr_assert_str_eq(msg_contact(response, contact, sizeof(contact)), PHONE_CONTACT);
	cr_assert_null(msg_body(response, &length), "what it has no use for");
	cr_assert_eq(server_online(world.server), 1);
}

// A refusal that tells nothing: the same for all but its nonce.
static void assert_tells_nothing(const struct msg *response, char expected[512])
{
	char text[512];
	assert_refused(response, 401);
	snprintf(text, sizeof(text), "%s", msg_header(response, "WWW-Authenticate"));
	memset(strstr(text, "nonce=\"") + 7, 'x', 64);
	if (expected[0] == '\0')
		strcpy(expected, text);
	cr_assert_str_eq(text, expected);
}

Test(redirect, md5_only_with_the_right_password_of_who_opted_in)
{
	struct endpoint wrong, unknown;
	char expected[512] = "", header[2048];
	endpoint_init(&wrong, "phone", "not it");
	endpoint_init(&unknown, "nobody", "not it");
	assert_tells_nothing(md5_login(&client, &wrong), expected);
	assert_tells_nothing(md5_login(&client, &unknown), expected);
	assert_tells_nothing(md5_login(&client, &alice), expected);
	// SHA-256, unasked
	struct msg *challenge = client_ask(&client, endpoint_register(&phone, 600, NULL));
	char value[512];
	snprintf(value, sizeof(value), "%s", msg_header(challenge, "WWW-Authenticate"));
	char *name = strstr(value, "algorithm=MD5");
	cr_assert_not_null(name);
	memmove(name + 17, name + 13, strlen(name + 13) + 1);
	memcpy(name, "algorithm=SHA-256", 17);
	cr_assert_eq(digest_answer(value, "REGISTER", "sip:" DOMAIN, "phone", "ring ring", 1,
			     header, sizeof(header)),
		0);
	assert_tells_nothing(client_ask(&client, endpoint_register(&phone, 600, header)), expected);
	cr_assert_eq(server_online(world.server), 0);
}

Test(redirect, no_md5_at_the_other_door)
{
	struct client c;
	char expected[512] = "";
	client_open(&world, &c, world.tls);
	assert_tells_nothing(md5_login(&c, &phone), expected);
	cr_assert_null(strstr(expected, "MD5"));
	struct profile *p = response_profile(endpoint_login(&c, &phone, 600, NULL));
	cr_assert_eq(p->n_peers, 2, "with SHA-256 a phone is as any other");
	profile_free(p);
	client_close(&c);
}

// ---- the redirect

struct call {
	const char *to, *from, *to_tag, *call_id, *require;
};

static struct msg *invite(const struct call *call, const char *authorization)
{
	struct msg *msg = msg_new_request(&(struct msg_request){.method = "INVITE",
		.uri = call->to,
		.from = call->from != NULL ? call->from : "sip:phone@" DOMAIN,
		.from_tag = "t",
		.to = call->to,
		.to_tag = call->to_tag,
		.call_id = call->call_id != NULL ? call->call_id : "call-1",
		.sent_by = "127.0.0.1:7001",
		.cseq = 1});
	cr_assert_not_null(msg);
	msg_add_header(msg, "Contact", "<" PHONE_CONTACT ">");
	if (call->require != NULL)
		msg_add_header(msg, "Require", call->require);
	if (authorization != NULL)
		cr_assert_eq(msg_add_header(msg, "Authorization", authorization), 0);
	return msg;
}

// Challenged, then authenticated; or what came instead of a challenge.
static struct msg *ask(struct client *c, const struct endpoint *e, struct call call)
{
	char header[2048];
	struct msg *response = client_ask(c, invite(&call, NULL));
	if (msg_status(response) != 401)
		return response;
	assert_refused(response, 401);
	md5_answer(response, e, "INVITE", call.to, header);
	return client_ask(c, invite(&call, header));
}

#define ASK(...) ask(&client, &phone, (struct call){__VA_ARGS__})
#define REFUSED(code, why, ...)                                                                    \
	do {                                                                                       \
		struct msg *got = ASK(__VA_ARGS__);                                                \
		assert_refused(got, code);                                                         \
		cr_assert_str_eq(msg_reason(got), why);                                            \
	} while (0)

// The server's keys, as an agent gets them.
static struct token_verifier *keys(struct client *c)
{
	struct profile *p = response_profile(endpoint_login(c, &alice, 600, NULL));
	struct token_verifier *verifier = token_verifier_new(p->jwks);
	profile_free(p);
	return verifier;
}

static void assert_token(const struct token_verifier *verifier, const struct msg *response)
{
	char contact[4096];
	struct token_claims claims;
	cr_assert_eq(
		msg_status(response), 302, "%d %s", msg_status(response), msg_reason(response));
	cr_assert_eq(osip_list_size(&response->sip->contacts), 1);
	cr_assert_not_null(msg_contact(response, contact, sizeof(contact)));
	static const char expected[] = "sip:alice@127.0.0.1:7001;transport=tls;" TOKEN_PARAM "=";
	cr_assert_eq(strncmp(contact, expected, strlen(expected)), 0, "%s", contact);
	cr_assert_eq(token_verify(verifier, contact + strlen(expected), &claims), TOKEN_OK);
	cr_assert_str_eq(claims.aor, "sip:phone@" DOMAIN);
	cr_assert_str_eq(claims.callee, "sip:alice@" DOMAIN);
	cr_assert_str_eq(claims.call_id, "call-1");
	cr_assert_str_eq(claims.fingerprint, world.fingerprint);
	cr_assert(claims.expires >= time(NULL) + 28 && claims.expires <= time(NULL) + 30);
}

Test(redirect, who_may_is_told_where)
{
	struct client c;
	client_open(&world, &c, world.tls);
	struct token_verifier *verifier = keys(&c);
	md5_login(&client, &phone);
	assert_token(verifier, ASK(.to = "sip:alice@" DOMAIN));
	// One that knows SHA-256 is redirected at the other door
	char header[2048];
	const struct call call = {.to = "sip:alice@" DOMAIN};
	struct msg *response = client_ask(&c, invite(&call, NULL));
	cr_assert_eq(digest_answer(msg_header(response, "WWW-Authenticate"), "INVITE", call.to,
			     "phone", "ring ring", 1, header, sizeof(header)),
		0);
	assert_token(verifier, client_ask(&c, invite(&call, header)));
	assert_refused(client_ask(&c, invite(&call, header)), 401); // a replay
	token_verifier_free(verifier);
	client_close(&c);
}

Test(redirect, refusals)
{
	char long_id[300];
	memset(long_id, 'x', sizeof(long_id) - 1);
	long_id[sizeof(long_id) - 1] = '\0';
	REFUSED(403, "Register First", .to = "sip:alice@" DOMAIN);
	md5_login(&client, &phone);
	REFUSED(480, "Offline", .to = "sip:alice@" DOMAIN);
	REFUSED(403, "Not Permitted", .to = "sip:carol@" DOMAIN);
	REFUSED(403, "Not Permitted", .to = "sip:nobody@" DOMAIN);
	REFUSED(403, "Not Permitted", .to = "sip:phone@" DOMAIN);
	REFUSED(404, "Not An Address Of This Domain", .to = "sip:alice@example.com");
	REFUSED(404, "Not An Address Of This Domain", .to = "sip:alice@127.0.0.1:7001");
	REFUSED(404, "Not An Address Of This Domain", .to = "sip:" DOMAIN);
	REFUSED(416, "Unsupported URI Scheme", .to = "tel:+15550100");
	REFUSED(403, "From Is Not Of This Domain", .to = "sip:alice@" DOMAIN,
		.from = "sip:phone@example.com");
	REFUSED(481, "No Such Call", .to = "sip:alice@" DOMAIN, .to_tag = "x");
	REFUSED(400, "Call-ID Too Long", .to = "sip:alice@" DOMAIN, .call_id = long_id);
	REFUSED(400, "Bad Call-ID", .to = "sip:alice@" DOMAIN, .call_id = "c\xff");
	REFUSED(420, "Bad Extension", .to = "sip:alice@" DOMAIN, .require = "100rel");
}

Test(redirect, only_with_the_callers_own_password)
{
	struct endpoint wrong, carol;
	const struct call call = {.to = "sip:alice@" DOMAIN};
	endpoint_init(&wrong, "phone", "not it");
	endpoint_init(&carol, "carol", "singer");
	md5_login(&client, &phone);
	assert_refused(ask(&client, &wrong, call), 401);
	assert_refused(ask(&client, &carol, call), 401);
	assert_refused(
		ask(&client, &phone, (struct call){.to = call.to, .from = "sip:bob@" DOMAIN}), 401);
}

Test(redirect, only_with_the_certificate_of_the_registration)
{
	char error[256], cert[128], key[128];
	struct client bare, other;
	md5_login(&client, &phone);
	client_open_at(&world, &bare, world.tls_bare, &world.address_md5);
	struct msg *response = ask(&bare, &phone, (struct call){.to = "sip:alice@" DOMAIN});
	assert_refused(response, 403);
	cr_assert_str_eq(msg_reason(response), "Client Certificate Required");
	world_path(&world, "other.crt", cert);
	world_path(&world, "other.key", key);
	cr_assert_eq(tls_make_certificate(cert, key, "other"), 0);
	SSL_CTX *tls = tls_client(cert, key, NULL, error);
	client_open_at(&world, &other, tls, &world.address_md5);
	response = ask(&other, &phone, (struct call){.to = "sip:alice@" DOMAIN});
	assert_refused(response, 403);
	cr_assert_str_eq(msg_reason(response), "Register First");
	client_close(&bare);
	client_close(&other);
	SSL_CTX_free(tls);
}

Test(redirect, a_permission_taken_back)
{
	struct client c;
	client_open(&world, &c, world.tls);
	token_verifier_free(keys(&c));
	md5_login(&client, &phone);
	cr_assert_eq(msg_status(ASK(.to = "sip:alice@" DOMAIN)), 302);
	cr_assert_eq(store_forbid(world.admin, "sip:phone@" DOMAIN, "sip:alice@" DOMAIN), 0);
	REFUSED(403, "Not Permitted", .to = "sip:alice@" DOMAIN);
	client_close(&c);
}
