// SPDX-License-Identifier: BSD-3-Clause
// What the tests of the whole access server share: a server in a folder of its own, and clients
// that talk SIP over TLS with it on the loopback device, all on one event loop.
#pragma once

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "control/access/server.h"
#include "control/access/store.h"
#include "control/sip/conn.h"
#include "control/sip/digest.h"
#include "control/sip/profile.h"
#include "control/sip/tls.h"
#include "engine/base/log.h"

#define DOMAIN "example.org"

struct access_world {
	char folder[64], pin[TLS_FINGERPRINT_MAX], fingerprint[TLS_FINGERPRINT_MAX];
	struct config config;
	struct event_base *base;
	struct server *server;
	struct store *admin; // what the command line would use
	struct sockaddr_storage address, address_md5;
	SSL_CTX *tls, *tls_bare; // of clients, with a certificate and without
};

// One connection, and what came last on it.
struct client {
	struct access_world *world;
	struct conn *conn;
	bool ready, closed;
	unsigned n_messages;
	struct msg *last;
	void (*on_message)(struct client *client, struct msg *msg); // instead of `last`
};

// A user's REGISTER and what it takes.
struct endpoint {
	char user[64], password[64], call_id[64], contact[128];
	unsigned cseq;
};

static inline void world_path(struct access_world *w, const char *name, char *out)
{
	snprintf(out, 128, "%s/%s", w->folder, name);
}

static inline void world_user(struct access_world *w, const char *user, const char *password)
{
	char ha1[DIGEST_HEX], aor[AOR_MAX];
	digest_ha1(DIGEST_SHA256, user, DOMAIN, password, ha1);
	snprintf(aor, sizeof(aor), "sip:%s@" DOMAIN, user);
	cr_assert_eq(store_user_add(w->admin, aor, ha1, NULL), 0);
}

static inline void world_permit(struct access_world *w, const char *a, const char *b)
{
	char aor_a[AOR_MAX], aor_b[AOR_MAX];
	snprintf(aor_a, sizeof(aor_a), "sip:%s@" DOMAIN, a);
	snprintf(aor_b, sizeof(aor_b), "sip:%s@" DOMAIN, b);
	cr_assert_eq(store_permit(w->admin, aor_a, aor_b), 0);
}

static inline void world_start(struct access_world *w)
{
	char error[CONF_ERROR_MAX] = "";
	w->server = server_new(w->base, &w->config, error);
	cr_assert_not_null(w->server, "%s", error);
	cr_assert_eq(server_address(w->server, &w->address), 0);
	cr_assert_eq(server_address_md5(w->server, &w->address_md5), 0);
}

static inline void world_setup(struct access_world *w)
{
	char error[256] = "", client_cert[128], client_key[128];
	struct sockaddr_in *listen = (struct sockaddr_in *)&w->config.listen.address;
	memset(w, 0, sizeof(*w));
	log_init("test", LOG_ERR);
	cr_assert_eq(msg_init(), 0);
	strcpy(w->folder, "/tmp/crowfly-access-XXXXXX");
	cr_assert_not_null(mkdtemp(w->folder));
	config_defaults(&w->config);
	listen->sin_family = AF_INET;
	listen->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	w->config.listen.length = sizeof(*listen);
	strcpy(w->config.listen.text, "127.0.0.1:0");
	w->config.listen_md5 = w->config.listen;
	strcpy(w->config.domain, DOMAIN);
	w->config.expires_min_s = 1;
	world_path(w, "access.db", w->config.database);
	world_path(w, "server.crt", w->config.certificate);
	world_path(w, "server.key", w->config.key);
	world_path(w, "client.crt", client_cert);
	world_path(w, "client.key", client_key);
	cr_assert_eq(tls_make_certificate(w->config.certificate, w->config.key, "server"), 0);
	cr_assert_eq(tls_make_certificate(client_cert, client_key, "client"), 0);
	tls_fingerprint_file(w->config.certificate, w->pin);
	tls_fingerprint_file(client_cert, w->fingerprint);
	w->tls = tls_client(client_cert, client_key, NULL, error);
	cr_assert_not_null(w->tls, "%s", error);
	w->tls_bare = tls_client(NULL, NULL, NULL, error);
	cr_assert_not_null(w->tls_bare, "%s", error);
	w->admin = store_new(w->config.database, DOMAIN, STORE_TOOL, error);
	cr_assert_not_null(w->admin, "%s", error);
	w->base = event_base_new();
	world_start(w);
}

static inline void world_teardown(struct access_world *w)
{
	char command[128];
	server_free(w->server);
	event_base_loop(w->base, EVLOOP_NONBLOCK);
	event_base_free(w->base);
	store_free(w->admin);
	SSL_CTX_free(w->tls);
	SSL_CTX_free(w->tls_bare);
	snprintf(command, sizeof(command), "rm -rf %s", w->folder);
	cr_assert_eq(system(command), 0);
}

// Runs the loop until `*flag`, at most `seconds`.
static inline bool world_until(struct access_world *w, const volatile bool *flag, double seconds)
{
	uint64_t end = binding_now_us() + (uint64_t)(seconds * 1e6);
	while (!*flag && binding_now_us() < end) {
		const struct timeval tick = {0, 10000};
		event_base_loopexit(w->base, &tick);
		event_base_dispatch(w->base);
	}
	return *flag;
}

static inline void world_sleep(struct access_world *w, double seconds)
{
	bool never = false;
	world_until(w, &never, seconds);
}

// ---- clients

static inline void client_message(void *user, struct conn *conn, struct msg *msg)
{
	struct client *c = user;
	c->n_messages++;
	if (c->on_message != NULL) {
		c->on_message(c, msg);
		msg_free(msg);
		return;
	}
	msg_free(c->last);
	c->last = msg;
	(void)conn;
}

static inline void client_ready(void *user, struct conn *conn)
{
	((struct client *)user)->ready = true;
	(void)conn;
}

static inline void client_closed(void *user, struct conn *conn, const char *why)
{
	struct client *c = user;
	c->closed = true;
	c->conn = NULL;
	(void)conn;
	(void)why;
}

static inline void client_open_at(
	struct access_world *w, struct client *c, SSL_CTX *tls, struct sockaddr_storage *address)
{
	static const struct conn_callbacks callbacks = {
		client_message, client_ready, client_closed};
	const struct conn_limits limits = {.body_max = CONN_BODY_MAX};
	const struct conn_verify verify = {.fingerprint = w->pin};
	memset(c, 0, sizeof(*c));
	c->world = w;
	c->conn = conn_connect(w->base, (struct sockaddr *)address, sizeof(struct sockaddr_in), tls,
		&verify, &limits, &callbacks, c);
	cr_assert_not_null(c->conn);
	cr_assert(world_until(w, &c->ready, 5));
}

static inline void client_open(struct access_world *w, struct client *c, SSL_CTX *tls)
{
	client_open_at(w, c, tls, &w->address);
}

static inline void client_close(struct client *c)
{
	msg_free(c->last);
	c->last = NULL;
	if (c->conn != NULL)
		conn_abort(c->conn);
	c->conn = NULL;
}

// Sends a request and waits for what comes. Takes the request over.
static inline struct msg *client_ask(struct client *c, struct msg *request)
{
	unsigned before = c->n_messages;
	cr_assert_not_null(request);
	cr_assert_eq(conn_send(c->conn, request), 0);
	msg_free(request);
	for (int i = 0; i < 1000 && c->n_messages == before && !c->closed; i++)
		world_sleep(c->world, 0.001);
	cr_assert_neq(c->n_messages, before, "no answer");
	return c->last;
}

// ---- endpoints

static inline void endpoint_init(struct endpoint *e, const char *user, const char *password)
{
	memset(e, 0, sizeof(*e));
	snprintf(e->user, sizeof(e->user), "%s", user);
	snprintf(e->password, sizeof(e->password), "%s", password);
	snprintf(e->contact, sizeof(e->contact), "<sip:%s@127.0.0.1:7001;transport=tls>", user);
	msg_random(e->call_id);
}

// `expires` -1: no such header; `authorization`, `e->contact` may be NULL or empty.
static inline struct msg *endpoint_register(
	struct endpoint *e, int expires, const char *authorization)
{
	char aor[128], text[16];
	snprintf(aor, sizeof(aor), "sip:%s@" DOMAIN, e->user);
	struct msg *msg = msg_new_request(&(struct msg_request){.method = "REGISTER",
		.uri = "sip:" DOMAIN,
		.from = aor,
		.from_tag = "t",
		.to = aor,
		.call_id = e->call_id,
		.sent_by = "127.0.0.1:7001",
		.cseq = ++e->cseq});
	cr_assert_not_null(msg);
	if (e->contact[0] != '\0')
		cr_assert_eq(msg_add_header(msg, "Contact", e->contact), 0);
	snprintf(text, sizeof(text), "%d", expires);
	if (expires >= 0)
		cr_assert_eq(msg_add_header(msg, "Expires", text), 0);
	if (authorization != NULL)
		cr_assert_eq(msg_add_header(msg, "Authorization", authorization), 0);
	return msg;
}

static inline void endpoint_answer(
	const struct endpoint *e, const struct msg *challenge, char out[2048])
{
	const char *value = msg_header(challenge, "WWW-Authenticate");
	cr_assert_not_null(value);
	cr_assert_eq(
		digest_answer(value, "REGISTER", "sip:" DOMAIN, e->user, e->password, 1, out, 2048),
		0);
}

// Both REGISTERs; the last response, which is the client's. `header` gets the Authorization.
static inline struct msg *endpoint_login(
	struct client *c, struct endpoint *e, int expires, char header[2048])
{
	char own[2048];
	header = header != NULL ? header : own;
	struct msg *response = client_ask(c, endpoint_register(e, expires, NULL));
	cr_assert_eq(msg_status(response), 401);
	endpoint_answer(e, response, header);
	return client_ask(c, endpoint_register(e, expires, header));
}

// The tables of a response.
static inline struct profile *response_profile(const struct msg *response)
{
	char error[128] = "";
	size_t length = 0;
	cr_assert_eq(
		msg_status(response), 200, "%d %s", msg_status(response), msg_reason(response));
	cr_assert_str_eq(msg_body_type(response), "application/json");
	const char *body = msg_body(response, &length);
	struct profile *profile = profile_read(body, length, error);
	cr_assert_not_null(profile, "%s", error);
	return profile;
}

static inline void assert_refused(const struct msg *response, int status)
{
	size_t length = 0;
	cr_assert_eq(
		msg_status(response), status, "%d %s", msg_status(response), msg_reason(response));
	cr_assert_null(msg_body(response, &length));
	cr_assert_null(msg_header(response, "Contact"));
}
