// SPDX-License-Identifier: BSD-3-Clause
// Responses in a line. Runs on the server's thread.
#include "control/access/reply.h"

#include <stdio.h>

struct msg *reply(const struct msg *request, int status, const char *reason)
{
	return msg_new_response(request, status, reason, NULL);
}

struct msg *reply_header(struct msg *response, const char *name, const char *value)
{
	if (response == NULL || msg_add_header(response, name, value) == 0)
		return response;
	msg_free(response);
	return NULL;
}

struct msg *reply_header_number(struct msg *response, const char *name, unsigned value)
{
	char text[16];
	snprintf(text, sizeof(text), "%u", value);
	return reply_header(response, name, text);
}

struct msg *reply_retry(const struct msg *request, unsigned seconds)
{
	return reply_header_number(reply(request, 503, NULL), "Retry-After", seconds);
}
