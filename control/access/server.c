// SPDX-License-Identifier: BSD-3-Clause
// Connections and dispatch: REGISTER goes to the registrar, INVITE is redirected, OPTIONS answered,
// everything else refused. This server never proxies. Runs on the event loop's thread.
#include "control/access/server.h"

#include "control/access/meter.h"
#include "control/access/redirect.h"
#include "control/access/registrar.h"
#include "control/access/reply.h"
#include "control/sip/conn.h"
#include "control/sip/tls.h"
#include "engine/base/log.h"
#include "engine/base/version.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define SPARE_FILES 64			// descriptors that are not connections
#define OUTPUT_MAX  (64u * 1024 * 1024) // bytes of answers that wait for one agent

// Where connections come in, and how those who come there prove who they are.
struct door {
	struct server *server;
	enum digest_algorithm algorithm;
	struct conn_listener *listener;
};

struct server {
	const struct config *config;
	struct store *store;
	struct token_signer *signer;
	struct registrar *registrar;
	struct redirect redirect;
	SSL_CTX *tls;
	struct meter meter;
	struct metrics_server *metrics; // NULL: not asked for
	struct door door, door_md5;
};

// Methods that RFC 3261 and its extensions know: not allowed here, but no nonsense.
static bool is_known_method(const char *method)
{
	static const char *const known[] = {"BYE", "CANCEL", "UPDATE", "INFO", "PRACK", "SUBSCRIBE",
		"NOTIFY", "PUBLISH", "MESSAGE", "REFER"};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(method, known[i]) == 0)
			return true;
	return false;
}

static struct msg *answer(const struct door *door, struct conn *conn, const struct msg *request)
{
	static struct log_limit limit;
	const struct server *server = door->server;
	const char *method = msg_method(request);
	struct auth_source source = {
		.name = conn_peer(conn),
		.address = conn_peer_address(conn),
		.fingerprint = conn_fingerprint(conn),
		.algorithm = door->algorithm,
	};
	if (strcmp(method, "REGISTER") == 0)
		return registrar_answer(server->registrar, request, &source);
	if (strcmp(method, "INVITE") == 0)
		return redirect_answer(&server->redirect, request, &source);
	if (strcmp(method, "OPTIONS") == 0)
		return reply_header(reply_header(reply(request, 200, NULL), "Allow", REPLY_ALLOW),
			"Accept", "application/json");
	log_limited(&limit, LOG_NOTICE,
		"%s: %s refused: this server takes REGISTER and INVITE only", source.name, method);
	if (strcmp(method, "CANCEL") == 0)
		return reply(request, 481, NULL);
	return reply_header(
		reply(request, is_known_method(method) ? 405 : 501, NULL), "Allow", REPLY_ALLOW);
}

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void on_message(void *user, struct conn *conn, struct msg *request)
{
	static struct log_limit stray, unsent;
	const struct door *door = user;
	double begun = now_s();
	if (!msg_is_request(request)) {
		log_limited(
			&stray, LOG_NOTICE, "%s: a response to nothing was asked", conn_peer(conn));
	} else if (strcmp(msg_method(request), "ACK") != 0) {
		struct msg *response = answer(door, conn, request);
		int result = response != NULL ? conn_send(conn, response) : -ENOMEM;
		if (response != NULL)
			meter_response(&door->server->meter, msg_method(request),
				msg_status(response), now_s() - begun);
		if (result != 0)
			log_limited(&unsent, LOG_WARNING, "%s: response not sent: %s",
				conn_peer(conn), strerror(-result));
		msg_free(response);
	}
	msg_free(request);
}

// A binding outlives its connection: peers reach the endpoint directly, and without a refresh it
// expires.
static void on_closed(void *user, struct conn *conn, const char *why)
{
	log_event(LOG_DEBUG, "%s: connection closed: %s", conn_peer(conn), why);
	(void)user;
}

// As many connections as descriptors allow. Returns that number.
static unsigned raise_files(unsigned wanted)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return wanted;
	if (files.rlim_cur < wanted + SPARE_FILES) {
		files.rlim_cur = wanted + SPARE_FILES < files.rlim_max ? wanted + SPARE_FILES
								       : files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (files.rlim_cur >= wanted + SPARE_FILES)
		return wanted;
	unsigned possible = files.rlim_cur > 2 * SPARE_FILES
				    ? (unsigned)files.rlim_cur - SPARE_FILES
				    : SPARE_FILES;
	log_warning("only %u connections at a time: the limit of open files is %llu", possible,
		(unsigned long long)files.rlim_cur);
	return possible;
}

static bool open_door(struct server *server, struct event_base *base, struct door *door,
	const struct config_address *at, const struct conn_limits *limits, char *error)
{
	static const struct conn_callbacks callbacks = {.message = on_message, .closed = on_closed};
	door->server = server;
	door->listener = conn_listen(base, (const struct sockaddr *)&at->address, at->length,
		server->tls, limits, &callbacks, door);
	if (door->listener == NULL)
		snprintf(error, CONF_ERROR_MAX, "cannot listen on %s: %s", at->text,
			strerror(errno));
	return door->listener != NULL;
}

static bool open_doors(struct server *server, struct event_base *base, char *error)
{
	const struct config *config = server->config;
	unsigned n = config->listen_md5.length > 0 ? 2 : 1;
	struct conn_limits limits = {
		.connections = raise_files(config->connections) / n,
		.connections_per_ip = config->connections_per_ip,
		.idle_timeout_s = 2 * config->expires_max_s,
		.output_max = OUTPUT_MAX,
	};
	server->door.algorithm = DIGEST_SHA256;
	server->door_md5.algorithm = DIGEST_MD5;
	return open_door(server, base, &server->door, &config->listen, &limits, error) &&
	       (n == 1 || open_door(server, base, &server->door_md5, &config->listen_md5, &limits,
				  error));
}

static void write_metrics(void *user, struct metrics *m)
{
	const struct server *server = user;
	metrics_begin(m, "crowfly_access_info", METRICS_GAUGE, "1, with what runs as a label");
	metrics_count(m, 1, "version=\"%s\"", VERSION);
	metrics_begin(m, "crowfly_access_users_online", METRICS_GAUGE, "Users that are registered");
	metrics_plain(m, server_online(server));
	metrics_begin(m, "crowfly_access_connections", METRICS_GAUGE, "Connections, by digest");
	metrics_count(m, conn_listener_count(server->door.listener), "digest=\"%s\"", "sha256");
	if (server->door_md5.listener != NULL)
		metrics_count(
			m, conn_listener_count(server->door_md5.listener), "digest=\"%s\"", "md5");
	meter_write(&server->meter, m);
}

static bool open_metrics(struct server *server, struct event_base *base, char *error)
{
	const struct config *config = server->config;
	if (config->metrics[0] == '\0')
		return true;
	server->metrics = metrics_server_new(
		base, config->metrics, config->metrics_anywhere, write_metrics, server, error);
	return server->metrics != NULL;
}

static bool open_keys(struct server *server, char *error)
{
	char path[PATH_MAX + 16];
	snprintf(path, sizeof(path), "%s.token.pem", server->config->database);
	server->signer = token_signer_new(path, store_domain(server->store));
	if (server->signer == NULL) {
		snprintf(error, CONF_ERROR_MAX, "%.180s: %s", path,
			errno == EINVAL ? "no private key of P-256" : strerror(errno));
		return false;
	}
	server->tls = tls_server(server->config->certificate, server->config->key, error);
	return server->tls != NULL;
}

static bool start(struct server *server, struct event_base *base, char *error)
{
	const struct config *config = server->config;
	if (config_check_server(config, error) != 0)
		return false;
	server->store = store_new(config->database,
		config->domain[0] != '\0' ? config->domain : NULL, STORE_SERVER, error);
	if (server->store == NULL || !open_keys(server, error))
		return false;
	server->registrar = registrar_new(base, config, server->store, server->signer);
	if (server->registrar == NULL) {
		snprintf(error, CONF_ERROR_MAX, "cannot load the bindings: %s", strerror(errno));
		return false;
	}
	server->redirect = (struct redirect){
		.auth = registrar_auth(server->registrar),
		.tables = registrar_tables(server->registrar),
	};
	return open_doors(server, base, error) && open_metrics(server, base, error);
}

struct server *server_new(
	struct event_base *base, const struct config *config, char error[CONF_ERROR_MAX])
{
	struct server *server = calloc(1, sizeof(*server));
	if (server == NULL) {
		snprintf(error, CONF_ERROR_MAX, "no memory");
		return NULL;
	}
	server->config = config;
	if (!start(server, base, error)) {
		server_free(server);
		return NULL;
	}
	return server;
}

void server_free(struct server *server)
{
	if (server == NULL)
		return;
	metrics_server_free(server->metrics);
	if (server->door.listener != NULL)
		conn_listener_free(server->door.listener);
	if (server->door_md5.listener != NULL)
		conn_listener_free(server->door_md5.listener);
	registrar_free(server->registrar);
	SSL_CTX_free(server->tls);
	token_signer_free(server->signer);
	store_free(server->store);
	free(server);
}

int server_reload(struct server *server, const struct config *config, char error[CONF_ERROR_MAX])
{
	SSL_CTX *tls = tls_server(config->certificate, config->key, error);
	if (tls == NULL)
		return -1;
	conn_listener_set_tls(server->door.listener, tls);
	if (server->door_md5.listener != NULL)
		conn_listener_set_tls(server->door_md5.listener, tls);
	SSL_CTX_free(server->tls); // its connections have references of their own
	server->tls = tls;
	return 0;
}

int server_address(const struct server *server, struct sockaddr_storage *address)
{
	return conn_listener_address(server->door.listener, address);
}

int server_address_md5(const struct server *server, struct sockaddr_storage *address)
{
	return server->door_md5.listener != NULL
		       ? conn_listener_address(server->door_md5.listener, address)
		       : -ENOENT;
}

unsigned server_online(const struct server *server)
{
	return registrar_online(server->registrar);
}
