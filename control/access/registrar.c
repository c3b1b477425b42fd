// SPDX-License-Identifier: BSD-3-Clause
// Logins, refreshes and logouts: checks a REGISTER step by step, records the binding, then builds
// the tables. Runs on the server's thread.
#include "control/access/registrar.h"

#include "control/access/binding.h"
#include "control/access/contact.h"
#include "control/access/reply.h"
#include "engine/base/log.h"

#include <openssl/rand.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SAVE_DELAY_MS 100  // a change reaches the store after
#define SAVE_MAX      1000 // changes in one transaction
#define BODY_TYPE     "application/json"

struct registrar {
	const struct config *config;
	struct store *store;
	struct auth *auth;
	struct binding_table *bindings;
	struct tables tables;
	json_t *jwks;
	struct event *expire, *save;
};

// A REGISTER on its way through the checks.
struct login {
	const struct msg *request;
	const struct auth_source *source;
	char aor[MSG_AOR_MAX];
	char contact[BINDING_CONTACT_MAX]; // "": none
	unsigned expires_s;
};

// ---- timers

static void save_later(struct registrar *r)
{
	const struct timeval delay = {0, SAVE_DELAY_MS * 1000};
	if (binding_first_dirty(r->bindings) != NULL && !event_pending(r->save, EV_TIMEOUT, NULL))
		event_add(r->save, &delay);
}

// Somebody else may be writing: then it is tried again, for as long as it takes.
static void on_save(evutil_socket_t fd, short what, void *arg)
{
	static struct log_limit failed;
	struct registrar *r = arg;
	int result = store_save(r->store, r->bindings, SAVE_MAX);
	if (result != 0 && result != -EBUSY)
		log_limited(&failed, LOG_ERR, "the database cannot be written");
	save_later(r);
	(void)fd;
	(void)what;
}

static void log_expired(void *arg, const struct binding *binding)
{
	log_event(LOG_INFO, "%s: expired", binding->aor);
	(void)arg;
}

static void on_expire(evutil_socket_t fd, short what, void *arg)
{
	struct registrar *r = arg;
	binding_expire(r->bindings, log_expired, NULL);
	save_later(r);
	(void)fd;
	(void)what;
}

// ---- start and end

static bool load_one(void *arg, const struct store_binding *saved)
{
	struct registrar *r = arg;
	struct binding_login login = {
		.aor = saved->aor,
		.contact = saved->contact,
		.fingerprint = saved->fingerprint,
		.source = saved->source,
		.call_id = "",
		.expires_s = (unsigned)(saved->expires - time(NULL)),
		.since = saved->since,
	};
	if (saved->expires - time(NULL) > (time_t)r->config->expires_max_s)
		login.expires_s = r->config->expires_max_s; // the clock was set back
	return saved->expires <= time(NULL) || binding_put(r->bindings, &login, true) != NULL;
}

static int start(struct registrar *r, struct event_base *base)
{
	const struct timeval second = {1, 0};
	r->auth = auth_new(r->store, r->config->nonce_lifetime_s, r->config->failures_per_minute);
	r->bindings = binding_table_new();
	r->jwks = token_signer_jwks(r->tables.signer);
	r->expire = event_new(base, -1, EV_PERSIST, on_expire, r);
	r->save = event_new(base, -1, 0, on_save, r);
	if (r->auth == NULL || r->bindings == NULL || r->jwks == NULL || r->expire == NULL ||
		r->save == NULL)
		return -ENOMEM;
	r->tables.bindings = r->bindings;
	r->tables.jwks = r->jwks;
	event_add(r->expire, &second);
	return store_bindings(r->store, load_one, r);
}

struct registrar *registrar_new(struct event_base *base, const struct config *config,
	struct store *store, struct token_signer *signer)
{
	struct registrar *r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	r->config = config;
	r->store = store;
	r->tables = (struct tables){
		.store = store, .signer = signer, .token_lifetime_s = config->token_lifetime_s};
	int result = start(r, base);
	if (result != 0) {
		registrar_free(r);
		errno = -result;
		return NULL;
	}
	return r;
}

void registrar_free(struct registrar *r)
{
	if (r == NULL)
		return;
	for (int tries = 0;
		r->bindings != NULL && binding_first_dirty(r->bindings) != NULL && tries < 100;) {
		if (store_save(r->store, r->bindings, SAVE_MAX) == 0)
			continue;
		struct timespec pause = {0, 20000000};
		nanosleep(&pause, NULL);
		tries++;
	}
	if (r->expire != NULL)
		event_free(r->expire);
	if (r->save != NULL)
		event_free(r->save);
	binding_table_free(r->bindings);
	auth_free(r->auth);
	json_decref(r->jwks);
	free(r);
}

const struct tables *registrar_tables(const struct registrar *r)
{
	return &r->tables;
}

struct auth *registrar_auth(const struct registrar *r)
{
	return r->auth;
}

unsigned registrar_online(const struct registrar *r)
{
	return binding_count(r->bindings);
}

// ---- checks, in the order of RFC 3261 section 10.3. Each returns NULL, or the refusal.

static struct msg *refuse(const struct login *l, int status, const char *reason)
{
	static struct log_limit limit;
	log_limited(&limit, LOG_NOTICE, "%s: %s: REGISTER refused: %d %s", l->source->name,
		l->aor[0] != '\0' ? l->aor : "?", status, reason);
	return reply(l->request, status, reason);
}

// The request is for this server, of an address of its domain, and for the sender himself.
static struct msg *check_addresses(struct registrar *r, struct login *l)
{
	const osip_uri_t *uri = l->request->sip->req_uri;
	char from[MSG_AOR_MAX];
	if (uri->scheme == NULL ||
		(strcasecmp(uri->scheme, "sip") != 0 && strcasecmp(uri->scheme, "sips") != 0))
		return refuse(l, 416, "Unsupported URI Scheme");
	if (uri->host == NULL || strcasecmp(uri->host, store_domain(r->store)) != 0)
		return refuse(l, 404, "Not The Domain Of This Server");
	if (msg_to_aor(l->request, l->aor) != 0) {
		l->aor[0] = '\0';
		return refuse(l, 400, "Bad To");
	}
	if (!aor_in_domain(l->aor, store_domain(r->store)))
		return refuse(l, 404, "Not An Address Of This Domain");
	if (msg_from_aor(l->request, from) != 0 || strcmp(from, l->aor) != 0)
		return refuse(l, 403, "From Is Not To");
	return NULL;
}

static struct msg *check_require(const struct login *l)
{
	const char *required = msg_header(l->request, "Require");
	if (required == NULL)
		return NULL;
	return reply_header(refuse(l, 420, "Bad Extension"), "Unsupported", required);
}

static struct msg *check_contact(const struct registrar *r, struct login *l)
{
	int n = osip_list_size(&l->request->sip->contacts);
	if (n == 0)
		return NULL;
	if (n > 1)
		return refuse(l, 400, "One Contact Only");
	if (msg_contact(l->request, l->contact, sizeof(l->contact)) == NULL)
		return refuse(l, 400, "Bad Contact");
	int expires = msg_contact_expires(l->request);
	if (expires < 0)
		expires = msg_expires(l->request);
	if (strcmp(l->contact, "*") == 0)
		return expires == 0 ? NULL : refuse(l, 400, "Contact * Needs Expires: 0");
	const char *wrong = contact_check(l->contact);
	if (wrong != NULL)
		return refuse(l, 400, wrong);
	l->expires_s = expires < 0 ? r->config->expires_default_s : (unsigned)expires;
	if (l->expires_s > r->config->expires_max_s)
		l->expires_s = r->config->expires_max_s;
	if (l->expires_s > 0 && l->expires_s < r->config->expires_min_s)
		return reply_header_number(refuse(l, 423, "Interval Too Brief"), "Min-Expires",
			r->config->expires_min_s);
	return NULL;
}

// A request of the same Call-ID that is older than the last one is not to undo it.
static struct msg *check_order(const struct registrar *r, const struct login *l)
{
	const struct binding *b = binding_find(r->bindings, l->aor);
	if (b != NULL && strcmp(b->call_id, msg_call_id(l->request)) == 0 &&
		msg_cseq(l->request) <= b->cseq)
		return refuse(l, 400, "CSeq Out Of Order");
	return NULL;
}

// ---- what a REGISTER does

static struct msg *add_date(struct msg *response)
{
	char text[64];
	struct tm tm;
	time_t now = time(NULL);
	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	return reply_header(response, "Date", text);
}

static struct msg *add_contact(struct msg *response, const char *uri, unsigned expires_s)
{
	char text[BINDING_CONTACT_MAX + 32];
	snprintf(text, sizeof(text), "<%s>;expires=%u", uri, expires_s);
	return reply_header(response, "Contact", text);
}

// Up to a tenth shorter than asked for, so that those who came together do not come back together
// (longer than asked for is not allowed).
static unsigned spread(const struct registrar *r, unsigned expires_s)
{
	uint32_t random = 0;
	RAND_bytes((unsigned char *)&random, sizeof(random));
	unsigned granted = expires_s - (unsigned)(random % (expires_s / 10 + 1));
	return granted < r->config->expires_min_s ? r->config->expires_min_s : granted;
}

static struct msg *log_out(struct registrar *r, const struct login *l)
{
	struct binding *b = binding_find(r->bindings, l->aor);
	// A device that was replaced by another does not log that one out
	if (b != NULL && (strcmp(l->contact, "*") == 0 || strcmp(l->contact, b->contact) == 0)) {
		log_event(LOG_INFO, "%s: logged out", l->aor);
		binding_remove(r->bindings, b);
		save_later(r);
	}
	return add_date(reply(l->request, 200, NULL));
}

// Asks what is recorded; gets no tables.
static struct msg *query(struct registrar *r, const struct login *l)
{
	const struct binding *b = binding_find(r->bindings, l->aor);
	struct msg *response = add_date(reply(l->request, 200, NULL));
	return b != NULL ? add_contact(response, b->contact, binding_expires_s(b)) : response;
}

static struct binding *record(struct registrar *r, const struct login *l, unsigned expires_s)
{
	const struct binding *old = binding_find(r->bindings, l->aor);
	bool refresh = old != NULL && strcmp(old->contact, l->contact) == 0 &&
		       strcmp(old->fingerprint, l->source->fingerprint) == 0;
	struct binding_login login = {
		.aor = l->aor,
		.contact = l->contact,
		.fingerprint = l->source->fingerprint,
		.source = l->source->name,
		.call_id = msg_call_id(l->request),
		.cseq = msg_cseq(l->request),
		.expires_s = expires_s,
	};
	struct binding *binding = binding_put(r->bindings, &login, false);
	if (binding != NULL && !refresh)
		log_event(LOG_INFO, "%s: logged in at %s from %s", l->aor, l->contact,
			l->source->name);
	save_later(r);
	return binding;
}

// Online is recorded before the tables are built: of two who log in at the same moment at least
// one is told of the other. A phone that knows MD5 only has no use for tables and token, and no
// room.
static struct msg *log_in(struct registrar *r, const struct login *l)
{
	static struct log_limit failed;
	bool plain = l->source->algorithm == DIGEST_MD5;
	size_t length = 0;
	unsigned expires_s = spread(r, l->expires_s);
	struct binding *binding = record(r, l, expires_s);
	char *body = binding != NULL && !plain
			     ? tables_body(&r->tables, binding, expires_s, &length)
			     : NULL;
	if (binding == NULL || (body == NULL && !plain)) {
		log_limited(&failed, LOG_ERR, "%s: the tables cannot be built", l->aor);
		return reply_retry(l->request, 5);
	}
	struct msg *response = add_date(reply(l->request, 200, NULL));
	response = add_contact(response, l->contact, expires_s);
	if (response != NULL && body != NULL &&
		msg_set_body(response, BODY_TYPE, body, length) != 0) {
		msg_free(response);
		response = NULL;
	}
	tables_body_free(body, length);
	return response;
}

struct msg *registrar_answer(
	struct registrar *r, const struct msg *request, const struct auth_source *source)
{
	struct login l = {.request = request, .source = source};
	struct msg *refusal = check_addresses(r, &l);
	if (refusal == NULL)
		refusal = check_require(&l);
	if (refusal == NULL && source->fingerprint == NULL)
		refusal = refuse(&l, 403, "Client Certificate Required");
	if (refusal == NULL)
		refusal = auth_check(r->auth, request, l.aor, source);
	if (refusal == NULL)
		refusal = check_contact(r, &l);
	if (refusal == NULL)
		refusal = check_order(r, &l);
	if (refusal != NULL)
		return refusal;
	if (l.contact[0] == '\0')
		return query(r, &l);
	return l.expires_s == 0 ? log_out(r, &l) : log_in(r, &l);
}
