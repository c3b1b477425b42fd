// SPDX-License-Identifier: BSD-3-Clause
// Checks the parameters of sessions and names the field that is wrong; control thread.
#include "engine/session_check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int session_fail(struct session_error *error, int rc, const char *field, const char *fmt, ...)
{
	va_list args;

	if (error) {
		error->field = field;
		va_start(args, fmt);
		vsnprintf(error->text, sizeof(error->text), fmt, args);
		va_end(args);
	}
	return rc;
}

static int check_local(const struct engine_side *side, const struct session_addr *local,
	const char *field, struct session_error *error)
{
	char text[ADDRESS_TEXT_MAX];

	if (local->port == 0)
		return session_fail(error, -EINVAL, field, "the port is 0");
	if (!control_owns(side, &local->ip))
		return session_fail(error, -EADDRNOTAVAIL, field,
			"%s is not an address of the %s port", address_text(&local->ip, text),
			side->role == ROLE_WIRE ? "wire" : "host");
	return 0;
}

static int check_remote(const struct engine_side *side, const struct session_addr *local,
	const struct session_addr *remote, const char *field, bool synthetic,
	struct session_error *error)
{
	char text[ADDRESS_TEXT_MAX];

	if (remote->port == 0)
		return session_fail(error, -EINVAL, field, "the port is 0");
	if (!address_is_unicast(&remote->ip))
		return session_fail(error, -EINVAL, field, "%s is not a unicast address",
			address_text(&remote->ip, text));
	if (address_is_ipv4(&local->ip) != address_is_ipv4(&remote->ip))
		return session_fail(error, -EINVAL, field,
			"%s is not of the same IP version as the local address",
			address_text(&remote->ip, text));
	if (!synthetic && control_owns(side, &remote->ip))
		return session_fail(error, -EINVAL, field, "%s is an address of the engine itself",
			address_text(&remote->ip, text));
	if (!control_reaches(side, &remote->ip))
		return session_fail(error, -EINVAL, field,
			"%s is not on the network of the %s port", address_text(&remote->ip, text),
			side->role == ROLE_WIRE ? "wire" : "host");
	return 0;
}

static int check_srtp(const struct session_params *params, struct session_error *error)
{
	const struct context_params context = {.suite = params->suite, .window = params->window};

	if ((unsigned)params->suite >= SUITE_COUNT)
		return session_fail(error, -EINVAL, "suite", "unknown suite");
	if (context_size(&context) == 0)
		return session_fail(error, -EINVAL, "window",
			"%u is not a multiple of 64 from 64 to 1,024", params->window);
	if ((unsigned)params->direction > SESSION_SENDRECV)
		return session_fail(error, -EINVAL, "direction", "unknown direction");
	return 0;
}

static int check_wire(
	struct engine *engine, const struct session_params *params, struct session_error *error)
{
	const struct engine_side *wire = &engine->sides[SIDE_WIRE];
	int rc = check_local(wire, &params->wire_local, "wire.local", error);

	if (rc == 0)
		rc = check_remote(wire, &params->wire_local, &params->wire_remote, "wire.remote",
			params->synthetic, error);
	return rc;
}

static int check_host(
	struct engine *engine, const struct session_params *params, struct session_error *error)
{
	const struct engine_side *host = &engine->sides[SIDE_HOST];
	int rc = check_local(host, &params->host_local, "host.local", error);

	if (rc == 0)
		rc = check_remote(host, &params->host_local, &params->host_remote, "host.remote",
			false, error);
	if (rc == 0 && params->host_local.port == UINT16_MAX)
		rc = session_fail(error, -EINVAL, "host.local", "no port is above it for RTCP");
	if (rc == 0 && params->host_remote.port == UINT16_MAX)
		rc = session_fail(error, -EINVAL, "host.remote", "no port is above it for RTCP");
	return rc;
}

int session_check_params(
	struct engine *engine, const struct session_params *params, struct session_error *error)
{
	int rc = check_wire(engine, params, error);

	if (rc == 0 && !params->synthetic)
		rc = check_host(engine, params, error);
	return rc == 0 ? check_srtp(params, error) : rc;
}

static int check_wire_conflict(struct engine *engine, const struct session_params *params,
	const struct session *self, struct session_error *error)
{
	struct flow_table *flows = engine->shared.flows[SIDE_WIRE];
	const struct session_addr *local = &params->wire_local, *remote = &params->wire_remote;
	const struct stream *taken =
		flow_find(flows, &local->ip, local->port, &remote->ip, remote->port);

	if (taken && (!self || taken != self->rx))
		return session_fail(error, -EADDRINUSE, "wire.local",
			"session %u has this address with this remote", taken->session);
	if (flow_count(flows, &local->ip, local->port) >= FLOW_CHAIN_MAX + (self ? 1 : 0))
		return session_fail(error, -ENOSPC, "wire.local", "%u sessions are on this port",
			FLOW_CHAIN_MAX);
	return 0;
}

int session_check_conflicts(struct engine *engine, const struct session_params *params,
	const struct session *self, struct session_error *error)
{
	struct flow_table *flows = engine->shared.flows[SIDE_HOST];
	const struct session_addr *local = &params->host_local;
	int rc = check_wire_conflict(engine, params, self, error);

	if (rc != 0 || self) // an update does not move the host side's local address
		return rc;
	for (uint16_t above = 0; above <= 1; above++) {
		if (flow_count(flows, &local->ip, (uint16_t)(local->port + above)) > 0)
			return session_fail(error, -EADDRINUSE, "host.local",
				"port %u is taken by another session", local->port + above);
	}
	return 0;
}
