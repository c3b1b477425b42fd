// SPDX-License-Identifier: BSD-3-Clause
// Responses in a line. NULL everywhere means lack of memory, and may be passed on.
#pragma once

#include "control/sip/msg.h"

#define REPLY_ALLOW "REGISTER, INVITE, ACK, OPTIONS"

struct msg *reply(const struct msg *request, int status, const char *reason);
// Adds a header and returns the response; frees it and returns NULL if that fails.
struct msg *reply_header(struct msg *response, const char *name, const char *value);
struct msg *reply_header_number(struct msg *response, const char *name, unsigned value);
// 503 with Retry-After.
struct msg *reply_retry(const struct msg *request, unsigned seconds);
