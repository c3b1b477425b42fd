// SPDX-License-Identifier: BSD-3-Clause
// One endpoint's REGISTER: challenge and answer, the tables in the 200 OK, refresh, logging out
// (RFC 3261 section 10, RFC 7616, RFC 8760). The agent's one thread.
#include "control/agent/login_private.h"

#include "control/agent/notify.h"
#include "control/sip/digest.h"
#include "engine/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REGISTER_TIMEOUT_MS    16000
#define REGISTER_ATTEMPTS      5      // challenges in a row
#define REGISTER_REFUSED_MS    120000 // before credentials that were refused are tried again
#define REGISTER_RETRY_MS      1000
#define REGISTER_RETRY_DOUBLED 6

static void answered(void *arg, const struct msg *response, const char *why);

static bool leaving(const struct endpoint *endpoint)
{
	return endpoint->state == ENDPOINT_LOGGING_OUT;
}

static int add_answer(struct endpoint *endpoint, struct msg *msg, const char *uri)
{
	char answer[2048];
	int rc;

	if (!*endpoint->challenge)
		return 0;
	rc = digest_answer(endpoint->challenge, "REGISTER", uri, endpoint->config->user,
		endpoint->config->password, ++endpoint->nc, answer, sizeof(answer));
	if (rc) {
		log_event(LOG_ERR, "%s: the server's challenge cannot be answered (SHA-256 only)",
			endpoint->aor);
		return rc;
	}
	return msg_add_header(msg, "Authorization", answer);
}

static struct msg *build(struct endpoint *endpoint)
{
	char uri[MSG_AOR_MAX + 4], contact[sizeof(endpoint->contact) + 2], expires[16];
	struct msg_request request = {
		.method = "REGISTER",
		.uri = uri,
		.from = endpoint->aor,
		.from_tag = endpoint->from_tag,
		.to = endpoint->aor,
		.call_id = endpoint->call_id,
		.sent_by = endpoint->agent->sent_by,
		.cseq = ++endpoint->cseq,
	};
	struct msg *msg;

	snprintf(uri, sizeof(uri), "sip:%s", strchr(endpoint->aor, '@') + 1);
	snprintf(contact, sizeof(contact), "<%s>", endpoint->contact);
	snprintf(expires, sizeof(expires), "%u", leaving(endpoint) ? 0 : endpoint->asked_s);
	msg = msg_new_request(&request);
	if (!msg)
		return NULL;
	if (msg_add_header(msg, "Contact", contact) || msg_add_header(msg, "Expires", expires) ||
		msg_add_header(msg, "Accept", "application/json") ||
		add_answer(endpoint, msg, uri)) {
		msg_free(msg);
		return NULL;
	}
	return msg;
}

static void drop_tables(struct endpoint *endpoint)
{
	notify_schedule(endpoint, false);
	peer_remove_all(endpoint);
	if (endpoint->token) {
		explicit_bzero(endpoint->token, strlen(endpoint->token));
		free(endpoint->token);
	}
	endpoint->token = NULL;
	endpoint->has_tables = false;
	endpoint->expires_us = 0;
}

static void end_if_done(struct endpoint *endpoint)
{
	if (!leaving(endpoint) || endpoint->registering || endpoint->queued || endpoint->farewells)
		return;
	drop_tables(endpoint);
	endpoint_set_state(endpoint, ENDPOINT_LOGGED_OUT);
	agent_check_stopped(endpoint->agent);
}

static void refresh_now(evutil_socket_t fd, short what, void *arg)
{
	struct endpoint *endpoint = arg;

	(void)fd;
	(void)what;
	if (endpoint->wanted)
		login_enqueue(endpoint);
	else
		end_if_done(endpoint);
}

static void again_in(struct endpoint *endpoint, uint64_t ms)
{
	if (!endpoint->refresh)
		endpoint->refresh = agent_timer(endpoint->agent, refresh_now, endpoint);
	if (endpoint->refresh)
		agent_timer_ms(endpoint->refresh, ms);
}

static void retry(struct endpoint *endpoint, const struct msg *response)
{
	const char *after = response ? msg_header(response, "Retry-After") : NULL;
	unsigned doubled = endpoint->failures < REGISTER_RETRY_DOUBLED ? endpoint->failures
								       : REGISTER_RETRY_DOUBLED;
	unsigned ms = REGISTER_RETRY_MS << doubled;
	unsigned asked_ms = after ? 1000 * (unsigned)strtoul(after, NULL, 10) : 0;

	endpoint->failures++;
	if (asked_ms > ms && asked_ms <= 3600000)
		ms = asked_ms;
	again_in(endpoint, ms / 2 + agent_random(ms));
}

void login_register(struct login *login, struct endpoint *endpoint)
{
	struct msg *msg;

	if (!endpoint->wanted && !leaving(endpoint))
		return;
	if (!endpoint->asked_s)
		endpoint->asked_s = login->agent->config->register_expires_s;
	msg = build(endpoint);
	if (!msg) {
		endpoint->challenge[0] = '\0';
		retry(endpoint, NULL);
		return;
	}
	if (!endpoint->attempts)
		endpoint->started_us = agent_now_us();
	endpoint->registering = transaction_send(login->agent->transactions, login->conn, msg,
		REGISTER_TIMEOUT_MS, answered, endpoint);
	if (endpoint->registering)
		login->in_flight++;
	else
		retry(endpoint, NULL);
}

static int take_tables(struct endpoint *endpoint, struct profile *profile)
{
	struct agent *agent = endpoint->agent;
	struct token_verifier *verifier = token_verifier_new(profile->jwks);

	if (!verifier) {
		log_event(LOG_ERR, "%s: the server's token keys are not usable", endpoint->aor);
		return -1;
	}
	token_verifier_free(agent->verifier);
	agent->verifier = verifier;
	if (endpoint->token) {
		explicit_bzero(endpoint->token, strlen(endpoint->token));
		free(endpoint->token);
	}
	endpoint->token = profile->token;
	profile->token = NULL;
	endpoint->has_tables = true;
	endpoint->expires_s = profile->expires_s < 4 ? 4 : profile->expires_s;
	endpoint->expires_us = agent_now_us() + endpoint->expires_s * UINT64_C(1000000);
	return peer_apply(endpoint, profile, endpoint->rejoin);
}

static void login_took(struct endpoint *endpoint, uint64_t us)
{
	endpoint->login_ms = us / 1000.0;
	metrics_observe(&endpoint->agent->meter.logins, us / 1000000.0);
}

static void logged_in(struct endpoint *endpoint, const struct msg *response)
{
	struct profile *profile = NULL;
	char error[128] = "no profile";
	size_t length;
	const char *body = msg_body(response, &length), *type = msg_body_type(response);

	if (body && type && !strcmp(type, "application/json"))
		profile = profile_read(body, length, error);
	if (profile && strcmp(profile->aor, endpoint->aor)) {
		snprintf(error, sizeof(error), "the profile of another user");
		profile_free(profile);
		profile = NULL;
	}
	if (!profile || take_tables(endpoint, profile)) {
		log_event(LOG_ERR, "%s: logged in, but %s", endpoint->aor, error);
		profile_free(profile);
		retry(endpoint, NULL);
		return;
	}
	if (endpoint->rejoin)
		login_took(endpoint, agent_now_us() - endpoint->started_us);
	if (endpoint->state != ENDPOINT_ONLINE)
		log_event(LOG_NOTICE, "%s: logged in, %zu peers permitted, %u online",
			endpoint->aor, profile->n_peers, endpoint->online);
	profile_free(profile);
	endpoint->rejoin = false;
	endpoint->failures = 0;
	endpoint_set_state(endpoint, ENDPOINT_ONLINE);
	notify_schedule(endpoint, true);
	// Between half and 85 % of the time
	again_in(endpoint, endpoint->expires_s * 500 + agent_random(endpoint->expires_s * 350));
}

static void refused(struct endpoint *endpoint, const struct msg *response)
{
	if (leaving(endpoint)) {
		login_check_ended(endpoint);
		return;
	}
	log_event(LOG_ERR, "%s: the server refuses the login: %d %s", endpoint->aor,
		msg_status(response), msg_reason(response));
	endpoint->agent->meter.logins_refused++;
	endpoint->challenge[0] = '\0';
	endpoint->rejoin = true;
	drop_tables(endpoint);
	endpoint_set_state(endpoint, ENDPOINT_REFUSED);
	again_in(endpoint, REGISTER_REFUSED_MS + agent_random(REGISTER_REFUSED_MS));
}

// A fresh challenge is answered; a refusal of the answer to it is final
static void challenged(struct endpoint *endpoint, const struct msg *response)
{
	const char *challenge = msg_header(response, "WWW-Authenticate");
	bool stale = challenge && strcasestr(challenge, "stale=true");
	bool answer_was_fresh = *endpoint->challenge && endpoint->nc == 1;

	if (!challenge || strlen(challenge) >= sizeof(endpoint->challenge) ||
		(answer_was_fresh && !stale) || endpoint->attempts++ >= REGISTER_ATTEMPTS) {
		endpoint->attempts = 0;
		refused(endpoint, response);
		return;
	}
	snprintf(endpoint->challenge, sizeof(endpoint->challenge), "%s", challenge);
	endpoint->nc = 0;
	login_enqueue(endpoint);
}

static void too_brief(struct endpoint *endpoint, const struct msg *response)
{
	const char *min = msg_header(response, "Min-Expires");
	unsigned long seconds = min ? strtoul(min, NULL, 10) : 0;

	if (seconds > endpoint->asked_s && seconds <= 86400) {
		endpoint->asked_s = seconds;
		login_enqueue(endpoint);
	} else {
		retry(endpoint, response);
	}
}

static void judge(struct endpoint *endpoint, const struct msg *response)
{
	int status = msg_status(response);

	if (status == 401) {
		challenged(endpoint, response);
		return;
	}
	endpoint->attempts = 0;
	if (leaving(endpoint)) {
		login_check_ended(endpoint);
	} else if (status / 100 == 2) {
		logged_in(endpoint, response);
	} else if (status == 403 || status == 404) {
		refused(endpoint, response);
	} else if (status == 423) {
		too_brief(endpoint, response);
	} else {
		log_event(LOG_WARNING, "%s: REGISTER was answered %d %s", endpoint->aor, status,
			msg_reason(response));
		retry(endpoint, response);
	}
}

static void answered(void *arg, const struct msg *response, const char *why)
{
	struct endpoint *endpoint = arg;
	struct login *login = endpoint->agent->login;

	if (response && msg_status(response) < 200)
		return;
	endpoint->registering = NULL;
	login->in_flight--;
	if (response && (endpoint->wanted || leaving(endpoint))) {
		judge(endpoint, response);
	} else if (!response) {
		endpoint->attempts = 0;
		log_event(LOG_DEBUG, "%s: REGISTER: %s", endpoint->aor, why);
		if (leaving(endpoint))
			login_check_ended(endpoint);
		else
			retry(endpoint, NULL);
		if (login->ready) // the connection is there: it is the server that is silent
			login_suspect(login);
	}
	login_pump(login);
}

void login_server_away(struct endpoint *endpoint)
{
	login_dequeue(endpoint);
	if (endpoint->state == ENDPOINT_ONLINE)
		endpoint_set_state(endpoint, ENDPOINT_AWAY);
	if (leaving(endpoint))
		login_check_ended(endpoint);
}

static void forget_request(struct endpoint *endpoint)
{
	login_dequeue(endpoint);
	if (endpoint->registering) {
		transaction_forget(endpoint->registering);
		endpoint->registering = NULL;
		endpoint->agent->login->in_flight--;
	}
	endpoint->attempts = 0;
}

void login_start(struct endpoint *endpoint)
{
	if (endpoint->wanted) {
		login_enqueue(endpoint); // a refresh, or what was refused once more
		return;
	}
	if (leaving(endpoint)) { // what is not told by now is told by the login
		forget_request(endpoint);
		drop_tables(endpoint);
	}
	endpoint->wanted = true;
	endpoint->rejoin = true;
	endpoint->attempts = 0;
	endpoint_set_state(endpoint, ENDPOINT_LOGGING_IN);
	login_enqueue(endpoint);
}

void login_end(struct endpoint *endpoint)
{
	if (!endpoint->wanted)
		return;
	endpoint->wanted = false;
	if (endpoint->refresh)
		event_del(endpoint->refresh);
	forget_request(endpoint);
	endpoint_set_state(endpoint, ENDPOINT_LOGGING_OUT);
	notify_schedule(endpoint, false);
	notify_farewell(endpoint);
	if (endpoint->agent->login->ready)
		login_enqueue(endpoint);
	login_check_ended(endpoint);
}

// On the loop: the caller may hold a peer that goes with the tables
void login_check_ended(struct endpoint *endpoint)
{
	if (leaving(endpoint))
		again_in(endpoint, 0);
}
