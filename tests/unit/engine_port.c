// SPDX-License-Identifier: BSD-3-Clause
// Ports by the API: what they are and counted, stopped and started while workers poll.
#include "tests/unit/engine_media.h"

#include "tests/unit/engine_api.h"

TestSuite(engine_port, .init = setup, .fini = teardown);

// The answer's port of a role; a borrowed reference.
static json_t *port_of(json_t *result, const char *role)
{
	size_t index;
	json_t *port;

	json_array_foreach (json_object_get(result, "ports"), index, port) {
		if (strcmp(json_string_value(json_object_get(port, "role")), role) == 0)
			return port;
	}
	cr_assert_fail("no port %s", role);
	return NULL;
}

static json_int_t counted(const char *method, const char *role, const char *field)
{
	json_t *result = must(method, "{}");
	json_int_t n = number(port_of(result, role), field);

	json_decref(result);
	return n;
}

Test(engine_port, wrong_ports_are_told_the_right_ones)
{
	static const char *const methods[] = {API_PORT_INFO, API_PORT_STATS, API_PORT_XSTATS,
		API_PORT_CLEAR, API_PORT_START, API_PORT_STOP};
	static const char *const values[] = {"{'port':7}", "{'port':'exception'}", "{'port':null}",
		"{'port':-1}", "{'port':1.0}"};

	for (size_t i = 0; i < RTE_DIM(methods) * RTE_DIM(values); i++) {
		json_t *answer =
			ask(methods[i / RTE_DIM(values)], parse(values[i % RTE_DIM(values)]));
		json_t *error = json_object_get(answer, "error");

		cr_assert_eq(number(error, "code"), RPC_INVALID_PARAMS);
		cr_assert_str_eq(json_string_value(json_object_get(error, "message")),
			"port: expected the number or the role of a port (0 or wire, 1 or host, all)");
		json_decref(answer);
	}
	for (size_t i = 3; i < RTE_DIM(methods); i++) { // what changes something is told of what
		json_t *answer = ask(methods[i], json_object());

		cr_expect_eq(number(json_object_get(answer, "error"), "code"), RPC_INVALID_PARAMS);
		json_decref(answer);
	}
}

Test(engine_port, told_by_number_and_by_role)
{
	static const char *const ways[] = {"{'port':1}", "{'port':'host'}"};

	for (size_t i = 0; i < RTE_DIM(ways); i++) {
		json_t *result = must(API_PORT_INFO, ways[i]);
		json_t *port = port_of(result, "host");

		cr_expect_eq(json_array_size(json_object_get(result, "ports")), 1);
		cr_expect_eq(number(port, "id"), 1);
		cr_expect_str_eq(json_string_value(json_object_get(port, "driver")), "net_ring");
		cr_expect_str_eq(json_string_value(json_object_get(port, "device")), "net_ring_h");
		cr_expect_eq(number(port, "rx_queues"), 1);
		cr_expect(json_is_true(json_object_get(port, "started")));
		json_decref(result);
	}
	json_decref(must(API_PORT_XSTATS, "{'port':'all'}"));
	cr_expect_eq(counted(API_PORT_INFO, "wire", "rx_descriptors"), 1024);
}

Test(engine_port, clearing_leaves_the_totals)
{
	rig_add(&rig);
	struct context *far = rig_context(&rig.params, CONTEXT_PROTECT);
	from_wire(&rig, far, 1, 10, false);
	json_int_t before = counted(API_PORT_LIST, "wire", "rx_packets");
	cr_expect_geq(before, 10);
	cr_expect_eq(counted(API_PORT_STATS, "wire", "rx_packets"), before);
	json_decref(must(API_PORT_CLEAR, "{'port':'wire'}"));
	cr_expect_eq(counted(API_PORT_STATS, "wire", "rx_packets"), 0);
	cr_expect_geq(counted(API_PORT_STATS, "host", "tx_packets"), 10);
	from_wire(&rig, far, 11, 5, false);
	cr_expect_eq(counted(API_PORT_STATS, "wire", "rx_packets"), 5);
	cr_expect_eq(counted(API_PORT_LIST, "wire", "rx_packets"), before + 5);
	context_free(far);
}

static void change(const char *method, const char *params, const char *role, bool changed)
{
	json_t *result = must(method, params);
	json_t *port = port_of(result, role);

	cr_assert_eq(json_is_true(json_object_get(port, "changed")), changed);
	cr_assert_eq(json_is_true(json_object_get(port, "started")),
		strcmp(method, API_PORT_START) == 0);
	json_decref(result);
}

Test(engine_port, nothing_comes_from_a_stopped_port)
{
	struct rig_frame frame;
	uint8_t plain[172], sealed[300];

	rig_add(&rig);
	struct context *far = rig_context(&rig.params, CONTEXT_PROTECT);
	from_wire(&rig, far, 1, 3, false);
	change(API_PORT_STOP, "{'port':0}", "wire", true);
	change(API_PORT_STOP, "{'port':'wire'}", "wire", false);
	json_t *info = must(API_PORT_INFO, "{}");
	cr_expect(json_is_false(json_object_get(port_of(info, "wire"), "started")));
	json_decref(info);
	rig_rtp(plain, 0xabcdef01, 4, 172);
	memcpy(sealed, plain, 172);
	uint32_t length = seal(far, sealed, 172, sizeof(sealed), false);
	rig_udp(&frame, RIG_WIRE, &rig.params.wire_remote, &rig.params.wire_local, sealed,
		(uint16_t)length);
	rig_send(&rig, RIG_WIRE, &frame);
	for (int i = 0; i < 200; i++) {
		cr_assert_not(rig_take(&rig, RIG_HOST, &frame));
		rig_pump(&rig);
	}
	// What the application sends meanwhile has nowhere to go, and is counted so
	rig_rtp(plain, 0x12345678, 1, 172);
	rig_udp(&frame, RIG_HOST, &rig.params.host_remote, &rig.params.host_local, plain, 172);
	rig_send(&rig, RIG_HOST, &frame);
	cr_assert_eq(rig_drops(&rig, DROP_PORT_STOPPED, 1), 1);
	change(API_PORT_START, "{'port':'all'}", "wire", true);
	cr_assert(rig_receive(&rig, RIG_HOST, &frame), "what waited in the port");
	from_wire(&rig, far, 5, 3, false);
	context_free(far);
}

Test(engine_port, stopped_and_started_while_packets_flow)
{
	struct context *far, *near;
	struct port *port = &rig.engine->ports[ROLE_HOST];

	rig_add(&rig);
	far = rig_context(&rig.params, CONTEXT_PROTECT);
	near = rig_context(&rig.params, CONTEXT_UNPROTECT);
	for (uint16_t i = 0; i < 20; i++) {
		from_wire(&rig, far, (uint16_t)(1 + 2 * i), 2, false);
		from_host(&rig, near, (uint16_t)(1 + 2 * i), 2, false);
		json_decref(must(API_PORT_STOP, "{'port':'all'}"));
		// A driver that counts from zero after a start does not make ours go back
		json_int_t before = counted(API_PORT_LIST, "host", "tx_packets");
		port->at_stop.tx_packets += 1000;
		json_decref(must(API_PORT_START, "{'port':'all'}"));
		cr_assert_geq(counted(API_PORT_LIST, "host", "tx_packets"), before + 1000);
	}
	context_free(far);
	context_free(near);
}
