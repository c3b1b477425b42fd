// SPDX-License-Identifier: BSD-3-Clause
// Writes metrics in Prometheus' text format; any thread, one evbuffer each.
#include "engine/base/metrics.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stdarg.h>

static const double times[METRICS_BUCKETS] = {
	0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
const double metrics_durations[METRICS_BUCKETS] = {
	1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 86400};

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

static const double *bounds_of(const struct metrics_histogram *histogram)
{
	return histogram->bounds ? histogram->bounds : times;
}

void metrics_observe(struct metrics_histogram *histogram, double value)
{
	const double *bounds = bounds_of(histogram);
	unsigned i = 0;

	while (i < METRICS_BUCKETS && value > bounds[i])
		i++;
	histogram->counts[i]++;
	histogram->sum += value;
}

void metrics_histogram(struct metrics *metrics, const struct metrics_histogram *histogram)
{
	metrics_distribution(metrics, "", bounds_of(histogram), METRICS_BUCKETS, histogram->counts,
		histogram->sum);
}

void metrics_distribution(struct metrics *metrics, const char *label, const double bounds[],
	unsigned n, const uint64_t counts[], double sum)
{
	const char *open = *label ? "{" : "", *close = *label ? "}" : "",
		   *comma = *label ? "," : "";
	struct evbuffer *out = metrics->out;
	uint64_t below = 0;

	for (unsigned i = 0; i < n; i++) {
		below += counts[i];
		evbuffer_add_printf(out, "%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", metrics->name,
			label, comma, bounds[i], below);
	}
	below += counts[n];
	evbuffer_add_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", metrics->name, label,
		comma, below);
	evbuffer_add_printf(out, "%s_sum%s%s%s %.9g\n", metrics->name, open, label, close, sum);
	evbuffer_add_printf(
		out, "%s_count%s%s%s %" PRIu64 "\n", metrics->name, open, label, close, below);
}
