// SPDX-License-Identifier: BSD-3-Clause
// Checks the JSON of sessions field by field before anything is changed. Control thread. No error
// repeats a value: it might be a key.
#include "engine/api_params.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "engine/api.h"

#define DEFAULT_WINDOW 128
#define TIMEOUT_MS_MAX 86400000 // a day

static const char *const direction_names[] = {
	[SESSION_INACTIVE] = "inactive",
	[SESSION_SENDONLY] = "sendonly",
	[SESSION_RECVONLY] = "recvonly",
	[SESSION_SENDRECV] = "sendrecv",
};

// ---- addresses

static bool is_mapped(const struct in6_addr *ip)
{
	return IN6_IS_ADDR_V4MAPPED(ip);
}

static int parse_port(const char *text, uint16_t *port)
{
	unsigned n = 0;

	if (*text < '1' || *text > '9')
		return -1;
	for (; *text >= '0' && *text <= '9' && n <= UINT16_MAX; text++)
		n = n * 10 + (unsigned)(*text - '0');
	if (*text || n > UINT16_MAX)
		return -1;
	*port = (uint16_t)n;
	return 0;
}

int api_params_address_parse(const char *text, struct session_addr *out)
{
	bool is_v6 = text[0] == '[';
	const char *end = is_v6 ? strchr(text, ']') : strchr(text, ':');
	const char *port = end && is_v6 ? end + 1 : end;
	char ip[INET6_ADDRSTRLEN];

	if (!end || *port != ':' || parse_port(port + 1, &out->port) < 0)
		return -1;
	text += is_v6;
	if ((size_t)(end - text) >= sizeof(ip))
		return -1;
	memcpy(ip, text, end - text);
	ip[end - text] = '\0';
	if (is_v6) // an IPv4 address has one way to be written
		return inet_pton(AF_INET6, ip, &out->ip) == 1 && !is_mapped(&out->ip) ? 0 : -1;
	memset(&out->ip, 0, 10);
	memset(out->ip.s6_addr + 10, 0xff, 2);
	return inet_pton(AF_INET, ip, out->ip.s6_addr + 12) == 1 ? 0 : -1;
}

const char *api_params_address_text(
	const struct session_addr *address, char out[API_PARAMS_ADDRESS_MAX])
{
	bool is_v4 = is_mapped(&address->ip);
	char ip[INET6_ADDRSTRLEN];

	inet_ntop(
		is_v4 ? AF_INET : AF_INET6, address->ip.s6_addr + (is_v4 ? 12 : 0), ip, sizeof(ip));
	snprintf(out, API_PARAMS_ADDRESS_MAX, is_v4 ? "%s:%u" : "[%s]:%u", ip, address->port);
	return out;
}

// ---- fields

static int fail(struct rpc_call *call, const char *field, const char *expected)
{
	rpc_fail(call, RPC_INVALID_PARAMS, field, "%s: expected %s", field, expected);
	return -1;
}

static int read_address(
	struct rpc_call *call, json_t *value, const char *field, struct session_addr *out)
{
	if (!value) {
		rpc_fail(call, RPC_INVALID_PARAMS, field, "%s: missing (an address and port)",
			field);
		return -1;
	}
	if (!json_is_string(value) || api_params_address_parse(json_string_value(value), out) < 0)
		return fail(call, field,
			"an address and a port from 1 to 65535, \"10.0.0.1:20000\" or "
			"\"[2001:db8::1]:20000\"");
	return 0;
}

// The object `side` ("wire", "host") with its addresses; `local` NULL: it may hold the remote one
// alone.
static int read_side(struct rpc_call *call, json_t *params, const char *side,
	struct session_addr *local, struct session_addr *remote)
{
	json_t *object = json_object_get(params, side);
	char field[96];
	const char *key;
	json_t *value;

	if (!object) {
		rpc_fail(call, RPC_INVALID_PARAMS, side, "%s: missing (an object)", side);
		return -1;
	}
	if (!json_is_object(object))
		return fail(call, side, "an object");
	json_object_foreach (object, key, value) {
		if (strcmp(key, "remote") == 0 || (local && strcmp(key, "local") == 0))
			continue;
		snprintf(field, sizeof(field), "%s.%.64s", side, rpc_name_shown(key));
		rpc_fail(call, RPC_INVALID_PARAMS, field, "unknown field '%s' (known: %sremote)",
			field, local ? "local, " : "");
		return -1;
	}
	snprintf(field, sizeof(field), "%s.local", side);
	if (local && read_address(call, json_object_get(object, "local"), field, local) < 0)
		return -1;
	snprintf(field, sizeof(field), "%s.remote", side);
	return read_address(call, json_object_get(object, "remote"), field, remote);
}

int api_params_suite(struct rpc_call *call, json_t *params, enum suite_id *out)
{
	const char *name = rpc_string(call, params, "suite", 64, true);
	char known[160] = "one of";

	if (!name)
		return -1;
	int suite = suite_find(name);
	if (suite >= 0) {
		*out = (enum suite_id)suite;
		return 0;
	}
	for (size_t i = 0, n = strlen(known); i < SUITE_COUNT && n < sizeof(known); i++)
		n += snprintf(
			known + n, sizeof(known) - n, "%s %s", i ? "," : "", suite_table[i].name);
	return fail(call, "suite", known);
}

// The value of a base64 character, -1 for any other. No table: its look-ups would depend on the
// key.
static int base64_value(unsigned char c)
{
	int value = -1;

	value += (c >= 'A' && c <= 'Z') * (c - 'A' + 1);
	value += (c >= 'a' && c <= 'z') * (c - 'a' + 27);
	value += (c >= '0' && c <= '9') * (c - '0' + 53);
	value += (c == '+') * 63 + (c == '/') * 64;
	return value;
}

// Decodes exactly `size` bytes, padded as RFC 4648 section 4 says; bits left over must be zero.
// False: it is something else.
static bool base64_decode(const char *text, uint8_t *out, size_t size)
{
	uint32_t bits = 0;
	unsigned n_bits = 0;
	size_t n = 0, i = 0;

	for (; n < size; i++) {
		int value = base64_value((unsigned char)text[i]);

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			out[n++] = (uint8_t)(bits >> n_bits);
		}
	}
	bool clean = (bits & ((1u << n_bits) - 1)) == 0;
	explicit_bzero(&bits, sizeof(bits));
	while (i % 4 && text[i] == '=')
		i++;
	return clean && i % 4 == 0 && text[i] == '\0';
}

static int read_key(
	struct rpc_call *call, json_t *params, const char *field, enum suite_id id, uint8_t *out)
{
	const struct suite *suite = &suite_table[id];
	size_t size = suite->key_bytes + suite->salt_bytes, length = (size + 2) / 3 * 4;
	json_t *value = json_object_get(params, field);

	if (json_is_string(value) && base64_decode(json_string_value(value), out, size))
		return 0;
	rpc_fail(call, RPC_INVALID_PARAMS, field,
		"%s: %s%zu base64 characters (%zu bytes: master key, then salt) for %s", field,
		value ? "expected " : "missing, ", length, size, suite->name);
	return -1;
}

static int read_keys(struct rpc_call *call, json_t *params, struct session_params *out)
{
	if (api_params_suite(call, params, &out->suite) < 0)
		return -1;
	if (read_key(call, params, "tx_key", out->suite, out->tx_key) < 0)
		return -1;
	return read_key(call, params, "rx_key", out->suite, out->rx_key);
}

int api_params_direction(struct rpc_call *call, json_t *params, enum session_direction *out)
{
	const char *name = rpc_string(call, params, "direction", 32, false);

	*out = SESSION_SENDRECV;
	if (rpc_failed(call))
		return -1;
	for (int i = SESSION_INACTIVE; name && i <= SESSION_SENDRECV; i++) {
		if (strcmp(direction_names[i], name) == 0) {
			*out = (enum session_direction)i;
			return 0;
		}
	}
	return name ? fail(call, "direction", "sendrecv, sendonly, recvonly or inactive") : 0;
}

static int read_options(struct rpc_call *call, json_t *params, struct session_params *out)
{
	const uint64_t window = DEFAULT_WINDOW, no_timeout = 0;
	uint64_t n;

	if (rpc_uint(call, params, "window", 65535, &window, &n) < 0)
		return -1;
	if (n < 64 || n > 1024 || n % 64)
		return fail(call, "window", "a multiple of 64 from 64 to 1024");
	out->window = (uint16_t)n;
	if (rpc_uint(call, params, "media_timeout_ms", TIMEOUT_MS_MAX, &no_timeout, &n) < 0)
		return -1;
	out->media_timeout_ms = (uint32_t)n;
	out->tag = rpc_string(call, params, "tag", API_TAG_MAX, false);
	if (rpc_failed(call))
		return -1;
	return api_params_direction(call, params, &out->direction);
}

int api_params_add(struct rpc_call *call, json_t *params, struct session_params *out)
{
	static const char *const known[] = {"wire", "host", "suite", "tx_key", "rx_key", "tag",
		"window", "media_timeout_ms", "direction", NULL};

	memset(out, 0, sizeof(*out));
	if (rpc_known(call, params, known) < 0 ||
		read_side(call, params, "wire", &out->wire_local, &out->wire_remote) < 0 ||
		read_side(call, params, "host", &out->host_local, &out->host_remote) < 0 ||
		read_keys(call, params, out) < 0)
		return -1;
	return read_options(call, params, out);
}

// Which changes the fields that are there ask for.
static unsigned changes_of(json_t *params)
{
	static const struct {
		const char *field;
		unsigned change;
	} table[] = {
		{"wire", SESSION_WIRE_REMOTE},
		{"host", SESSION_HOST_REMOTE},
		{"suite", SESSION_KEYS},
		{"tx_key", SESSION_KEYS},
		{"rx_key", SESSION_KEYS},
		{"tag", SESSION_TAG},
		{"direction", SESSION_DIRECTION},
		{"media_timeout_ms", SESSION_TIMEOUT},
	};
	unsigned changes = 0;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (json_object_get(params, table[i].field))
			changes |= table[i].change;
	}
	return changes;
}

int api_params_update(
	struct rpc_call *call, json_t *params, struct session_params *out, unsigned *changes)
{
	static const char *const known[] = {"id", "wire", "host", "suite", "tx_key", "rx_key",
		"tag", "media_timeout_ms", "direction", NULL};

	memset(out, 0, sizeof(*out));
	if (rpc_known(call, params, known) < 0)
		return -1;
	*changes = changes_of(params);
	if (!*changes) {
		rpc_fail(call, RPC_INVALID_PARAMS, NULL,
			"nothing to change (expected wire.remote, host.remote, suite with both "
			"keys, tag, direction or media_timeout_ms)");
		return -1;
	}
	if ((*changes & SESSION_WIRE_REMOTE) &&
		read_side(call, params, "wire", NULL, &out->wire_remote) < 0)
		return -1;
	if ((*changes & SESSION_HOST_REMOTE) &&
		read_side(call, params, "host", NULL, &out->host_remote) < 0)
		return -1;
	if ((*changes & SESSION_KEYS) && read_keys(call, params, out) < 0)
		return -1;
	return read_options(call, params, out);
}

// ---- showing

static json_t *show_stream(const struct session_stream_stats *stats)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:I, s:o}",
		"ssrc", (json_int_t)stats->ssrc, "packets", (json_int_t)stats->packets, "bytes",
		(json_int_t)stats->bytes, "rtcp_packets", (json_int_t)stats->rtcp_packets, "lost",
		(json_int_t)stats->lost, "out_of_order", (json_int_t)stats->out_of_order,
		"jitter_us", stats->jitter_us, "auth_failed", (json_int_t)stats->auth_failed,
		"replayed", (json_int_t)stats->replayed, "dropped", (json_int_t)stats->dropped,
		"idle_ms", (json_int_t)stats->idle_ms, "packets_left",
		(json_int_t)stats->packets_left, "worker",
		stats->worker < 0 ? json_null() : json_integer(stats->worker));
}

static json_t *show_side(const struct session_addr *local, const struct session_addr *remote)
{
	char a[API_PARAMS_ADDRESS_MAX], b[API_PARAMS_ADDRESS_MAX];

	return json_pack("{s:s, s:s}", "local", api_params_address_text(local, a), "remote",
		api_params_address_text(remote, b));
}

json_t *api_params_show(const struct session_info *info)
{
	const struct session_params *params = &info->params;

	return json_pack("{s:I, s:s?, s:o, s:o, s:s, s:s, s:i, s:I, s:I, s:s, s:o, s:o, s:o}", "id",
		(json_int_t)info->id, "tag", params->tag, "wire",
		show_side(&params->wire_local, &params->wire_remote), "host",
		show_side(&params->host_local, &params->host_remote), "suite",
		suite_table[params->suite].name, "direction", direction_names[params->direction],
		"window", params->window, "media_timeout_ms", (json_int_t)params->media_timeout_ms,
		"age_ms", (json_int_t)info->age_ms, "state",
		info->drain_idle_s ? "draining" : "active", "drain_idle_s",
		info->drain_idle_s ? json_integer(info->drain_idle_s) : json_null(), "rx",
		show_stream(&info->rx), "tx", show_stream(&info->tx));
}
