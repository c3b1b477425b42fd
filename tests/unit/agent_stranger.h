// SPDX-License-Identifier: BSD-3-Clause
// An agent with alice on it, and a peer played by the test, with a certificate of its own: what the
// tests of trust share.
#pragma once

#include "tests/unit/agent_world.h"

static struct host *a;

// A peer played by the test, with a certificate of its own.
static struct stranger {
	SSL_CTX *tls;
	struct conn *conn;
	char fingerprint[TLS_FINGERPRINT_MAX];
	bool ready, closed;
	int status; // of the last response
	char reason[64], authenticate[256], etag[64];
	char to_tag[64];
	struct msg *request; // the last that came
} x;

static inline void x_ready(void *arg, struct conn *conn)
{
	(void)arg, (void)conn;
	x.ready = true;
}

static inline void copy(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text ? text : "");
}

static inline void x_message(void *arg, struct conn *conn, struct msg *msg)
{
	(void)arg, (void)conn;
	if (msg_is_request(msg)) {
		msg_free(x.request);
		x.request = msg;
		return;
	}
	x.status = msg_status(msg);
	copy(x.reason, sizeof(x.reason), msg_reason(msg));
	copy(x.authenticate, sizeof(x.authenticate), msg_header(msg, "WWW-Authenticate"));
	copy(x.etag, sizeof(x.etag), msg_header(msg, "SIP-ETag"));
	copy(x.to_tag, sizeof(x.to_tag), msg_to_tag(msg));
	msg_free(msg);
}

static inline void x_closed(void *arg, struct conn *conn, const char *why)
{
	(void)arg, (void)conn, (void)why;
	x.closed = true;
	x.conn = NULL;
}

static inline void x_connect(bool certificate)
{
	static const struct conn_callbacks callbacks = {x_message, x_ready, x_closed};
	struct conn_verify verify = {.fingerprint = a->agent->fingerprint};
	char error[256], cert[128], key[128];

	snprintf(cert, sizeof(cert), "%s/x.crt", w.dir);
	snprintf(key, sizeof(key), "%s/x.key", w.dir);
	if (!x.tls) {
		tls_make_certificate(cert, key, "x");
		tls_fingerprint_file(cert, x.fingerprint);
		x.tls = tls_client(
			certificate ? cert : NULL, certificate ? key : NULL, NULL, error);
		cr_assert(x.tls, "%s", error);
	}
	x.ready = x.closed = false;
	x.conn = conn_connect(w.base, (struct sockaddr *)&a->agent->address,
		address_length(&a->agent->address), x.tls, &verify, NULL, &callbacks, NULL);
	UNTIL(x.ready);
}

static inline void start(void)
{
	world_init();
	world_user("alice");
	world_user("bob");
	world_user("mallory");
	w.forbidden[0][2] = true;
	a = host_new(0, NAMES("alice"), CONFIG_ASK);
	UNTIL(logged_in(a, "alice"));
}

static inline void stop(void)
{
	if (x.conn)
		conn_abort(x.conn);
	msg_free(x.request);
	SSL_CTX_free(x.tls);
	world_fini();
}

static inline char *token_for(const char *aor, unsigned lifetime_s)
{
	return token_sign(w.signer, aor, x.fingerprint, NULL, lifetime_s);
}

struct request {
	const char *method, *from, *to, *uri, *token, *entity, *contact, *match, *body_type, *event;
	const char *call_id;
	int expires;
	bool no_body;
};

#define ALICE	    "sip:alice@example.org"
#define BOB	    "sip:bob@example.org"
#define MALLORY	    "sip:mallory@example.org"
#define BOB_CONTACT "sip:bob@127.0.0.9:5061;transport=tls"

static inline struct msg *build(const struct request *r)
{
	struct msg_request request = {.method = r->method ? r->method : "PUBLISH",
		.uri = r->uri ? r->uri : ALICE,
		.from = r->from ? r->from : BOB,
		.from_tag = "f",
		.to = r->to ? r->to : ALICE,
		.sent_by = "127.0.0.9:5061",
		.cseq = 1};
	char call_id[33], value[4096];
	struct msg *msg;

	msg_random(call_id);
	request.call_id = r->call_id ? r->call_id : call_id;
	msg = msg_new_request(&request);
	cr_assert(msg);
	if (r->token) {
		snprintf(value, sizeof(value), "%s%s", strchr(r->token, ' ') ? "" : "Bearer ",
			r->token);
		msg_add_header(msg, "Authorization", value);
	}
	if (!r->event || *r->event)
		msg_add_header(msg, "Event", r->event ? r->event : "presence");
	if (r->match)
		msg_add_header(msg, "SIP-If-Match", r->match);
	snprintf(value, sizeof(value), "%d", r->expires < 0 ? 0 : r->expires ? r->expires : 600);
	msg_add_header(msg, "Expires", value);
	snprintf(value, sizeof(value), "<%s>", r->contact ? r->contact : BOB_CONTACT);
	msg_add_header(msg, "Contact", value);
	if (!r->no_body) {
		snprintf(value, sizeof(value),
			"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			"<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"%s\">"
			"<tuple id=\"t\"><status><basic>open</basic></status>"
			"<contact>%s</contact></tuple></presence>",
			r->entity ? r->entity : BOB, r->contact ? r->contact : BOB_CONTACT);
		msg_set_body(msg, r->body_type ? r->body_type : "application/pidf+xml", value,
			strlen(value));
	}
	return msg;
}

static int send_it(struct request r)
{
	struct msg *msg;

	if (!x.conn)
		x_connect(true);
	msg = build(&r);
	x.status = 0;
	cr_assert_eq(conn_send(x.conn, msg), 0);
	msg_free(msg);
	UNTIL(x.status);
	return x.status;
}

#define SEND(...) send_it((struct request){__VA_ARGS__})
// Nothing that a refused request carried is believed
#define UNCHANGED()                                                                                \
	cr_assert(peer_is(a, "alice", "bob", PEER_OFFLINE, false) &&                               \
		  !peer_of(a, "alice", "bob")->contact)
