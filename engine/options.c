// SPDX-License-Identifier: BSD-3-Clause
// Reads the engine's configuration; start-up only.
#include "engine/options.h"

#include <stdlib.h>
#include <string.h>

#include "engine/api.h"
#include "engine/base/conf.h"
#include "engine/base/log.h"
#include "pktio/address.h"

// ---- setters. `object` is struct options; values are copied, as they may be a file's line.

static int set_text(const char **out, const char *value, char *error)
{
	char *copy = strdup(value);

	if (!copy) {
		snprintf(error, CONF_ERROR_MAX, "out of memory");
		return -1;
	}
	free((char *)*out);
	*out = copy;
	return 0;
}

static bool is_address(const char *text, bool network)
{
	struct address address;

	return address_parse(text, &address) == 0 && address_is_unicast(&address.ip) &&
	       (network || !strchr(text, '/'));
}

// One address, or several with blanks or commas between them; more by giving the key again.
// `network`: each may have the length of its network behind it.
static int add_addresses(
	const char *list[], unsigned max, bool network, const char *value, char *error)
{
	unsigned n = 0;

	while (n < max && list[n])
		n++;
	for (;;) {
		size_t length;

		value += strspn(value, ", \t");
		length = strcspn(value, ", \t");
		if (length == 0)
			return 0;
		if (n == max) {
			snprintf(error, CONF_ERROR_MAX, "more than %u addresses", max);
			return -1;
		}
		list[n] = strndup(value, length);
		if (!list[n]) {
			snprintf(error, CONF_ERROR_MAX, "out of memory");
			return -1;
		}
		if (!is_address(list[n++], network)) {
			snprintf(error, CONF_ERROR_MAX,
				"expected an address like 192.168.50.1%s, got '%.80s'",
				network ? "/24" : "", list[n - 1]);
			return -1;
		}
		value += length;
	}
}

#define TEXT_SETTER(name, field)                                                                   \
	static int set_##name(void *object, const char *value, char *error)                        \
	{                                                                                          \
		return set_text(&((struct options *)object)->field, value, error);                 \
	}
#define UINT_SETTER(name, min, max)                                                                \
	static int set_##name(void *object, const char *value, char *error)                        \
	{                                                                                          \
		return conf_uint(                                                                  \
			value, min, max, &((struct options *)object)->config.name, error);         \
	}

TEXT_SETTER(wire, config.wire)
TEXT_SETTER(host, config.host)
TEXT_SETTER(exception, config.exception)
TEXT_SETTER(exception_interface, config.exception_interface)
TEXT_SETTER(socket, config.socket)
TEXT_SETTER(socket_group, config.socket_group)
TEXT_SETTER(metrics, metrics)
TEXT_SETTER(eal, eal)
TEXT_SETTER(check_root, check_root)
UINT_SETTER(workers, 1, ENGINE_WORKERS_MAX)
UINT_SETTER(queues_rx_desc, 32, 32768)
UINT_SETTER(queues_tx_desc, 32, 32768)
UINT_SETTER(mbufs, 1024, 16777216)
UINT_SETTER(sessions_max, 1, 4194304)
UINT_SETTER(ssrc_max, 1, 64)
UINT_SETTER(vlan, 1, 4094)

static int set_host_address(void *object, const char *value, char *error)
{
	return add_addresses(((struct options *)object)->config.host_addresses,
		ENGINE_ADDRESSES_MAX, true, value, error);
}

static int set_wire_address(void *object, const char *value, char *error)
{
	return add_addresses(((struct options *)object)->config.wire_addresses,
		ENGINE_ADDRESSES_MAX, true, value, error);
}

static int set_wire_gateway(void *object, const char *value, char *error)
{
	return add_addresses(
		((struct options *)object)->config.wire_gateways, 2, false, value, error);
}

static int set_interactive(void *object, const char *value, char *error)
{
	return conf_bool(value, &((struct options *)object)->interactive, error);
}

static int set_idle_sleep(void *object, const char *value, char *error)
{
	return conf_bool(value, &((struct options *)object)->config.idle_sleep, error);
}

static int set_allow_decrypted_capture(void *object, const char *value, char *error)
{
	struct options *o = object;

	return conf_bool(value, &o->config.allow_decrypted_capture, error);
}

static int set_crypto(void *object, const char *value, char *error)
{
	if (strcmp(value, "ipsec_mb") != 0 && strcmp(value, "libsrtp2") != 0) {
		snprintf(error, CONF_ERROR_MAX, "expected ipsec_mb or libsrtp2");
		return -1;
	}
	return set_text(&((struct options *)object)->config.crypto, value, error);
}

static int set_metrics_anywhere(void *object, const char *value, char *error)
{
	return conf_bool(value, &((struct options *)object)->metrics_anywhere, error);
}

static int set_check(void *object, const char *value, char *error)
{
	return conf_bool(value, &((struct options *)object)->check, error);
}

static int set_check_json(void *object, const char *value, char *error)
{
	return conf_bool(value, &((struct options *)object)->check_json, error);
}

static int set_drain_timeout(void *object, const char *value, char *error)
{
	return conf_uint(value, 0, 86400, &((struct options *)object)->drain_timeout_s, error);
}

static int set_log_level(void *object, const char *value, char *error)
{
	return conf_log_level(value, &((struct options *)object)->log_level, error);
}

static int set_log_format(void *object, const char *value, char *error)
{
	return conf_log_format(value, &((struct options *)object)->log_format, error);
}

static const struct conf_key keys[] = {
	{"wire", "DEVICE", "DPDK device towards the peers: net_af_xdp0, 0000:3b:00.0", set_wire},
	{"host", "DEVICE", "DPDK device towards local applications", set_host},
	{"exception", "DEVICE", "DPDK device of the way to the kernel: net_tap0", set_exception},
	{"exception-interface", "NAME", "its kernel interface, if its driver does not tell",
		set_exception_interface},
	{"host-address", "IP/N", "the engine's own address on the host port; may be repeated",
		set_host_address},
	{"wire-address", "IP/N", "the same on a wire port without exception port",
		set_wire_address},
	{"wire-gateway", "IP", "there: the way to other networks; one of IPv4, one of IPv6",
		set_wire_gateway},
	{"workers", "N", "polling threads; default: one for each lcore but the main one",
		set_workers},
	{"rx-descriptors", "N", "of a receive queue (1024)", set_queues_rx_desc},
	{"tx-descriptors", "N", "of a transmit queue (1024)", set_queues_tx_desc},
	{"mbufs", "N", "packet buffers; default: by ports and workers", set_mbufs},
	{"sessions", "N", "at most (131072)", set_sessions_max},
	{"ssrc-max", "N", "synchronization sources of a stream at most (16)", set_ssrc_max},
	{"vlan", "ID", "802.1Q tag of the wire port", set_vlan},
	{"interactive", NULL, "a prompt on standard input; also -i", set_interactive},
	{"idle-sleep", NULL, "workers sleep up to 0.2 ms at a time when idle", set_idle_sleep},
	{"allow-decrypted-capture", NULL, "captures may hold media in the clear",
		set_allow_decrypted_capture},
	{"crypto", "NAME", "ipsec_mb (default) or libsrtp2", set_crypto},
	{"socket", "PATH", "of the API (" API_ENGINE_SOCKET ")", set_socket},
	{"socket-group", "GROUP", "may use the API, besides the own user and root",
		set_socket_group},
	{"metrics", "WHERE", "Prometheus metrics by HTTP: 127.0.0.1:9464, or a unix socket's path",
		set_metrics},
	{"metrics-anywhere", NULL, "also at addresses that others reach", set_metrics_anywhere},
	{"drain-timeout", "SECONDS", "that sessions may go on after SIGTERM (0)",
		set_drain_timeout},
	{"eal", "OPTIONS", "DPDK's own options, where none stand before `--`", set_eal},
	{"log-level", "LEVEL", "error, warning, notice (default), info, debug", set_log_level},
	{"log-format", "FORMAT", "text (default), or json: an object a line", set_log_format},
	{"check", NULL, "tell whether this machine is fit for all this, and end", set_check},
	{"check-json", NULL, "the same as JSON", set_check_json},
	{"check-root", "DIR", "there: the tree that stands for /", set_check_root},
	{0},
};

static const struct conf_section sections[] = {{"engine", keys, NULL}, {0}};

// ---- DPDK's part

static int add_eal_word(struct options *o, const char *word, size_t length, char *error)
{
	if (o->eal_argc == OPTIONS_EAL_MAX + 1) {
		snprintf(error, CONF_ERROR_MAX, "more than %d EAL options", OPTIONS_EAL_MAX);
		return -1;
	}
	o->eal_argv[o->eal_argc] = strndup(word, length);
	if (!o->eal_argv[o->eal_argc]) {
		snprintf(error, CONF_ERROR_MAX, "out of memory");
		return -1;
	}
	o->eal_argc++;
	return 0;
}

static int take_eal_key(struct options *o, char *error)
{
	const char *at = o->eal ? o->eal : "";

	for (;;) {
		size_t length;

		at += strspn(at, " \t");
		length = strcspn(at, " \t");
		if (length == 0)
			return 0;
		if (add_eal_word(o, at, length, error) != 0)
			return -1;
		at += length;
	}
}

static int take_eal_words(struct options *o, int argc, char **argv, char *error)
{
	for (int i = 0; i < argc; i++)
		if (add_eal_word(o, argv[i], strlen(argv[i]), error) != 0)
			return -1;
	return 0;
}

static int find_separator(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--") == 0)
			return i;
	return 0;
}

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

// A gateway is a neighbour in one of our networks, or of the link itself.
static bool is_neighbour(const struct engine_config *c, const struct in6_addr *gateway)
{
	struct address own;

	for (unsigned i = 0; i < ENGINE_ADDRESSES_MAX && c->wire_addresses[i]; i++)
		if (address_parse(c->wire_addresses[i], &own) == 0 &&
			address_on_link(&own, gateway))
			return true;
	return IN6_IS_ADDR_LINKLOCAL(gateway);
}

static int check_gateways(const struct engine_config *c, char *error)
{
	struct address gateways[2];

	for (unsigned i = 0; i < 2 && c->wire_gateways[i]; i++) {
		address_parse(c->wire_gateways[i], &gateways[i]);
		if (c->exception)
			snprintf(error, CONF_ERROR_MAX,
				"wire-gateway: with an exception port the kernel's routes count");
		else if (!is_neighbour(c, &gateways[i].ip))
			snprintf(error, CONF_ERROR_MAX,
				"wire-gateway: %.60s is in no network of wire-address",
				c->wire_gateways[i]);
		else if (i > 0 &&
			 address_is_ipv4(&gateways[0].ip) == address_is_ipv4(&gateways[1].ip))
			snprintf(error, CONF_ERROR_MAX, "wire-gateway: two of one family");
		else
			continue;
		return -1;
	}
	return 0;
}

// What must be there, and the ports must be different ones.
static int check_ports(const struct engine_config *c, char *error)
{
	if (!c->wire || !c->host)
		snprintf(error, CONF_ERROR_MAX, "%s is missing: a DPDK device",
			c->wire ? "host" : "wire");
	else if (same(c->wire, c->host))
		snprintf(error, CONF_ERROR_MAX, "host: %.64s is the wire port", c->host);
	else if (same(c->exception, c->wire) || same(c->exception, c->host))
		snprintf(error, CONF_ERROR_MAX, "exception: %.64s is the %s port", c->exception,
			same(c->exception, c->wire) ? "wire" : "host");
	else if (!c->host_addresses[0])
		snprintf(error, CONF_ERROR_MAX,
			"host-address is missing: the engine's own address on the host port");
	else if (!c->exception && !c->wire_addresses[0])
		snprintf(error, CONF_ERROR_MAX,
			"wire-address is missing: it is needed without an exception port");
	else
		return 0;
	return -1;
}

static enum options_result check(
	const struct options *o, int rest, int argc, char **argv, char *error)
{
	if (rest < argc) {
		snprintf(error, CONF_ERROR_MAX, "%.100s is no option%s", argv[rest],
			argc > rest + 1 && find_separator(argc, argv) == 0
				? "; DPDK's stand before --"
				: "");
		return OPTIONS_ERROR;
	}
	// The machine alone can be checked, too
	if ((o->check || o->check_json) && !o->config.wire && !o->config.host)
		return OPTIONS_OK;
	if (check_ports(&o->config, error) != 0 || check_gateways(&o->config, error) != 0)
		return OPTIONS_ERROR;
	return OPTIONS_OK;
}

enum options_result options_read(struct options *o, int argc, char **argv, char *error)
{
	int separator = find_separator(argc, argv);
	int rest;

	memset(o, 0, sizeof(*o));
	o->log_level = LOG_NOTICE;
	error[0] = '\0';
	for (int i = separator + 1; i < argc; i++)
		if (strcmp(argv[i], "-i") == 0)
			argv[i] = "--interactive"; // as in testpmd
	rest = conf_args(argc - separator, argv + separator, sections, o, error);
	if (rest == CONF_HELP)
		return OPTIONS_HELP;
	if (rest == CONF_VERSION)
		return OPTIONS_VERSION;
	if (rest < 0 || take_eal_words(o, separator > 0 ? separator : 1, argv, error) != 0)
		return OPTIONS_ERROR;
	if (o->eal_argc == 1 && take_eal_key(o, error) != 0)
		return OPTIONS_ERROR;
	if (!o->config.socket && set_text(&o->config.socket, API_ENGINE_SOCKET, error) != 0)
		return OPTIONS_ERROR;
	return check(o, rest + separator, argc, argv, error);
}

void options_usage(FILE *out)
{
	fprintf(out,
		"usage: crowfly-engine [EAL options] -- --wire DEVICE --host DEVICE [OPTION]...\n"
		"       crowfly-engine --config FILE\n");
	conf_usage(out, sections);
}

static void free_texts(const char *texts[], unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		free((char *)texts[i]);
		texts[i] = NULL;
	}
}

void options_free(struct options *o)
{
	const char *texts[] = {o->config.wire, o->config.host, o->config.exception,
		o->config.exception_interface, o->config.crypto, o->config.socket,
		o->config.socket_group, o->metrics, o->eal, o->check_root};

	free_texts(texts, sizeof(texts) / sizeof(texts[0]));
	free_texts(o->config.host_addresses, ENGINE_ADDRESSES_MAX);
	free_texts(o->config.wire_addresses, ENGINE_ADDRESSES_MAX);
	free_texts(o->config.wire_gateways, 2);
	for (int i = 0; i < o->eal_argc; i++)
		free(o->eal_argv[i]);
}
