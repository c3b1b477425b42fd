// SPDX-License-Identifier: BSD-3-Clause
// Reads the fields of a request's params, naming the field in each error and never its value;
// thread of the event base.
#include "engine/base/rpc.h"

#include <inttypes.h>
#include <string.h>

#define NAME_MAX_BYTES 32

const char *rpc_string(
	struct rpc_call *call, json_t *params, const char *field, size_t max, bool required)
{
	json_t *value = json_object_get(params, field);

	if (!value && !required)
		return NULL;
	if (!value) {
		rpc_fail(call, RPC_INVALID_PARAMS, field, "%s: missing (a string)", field);
		return NULL;
	}
	if (!json_is_string(value)) {
		rpc_fail(call, RPC_INVALID_PARAMS, field, "%s: expected a string", field);
		return NULL;
	}
	if (json_string_length(value) > max) {
		rpc_fail(call, RPC_INVALID_PARAMS, field, "%s: expected at most %zu bytes, got %zu",
			field, max, json_string_length(value));
		return NULL;
	}
	return json_string_value(value);
}

int rpc_uint(struct rpc_call *call, json_t *params, const char *field, uint64_t max,
	const uint64_t *fallback, uint64_t *out)
{
	json_t *value = json_object_get(params, field);

	if (!value && fallback) {
		*out = *fallback;
		return 0;
	}
	if (!value) {
		rpc_fail(call, RPC_INVALID_PARAMS, field, "%s: missing (an integer)", field);
		return -1;
	}
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
		(uint64_t)json_integer_value(value) > max) {
		rpc_fail(call, RPC_INVALID_PARAMS, field,
			"%s: expected an integer from 0 to %" PRIu64, field, max);
		return -1;
	}
	*out = json_integer_value(value);
	return 0;
}

int rpc_bool(
	struct rpc_call *call, json_t *params, const char *field, const bool *fallback, bool *out)
{
	json_t *value = json_object_get(params, field);

	if (!value && fallback) {
		*out = *fallback;
		return 0;
	}
	if (!json_is_boolean(value)) {
		rpc_fail(call, RPC_INVALID_PARAMS, field, "%s: %strue or false", field,
			value ? "expected " : "missing, ");
		return -1;
	}
	*out = json_is_true(value);
	return 0;
}

const char *rpc_name_shown(const char *name)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz._-");

	return name[length] == '\0' && length <= NAME_MAX_BYTES ? name : "...";
}

int rpc_known(struct rpc_call *call, json_t *params, const char *const known[])
{
	char names[256] = "";
	const char *key;
	json_t *value;

	json_object_foreach (params, key, value) {
		size_t n = 0;

		for (size_t i = 0; known[i]; i++) {
			if (strcmp(known[i], key) == 0)
				goto next;
		}
		for (size_t i = 0; known[i] && n < sizeof(names); i++)
			n += snprintf(
				names + n, sizeof(names) - n, "%s%s", i ? ", " : "", known[i]);
		key = rpc_name_shown(key);
		rpc_fail(call, RPC_INVALID_PARAMS, key, "unknown field '%s' (known: %s)", key,
			names[0] ? names : "none");
		return -1;
	next:;
	}
	return 0;
}

int rpc_known_none(struct rpc_call *call, json_t *params)
{
	static const char *const none[] = {NULL};

	return rpc_known(call, params, none);
}
