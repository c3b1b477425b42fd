// SPDX-License-Identifier: BSD-3-Clause
// Checks requests of peers' agents in a fixed order and refuses with a status of its own for each
// reason; the agent's one thread.
#include "control/agent/trust.h"

#include "control/agent/link.h"
#include "engine/base/log.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

// RFC 8898 section 2.1.1
#define CHALLENGE	  "Bearer scope=\"sip\", realm=\"crowfly\""
#define CHALLENGE_INVALID CHALLENGE ", error=\"invalid_token\""

struct refusal {
	int status;
	const char *reason, *header, *value;
};

void trust_answer(struct conn *conn, const struct msg *request, int status, const char *reason,
	const char *header, const char *value)
{
	struct msg *response;

	if (!strcmp(msg_method(request), "ACK"))
		return;
	response = msg_new_response(request, status, reason, NULL);
	if (!response)
		return;
	if (!header || !msg_add_header(response, header, value))
		conn_send(conn, response);
	msg_free(response);
}

static void refuse(struct conn *conn, const struct msg *request, const struct refusal *refusal,
	const char *detail)
{
	static struct log_limit limit;
	char from[MSG_AOR_MAX];

	if (msg_from_aor(request, from))
		snprintf(from, sizeof(from), "?");
	log_limited(&limit, LOG_WARNING, "%s from %s at %s refused: %d %s%s%s", msg_method(request),
		from, conn_peer(conn), refusal->status, refusal->reason, *detail ? ": " : "",
		detail);
	trust_answer(
		conn, request, refusal->status, refusal->reason, refusal->header, refusal->value);
	link_distrust(conn);
}

static const char *bearer(const struct msg *request)
{
	const char *value = msg_header(request, "Authorization");

	if (!value || strncasecmp(value, "Bearer ", 7))
		return NULL;
	return value + 7 + strspn(value + 7, " ");
}

// The endpoint that To names, if the request URI means the same
static struct endpoint *addressed(struct agent *agent, const struct msg *request)
{
	char to[MSG_AOR_MAX], uri[MSG_AOR_MAX];
	struct endpoint *endpoint;
	char contact[MSG_AOR_MAX];
	size_t user;

	if (msg_to_aor(request, to) || msg_uri_aor(request, uri))
		return NULL;
	endpoint = endpoint_find(agent, to);
	if (!endpoint || !strcmp(uri, to))
		return endpoint;
	// An AoR has no port, so what remains of our contact is user and address
	user = strcspn(uri, "@");
	if (msg_aor(endpoint->contact, contact) || strncmp(uri, to, user + 1) ||
		strcmp(uri, contact))
		return NULL;
	return endpoint;
}

#define REFUSE(...)                                                                                \
	do {                                                                                       \
		*refusal = (struct refusal){__VA_ARGS__};                                          \
		return false;                                                                      \
	} while (0)

// A call that the access server has redirected to us brings its token in the request URI. Such a
// token is good for that call alone, and a login's token only where login tokens belong.
static bool check_token(struct agent *agent, const struct msg *request, struct token_claims *claims,
	struct refusal *refusal, const char **detail)
{
	const char *token = bearer(request), *redirected = NULL;
	enum token_result result;

	if (!token && !strcmp(msg_method(request), "INVITE"))
		token = redirected = msg_uri_param(request, TOKEN_PARAM);
	if (!token)
		REFUSE(401, "Token Required", "WWW-Authenticate", CHALLENGE);
	if (!agent->verifier)
		REFUSE(480, "Not Logged In", "Retry-After", "1");
	result = token_verify(agent->verifier, token, claims);
	if (result != TOKEN_OK) {
		*detail = token_result_text(result);
		if (result == TOKEN_EXPIRED)
			REFUSE(401, "Token Expired", "WWW-Authenticate", CHALLENGE_INVALID);
		REFUSE(401, "Invalid Token", "WWW-Authenticate", CHALLENGE_INVALID);
	}
	if (!redirected != !*claims->callee)
		REFUSE(403, "Token Of Another Kind", NULL, NULL);
	if (redirected && strcmp(claims->call_id, msg_call_id(request)))
		REFUSE(403, "Token Of Another Call", NULL, NULL);
	return true;
}

static bool check(struct agent *agent, struct conn *conn, const struct msg *request,
	struct trust *out, struct refusal *refusal, const char **detail)
{
	const char *certificate = conn_fingerprint(conn);
	struct token_claims claims;
	char from[MSG_AOR_MAX];

	*detail = "";
	if (!certificate)
		REFUSE(403, "Client Certificate Required", NULL, NULL);
	if (!check_token(agent, request, &claims, refusal, detail))
		return false;
	if (strcmp(claims.fingerprint, certificate))
		REFUSE(403, "Certificate Mismatch", NULL, NULL);
	if (msg_from_aor(request, from) || strcmp(from, claims.aor))
		REFUSE(403, "Token Of Another User", NULL, NULL);
	out->endpoint = addressed(agent, request);
	if (!out->endpoint)
		REFUSE(404, "Not Found", NULL, NULL);
	if (*claims.callee && strcmp(claims.callee, out->endpoint->aor))
		REFUSE(403, "Token For Another Callee", NULL, NULL);
	if (!out->endpoint->has_tables) {
		if (out->endpoint->state == ENDPOINT_LOGGING_IN)
			REFUSE(480, "Logging In", "Retry-After", "1");
		REFUSE(480, "Not Logged In", NULL, NULL);
	}
	out->peer = peer_find(out->endpoint, from);
	if (!out->peer)
		REFUSE(403, "Not Permitted", NULL, NULL);
	snprintf(out->fingerprint, sizeof(out->fingerprint), "%s", certificate);
	return true;
}

bool trust_check(
	struct agent *agent, struct conn *conn, const struct msg *request, struct trust *out)
{
	struct refusal refusal;
	const char *detail;

	if (check(agent, conn, request, out, &refusal, &detail)) {
		peer_spoke(out->peer);
		return true;
	}
	refuse(conn, request, &refusal, detail);
	return false;
}

bool trust_check_dialog(struct conn *conn, const struct msg *request, const char *fingerprint)
{
	static const struct refusal mismatch = {403, "Certificate Mismatch", NULL, NULL};
	const char *certificate = conn_fingerprint(conn);

	if (certificate && !strcmp(certificate, fingerprint))
		return true;
	refuse(conn, request, &mismatch, "not the certificate of the call");
	return false;
}
