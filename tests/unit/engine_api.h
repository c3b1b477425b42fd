// SPDX-License-Identifier: BSD-3-Clause
// An engine with its API, and a client of it.
#pragma once

#include "tests/unit/engine_rig.h"

#include <errno.h>
#include <malloc.h>
#include <sys/socket.h>

#include "engine/api.h"
#include "engine/api_params.h"
#include "engine/api_server.h"
#include "engine/base/rpc.h"
#include "engine/base/rpc_socket.h"
#include "engine/base/version.h"

#define KEY_28 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw=="
#define KEY_30 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"
#define KEY_44 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis="

#define GOOD                                                                                       \
	"{'wire':{'local':'10.0.0.1:20000','remote':'10.0.0.2:20002'},"                            \
	"'host':{'local':'192.168.50.1:30000','remote':'192.168.50.2:40000'},"                     \
	"'suite':'AEAD_AES_128_GCM','tx_key':'" KEY_28 "','rx_key':'" KEY_28 "','tag':'t1'}"

static struct rig rig;
static struct api_server *api;
static char path[64];
static int fd;

static inline void setup(void)
{
	rig_start(&rig);
	snprintf(path, sizeof(path), "/tmp/crowfly-api-%d", getpid());
	api = api_server_new(rig.base, rig.engine, path);
	cr_assert_not_null(api, "%s", strerror(errno));
	fd = rpc_socket_connect(path, SOCK_NONBLOCK);
	cr_assert_geq(fd, 0);
}

static inline void teardown(void)
{
	close(fd);
	api_server_free(api);
	rig_stop(&rig);
	cr_expect_neq(access(path, F_OK), 0);
}

// JSON with ' for "
static inline json_t *parse(const char *text)
{
	char copy[8192];
	json_error_t error;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *c = copy; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	json_t *value = json_loads(copy, JSON_DECODE_ANY, &error);
	cr_assert_not_null(value, "%s: %s", text, error.text);
	return value;
}

static inline void put(int socket_fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = send(socket_fd, data, size, MSG_NOSIGNAL);

		cr_assert(n > 0 || errno == EAGAIN);
		data += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
		event_base_loop(rig.base, EVLOOP_NONBLOCK);
	}
}

// The next line from the engine.
static inline json_t *get(void)
{
	for (int i = 0; i < 5000; i++) {
		event_base_loop(rig.base, EVLOOP_NONBLOCK);
		json_t *object = rpc_read_blocking(fd);
		if (object)
			return object;
		cr_assert_eq(errno, EAGAIN);
		if (i > 20)
			usleep(500);
	}
	cr_assert_fail("no answer");
	return NULL;
}

// Calls a method; the whole answer. Steals params.
static inline json_t *ask(const char *method, json_t *params)
{
	json_t *request = json_pack("{s:s, s:i, s:s, s:o}", "jsonrpc", "2.0", "id", 1, "method",
		method, "params", params);
	char *text = json_dumps(request, JSON_COMPACT);

	put(fd, text, strlen(text));
	put(fd, "\n", 1);
	free(text);
	json_decref(request);
	return get();
}

// The result of a call that must succeed.
static inline json_t *must(const char *method, const char *params)
{
	json_t *answer = ask(method, parse(params));
	json_t *result = json_incref(json_object_get(answer, "result"));
	char *text = json_dumps(answer, 0);

	cr_assert_not_null(result, "%s %s: %s", method, params, text);
	cr_expect_null(strstr(text, "AAECAwQ"), "a key was told: %s", text);
	free(text);
	json_decref(answer);
	return result;
}

static inline json_int_t number(json_t *object, const char *field)
{
	return json_integer_value(json_object_get(object, field));
}

static inline json_int_t add(const char *params)
{
	json_t *result = must(API_SESSION_ADD, params);
	json_int_t id = number(result, "id");

	cr_assert_gt(id, 0);
	json_decref(result);
	return id;
}

static inline size_t memory_used(void)
{
	struct engine_stats stats;

	engine_stats_get(rig.engine, &stats);
	return stats.memory_used;
}

static inline void expect_error(
	json_t *answer, const char *what, const char *field, const char *text)
{
	json_t *error = json_object_get(answer, "error");
	const char *message = json_string_value(json_object_get(error, "message"));
	const char *named =
		json_string_value(json_object_get(json_object_get(error, "data"), "field"));

	cr_assert_not_null(message, "%s was taken", what);
	cr_expect_str_eq(named ? named : "", field, "%s: %s", what, message);
	cr_expect(strstr(message, field) && strstr(message, text), "%s: %s", what, message);
	cr_expect_null(strstr(message, "AAECAwQ"), "a key was told: %s", message);
	json_decref(answer);
}

// Sets the member at "a.b" of an object; NULL removes it. Steals value.
static inline void set(json_t *object, const char *member, json_t *value)
{
	char name[64];
	const char *dot = strchr(member, '.');

	if (dot) {
		snprintf(name, sizeof(name), "%.*s", (int)(dot - member), member);
		object = json_object_get(object, name);
		member = dot + 1;
	}
	if (value)
		json_object_set_new(object, member, value);
	else
		json_object_del(object, member);
}
