// SPDX-License-Identifier: BSD-3-Clause
// A small world for the agent's tests, all in one thread and on loopback: real agents with real TLS
// between them, an access server and engines played by the test.
#pragma once

#include "control/agent/agent.h"
#include "control/agent/api.h"
#include "control/agent/call.h"
#include "control/agent/dataplane.h"
#include "control/agent/endpoint.h"
#include "control/agent/link.h"
#include "control/agent/login.h"
#include "control/agent/notify.h"
#include "control/sip/digest.h"
#include "control/sip/profile.h"
#include "control/sip/tls.h"
#include "engine/api.h"
#include "engine/base/conf.h"
#include "engine/base/log.h"

#include <criterion/criterion.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORLD_USERS  32
#define WORLD_AGENTS 4
#define SESSIONS_MAX 256

struct user {
	char aor[128], password[128];
	bool online, gone; // gone: removed by the administrator
	char contact[512], fingerprint[64];
	unsigned logins;
};

// Plays crowfly-engine: keeps what it is told, checks that nothing is there twice.
struct fake_engine {
	struct rpc_server *server;
	char path[128];
	json_t *sessions[SESSIONS_MAX]; // params of session.add, with their id
	int next_id, adds, removes, updates;
	bool refuse;
};

struct host {
	struct config config;
	struct agent *agent;
	struct fake_engine engine;
	struct rpc_client *api;
	json_t *last_event; // of a call
	json_t *result, *error;
	bool answered;
};

static struct world {
	struct event_base *base;
	char dir[32];
	struct token_signer *signer;
	struct digest_nonces *nonces;
	struct conn_listener *listener;
	SSL_CTX *tls;
	char address[ADDRESS_MAX];
	struct user users[WORLD_USERS];
	unsigned n_users;
	bool forbidden[WORLD_USERS][WORLD_USERS]; // [a][b]: a's profile does not have b
	unsigned expires_s, token_expires_s, publish_expires_s;
	unsigned registers, challenges, logouts;
	struct host hosts[WORLD_AGENTS];
} w;

static inline void world_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static inline void world_run_ms(unsigned ms)
{
	uint64_t end = agent_now_us() + ms * UINT64_C(1000);
	struct event *tick = event_new(w.base, -1, EV_PERSIST, world_tick, NULL);
	struct timeval tv = {.tv_usec = 2000};

	event_add(tick, &tv);
	while (agent_now_us() < end)
		event_base_loop(w.base, EVLOOP_ONCE);
	event_free(tick);
}

// Runs the loop until the condition holds; fails the test after 8 s
#define UNTIL(condition)                                                                           \
	do {                                                                                       \
		uint64_t until_end = agent_now_us() + UINT64_C(8000000);                           \
		while (!(condition)) {                                                             \
			world_run_ms(5);                                                           \
			cr_assert(agent_now_us() < until_end, "never: %s", #condition);            \
		}                                                                                  \
	} while (0)

// ---- the access server

static inline struct user *user_find(const char *aor)
{
	unsigned i;

	for (i = 0; i < w.n_users; i++) {
		if (!strcmp(w.users[i].aor, aor))
			return &w.users[i];
	}
	return NULL;
}

static inline char *world_tables(struct user *user, const char *fingerprint, size_t *length)
{
	struct profile_peer peers[WORLD_USERS];
	struct profile profile = {.aor = user->aor,
		.expires_s = w.expires_s,
		.token_expires_s = w.token_expires_s,
		.peers = peers};
	unsigned i, me = user - w.users;
	char *text;

	for (i = 0; i < w.n_users; i++) {
		struct user *other = &w.users[i];

		if (i == me || w.forbidden[me][i])
			continue;
		peers[profile.n_peers++] = (struct profile_peer){
			.aor = other->aor,
			.online = other->online,
			.contact = other->online ? other->contact : NULL,
			.fingerprint = other->online ? other->fingerprint : NULL,
			.expires_s = other->online ? w.expires_s : 0,
		};
	}
	profile.jwks = token_signer_jwks(w.signer);
	profile.token = token_sign(w.signer, user->aor, fingerprint, NULL, w.token_expires_s);
	text = profile_write(&profile, length);
	json_decref(profile.jwks);
	free(profile.token);
	return text;
}

static inline bool world_authentic(struct conn *conn, struct msg *msg, struct user *user)
{
	const char *authorization = msg_header(msg, "Authorization");
	enum digest_result result = DIGEST_WRONG;
	struct digest_response response;
	char ha1[DIGEST_HEX], challenge[512];
	struct msg *answer;

	if (authorization && user && !user->gone && !digest_parse(authorization, &response)) {
		digest_ha1(DIGEST_SHA256, response.user, "example.org", user->password, ha1);
		result = digest_check(w.nonces, DIGEST_SHA256, &response, "REGISTER", ha1);
	}
	if (result == DIGEST_OK)
		return true;
	w.challenges++;
	digest_challenge(w.nonces, DIGEST_SHA256, "example.org", result == DIGEST_STALE, challenge,
		sizeof(challenge));
	answer = msg_new_response(msg, 401, NULL, NULL);
	msg_add_header(answer, "WWW-Authenticate", challenge);
	conn_send(conn, answer);
	msg_free(answer);
	return false;
}

static inline void world_register(struct conn *conn, struct msg *msg)
{
	struct msg *answer;
	struct user *user;
	char aor[MSG_AOR_MAX];
	size_t length;
	char *body;

	w.registers++;
	cr_assert_eq(msg_to_aor(msg, aor), 0);
	user = user_find(aor);
	if (!world_authentic(conn, msg, user))
		return;
	answer = msg_new_response(msg, 200, NULL, NULL);
	if (msg_expires(msg) == 0) {
		user->online = false;
		w.logouts++;
	} else {
		user->online = true;
		user->logins++;
		cr_assert(msg_contact(msg, user->contact, sizeof(user->contact)));
		snprintf(
			user->fingerprint, sizeof(user->fingerprint), "%s", conn_fingerprint(conn));
		body = world_tables(user, user->fingerprint, &length);
		msg_set_body(answer, "application/json", body, length);
		free(body);
	}
	conn_send(conn, answer);
	msg_free(answer);
}

static inline void world_message(void *arg, struct conn *conn, struct msg *msg)
{
	(void)arg;
	if (msg_is_request(msg) && !strcmp(msg_method(msg), "REGISTER"))
		world_register(conn, msg);
	msg_free(msg);
}

static inline void world_closed(void *arg, struct conn *conn, const char *why)
{
	(void)arg;
	(void)conn;
	(void)why;
}

static inline void world_server_start(void)
{
	static const struct conn_callbacks callbacks = {world_message, NULL, world_closed};
	struct sockaddr_storage address;

	cr_assert_eq(address_parse(*w.address ? w.address : "127.0.0.1:0", &address), 0);
	w.listener = conn_listen(w.base, (struct sockaddr *)&address, address_length(&address),
		w.tls, NULL, &callbacks, NULL);
	cr_assert(w.listener);
	conn_listener_address(w.listener, &address);
	address_format(&address, w.address);
}

static inline void world_server_stop(void)
{
	conn_listener_free(w.listener);
	w.listener = NULL;
}

static inline char *world_path(const char *name)
{
	static char path[4][128];
	static unsigned next;

	next = (next + 1) % 4;
	snprintf(path[next], sizeof(path[next]), "%s/%s", w.dir, name);
	return path[next];
}

static inline void world_init(void)
{
	char error[256];

	log_init("test", getenv("TEST_LOG") ? LOG_DEBUG : LOG_CRIT);
	snprintf(w.dir, sizeof(w.dir), "/tmp/agent-world-XXXXXX");
	cr_assert(mkdtemp(w.dir));
	msg_init();
	w.base = event_base_new();
	w.expires_s = w.token_expires_s = 600;
	w.signer = token_signer_new(world_path("token.key"), "access.test");
	w.nonces = digest_nonces_new(300, 1000);
	cr_assert_eq(tls_make_certificate(
			     world_path("server.crt"), world_path("server.key"), "access.test"),
		0);
	w.tls = tls_server(world_path("server.crt"), world_path("server.key"), error);
	cr_assert(w.tls && w.signer && w.nonces);
	world_server_start();
}

static inline struct user *world_user(const char *name)
{
	struct user *user = &w.users[w.n_users++];

	snprintf(user->aor, sizeof(user->aor), "sip:%.40s@example.org", name);
	snprintf(user->password, sizeof(user->password), "secret of %.40s", name);
	return user;
}

// ---- the engine

static inline int engine_slot(struct fake_engine *engine, json_int_t id)
{
	int i;

	for (i = 0; i < SESSIONS_MAX; i++) {
		if (engine->sessions[i] &&
			json_integer_value(json_object_get(engine->sessions[i], "id")) == id)
			return i;
	}
	return -1;
}

static inline int engine_count(struct fake_engine *engine)
{
	int i, n = 0;

	for (i = 0; i < SESSIONS_MAX; i++)
		n += engine->sessions[i] != NULL;
	return n;
}

// The only session there is
static inline json_t *engine_session(struct fake_engine *engine)
{
	int i;

	cr_assert_eq(engine_count(engine), 1);
	for (i = 0; !engine->sessions[i]; i++)
		;
	return engine->sessions[i];
}

static inline const char *session_text(json_t *session, const char *side, const char *end)
{
	json_t *value = json_object_get(session, side);

	return json_string_value(end ? json_object_get(value, end) : value);
}

static inline json_t *engine_add(void *arg, struct rpc_call *call, json_t *params)
{
	struct fake_engine *engine = arg;
	int i, slot = -1;

	engine->adds++;
	if (engine->refuse)
		return rpc_fail(call, RPC_LIMIT, NULL, "no more sessions");
	for (i = 0; i < SESSIONS_MAX; i++) {
		json_t *other = engine->sessions[i];

		if (!other) {
			slot = slot < 0 ? i : slot;
			continue;
		}
		if (!strcmp(session_text(other, "wire", "local"),
			    session_text(params, "wire", "local")))
			return rpc_fail(call, RPC_IN_USE, "wire.local", "in use");
	}
	engine->sessions[slot] = json_deep_copy(params);
	json_object_set_new(engine->sessions[slot], "id", json_integer(++engine->next_id));
	return json_pack("{s:i}", "id", engine->next_id);
}

static inline json_t *engine_update(void *arg, struct rpc_call *call, json_t *params)
{
	struct fake_engine *engine = arg;
	int slot = engine_slot(engine, json_integer_value(json_object_get(params, "id")));

	if (slot < 0)
		return rpc_fail(call, RPC_NOT_FOUND, "id", "no such session");
	engine->updates++;
	json_object_update_recursive(engine->sessions[slot], params);
	return json_object();
}

static inline json_t *engine_remove(void *arg, struct rpc_call *call, json_t *params)
{
	struct fake_engine *engine = arg;
	int slot = engine_slot(engine, json_integer_value(json_object_get(params, "id")));

	if (slot < 0)
		return rpc_fail(call, RPC_NOT_FOUND, "id", "no such session");
	engine->removes++;
	json_decref(engine->sessions[slot]);
	engine->sessions[slot] = NULL;
	return json_pack("{s:{s:i}}", "wire", "packets", 17);
}

static inline json_t *engine_list(void *arg, struct rpc_call *call, json_t *params)
{
	struct fake_engine *engine = arg;
	json_t *list = json_array(), *session;
	int i;

	(void)call;
	for (i = 0; json_integer_value(json_object_get(params, "after")) == 0 && i < SESSIONS_MAX;
		i++) {
		if (!engine->sessions[i])
			continue;
		session = json_deep_copy(engine->sessions[i]);
		json_object_del(session, "tx_key");
		json_object_del(session, "rx_key");
		json_array_append_new(list, session);
	}
	return json_pack("{s:o, s:n}", "sessions", list, "next");
}

static inline json_t *engine_subscribe(void *arg, struct rpc_call *call, json_t *params)
{
	(void)arg;
	(void)params;
	rpc_conn_subscribe(rpc_call_conn(call), true);
	return json_object();
}

static inline void engine_start(struct fake_engine *engine)
{
	static const struct rpc_method methods[] = {
		{API_SESSION_ADD, engine_add},
		{API_SESSION_UPDATE, engine_update},
		{API_SESSION_REMOVE, engine_remove},
		{API_SESSION_LIST, engine_list},
		{API_EVENTS, engine_subscribe},
		{0},
	};

	engine->server = rpc_server_new(w.base, engine->path, methods, engine);
	cr_assert(engine->server);
}

static inline void engine_stop(struct fake_engine *engine)
{
	rpc_server_free(engine->server);
	engine->server = NULL;
}

// ---- agents

static inline void host_event(void *arg, const char *method, json_t *params)
{
	struct host *host = arg;

	if (strcmp(method, API_EVENT_CALL))
		return;
	json_decref(host->last_event);
	host->last_event = json_incref(params);
}

static inline void host_result(void *arg, json_t *result, json_t *error)
{
	struct host *host = arg;

	json_decref(host->result);
	json_decref(host->error);
	host->result = json_incref(result);
	host->error = json_incref(error);
	host->answered = true;
}

static inline void host_ask(struct host *host, const char *method, json_t *params)
{
	host->answered = false;
	rpc_client_call(host->api, method, params, host_result, host);
}

// A request to the agent's socket and its answer, borrowed: result or error
static inline json_t *host_call(struct host *host, const char *method, json_t *params)
{
	host_ask(host, method, params);
	UNTIL(host->answered);
	return host->result ? host->result : host->error;
}

static inline void host_start(struct host *host)
{
	char error[CONF_ERROR_MAX];

	host->agent = agent_new(w.base, &host->config, error);
	cr_assert(host->agent, "%s", error);
	host->api = rpc_client_new(w.base, host->config.socket, NULL, host_event, host);
	UNTIL(rpc_client_connected(host->api));
	host_call(host, API_EVENTS, json_object());
}

// As kill -9: nobody is told
static inline void host_kill(struct host *host)
{
	rpc_client_free(host->api);
	host->api = NULL;
	agent_free(host->agent);
	host->agent = NULL;
}

static inline struct host *host_new(
	unsigned i, const char *const names[], enum config_answer answer)
{
	struct host *host = &w.hosts[i];
	struct config *config = &host->config;
	char name[32];

	config_init(config);
	config->server = strdup(w.address);
	config->server_name = strdup("access.test");
	config->ca = strdup(world_path("server.crt"));
	snprintf(name, sizeof(name), "state-%u", i);
	config->state_dir = strdup(world_path(name));
	snprintf(name, sizeof(name), "agent-%u.sock", i);
	config->socket = strdup(world_path(name));
	snprintf(name, sizeof(name), "engine-%u.sock", i);
	snprintf(host->engine.path, sizeof(host->engine.path), "%s", world_path(name));
	config->engine = strdup(host->engine.path);
	address_parse("127.0.0.1:0", &config->listen);
	snprintf(name, sizeof(name), "10.0.0.%u", i + 1);
	address_parse_ip(name, &config->wire_address);
	address_parse_ip("192.168.50.1", &config->engine_host_address);
	address_parse_ip("192.168.50.2", &config->application_address);
	config->notify_timeout_s = 1;
	if (w.publish_expires_s)
		config->publish_expires_s = w.publish_expires_s;
	for (; *names; names++) {
		struct config_endpoint *endpoint = calloc(1, sizeof(*endpoint));

		snprintf(endpoint->aor, sizeof(endpoint->aor), "sip:%s@example.org", *names);
		endpoint->user = strdup(*names);
		snprintf(endpoint->password, sizeof(endpoint->password), "secret of %s", *names);
		endpoint->answer = answer;
		STAILQ_INSERT_TAIL(&config->endpoints, endpoint, next);
	}
	engine_start(&host->engine);
	host_start(host);
	return host;
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static inline void world_fini(void)
{
	unsigned i;
	int s;

	for (i = 0; i < WORLD_AGENTS; i++) {
		struct host *host = &w.hosts[i];

		if (host->agent)
			host_kill(host);
		if (host->engine.server)
			engine_stop(&host->engine);
		for (s = 0; s < SESSIONS_MAX; s++)
			json_decref(host->engine.sessions[s]);
		json_decref(host->last_event);
		json_decref(host->result);
		json_decref(host->error);
		if (host->config.server)
			config_free(&host->config);
	}
	if (w.listener)
		world_server_stop();
	digest_nonces_free(w.nonces);
	token_signer_free(w.signer);
	SSL_CTX_free(w.tls);
	world_run_ms(1);
	event_base_free(w.base);
}

static inline struct endpoint *endpoint_of(struct host *host, const char *name)
{
	char aor[64];

	snprintf(aor, sizeof(aor), "sip:%.40s@example.org", name);
	return endpoint_find(host->agent, aor);
}

static inline bool logged_in(struct host *host, const char *name)
{
	return endpoint_of(host, name)->state == ENDPOINT_ONLINE;
}

static inline struct peer *peer_of(struct host *host, const char *name, const char *other)
{
	char aor[64];

	snprintf(aor, sizeof(aor), "sip:%s@example.org", other);
	return peer_find(endpoint_of(host, name), aor);
}

static inline bool peer_is(struct host *host, const char *name, const char *other,
	enum peer_status status, bool confirmed)
{
	struct peer *peer = peer_of(host, name, other);

	return peer && peer->status == status && peer->confirmed == confirmed;
}
