// SPDX-License-Identifier: BSD-3-Clause
// Digest authentication of requests (RFC 3261 section 22, RFC 8760). Runs on the server's thread.
#include "control/access/auth.h"

#include "control/access/limit.h"
#include "control/access/reply.h"
#include "engine/base/log.h"

#include <osipparser2/osip_parser.h>

#include <openssl/crypto.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define REMEMBERED_MAX 262144 // used nonces: 11 MiB at most

struct auth {
	struct store *store;
	struct digest_nonces *nonces;
	struct limit *failures;
};

struct auth *auth_new(struct store *store, unsigned nonce_lifetime_s, unsigned failures_per_minute)
{
	struct auth *auth = calloc(1, sizeof(*auth));
	if (auth == NULL)
		return NULL;
	auth->store = store;
	auth->nonces = digest_nonces_new(nonce_lifetime_s, REMEMBERED_MAX);
	auth->failures = limit_new(failures_per_minute);
	if (auth->nonces == NULL || auth->failures == NULL) {
		auth_free(auth);
		errno = ENOMEM;
		return NULL;
	}
	return auth;
}

void auth_free(struct auth *auth)
{
	if (auth == NULL)
		return;
	digest_nonces_free(auth->nonces);
	limit_free(auth->failures);
	free(auth);
}

static struct msg *challenge(
	struct auth *auth, const struct msg *request, enum digest_algorithm algorithm, bool stale)
{
	char text[512];
	struct msg *response = reply(request, 401, NULL);
	if (response == NULL || digest_challenge(auth->nonces, algorithm, store_domain(auth->store),
					stale, text, sizeof(text)) != 0)
		return response;
	return reply_header(response, "WWW-Authenticate", text);
}

// The credentials for our realm: 1, 0 if there are none, -EINVAL if they are malformed or come
// twice.
static int find_credentials(
	const struct msg *request, const char *realm, struct digest_response *out)
{
	osip_header_t *header = NULL;
	struct digest_response one;
	int found = 0, at = 0;
	while ((at = osip_message_header_get_byname(request->sip, "Authorization", at, &header)) >=
		0) {
		at++;
		const char *value = header->hvalue != NULL ? header->hvalue : "";
		if (strncasecmp(value, "Digest", 6) != 0)
			continue;
		if (digest_parse(value, &one) != 0)
			return -EINVAL;
		if (strcmp(one.realm, realm) != 0)
			continue;
		if (found++ > 0)
			return -EINVAL;
		*out = one;
	}
	return found;
}

// The URI that was signed must be the one that was asked for (RFC 7616 section 3.4.6).
static bool is_request_uri(const struct msg *request, const char *uri)
{
	char *text = NULL;
	if (osip_uri_to_str(request->sip->req_uri, &text) != 0)
		return false;
	bool same = strcmp(text, uri) == 0;
	osip_free(text);
	return same;
}

// The same work whether or not the user exists.
static enum digest_result check(struct auth *auth, const struct msg *request, const char *aor,
	enum digest_algorithm algorithm, const struct digest_response *credentials, bool *broken)
{
	char ha1[DIGEST_HEX], user[AOR_MAX];
	aor_user(aor, user);
	int result = store_user_ha1(auth->store, aor, algorithm, ha1);
	bool known = result == 0 && strcmp(user, credentials->user) == 0;
	*broken = result != 0 && result != -ENOENT;
	enum digest_result digest = digest_check(
		auth->nonces, algorithm, credentials, msg_method(request), known ? ha1 : NULL);
	OPENSSL_cleanse(ha1, sizeof(ha1));
	return digest;
}

// Says why not, in the log and to the client.
static struct msg *refuse(struct auth *auth, const struct msg *request, const char *aor,
	const struct auth_source *source, enum digest_result result)
{
	static struct log_limit wrong, stale, replay;
	switch (result) {
	case DIGEST_STALE:
		log_limited(&stale, LOG_INFO, "%s: %s: nonce is stale", source->name, aor);
		return challenge(auth, request, source->algorithm, true);
	case DIGEST_REPLAY:
		log_limited(&replay, LOG_WARNING, "%s: %s: nonce was used before: a replay?",
			source->name, aor);
		return challenge(auth, request, source->algorithm, true);
	default:
		limit_failed(auth->failures, source->address);
		log_limited(&wrong, LOG_WARNING, "%s: %s: unknown user or wrong password",
			source->name, aor);
		return challenge(auth, request, source->algorithm, false);
	}
}

struct msg *auth_check(struct auth *auth, const struct msg *request, const char *aor,
	const struct auth_source *source)
{
	static struct log_limit malformed, many, store;
	struct digest_response credentials;
	bool broken = false;
	int found = find_credentials(request, store_domain(auth->store), &credentials);
	if (found == 0)
		return challenge(auth, request, source->algorithm, false);
	if (found < 0 || !is_request_uri(request, credentials.uri)) {
		log_limited(&malformed, LOG_WARNING, "%s: %s: bad Authorization header",
			source->name, aor);
		return reply(request, 400, "Bad Authorization");
	}
	unsigned wait_s = limit_wait_s(auth->failures, source->address);
	if (wait_s > 0) {
		log_limited(&many, LOG_WARNING, "%s: too many failed logins from this address",
			source->name);
		return reply_retry(request, wait_s);
	}
	enum digest_result result =
		check(auth, request, aor, source->algorithm, &credentials, &broken);
	if (broken) {
		log_limited(&store, LOG_ERR, "%s: the database cannot be read", aor);
		return reply_retry(request, 5);
	}
	return result == DIGEST_OK ? NULL : refuse(auth, request, aor, source, result);
}
