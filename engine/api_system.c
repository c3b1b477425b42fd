// SPDX-License-Identifier: BSD-3-Clause
// Answers those who run the engine: is it well, what runs here, take it out of service, say more or
// less. Control thread.
#include "engine/api_system.h"

#include <fnmatch.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <rte_version.h>

#include "crypto/context.h"
#include "crypto/library.h"
#include "engine/base/log.h"
#include "engine/base/version.h"
#include "engine/core.h"
#include "engine/drain.h"
#include "engine/health.h"
#include "engine/latency.h"
#include "engine/settings.h"
#include "engine/verbose.h"
#include "pktio/eal_log.h"

#define TYPE_MAX	64
#define TYPE_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-*?[]!"
#define DRAIN_MAX_S	86400
#define SETTINGS_MAX	1024 // types that are remembered; more only by patterns of the same types
#define TYPES_SHOWN_MAX 380  // bytes of the types that an error names

json_t *api_system_health(void *user, struct rpc_call *call, json_t *params)
{
	struct health_item items[HEALTH_ITEMS];
	enum health_state worst;

	if (rpc_known_none(call, params) < 0)
		return NULL;
	unsigned n = health_get(user, items, &worst);
	json_t *list = json_array();
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list,
			json_pack("{s:s, s:s, s:s}", "state", health_state_name(items[i].state),
				"name", items[i].name, "text", items[i].text));
	return json_pack("{s:s, s:o}", "state", health_state_name(worst), "checks", list);
}

json_t *api_system_version(void *user, struct rpc_call *call, json_t *params)
{
	struct library_info info;
	struct utsname os;

	(void)user;
	if (rpc_known_none(call, params) < 0)
		return NULL;
	library_info_get(&info);
	uname(&os);
	return json_pack("{s:s, s:s, s:s, s:s?, s:s, s:s, s:s, s:s, s:s}", "program",
		"crowfly-engine", "version", VERSION, "dpdk", rte_version(), "crypto",
		context_backend_name(), "ipsec_mb", info.ipsec_mb, "ipsec_mb_code_path",
		info.code_path, "libsrtp2", info.libsrtp2, "compiler",
#ifdef __clang__
		__VERSION__,
#else
		"gcc " __VERSION__,
#endif
		"kernel", os.release);
}

// ---- drain

static json_t *drain_state(struct engine *engine)
{
	int left = drain_left_s(engine);
	json_t *result = json_pack("{s:b, s:I}", "draining", engine->drain.draining, "sessions",
		(json_int_t)engine->sessions.count);

	json_object_set_new(result, "cut_off_in_s", left < 0 ? json_null() : json_integer(left));
	return result;
}

static json_t *drain_result(struct engine *engine, struct rpc_call *call, int rc)
{
	if (rc != 0)
		return rpc_fail(call, RPC_UNAVAILABLE, NULL, "the engine is ending");
	return drain_state(engine);
}

json_t *api_system_drain(void *user, struct rpc_call *call, json_t *params)
{
	static const char *const known[] = {"timeout_s", NULL};
	const uint64_t never = 0;
	uint64_t timeout;

	if (rpc_known(call, params, known) != 0 ||
		rpc_uint(call, params, "timeout_s", DRAIN_MAX_S, &never, &timeout) != 0)
		return NULL;
	return drain_result(user, call, drain_start(user, (unsigned)timeout));
}

json_t *api_system_undrain(void *user, struct rpc_call *call, json_t *params)
{
	if (rpc_known_none(call, params) < 0)
		return NULL;
	return drain_result(user, call, drain_stop(user));
}

json_t *api_system_drain_status(void *user, struct rpc_call *call, json_t *params)
{
	return rpc_known_none(call, params) == 0 ? drain_state(user) : NULL;
}

// ---- logs

// The modules that this program has; DPDK's types go by their own names.
static const char *const modules[] = {"engine", "pktio", "base", "dpdk"};
#define MODULES (sizeof(modules) / sizeof(modules[0]))

static void list_type(void *arg, const char *name, int level)
{
	json_array_append_new(
		arg, json_pack("{s:s, s:s}", "type", name, "level", log_level_name(level)));
}

static json_t *list_types(void)
{
	json_t *types = json_array();

	for (size_t i = 0; i < MODULES; i++)
		list_type(types, modules[i], log_module_level(modules[i]));
	eal_log_types(list_type, types);
	return types;
}

json_t *api_system_list_log(void *user, struct rpc_call *call, json_t *params)
{
	(void)user;
	return rpc_known_none(call, params) == 0 ? json_pack("{s:o}", "types", list_types()) : NULL;
}

static json_t *fail_type(struct rpc_call *call, const char *type)
{
	json_t *types = list_types(), *entry;
	char known[TYPES_SHOWN_MAX] = "global";
	size_t i;

	json_array_foreach (types, i, entry) {
		const char *name = json_string_value(json_object_get(entry, "type"));
		size_t n = strlen(known);

		if (n + strlen(name) + sizeof(", , ...") > sizeof(known)) {
			strcat(known, ", ...");
			break;
		}
		snprintf(known + n, sizeof(known) - n, ", %s", name);
	}
	json_decref(types);
	return rpc_fail(call, RPC_INVALID_PARAMS, "type",
		"type: no log type matches '%s' (expected one of: %s)", type, known);
}

// One name, or a pattern of names. How many it was.
static unsigned set_type(const char *type, int level)
{
	unsigned n = 0;

	if (strcmp(type, "global") == 0) {
		log_set_level(level);
		return MODULES;
	}
	for (size_t i = 0; i < MODULES; i++)
		if (fnmatch(type, modules[i], 0) == 0)
			n += log_set_module_level(modules[i], level);
	if (strcmp(type, "dpdk") == 0)
		return eal_log_set("*", level);
	return n + eal_log_set(type, level);
}

// The process's, as the log is: types and levels in the order in which they were set.
static json_t *log_settings;

static void remember(const char *type, const char *level)
{
	if (!log_settings)
		log_settings = json_object();
	if (strcmp(type, "global") == 0)
		json_object_clear(log_settings);
	json_object_del(log_settings, type);
	if (json_object_size(log_settings) >= SETTINGS_MAX)
		json_object_del(log_settings, json_object_iter_key(json_object_iter(log_settings)));
	json_object_set_new(log_settings, type, json_string(level));
}

json_t *api_system_set_log(void *user, struct rpc_call *call, json_t *params)
{
	static const char *const known[] = {"type", "level", NULL};

	(void)user;
	if (rpc_known(call, params, known) != 0)
		return NULL;
	const char *type = rpc_string(call, params, "type", TYPE_MAX, true);
	const char *name = type ? rpc_string(call, params, "level", TYPE_MAX, true) : NULL;
	if (!name)
		return NULL;
	if (type[strspn(type, TYPE_CHARACTERS)]) // `save` writes it as a word of a command
		return rpc_fail(call, RPC_INVALID_PARAMS, "type",
			"type: expected a name of letters, digits, '.', '_' and '-', or a pattern with *, ? and []");
	int level = log_level_parse(name);
	if (level < 0)
		return rpc_fail(call, RPC_INVALID_PARAMS, "level",
			"level: expected error, warning, notice, info or debug, got '%s'", name);
	unsigned n = set_type(type, level);
	if (n == 0)
		return fail_type(call, type);
	remember(type, name);
	return json_pack("{s:i}", "types", (int)n);
}

json_t *api_system_set_verbose(void *user, struct rpc_call *call, json_t *params)
{
	static const char *const known[] = {"on", NULL};
	bool on;

	if (rpc_known(call, params, known) != 0 ||
		rpc_bool(call, params, "on", RPC_REQUIRED, &on) != 0)
		return NULL;
	if (verbose_set(user, on) != 0)
		return rpc_fail(call, RPC_LIMIT, NULL, "out of memory");
	return json_object();
}

void api_system_settings(struct engine *engine, json_t *commands)
{
	const char *type;
	json_t *level;

	if (latency_is_on(engine))
		settings_add(commands, "set latency on");
	if (verbose_is_on(engine))
		settings_add(commands, "set verbose 1");
	json_object_foreach (log_settings, type, level)
		settings_add(commands, "set log %s %s", type, json_string_value(level));
}
