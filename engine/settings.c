// SPDX-License-Identifier: BSD-3-Clause
// Collects the settings of all parts for `save`. Control thread.
#include "engine/settings.h"

#include <stdarg.h>
#include <stdio.h>

#include "engine/api_fwd.h"
#include "engine/api_system.h"

#define COMMAND_MAX 512

static const settings_list lists[] = {api_system_settings, api_fwd_settings};

void settings_add(json_t *commands, const char *fmt, ...)
{
	char command[COMMAND_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	json_array_append_new(commands, json_string(command));
}

json_t *settings_get(void *user, struct rpc_call *call, json_t *params)
{
	json_t *commands;

	if (rpc_known_none(call, params) != 0)
		return NULL;
	commands = json_array();
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		lists[i](user, commands);
	return json_pack("{s:o}", "commands", commands);
}
