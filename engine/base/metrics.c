// SPDX-License-Identifier: BSD-3-Clause
// Writes metrics in Prometheus' text format; any thread, one evbuffer each.
#include "engine/base/metrics.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stdarg.h>

static const double bounds[METRICS_BUCKETS] = {
	0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

void metrics_begin(
	struct metrics *metrics, const char *name, enum metrics_type type, const char *help)
{
	static const char *const types[] = {"counter", "gauge", "histogram"};

	metrics->name = name;
	evbuffer_add_printf(
		metrics->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, types[type]);
}

static void add_name(struct metrics *metrics, const char *labels, va_list args)
{
	evbuffer_add_printf(metrics->out, "%s", metrics->name);
	evbuffer_add(metrics->out, "{", 1);
	evbuffer_add_vprintf(metrics->out, labels, args);
	evbuffer_add(metrics->out, "}", 1);
}

void metrics_plain(struct metrics *metrics, uint64_t value)
{
	evbuffer_add_printf(metrics->out, "%s %" PRIu64 "\n", metrics->name, value);
}

void metrics_count(struct metrics *metrics, uint64_t value, const char *labels, ...)
{
	va_list args;

	va_start(args, labels);
	add_name(metrics, labels, args);
	va_end(args);
	evbuffer_add_printf(metrics->out, " %" PRIu64 "\n", value);
}

void metrics_number(struct metrics *metrics, double value, const char *labels, ...)
{
	va_list args;

	va_start(args, labels);
	add_name(metrics, labels, args);
	va_end(args);
	evbuffer_add_printf(metrics->out, " %.9g\n", value);
}

void metrics_observe(struct metrics_histogram *histogram, double seconds)
{
	unsigned i = 0;

	while (i < METRICS_BUCKETS && seconds > bounds[i])
		i++;
	histogram->counts[i]++;
	histogram->sum += seconds;
}

void metrics_histogram(struct metrics *metrics, const struct metrics_histogram *histogram)
{
	uint64_t below = 0;

	for (unsigned i = 0; i < METRICS_BUCKETS; i++) {
		below += histogram->counts[i];
		evbuffer_add_printf(metrics->out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n",
			metrics->name, bounds[i], below);
	}
	below += histogram->counts[METRICS_BUCKETS];
	evbuffer_add_printf(metrics->out,
		"%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum %.9g\n%s_count %" PRIu64 "\n",
		metrics->name, below, metrics->name, histogram->sum, metrics->name, below);
}
