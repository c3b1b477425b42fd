// SPDX-License-Identifier: BSD-3-Clause
// Connections between agents, found by the certificate of the other end, whoever made them; the
// agent's one thread.
#include "control/agent/link.h"

#include "engine/base/conf.h"
#include "engine/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define LINK_DISTRUST_MAX 20	// refused requests before a connection is closed
#define LINK_CONNECTIONS  10000 // accepted at a time
#define LINK_PER_IP	  128	// of them; an agent needs one
#define LINK_IDLE_S	  900	// without a message; longer than publications are refreshed

struct link {
	struct map_node node; // of links->by_fingerprint, if indexed
	bool indexed;
	struct agent *agent;
	struct conn *conn;
	TAILQ_ENTRY(link) entry;
	uint64_t heard_us;
	unsigned distrusted;
	char fingerprint[64];
};

struct links {
	struct agent *agent;
	struct conn_listener *listener;
	struct map by_fingerprint;
	TAILQ_HEAD(, link) all;
};

// RFC 5923 section 5: who connected tells in its Via that it takes requests there too
static bool has_alias(const struct msg *msg)
{
	osip_via_t *via = osip_list_get(&msg->sip->vias, 0);
	osip_generic_param_t *alias = NULL;
	char name[] = "alias";

	return via && !osip_generic_param_get_byname(&via->via_params, name, &alias) && alias;
}

int link_add_alias(struct msg *msg)
{
	osip_via_t *via = osip_list_get(&msg->sip->vias, 0);
	char *name = strdup("alias");

	if (via && name && !osip_generic_param_add(&via->via_params, name, NULL))
		return 0;
	free(name);
	return -ENOMEM;
}

static void on_message(void *user, struct conn *conn, struct msg *msg);
static void on_ready(void *user, struct conn *conn);
static void on_closed(void *user, struct conn *conn, const char *why);

static const struct conn_callbacks callbacks = {on_message, on_ready, on_closed};
static const struct conn_limits limits = {
	.idle_timeout_s = LINK_IDLE_S, .connections_per_ip = LINK_PER_IP};

static struct link *link_new(struct agent *agent, const char *fingerprint)
{
	struct link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	link->agent = agent;
	link->heard_us = agent_now_us();
	snprintf(link->fingerprint, sizeof(link->fingerprint), "%s", fingerprint);
	TAILQ_INSERT_TAIL(&agent->links->all, link, entry);
	return link;
}

// From now on requests of ours go over it
static void offer(struct link *link)
{
	if (!link->indexed && *link->fingerprint)
		link->indexed = !map_add(
			&link->agent->links->by_fingerprint, &link->node, link->fingerprint);
}

static void link_free(struct link *link)
{
	struct links *links = link->agent->links;

	TAILQ_REMOVE(&links->all, link, entry);
	if (link->indexed)
		map_del(&links->by_fingerprint, &link->node);
	free(link);
}

static void on_ready(void *user, struct conn *conn)
{
	struct agent *agent = user;
	const char *fingerprint = conn_fingerprint(conn);
	struct link *link = conn_data(conn);

	if (!link)
		link = link_new(agent, fingerprint ? fingerprint : "");
	if (!link) {
		conn_abort(conn);
		return;
	}
	link->conn = conn;
	conn_set_data(conn, link);
	log_event(LOG_DEBUG, "connected with the agent at %s", conn_peer(conn));
}

static void on_message(void *user, struct conn *conn, struct msg *msg)
{
	struct agent *agent = user;
	struct link *link = conn_data(conn);

	if (link) {
		link->heard_us = agent_now_us();
		if (!link->indexed && msg_is_request(msg) && has_alias(msg))
			offer(link);
	}
	agent_receive(agent, conn, msg);
}

static void on_closed(void *user, struct conn *conn, const char *why)
{
	static struct log_limit limit;
	struct link *link = conn_data(conn);

	(void)user;
	log_limited(&limit, LOG_INFO, "connection with the agent at %s closed: %s", conn_peer(conn),
		why);
	if (link)
		link_free(link);
}

static void close_link(struct link *link)
{
	struct conn *conn = link->conn;

	link_free(link);
	conn_set_data(conn, NULL);
	conn_abort(conn);
}

struct conn *link_get(struct agent *agent, const char *contact, const char *fingerprint)
{
	struct map_node *node = map_find(&agent->links->by_fingerprint, fingerprint);
	struct conn_verify verify = {.fingerprint = fingerprint};
	struct sockaddr_storage address;
	struct link *link;
	unsigned length;

	if (node)
		return map_entry(node, struct link, node)->conn;
	if (msg_uri_address(contact, &address, &length)) {
		errno = EINVAL;
		return NULL;
	}
	link = link_new(agent, fingerprint);
	if (!link)
		return NULL;
	link->conn = conn_connect(agent->base, (struct sockaddr *)&address, length, agent->peer_tls,
		&verify, &limits, &callbacks, agent);
	if (!link->conn) {
		int error = errno;

		link_free(link);
		errno = error;
		return NULL;
	}
	conn_set_data(link->conn, link);
	offer(link);
	return link->conn;
}

void link_suspect(struct agent *agent, const char *fingerprint, unsigned silent_ms)
{
	struct map_node *node = map_find(&agent->links->by_fingerprint, fingerprint);
	struct link *link = node ? map_entry(node, struct link, node) : NULL;

	if (link && agent_now_us() - link->heard_us >= silent_ms * UINT64_C(1000))
		close_link(link);
}

bool link_distrust(struct conn *conn)
{
	struct link *link = conn_data(conn);

	if (!link || ++link->distrusted < LINK_DISTRUST_MAX)
		return true;
	log_rare(LOG_WARNING, "too many refused requests from %s, closing", conn_peer(conn));
	link_free(link);
	conn_set_data(conn, NULL);
	conn_close(conn);
	return false;
}

static int make_tls(struct agent *agent, char *error)
{
	const char *dir = agent->config->state_dir;
	char cert[4096], key[4096];
	int rc;

	if (mkdir(dir, 0700) && errno != EEXIST) {
		snprintf(error, CONF_ERROR_MAX, "state-dir %.128s: %s", dir, strerror(errno));
		return -1;
	}
	snprintf(cert, sizeof(cert), "%s/agent.crt", dir);
	snprintf(key, sizeof(key), "%s/agent.key", dir);
	rc = tls_make_certificate(cert, key, "crowfly-agent");
	if ((rc && rc != -EEXIST) || tls_fingerprint_file(cert, agent->fingerprint)) {
		snprintf(error, CONF_ERROR_MAX, "cannot make or read the certificate in %.160s",
			dir);
		return -1;
	}
	agent->listen_tls = tls_server(cert, key, error);
	agent->peer_tls = agent->listen_tls ? tls_client(cert, key, NULL, error) : NULL;
	agent->server_tls =
		agent->peer_tls ? tls_client(cert, key, agent->config->ca, error) : NULL;
	return agent->server_tls ? 0 : -1;
}

// Strangers may not use up the descriptors that we need for connections of our own. Returns how
// many connections to accept.
static unsigned raise_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return LINK_CONNECTIONS;
	if (files.rlim_cur < 2 * LINK_CONNECTIONS) {
		files.rlim_cur = files.rlim_max < 2 * LINK_CONNECTIONS ? files.rlim_max
								       : 2 * LINK_CONNECTIONS;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	return files.rlim_cur / 2 < LINK_CONNECTIONS ? files.rlim_cur / 2 : LINK_CONNECTIONS;
}

struct links *links_new(struct agent *agent, char *error)
{
	struct links *links = calloc(1, sizeof(*links));
	const struct sockaddr_storage *listen = &agent->config->listen;
	struct conn_limits listening = limits;
	char text[ADDRESS_MAX];

	if (!links || make_tls(agent, error))
		goto fail;
	TAILQ_INIT(&links->all);
	links->agent = agent;
	listening.connections = raise_files();
	links->listener = conn_listen(agent->base, (const struct sockaddr *)listen,
		address_length(listen), agent->listen_tls, &listening, &callbacks, agent);
	if (!links->listener) {
		address_format(listen, text);
		snprintf(error, CONF_ERROR_MAX, "cannot listen on %s: %s", text, strerror(errno));
		goto fail;
	}
	conn_listener_address(links->listener, &agent->address);
	address_format(&agent->address, agent->sent_by);
	return links;
fail:
	free(links);
	return NULL;
}

void links_free(struct links *links)
{
	struct link *link;

	if (!links)
		return;
	// No callback may find a link any more
	while ((link = TAILQ_FIRST(&links->all)))
		close_link(link);
	conn_listener_free(links->listener);
	map_fini(&links->by_fingerprint);
	free(links);
}
