// SPDX-License-Identifier: BSD-3-Clause
// Reads the agent's configuration into struct config; at start only.
#include "control/agent/config.h"

#include "control/agent/address.h"
#include "engine/api.h"
#include "engine/base/conf.h"
#include "engine/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(char *error, const char *text)
{
	snprintf(error, CONF_ERROR_MAX, "%s", text);
	return -1;
}

static int set_text(char **out, const char *value, char *error)
{
	if (!*value)
		return fail(error, "must not be empty");
	free(*out);
	*out = strdup(value);
	return *out ? 0 : fail(error, "out of memory");
}

#define TEXT_KEY(field)                                                                            \
	static int set_##field(void *object, const char *value, char *error)                       \
	{                                                                                          \
		return set_text(&((struct config *)object)->field, value, error);                  \
	}
TEXT_KEY(server)
TEXT_KEY(server_name)
TEXT_KEY(ca)
TEXT_KEY(state_dir)
TEXT_KEY(engine)
TEXT_KEY(socket)
TEXT_KEY(socket_group)
TEXT_KEY(metrics)

#define NUMBER_KEY(field, min, max)                                                                \
	static int set_##field(void *object, const char *value, char *error)                       \
	{                                                                                          \
		return conf_uint(value, min, max, &((struct config *)object)->field, error);       \
	}
NUMBER_KEY(port_rest_s, 0, 3600)
NUMBER_KEY(notify_timeout_s, 1, 60)
NUMBER_KEY(answer_timeout_s, 1, 600)
NUMBER_KEY(publish_expires_s, 10, 86400)
NUMBER_KEY(register_expires_s, 10, 86400)
NUMBER_KEY(media_timeout_s, 0, 86400)
NUMBER_KEY(calls_per_peer, 1, 65535)
NUMBER_KEY(calls_per_endpoint, 1, 65535)

#define IP_KEY(field)                                                                              \
	static int set_##field(void *object, const char *value, char *error)                       \
	{                                                                                          \
		return set_ip(&((struct config *)object)->field, value, error);                    \
	}
static int set_ip(struct sockaddr_storage *out, const char *value, char *error)
{
	if (address_parse_ip(value, out) || address_is_any(out))
		return fail(error, "must be an IP address");
	return 0;
}
IP_KEY(wire_address)
IP_KEY(engine_host_address)
IP_KEY(application_address)

static int set_range(struct config_range *out, const char *value, char *error)
{
	unsigned first, last;
	int used = 0;

	if (sscanf(value, "%5u-%5u%n", &first, &last, &used) != 2 || value[used] || first < 1024 ||
		last > 65535 || last <= first)
		return fail(error, "must be FIRST-LAST with 1024 <= FIRST < LAST <= 65535");
	*out = (struct config_range){first, last};
	return 0;
}

#define RANGE_KEY(field)                                                                           \
	static int set_##field(void *object, const char *value, char *error)                       \
	{                                                                                          \
		return set_range(&((struct config *)object)->field, value, error);                 \
	}
RANGE_KEY(wire_ports)
RANGE_KEY(host_ports)
RANGE_KEY(application_ports)

static int set_listen(void *object, const char *value, char *error)
{
	struct config *config = object;

	if (address_parse(value, &config->listen) || address_is_any(&config->listen))
		return fail(error,
			"must be IP:PORT with the very address at which peers reach this host");
	return 0;
}

static int set_hang_up(void *object, const char *value, char *error)
{
	return conf_bool(value, &((struct config *)object)->hang_up_on_timeout, error);
}

static int set_keep_calls(void *object, const char *value, char *error)
{
	return conf_bool(value, &((struct config *)object)->keep_calls, error);
}

static int set_metrics_anywhere(void *object, const char *value, char *error)
{
	return conf_bool(value, &((struct config *)object)->metrics_anywhere, error);
}

static int set_log_level(void *object, const char *value, char *error)
{
	return conf_log_level(value, &((struct config *)object)->log_level, error);
}

static int set_log_format(void *object, const char *value, char *error)
{
	return conf_log_format(value, &((struct config *)object)->log_format, error);
}

static int set_user(void *object, const char *value, char *error)
{
	return set_text(&((struct config_endpoint *)object)->user, value, error);
}

static int set_password_file(void *object, const char *value, char *error)
{
	return set_text(&((struct config_endpoint *)object)->password_file, value, error);
}

static int set_auto_answer(void *object, const char *value, char *error)
{
	static const char *const names[] = {"no", "yes", "decline", "busy"};
	unsigned i;

	for (i = 0; i < 4; i++) {
		if (!strcmp(value, names[i])) {
			((struct config_endpoint *)object)->answer = (enum config_answer)i;
			return 0;
		}
	}
	return fail(error, "must be yes, no, decline or busy");
}

static void *open_endpoint(void *program, const char *title, char *error)
{
	struct config *config = program;
	struct config_endpoint *endpoint, *other;
	char aor[MSG_AOR_MAX];

	if (msg_aor(title, aor) || !strchr(aor, '@')) {
		fail(error, "[endpoint AOR] needs an address of record like sip:alice@example.org");
		return NULL;
	}
	STAILQ_FOREACH (other, &config->endpoints, next) {
		if (!strcmp(other->aor, aor)) {
			fail(error, "the endpoint is there twice");
			return NULL;
		}
	}
	endpoint = calloc(1, sizeof(*endpoint));
	if (!endpoint) {
		fail(error, "out of memory");
		return NULL;
	}
	snprintf(endpoint->aor, sizeof(endpoint->aor), "%s", aor);
	STAILQ_INSERT_TAIL(&config->endpoints, endpoint, next);
	config->n_endpoints++;
	return endpoint;
}

static const struct conf_key agent_keys[] = {
	{"server", "HOST:PORT", "the access server", set_server},
	{"server-name", "NAME", "name in the server's certificate (default: the host)",
		set_server_name},
	{"ca", "FILE", "PEM file of the certificates that vouch for the server", set_ca},
	{"state-dir", "DIR", "where this agent keeps its certificate", set_state_dir},
	{"engine", "PATH", "the engine's socket (default: " API_ENGINE_SOCKET ")", set_engine},
	{"socket", "PATH", "the agent's own socket (default: " API_AGENT_SOCKET ")", set_socket},
	{"socket-group", "GROUP", "may use it, besides the own user and root (default: nobody)",
		set_socket_group},
	{"listen", "IP:PORT", "where peers reach this agent", set_listen},
	{"wire-address", "IP", "where the engine receives SRTP (default: the IP of listen)",
		set_wire_address},
	{"wire-ports", "FIRST-LAST", "for SRTP (default: 20000-59999)", set_wire_ports},
	{"engine-host-address", "IP", "the engine's address towards local applications",
		set_engine_host_address},
	{"host-ports", "FIRST-LAST", "the engine's, for plain RTP (default: 20000-59999)",
		set_host_ports},
	{"application-address", "IP", "where local applications receive plain RTP",
		set_application_address},
	{"application-ports", "FIRST-LAST", "the applications' (default: 10000-29999)",
		set_application_ports},
	{"port-rest", "SECONDS", "before a port is used again (default: 10)", set_port_rest_s},
	{"notify-timeout", "SECONDS", "until a silent peer is unreachable (default: 5)",
		set_notify_timeout_s},
	{"answer-timeout", "SECONDS", "a call may ring (default: 60)", set_answer_timeout_s},
	{"publish-expires", "SECONDS", "a notification is valid (default: 600)",
		set_publish_expires_s},
	{"register-expires", "SECONDS", "asked of the server (default: 600)",
		set_register_expires_s},
	{"media-timeout", "SECONDS", "without media until the engine says so (default: 0, never)",
		set_media_timeout_s},
	{"hang-up-on-timeout", "yes|no", "hang up a call without media (default: no)", set_hang_up},
	{"calls-per-peer", "N", "that a peer may have with an endpoint at a time (default: 256)",
		set_calls_per_peer},
	{"calls-per-endpoint", "N", "at a time, then peers find it busy (default: 2048)",
		set_calls_per_endpoint},
	{"keep-calls", "yes|no", "a clean stop leaves calls to the next start (default: no)",
		set_keep_calls},
	{"metrics", "WHERE", "Prometheus metrics by HTTP: IP:PORT or a unix socket (nowhere)",
		set_metrics},
	{"metrics-anywhere", "yes|no", "also at addresses that others reach (default: no)",
		set_metrics_anywhere},
	{"log-level", "LEVEL", "error, warning, notice, info or debug (default: info)",
		set_log_level},
	{"log-format", "FORMAT", "text (default), or json: an object a line", set_log_format},
	{0},
};

static const struct conf_key endpoint_keys[] = {
	{"user", "NAME", "for authentication (default: the AoR's user part)", set_user},
	{"password-file", "FILE", "its first line is the password", set_password_file},
	{"auto-answer", "yes|no|decline|busy", "what becomes of incoming calls (default: no)",
		set_auto_answer},
	{0},
};

static const struct conf_section sections[] = {
	{"agent", agent_keys, NULL},
	{"endpoint", endpoint_keys, open_endpoint},
	{0},
};

void config_init(struct config *config)
{
	*config = (struct config){
		.wire_ports = {20000, 59999},
		.host_ports = {20000, 59999},
		.application_ports = {10000, 29999},
		.port_rest_s = 10,
		.notify_timeout_s = 5,
		.answer_timeout_s = 60,
		.publish_expires_s = 600,
		.register_expires_s = 600,
		.calls_per_peer = 256,
		.calls_per_endpoint = 2048,
		.log_level = LOG_INFO,
	};
	STAILQ_INIT(&config->endpoints);
}

int config_args(struct config *config, int argc, char **argv, char *error)
{
	return conf_args(argc, argv, sections, config, error);
}

void config_usage(void)
{
	printf("usage: crowfly-agent --config FILE [OPTION]...\n"
	       "Logs the endpoints of the file in, notifies their peers, places and answers "
	       "calls.\n\n");
	conf_usage(stdout, sections);
}

static int default_text(char **field, const char *value)
{
	if (!*field)
		*field = strdup(value);
	return *field ? 0 : -1;
}

static int finish_endpoint(struct config_endpoint *endpoint, char *error)
{
	char text[CONF_ERROR_MAX];

	if (!endpoint->user) {
		endpoint->user = strndup(endpoint->aor + 4, strcspn(endpoint->aor + 4, "@"));
		if (!endpoint->user)
			return fail(error, "out of memory");
	}
	if (!endpoint->password_file) {
		snprintf(error, CONF_ERROR_MAX, "[endpoint %.128s]: password-file is missing",
			endpoint->aor);
		return -1;
	}
	if (conf_secret(endpoint->password_file, endpoint->password, sizeof(endpoint->password),
		    text)) {
		snprintf(error, CONF_ERROR_MAX, "[endpoint %.80s]: %.150s", endpoint->aor, text);
		return -1;
	}
	return 0;
}

int config_finish(struct config *config, char *error)
{
	struct config_endpoint *endpoint;

	if (!config->server || !strchr(config->server, ':'))
		return fail(error, "server = HOST:PORT is missing");
	if (!config->ca)
		return fail(error, "ca = FILE is missing");
	if (!config->state_dir)
		return fail(error, "state-dir = DIR is missing");
	if (!config->listen.ss_family)
		return fail(error, "listen = IP:PORT is missing");
	if (!config->engine_host_address.ss_family)
		return fail(error, "engine-host-address = IP is missing");
	if (!config->application_address.ss_family)
		return fail(error, "application-address = IP is missing");
	if (STAILQ_EMPTY(&config->endpoints))
		return fail(error, "there is no [endpoint AOR] section");
	if (default_text(&config->engine, API_ENGINE_SOCKET) ||
		default_text(&config->socket, API_AGENT_SOCKET))
		return fail(error, "out of memory");
	if (!config->wire_address.ss_family) {
		config->wire_address = config->listen;
		address_set_port(&config->wire_address, 0);
	}
	STAILQ_FOREACH (endpoint, &config->endpoints, next) {
		if (finish_endpoint(endpoint, error))
			return -1;
	}
	return 0;
}

void config_free(struct config *config)
{
	struct config_endpoint *endpoint;

	while ((endpoint = STAILQ_FIRST(&config->endpoints))) {
		STAILQ_REMOVE_HEAD(&config->endpoints, next);
		free(endpoint->user);
		free(endpoint->password_file);
		explicit_bzero(endpoint->password, sizeof(endpoint->password));
		free(endpoint);
	}
	free(config->server);
	free(config->server_name);
	free(config->ca);
	free(config->state_dir);
	free(config->engine);
	free(config->socket);
	free(config->socket_group);
	free(config->metrics);
}
