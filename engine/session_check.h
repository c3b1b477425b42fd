// SPDX-License-Identifier: BSD-3-Clause
// Whether a session's parameters make sense, before anything is made of them. Control thread.
#pragma once

#include "engine/core.h"

// Writes the error (may be NULL) and returns `rc`.
int session_fail(struct session_error *error, int rc, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

// Each returns 0, or -errno with `error` written.
int session_check_params(
	struct engine *engine, const struct session_params *params, struct session_error *error);
// Whether the local addresses are free; `self` (may be NULL) does not count.
int session_check_conflicts(struct engine *engine, const struct session_params *params,
	const struct session *self, struct session_error *error);
