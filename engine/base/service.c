// SPDX-License-Identifier: BSD-3-Clause
// Signals, readiness and watchdog of a daemon; the event loop's thread.
#include "engine/base/service.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "engine/base/log.h"
#include "engine/base/sdnotify.h"

#define READY_US      20000
#define WATCHDOG_FEED 4 // times in the interval that the manager asks for

struct service {
	struct service_ops ops;
	bool (*interrupt)(void *arg); // may be NULL
	void *arg;
	struct event *signals[3], *ready, *watchdog;
	bool is_ready, stopping;
};

void service_protect_memory(void)
{
	const struct rlimit none = {0, 0};

	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &none);
}

static int tell(const char *state)
{
	static struct log_limit limit;
	int rc = sdnotify_send(state);

	if (rc != 0)
		log_limited(&limit, LOG_WARNING, "NOTIFY_SOCKET: %s", strerror(-rc));
	return rc;
}

void service_on_interrupt(struct service *service, bool (*interrupt)(void *arg))
{
	service->interrupt = interrupt;
}

void service_stop(struct service *service, const char *reason)
{
	if (service->stopping)
		return;
	service->stopping = true;
	log_notice("%s: stopping", reason);
	tell("STOPPING=1");
	service->ops.stop(service->arg);
}

static void on_stop(evutil_socket_t number, short what, void *arg)
{
	struct service *service = arg;
	const char *name = number == SIGTERM ? "SIGTERM" : "SIGINT";

	(void)what;
	if (number == SIGINT && service->interrupt && service->interrupt(service->arg))
		return;
	if (service->stopping) {
		log_rare(LOG_NOTICE, "%s again: stopping at once", name);
		service->ops.stop_now(service->arg);
		return;
	}
	service_stop(service, name);
}

static void on_reload(evutil_socket_t number, short what, void *arg)
{
	struct service *service = arg;
	struct timespec now;
	char state[64];

	(void)number;
	(void)what;
	if (service->stopping)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		(uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
	if (service->is_ready)
		tell(state);
	service->ops.reload(service->arg);
	if (service->is_ready)
		tell("READY=1");
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct service *service = arg;

	(void)fd;
	(void)what;
	if (service->stopping) {
		event_del(service->ready);
		return;
	}
	// A full socket is a reason to try again
	if (!service->ops.is_ready(service->arg) || tell("READY=1") == -EAGAIN)
		return;
	event_del(service->ready);
	service->is_ready = true;
	if (service->ops.ready)
		service->ops.ready(service->arg);
}

static void on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	struct service *service = arg;

	(void)fd;
	(void)what;
	if (!service->ops.moves || service->ops.moves(service->arg))
		tell("WATCHDOG=1");
}

static int start(struct service *service, struct event_base *base)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
	const struct timeval ready = {.tv_usec = READY_US};
	uint64_t feed_us = sdnotify_watchdog_us() / WATCHDOG_FEED;
	const struct timeval feed = {
		.tv_sec = (time_t)(feed_us / 1000000), .tv_usec = (long)(feed_us % 1000000)};

	for (unsigned i = 0; i < 3; i++) {
		service->signals[i] = evsignal_new(
			base, numbers[i], numbers[i] == SIGHUP ? on_reload : on_stop, service);
		if (!service->signals[i] || event_add(service->signals[i], NULL) != 0)
			return -1;
	}
	service->ready = event_new(base, -1, EV_PERSIST, on_ready, service);
	if (!service->ready || event_add(service->ready, &ready) != 0)
		return -1;
	if (feed_us == 0)
		return 0;
	service->watchdog = event_new(base, -1, EV_PERSIST, on_watchdog, service);
	return service->watchdog && event_add(service->watchdog, &feed) == 0 ? 0 : -1;
}

struct service *service_new(struct event_base *base, const struct service_ops *ops, void *arg)
{
	struct service *service = calloc(1, sizeof(*service));

	signal(SIGPIPE, SIG_IGN);
	if (!service)
		return NULL;
	service->ops = *ops;
	service->arg = arg;
	if (start(service, base) != 0) {
		service_free(service);
		return NULL;
	}
	return service;
}

void service_free(struct service *service)
{
	if (!service)
		return;
	for (unsigned i = 0; i < 3; i++) {
		if (service->signals[i])
			event_free(service->signals[i]);
	}
	if (service->ready)
		event_free(service->ready);
	if (service->watchdog)
		event_free(service->watchdog);
	free(service);
}

void service_stop_takes(unsigned seconds)
{
	char state[64];

	snprintf(state, sizeof(state), "EXTEND_TIMEOUT_USEC=%" PRIu64,
		(uint64_t)seconds * UINT64_C(1000000));
	tell(state);
}
