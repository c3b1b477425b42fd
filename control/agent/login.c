// SPDX-License-Identifier: BSD-3-Clause
// The connection to the access server: made, lost, made again with back-off; and the queue of the
// endpoints that are to REGISTER over it. The agent's one thread.
#include "control/agent/login.h"

#include "control/agent/login_private.h"
#include "engine/base/conf.h"
#include "engine/base/log.h"

#include <errno.h>
#include <event2/dns.h>
#include <event2/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOGIN_IN_FLIGHT	     64 // REGISTERs waiting for an answer
#define LOGIN_BACK_OFF_MS    500
#define LOGIN_BACK_OFF_MAX_S 32

static void connect_now(evutil_socket_t fd, short what, void *arg);

// With jitter, so that a thousand agents do not come back in the same second
static void reconnect_later(struct login *login)
{
	unsigned ms = LOGIN_BACK_OFF_MS << (login->failures < 6 ? login->failures : 6);

	login->failures++;
	agent_timer_ms(login->reconnect, ms / 2 + agent_random(ms));
}

static void on_ready(void *user, struct conn *conn)
{
	struct login *login = user;
	struct map_node *node, *next;

	log_rare(LOG_INFO, "connected with the access server at %s", conn_peer(conn));
	login->failures = 0;
	login->ready = true;
	// It may be another process than the one that knew us
	MAP_FOREACH(&login->agent->endpoints, node, next)
	{
		struct endpoint *endpoint = map_entry(node, struct endpoint, node);

		endpoint->rejoin = true;
		if (endpoint->wanted || endpoint->state == ENDPOINT_LOGGING_OUT)
			login_enqueue(endpoint);
	}
	// Those queued before there was a connection
	agent_timer_ms(login->pump, 0);
}

static void on_message(void *user, struct conn *conn, struct msg *msg)
{
	struct login *login = user;

	if (transaction_receive(login->agent->transactions, conn, msg))
		return;
	if (msg_is_request(msg) && strcmp(msg_method(msg), "ACK")) {
		struct msg *response = msg_new_response(msg, 405, "Method Not Allowed", NULL);

		if (response && !msg_add_header(response, "Allow", "REGISTER"))
			conn_send(conn, response);
		msg_free(response);
	}
	msg_free(msg);
}

static void server_away(struct login *login)
{
	struct map_node *node, *next;

	login->conn = NULL;
	login->ready = false;
	MAP_FOREACH(&login->agent->endpoints, node, next)
	login_server_away(map_entry(node, struct endpoint, node));
	reconnect_later(login);
}

static void on_closed(void *user, struct conn *conn, const char *why)
{
	struct login *login = user;

	log_rare(LOG_WARNING, "no connection with the access server at %s: %s", conn_peer(conn),
		why);
	server_away(login);
}

static const struct conn_callbacks callbacks = {on_message, on_ready, on_closed};
static const struct conn_limits limits = {.body_max = CONN_BODY_MAX};

static void connect_to(struct login *login, const struct sockaddr *address, socklen_t length)
{
	struct conn_verify verify = {.name = login->name};

	login->conn = conn_connect(login->agent->base, address, length, login->agent->server_tls,
		&verify, &limits, &callbacks, login);
	if (!login->conn) {
		log_rare(LOG_WARNING, "no connection with the access server: %s", strerror(errno));
		reconnect_later(login);
	}
}

static void resolved(int error, struct evutil_addrinfo *found, void *arg)
{
	struct login *login = arg;

	login->resolving = NULL;
	if (error == EVUTIL_EAI_CANCEL)
		return;
	if (error || !found) {
		log_rare(LOG_WARNING, "the access server's name %s cannot be resolved: %s",
			login->host, evutil_gai_strerror(error));
		reconnect_later(login);
		return;
	}
	connect_to(login, found->ai_addr, found->ai_addrlen);
	evutil_freeaddrinfo(found);
}

static void connect_now(evutil_socket_t fd, short what, void *arg)
{
	struct login *login = arg;
	struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct sockaddr_storage address;

	(void)fd;
	(void)what;
	if (!address_parse(login->agent->config->server, &address)) {
		connect_to(login, (struct sockaddr *)&address, address_length(&address));
		return;
	}
	if (!login->dns)
		login->dns = evdns_base_new(login->agent->base,
			EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (!login->dns) {
		log_rare(LOG_WARNING, "no name servers to resolve %s", login->host);
		reconnect_later(login);
		return;
	}
	login->resolving =
		evdns_getaddrinfo(login->dns, login->host, login->port, &hints, resolved, login);
}

void login_pump(struct login *login)
{
	struct endpoint *endpoint;

	while (login->ready && login->in_flight < LOGIN_IN_FLIGHT &&
		(endpoint = TAILQ_FIRST(&login->queue))) {
		TAILQ_REMOVE(&login->queue, endpoint, queue);
		endpoint->queued = false;
		login_register(login, endpoint);
	}
}

static void pump(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	login_pump(arg);
}

void login_enqueue(struct endpoint *endpoint)
{
	struct login *login = endpoint->agent->login;

	if (endpoint->queued || endpoint->registering)
		return;
	endpoint->queued = true;
	TAILQ_INSERT_TAIL(&login->queue, endpoint, queue);
	agent_timer_ms(login->pump, 0);
}

void login_dequeue(struct endpoint *endpoint)
{
	if (endpoint->queued)
		TAILQ_REMOVE(&endpoint->agent->login->queue, endpoint, queue);
	endpoint->queued = false;
}

void login_suspect(struct login *login)
{
	if (!login->conn)
		return;
	log_rare(LOG_WARNING, "the access server does not answer");
	conn_abort(login->conn);
	server_away(login);
}

bool login_all_tried(struct agent *agent)
{
	struct map_node *node, *next;

	if (agent->login->failures > 0)
		return true;
	MAP_FOREACH(&agent->endpoints, node, next)
	{
		struct endpoint *endpoint = map_entry(node, struct endpoint, node);

		if (endpoint->state == ENDPOINT_LOGGING_IN && endpoint->failures == 0)
			return false;
	}
	return true;
}

static int split_server(struct login *login, const char *server)
{
	const char *colon = strrchr(server, ':');
	size_t length = colon - server;

	if (length >= sizeof(login->host) || strlen(colon + 1) >= sizeof(login->port))
		return -EINVAL;
	memcpy(login->host, server, length);
	snprintf(login->port, sizeof(login->port), "%s", colon + 1);
	if (login->host[0] == '[' && length > 2) { // an IPv6 address
		memmove(login->host, login->host + 1, length);
		login->host[length - 2] = '\0';
	}
	return 0;
}

struct login *login_new(struct agent *agent, char *error)
{
	struct login *login = calloc(1, sizeof(*login));

	if (!login)
		return NULL;
	login->agent = agent;
	TAILQ_INIT(&login->queue);
	if (split_server(login, agent->config->server)) {
		snprintf(error, CONF_ERROR_MAX, "server: must be HOST:PORT");
		free(login);
		return NULL;
	}
	login->name = agent->config->server_name ? agent->config->server_name : login->host;
	login->reconnect = agent_timer(agent, connect_now, login);
	login->pump = agent_timer(agent, pump, login);
	if (!login->reconnect || !login->pump) {
		snprintf(error, CONF_ERROR_MAX, "out of memory");
		login_free(login);
		return NULL;
	}
	agent_timer_ms(login->reconnect, 0);
	return login;
}

void login_free(struct login *login)
{
	if (!login)
		return;
	if (login->resolving)
		evdns_getaddrinfo_cancel(login->resolving);
	if (login->dns)
		evdns_base_free(login->dns, 0);
	if (login->conn)
		conn_close(login->conn);
	if (login->reconnect)
		event_free(login->reconnect);
	if (login->pump)
		event_free(login->pump);
	free(login);
}
