// SPDX-License-Identifier: BSD-3-Clause
// The configuration's keys and their values. Start-up only.
#include "control/access/config.h"

#include "engine/base/log.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int set_text(char *out, size_t size, const char *value, char *error)
{
	if (value[0] == '\0' || strlen(value) >= size) {
		snprintf(error, CONF_ERROR_MAX, "expected 1 to %zu characters", size - 1);
		return -1;
	}
	memcpy(out, value, strlen(value) + 1);
	return 0;
}

// "10.0.0.1:5061" or "[2001:db8::1]:5061"
static int parse_address(struct config_address *out, const char *value)
{
	char host[64], *end;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&out->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out->address;
	const char *colon = strrchr(value, ':');
	size_t length = colon != NULL ? (size_t)(colon - value) : 0;
	if (colon == NULL || length >= sizeof(host) || !isdigit((unsigned char)colon[1]))
		return -1;
	unsigned long port = strtoul(colon + 1, &end, 10);
	if (*end != '\0' || port > 65535)
		return -1;
	bool brackets = length > 2 && value[0] == '[' && value[length - 1] == ']';
	snprintf(host, sizeof(host), "%.*s", (int)(brackets ? length - 2 : length),
		value + brackets);
	memset(&out->address, 0, sizeof(out->address));
	if (brackets && inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		out->length = sizeof(*v6);
		return 0;
	}
	v4->sin_family = AF_INET;
	v4->sin_port = htons((uint16_t)port);
	out->length = sizeof(*v4);
	return !brackets && inet_pton(AF_INET, host, &v4->sin_addr) == 1 ? 0 : -1;
}

static int set_address(struct config_address *out, const char *value, char *error)
{
	if (parse_address(out, value) != 0) {
		out->length = 0;
		snprintf(error, CONF_ERROR_MAX,
			"expected address:port with a numeric address, got '%.64s'", value);
		return -1;
	}
	return set_text(out->text, sizeof(out->text), value, error);
}

static int set_listen(void *object, const char *value, char *error)
{
	return set_address(&((struct config *)object)->listen, value, error);
}

static int set_listen_md5(void *object, const char *value, char *error)
{
	return set_address(&((struct config *)object)->listen_md5, value, error);
}

static int set_domain(void *object, const char *value, char *error)
{
	struct config *config = object;
	char lower[DOMAIN_MAX];
	if (set_text(lower, sizeof(lower), value, error) != 0)
		return -1;
	for (char *p = lower; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (!aor_is_domain(lower)) {
		snprintf(error, CONF_ERROR_MAX, "expected a domain name, got '%.64s'", value);
		return -1;
	}
	return set_text(config->domain, sizeof(config->domain), lower, error);
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

#define PATH_SETTER(member)                                                                        \
	static int set_##member(void *object, const char *value, char *error)                      \
	{                                                                                          \
		struct config *config = object;                                                    \
		return set_text(config->member, sizeof(config->member), value, error);             \
	}
PATH_SETTER(certificate)
PATH_SETTER(key)
PATH_SETTER(database)
PATH_SETTER(metrics)

#define UINT_SETTER(member, min, max)                                                              \
	static int set_##member(void *object, const char *value, char *error)                      \
	{                                                                                          \
		struct config *config = object;                                                    \
		return conf_uint(value, min, max, &config->member, error);                         \
	}
UINT_SETTER(expires_min_s, 1, 86400)
UINT_SETTER(expires_default_s, 1, 86400)
UINT_SETTER(expires_max_s, 1, 86400)
UINT_SETTER(nonce_lifetime_s, 1, 3600)
UINT_SETTER(token_lifetime_s, 1, 7 * 86400)
UINT_SETTER(failures_per_minute, 1, 100000)
UINT_SETTER(connections, 1, 1000000)
UINT_SETTER(connections_per_ip, 1, 1000000)

static const struct conf_key keys[] = {
	{"listen", "IP:PORT", "where agents connect (SIP over TLS)", set_listen},
	{"listen-md5", "IP:PORT", "where phones connect that know MD5 only (nowhere)",
		set_listen_md5},
	{"certificate", "FILE", "the server's certificate chain (PEM)", set_certificate},
	{"key", "FILE", "its private key (PEM)", set_key},
	{"database", "FILE", "users, permissions, bindings; made at first start", set_database},
	{"domain", "NAME", "of all addresses, and the realm of the digest", set_domain},
	{"expires-min", "SECONDS", "shortest registration (10)", set_expires_min_s},
	{"expires-default", "SECONDS", "where none is asked for (600)", set_expires_default_s},
	{"expires-max", "SECONDS", "longest registration (3600)", set_expires_max_s},
	{"nonce-lifetime", "SECONDS", "of a challenge (300)", set_nonce_lifetime_s},
	{"token-lifetime", "SECONDS", "of the tokens for calls (3600)", set_token_lifetime_s},
	{"failures-per-minute", "N", "failed logins taken from one address (60)",
		set_failures_per_minute},
	{"connections", "N", "at a time (10000)", set_connections},
	{"connections-per-ip", "N", "at a time from one address (1000)", set_connections_per_ip},
	{"metrics", "WHERE", "Prometheus metrics by HTTP: IP:PORT or a unix socket (nowhere)",
		set_metrics},
	{"metrics-anywhere", NULL, "also at addresses that others reach", set_metrics_anywhere},
	{"log-level", "LEVEL", "error, warning, notice, info or debug (info)", set_log_level},
	{"log-format", "FORMAT", "text or json (text)", set_log_format},
	{NULL, NULL, NULL, NULL},
};

const struct conf_section config_sections[] = {
	{"access", keys, NULL},
	{NULL, NULL, NULL},
};

void config_defaults(struct config *config)
{
	*config = (struct config){
		.expires_min_s = 10,
		.expires_default_s = 600,
		.expires_max_s = 3600,
		.nonce_lifetime_s = 300,
		.token_lifetime_s = 3600,
		.failures_per_minute = 60,
		.connections = 10000,
		.connections_per_ip = 1000,
		.log_level = LOG_INFO,
	};
}

int config_check_server(const struct config *config, char error[CONF_ERROR_MAX])
{
	const char *missing = config->listen.length == 0       ? "listen"
			      : config->certificate[0] == '\0' ? "certificate"
			      : config->key[0] == '\0'	       ? "key"
							       : NULL;
	if (missing != NULL) {
		snprintf(error, CONF_ERROR_MAX, "--%s is needed", missing);
		return -1;
	}
	if (config->expires_min_s > config->expires_default_s ||
		config->expires_default_s > config->expires_max_s) {
		snprintf(error, CONF_ERROR_MAX,
			"expected expires-min <= expires-default <= expires-max");
		return -1;
	}
	return 0;
}
