// SPDX-License-Identifier: BSD-3-Clause
// Metrics in Prometheus' text format (version 0.0.4), and the small HTTP server that gives them
// out; the thread of the event base.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct evbuffer;

// ---- the text

enum metrics_type { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM };

struct metrics {
	struct evbuffer *out;
	const char *name; // of the family begun last
};

// Begins a family: its HELP and TYPE. Its samples follow, all of them before the next family. The
// name of a counter ends in _total, units are base units (seconds, bytes).
void metrics_begin(
	struct metrics *metrics, const char *name, enum metrics_type type, const char *help);
void metrics_plain(struct metrics *metrics, uint64_t value); // a sample without labels
// A sample with labels like `side="wire",worker="0"`: their values are from a small set that the
// program knows, never from the network.
void metrics_count(struct metrics *metrics, uint64_t value, const char *labels, ...)
	__attribute__((format(printf, 3, 4)));
void metrics_number(struct metrics *metrics, double value, const char *labels, ...)
	__attribute__((format(printf, 3, 4)));

// A distribution.
#define METRICS_BUCKETS 13
struct metrics_histogram {
	const double *bounds; // METRICS_BUCKETS of them, ascending; NULL: times, 1 ms to 10 s
	uint64_t counts[METRICS_BUCKETS + 1]; // the last: above all bounds
	double sum;
};
extern const double metrics_durations[METRICS_BUCKETS]; // of calls: 1 s to a day
void metrics_observe(struct metrics_histogram *histogram, double value);
void metrics_histogram(struct metrics *metrics, const struct metrics_histogram *histogram);
// One that was counted elsewhere, with a label like `worker="0"` ("": none). `counts`: n + 1.
void metrics_distribution(struct metrics *metrics, const char *label, const double bounds[],
	unsigned n, const uint64_t counts[], double sum);

// ---- the server

#define METRICS_CONNS_MAX   16	 // at a time; a further one takes the place of the oldest
#define METRICS_REQUEST_MAX 4096 // bytes of a request's header
#define METRICS_SECONDS	    5	 // from connecting to the end of the answer
#define METRICS_ERROR_MAX   256

struct metrics_server;

// Answers GET /metrics at `address`: IP:PORT, or the path of a unix socket (its mode is 0600).
// `anywhere`: also at addresses other than loopback's. `write` writes all families. NULL and one
// line in `error` (METRICS_ERROR_MAX bytes).
struct metrics_server *metrics_server_new(struct event_base *base, const char *address,
	bool anywhere, void (*write)(void *user, struct metrics *metrics), void *user, char *error);
void metrics_server_free(struct metrics_server *server);
