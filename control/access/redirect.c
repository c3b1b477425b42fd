// SPDX-License-Identifier: BSD-3-Clause
// Redirects the calls of phones: who is logged in and may talk to the callee gets its address from
// the routing table. Runs on the server's thread.
#include "control/access/redirect.h"

#include "control/access/binding.h"
#include "control/access/reply.h"
#include "control/access/store.h"
#include "control/sip/token.h"
#include "engine/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LIFETIME_S 30 // from the redirect to the INVITE that follows it

// An INVITE on its way through the checks.
struct invite {
	const struct msg *request;
	const struct auth_source *source;
	char caller[MSG_AOR_MAX], callee[MSG_AOR_MAX];
};

static struct msg *refuse(const struct invite *i, int status, const char *reason)
{
	static struct log_limit limit;
	log_limited(&limit, LOG_NOTICE, "%s: %s -> %s: INVITE refused: %d %s", i->source->name,
		i->caller[0] != '\0' ? i->caller : "?", i->callee[0] != '\0' ? i->callee : "?",
		status, reason);
	return reply(i->request, status, reason);
}

// As words of SIP are (RFC 3261 section 25.1); what is not UTF-8 no token can hold.
static bool is_ascii(const char *text)
{
	while (*text != '\0' && (unsigned char)*text < 0x80)
		text++;
	return *text == '\0';
}

// Between two of this server's domain, outside any dialog. Each check returns NULL, or the refusal.
static struct msg *check_addresses(const struct redirect *r, struct invite *i)
{
	const char *domain = store_domain(r->tables->store);
	const osip_uri_t *uri = i->request->sip->req_uri;
	const char *call_id = msg_call_id(i->request);
	if (uri->scheme == NULL ||
		(strcasecmp(uri->scheme, "sip") != 0 && strcasecmp(uri->scheme, "sips") != 0))
		return refuse(i, 416, "Unsupported URI Scheme");
	if (msg_uri_aor(i->request, i->callee) != 0) {
		i->callee[0] = '\0';
		return refuse(i, 404, "Not An Address Of This Domain");
	}
	if (!aor_in_domain(i->callee, domain))
		return refuse(i, 404, "Not An Address Of This Domain");
	if (msg_from_aor(i->request, i->caller) != 0 || !aor_in_domain(i->caller, domain))
		return refuse(i, 403, "From Is Not Of This Domain");
	if (msg_to_tag(i->request) != NULL)
		return refuse(i, 481, "No Such Call");
	if (strlen(call_id) >= TOKEN_CALL_ID_MAX)
		return refuse(i, 400, "Call-ID Too Long");
	if (!is_ascii(call_id))
		return refuse(i, 400, "Bad Call-ID");
	return NULL;
}

static struct msg *check_require(const struct invite *i)
{
	const char *required = msg_header(i->request, "Require");
	if (required == NULL)
		return NULL;
	return reply_header(refuse(i, 420, "Bad Extension"), "Unsupported", required);
}

// The callee must be able to reach the caller with the certificate that the token will name.
static struct msg *check_caller(const struct redirect *r, const struct invite *i)
{
	const struct binding *b = binding_find(r->tables->bindings, i->caller);
	if (b == NULL || strcmp(b->fingerprint, i->source->fingerprint) != 0)
		return refuse(i, 403, "Register First");
	return NULL;
}

// Somebody who does not exist is somebody who is not permitted.
static struct msg *check_permission(const struct redirect *r, const struct invite *i)
{
	int result = store_is_permitted(r->tables->store, i->caller, i->callee);
	if (result == -ENOENT)
		return refuse(i, 403, "Not Permitted");
	return result == 0 ? NULL : reply_retry(i->request, 5);
}

static struct msg *point_at(
	const struct redirect *r, const struct invite *i, const struct binding *callee)
{
	const struct token_call call = {i->callee, msg_call_id(i->request)};
	char *token =
		token_sign(r->tables->signer, i->caller, i->source->fingerprint, &call, LIFETIME_S);
	char *contact = NULL;
	struct msg *response = NULL;
	if (token != NULL && asprintf(&contact, "<%s;" TOKEN_PARAM "=%s>;expires=%u",
				     callee->contact, token, LIFETIME_S) > 0)
		response = reply_header(reply(i->request, 302, NULL), "Contact", contact);
	if (contact != NULL)
		explicit_bzero(contact, strlen(contact));
	if (token != NULL)
		explicit_bzero(token, strlen(token));
	free(contact);
	free(token);
	if (response != NULL)
		log_event(LOG_INFO, "%s: %s -> %s: redirected to %s", i->source->name, i->caller,
			i->callee, callee->contact);
	return response;
}

struct msg *redirect_answer(
	const struct redirect *r, const struct msg *request, const struct auth_source *source)
{
	struct invite i = {.request = request, .source = source};
	struct msg *refusal = check_addresses(r, &i);
	if (refusal == NULL)
		refusal = check_require(&i);
	if (refusal == NULL && source->fingerprint == NULL)
		refusal = refuse(&i, 403, "Client Certificate Required");
	if (refusal == NULL)
		refusal = auth_check(r->auth, request, i.caller, source);
	if (refusal == NULL)
		refusal = check_caller(r, &i);
	if (refusal == NULL)
		refusal = check_permission(r, &i);
	if (refusal != NULL)
		return refusal;
	const struct binding *callee = binding_find(r->tables->bindings, i.callee);
	return callee != NULL ? point_at(r, &i, callee) : refuse(&i, 480, "Offline");
}
