// SPDX-License-Identifier: BSD-3-Clause
// The server's counters and how they are told. The server's thread.
#include "control/access/meter.h"

#include <string.h>

static const char *const methods[METER_METHODS] = {
	[METER_REGISTER] = "REGISTER",
	[METER_INVITE] = "INVITE",
	[METER_OPTIONS] = "OPTIONS",
	[METER_OTHER] = "other",
};

void meter_response(struct meter *meter, const char *method, int status, double seconds)
{
	unsigned i = 0;
	while (i < METER_OTHER && strcmp(method, methods[i]) != 0)
		i++;
	if (status >= 100 && status <= METER_STATUS_MAX)
		meter->responses[i][status]++;
	metrics_observe(&meter->seconds, seconds);
	if (i == METER_REGISTER && status == 200)
		metrics_observe(&meter->logins, seconds);
}

// Those of which there has been one; the status codes are the server's own.
static void write_responses(const struct meter *meter, struct metrics *metrics)
{
	metrics_begin(metrics, "crowfly_access_responses_total", METRICS_COUNTER,
		"Requests answered, by method and status");
	for (int i = 0; i < METER_METHODS; i++)
		for (int status = 100; status <= METER_STATUS_MAX; status++)
			if (meter->responses[i][status] > 0 ||
				(i == METER_REGISTER && status == 200))
				metrics_count(metrics, meter->responses[i][status],
					"method=\"%s\",status=\"%d\"", methods[i], status);
}

void meter_write(const struct meter *meter, struct metrics *metrics)
{
	write_responses(meter, metrics);
	metrics_begin(metrics, "crowfly_access_answer_seconds", METRICS_HISTOGRAM,
		"Time from a request to its answer");
	metrics_histogram(metrics, &meter->seconds);
	metrics_begin(metrics, "crowfly_access_login_seconds", METRICS_HISTOGRAM,
		"Time from a REGISTER that is granted to its 200, tables included");
	metrics_histogram(metrics, &meter->logins);
}
