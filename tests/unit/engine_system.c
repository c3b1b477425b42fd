// SPDX-License-Identifier: BSD-3-Clause
// The API's methods for those who run the engine: health, version, drain, logs, settings.
#include "tests/unit/engine_api.h"

#include <stdlib.h>

#include "engine/base/log.h"
#include "engine/core.h"
#include "engine/drain.h"
#include "engine/health.h"

static void refused(const char *method, const char *params, const char *field, const char *text)
{
	expect_error(ask(method, parse(params)), params, field, text);
}

TestSuite(system, .init = setup, .fini = teardown);

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

// The line of that name in a health list.
static const json_t *check_of(const json_t *health, const char *name)
{
	const json_t *check;
	size_t i;

	json_array_foreach (json_object_get(health, "checks"), i, check)
		if (strcmp(text_of(check, "name"), name) == 0)
			return check;
	cr_assert_fail("no check %s", name);
	return NULL;
}

static void check_is(const char *name, const char *state, const char *text)
{
	json_t *health = must("health", "{}");
	const json_t *check = check_of(health, name);

	cr_expect_str_eq(text_of(check, "state"), state, "%s: %s", name, text_of(check, "text"));
	cr_expect(strstr(text_of(check, "text"), text), "%s: %s", name, text_of(check, "text"));
	json_decref(health);
}

// Two seconds are told, and the worker has moved since.
static void worker_moves(void)
{
	const struct worker *w = &rig.engine->shared.workers[0];

	health_second(rig.engine);
	health_second(rig.engine);
	for (int i = 0; i < 50000 &&
			counter_get(&w->counters.iterations) == rig.engine->health.iterations[1][0];
		i++)
		usleep(100);
}

Test(system, health_of_a_healthy_engine)
{
	static const char *const names[] = {"ready", "fwd", "wire", "host", "workers", "drops",
		"buffers", "nexthops", "sessions", "memory", "draining", "clock"};

	worker_moves();
	json_t *health = must("health", "{}");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_expect_str_neq(text_of(check_of(health, names[i]), "state"), "FAIL", "%s: %s",
			names[i], text_of(check_of(health, names[i]), "text"));
	cr_expect_str_neq(text_of(health, "state"), "FAIL");
	cr_expect_eq(json_array_size(json_object_get(health, "checks")),
		sizeof(names) / sizeof(names[0]));
	json_decref(health);
}

Test(system, health_tells_what_is_wrong)
{
	struct worker *w = &rig.engine->shared.workers[0];

	worker_stop_all(&rig.engine->shared);
	health_second(rig.engine);
	health_second(rig.engine);
	check_is("workers", "FAIL", "1 of 1 stand still");
	check_is("drops", "OK", "none");
	w->counters.drops[DROP_AUTH_FAILED] += 7;
	w->counters.drops[DROP_MTU] += 2;
	check_is("drops", "WARN", "9 in 0 s, most auth_failed (7)");
	for (int i = 0; i < 20; i++) {
		rig.engine->seconds++;
		health_second(rig.engine);
	}
	check_is("drops", "OK", "none in 10 s");

	cr_assert_eq(worker_start_all(&rig.engine->shared), 0);
	worker_moves();
	check_is("workers", "OK", "1, all moving");

	rig.engine->sessions.count = rig.engine->sessions.max * 95 / 100;
	check_is("sessions", "WARN", "of");
	rig.engine->sessions.count = rig.engine->sessions.max;
	check_is("sessions", "FAIL", "of");
	rig.engine->sessions.count = 0;
	check_is("draining", "OK", "no");
	drain_start(rig.engine, 0);
	check_is("draining", "WARN", "new sessions are refused");
}

Test(system, version)
{
	json_t *version = must("version", "{}");

	cr_expect_str_eq(text_of(version, "program"), "crowfly-engine");
	cr_expect_str_eq(text_of(version, "version"), VERSION);
	cr_expect(strstr(text_of(version, "dpdk"), "DPDK 2"), "%s", text_of(version, "dpdk"));
	cr_expect_geq(strlen(text_of(version, "ipsec_mb")), 3u);
	cr_expect(strpbrk(text_of(version, "ipsec_mb_code_path"), "AS"), "%s",
		text_of(version, "ipsec_mb_code_path"));
	cr_expect(strstr(text_of(version, "libsrtp2"), "2."), "%s", text_of(version, "libsrtp2"));
	cr_expect_geq(strlen(text_of(version, "compiler")), 3u);
	json_decref(version);
}

static void drain_is(json_t *state, bool draining, json_int_t sessions, json_int_t left)
{
	json_t *cut_off = json_object_get(state, "cut_off_in_s");

	cr_expect_eq(json_is_true(json_object_get(state, "draining")), draining);
	cr_expect_eq(json_integer_value(json_object_get(state, "sessions")), sessions);
	if (left < 0)
		cr_expect(json_is_null(cut_off));
	else
		cr_expect_eq(json_integer_value(cut_off), left);
	json_decref(state);
}

Test(system, drain_and_undrain)
{
	json_decref(must("session.add", GOOD));
	drain_is(must("drain.status", "{}"), false, 1, -1);
	drain_is(must("drain", "{}"), true, 1, -1);
	for (int i = 0; i < 5 * CONTROL_TICKS_A_SECOND; i++)
		control_tick(rig.engine);
	drain_is(must("drain.status", "{}"), true, 1, -1);
	drain_is(must("undrain", "{}"), false, 1, -1);
	// Another time, with an end
	drain_is(must("drain", "{'timeout_s':2}"), true, 1, 2);
	for (int i = 0; i < 2 * CONTROL_TICKS_A_SECOND - 1; i++)
		control_tick(rig.engine);
	drain_is(must("drain.status", "{}"), true, 1, 1);
	control_tick(rig.engine);
	control_tick(rig.engine);
	drain_is(must("drain.status", "{}"), true, 0, 0);
	drain_is(must("undrain", "{}"), false, 0, -1);
	json_decref(must("session.add", GOOD));
	// At its end nothing takes it back
	engine_drain(rig.engine);
	refused("drain", "{}", "", "the engine is ending");
	refused("undrain", "{}", "", "the engine is ending");
}

static void commands_are(const char *expected)
{
	json_t *result = must("settings", "{}"), *command;
	char all[1024] = "";
	size_t i;

	json_array_foreach (json_object_get(result, "commands"), i, command) {
		strcat(all, json_string_value(command));
		strcat(all, ";");
	}
	cr_expect(strstr(all, expected), "%s: %s", expected, all);
	json_decref(result);
}

Test(system, log_levels)
{
	log_init("t", LOG_ERR);
	refused("log.set", "{'type':'nonsense','level':'debug'}", "type",
		"(expected one of: global, engine, pktio, base, dpdk, ");
	refused("log.set", "{'type':'engine','level':'loud'}", "level",
		"expected error, warning, notice, info or debug");
	refused("log.set", "{'type':'engine'}", "level", "missing");
	json_decref(must("log.set", "{'type':'engine','level':'debug'}"));
	json_decref(must("log.set", "{'type':'lib.ea*','level':'info'}"));
	cr_expect_eq(log_module_level("engine"), LOG_DEBUG);
	cr_expect_eq(log_module_level("base"), LOG_ERR);
	cr_expect_eq(log_module_level("dpdk"), LOG_INFO);
	commands_are("set log engine debug;set log lib.ea* info;");
	json_decref(must("log.set", "{'type':'engine','level':'error'}"));
	commands_are("set log lib.ea* info;set log engine error;");
	json_t *types = must("log.list", "{}"), *type;
	size_t i, found = 0;
	json_array_foreach (json_object_get(types, "types"), i, type)
		found += strcmp(text_of(type, "type"), "lib.eal") == 0 &&
			 strcmp(text_of(type, "level"), "info") == 0;
	cr_expect_eq(found, 1);
	json_decref(types);
	json_decref(must("log.set", "{'type':'global','level':'error'}"));
	commands_are("set log global error;");
	cr_expect_eq(log_module_level("dpdk"), LOG_ERR);
}

// Packets of the host are told until it is off, and a flood is some lines.
Test(system, verbose)
{
	struct rig_frame frame = {.length = 60};
	int fds[2], saved = dup(STDERR_FILENO);
	static char text[65536];

	commands_are("");
	log_init("t", LOG_NOTICE);
	cr_assert_eq(pipe(fds), 0);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	json_decref(must("verbose.set", "{'on':true}"));
	for (int i = 0; i < 400; i++) {
		rig_send(&rig, ROLE_WIRE, &frame);
		rig_pump(&rig);
	}
	json_decref(must("verbose.set", "{'on':false}"));
	for (int i = 0; i < 50; i++) {
		rig_send(&rig, ROLE_WIRE, &frame);
		rig_pump(&rig);
	}
	dup2(saved, STDERR_FILENO);
	text[read(fds[0], text, sizeof(text) - 1)] = '\0';
	cr_expect(strstr(text, "t notice: received: worker 0, wire, 60 bytes, other (first of "),
		"%s", text);
	unsigned lines = 0;
	for (const char *at = text; (at = strstr(at, "received:")); at++)
		lines++;
	cr_expect_geq(lines, 2);
	cr_expect_leq(lines, 45, "%u: not a sample", lines);
}
