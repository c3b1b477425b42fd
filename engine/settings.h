// SPDX-License-Identifier: BSD-3-Clause
// What commands have set since the start, as commands that set it again. Never a key. Control
// thread.
#pragma once

#include <jansson.h>

#include "engine/base/rpc.h"

struct engine;

// Whoever has settings has such a function in the table of settings.c.
typedef void (*settings_list)(struct engine *engine, json_t *commands);
void settings_add(json_t *commands, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

json_t *settings_get(void *user, struct rpc_call *call, json_t *params); // API_SETTINGS
