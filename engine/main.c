// SPDX-License-Identifier: BSD-3-Clause
// crowfly-engine: reads its options, starts DPDK, ports, workers and the API, and runs the control
// thread until a signal ends it.
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/api.h"
#include "engine/api_server.h"
#include "engine/base/conf.h"
#include "engine/base/conf_record.h"
#include "engine/base/log.h"
#include "engine/base/metrics.h"
#include "engine/base/service.h"
#include "engine/base/version.h"
#include "engine/check.h"
#include "engine/console.h"
#include "engine/engine.h"
#include "engine/engine_metrics.h"
#include "engine/options.h"
#include "engine/telemetry.h"
#include "pktio/eal.h"

#define DRAIN_LOOK_US 100000
#define STOP_SECONDS  30 // for the end itself, after the drain

struct daemon_run {
	int argc;
	char **argv;
	const struct options *options;
	struct event_base *base;
	struct engine *engine;
	struct api_server *api;
	struct metrics_server *metrics;
	struct service *service;
	struct console *console; // with -i
	struct event *drain;
	unsigned drain_left; // looks until the deadline
};

// ---- what the service manager and signals ask for

static bool is_ready(void *arg)
{
	struct daemon_run *run = arg;

	return engine_workers_polled(run->engine);
}

static void console_ended(void *arg)
{
	struct daemon_run *run = arg;

	service_stop(run->service, "end of the prompt");
}

static bool interrupt(void *arg)
{
	struct daemon_run *run = arg;

	return run->console && console_interrupt(run->console);
}

static void ready(void *arg)
{
	struct daemon_run *run = arg;

	log_notice("ready, API at %s", run->options->config.socket);
	if (!run->options->interactive)
		return;
	service_on_interrupt(run->service, interrupt);
	run->console = console_new(run->base, run->api, console_ended, run);
	if (!run->console) {
		log_error("interactive: %s", strerror(errno));
		service_stop(run->service, "no prompt");
	}
}

static bool moves(void *arg)
{
	struct daemon_run *run = arg;

	return engine_workers_moved(run->engine);
}

static void stop_now(void *arg)
{
	struct daemon_run *run = arg;

	event_base_loopbreak(run->base);
}

static unsigned count_sessions(struct engine *engine)
{
	struct engine_stats stats;

	engine_stats_get(engine, &stats);
	return stats.sessions;
}

static void on_drain(evutil_socket_t fd, short what, void *arg)
{
	struct daemon_run *run = arg;
	unsigned sessions = count_sessions(run->engine);

	(void)fd;
	(void)what;
	if (sessions > 0 && --run->drain_left > 0)
		return;
	if (sessions > 0)
		log_warning("drain-timeout: sessions cut off: %u", sessions);
	event_base_loopbreak(run->base);
}

static void stop(void *arg)
{
	const struct timeval look = {.tv_usec = DRAIN_LOOK_US};
	struct daemon_run *run = arg;
	unsigned seconds = run->options->drain_timeout_s, sessions = count_sessions(run->engine);

	run->drain_left = seconds * (1000000 / DRAIN_LOOK_US);
	if (seconds == 0 || sessions == 0 || event_add(run->drain, &look) != 0) {
		event_base_loopbreak(run->base);
		return;
	}
	engine_drain(run->engine);
	service_stop_takes(seconds + STOP_SECONDS);
	log_notice("draining for up to %u s, sessions: %u", seconds, sessions);
}

static void reload(void *arg)
{
	struct daemon_run *run = arg;
	char error[CONF_ERROR_MAX];
	struct options options;

	static const char *const reloaded[] = {"log-level", "log-format", NULL};

	conf_record_begin();
	if (options_read(&options, run->argc, run->argv, error) != OPTIONS_OK) {
		conf_record_drop();
		log_error("SIGHUP: nothing is changed: %s", error);
	} else {
		conf_record_tell("the file is read again", reloaded);
		log_set_level(options.log_level);
		log_set_format(options.log_format);
	}
	options_free(&options);
}

// ---- start and end

static int start_metrics(struct daemon_run *run)
{
	const struct options *o = run->options;
	char error[METRICS_ERROR_MAX];

	if (!o->metrics)
		return 0;
	run->metrics = metrics_server_new(run->base, o->metrics, o->metrics_anywhere,
		engine_metrics_write, run->engine, error);
	if (!run->metrics)
		log_error("%s", error);
	return run->metrics ? 0 : -1;
}

static int run_engine(struct daemon_run *run)
{
	const char *socket = run->options->config.socket;
	const char *group = run->options->config.socket_group;
	int status = EXIT_FAILURE, prompt, rc;

	run->drain = event_new(run->base, -1, EV_PERSIST, on_drain, run);
	run->engine = run->drain ? engine_new(&run->options->config, run->base) : NULL;
	if (!run->engine)
		goto end;
	run->api = api_server_new(run->base, run->engine, socket);
	if (!run->api) {
		log_error("socket: %s: %s", socket, strerror(errno));
		goto end;
	}
	if (group && (rc = api_server_allow_group(run->api, group)) != 0) {
		log_error("socket-group: %s: %s", group,
			rc == -ENOENT ? "no such group" : strerror(-rc));
		goto end;
	}
	if (start_metrics(run) != 0)
		goto end;
	rc = telemetry_start(run->engine, run->base);
	if (rc != 0)
		log_warning("DPDK's telemetry tells nothing of the engine: %s", strerror(-rc));
	event_base_dispatch(run->base);
	status = EXIT_SUCCESS;
end:
	prompt = console_free(run->console);
	status = status ? status : prompt;
	if (run->drain)
		event_free(run->drain);
	metrics_server_free(run->metrics);
	api_server_free(run->api);
	telemetry_stop();
	engine_free(run->engine);
	return status;
}

// The service is made before the engine, so that a signal during the start ends it, too, and freed
// after it, so that a second one does not cut the end short.
static int start(struct daemon_run *run)
{
	static const struct service_ops ops = {is_ready, ready, moves, stop, stop_now, reload};
	char *eal_argv[OPTIONS_EAL_MAX + 2]; // the EAL reorders and overwrites its copy
	const struct options *options = run->options;
	char error[CONF_ERROR_MAX];
	int status = EXIT_FAILURE;

	log_init("crowfly-engine", options->log_level);
	log_set_format(options->log_format);
	service_protect_memory();
	memcpy(eal_argv, options->eal_argv, sizeof(eal_argv));
	if (eal_init(options->eal_argc, eal_argv, error, sizeof(error)) != 0) {
		log_error("%s", error);
		return EXIT_FAILURE;
	}
	run->base = event_base_new();
	run->service = run->base ? service_new(run->base, &ops, run) : NULL;
	if (run->service)
		status = run_engine(run);
	else
		log_error("no event loop: %s", strerror(errno));
	eal_fini();
	service_free(run->service);
	if (run->base)
		event_base_free(run->base);
	return status;
}

int main(int argc, char **argv)
{
	struct options options;
	struct daemon_run run = {.argc = argc, .argv = argv, .options = &options};
	char error[CONF_ERROR_MAX];
	int status = EXIT_SUCCESS;

	conf_record_begin();
	enum options_result result = options_read(&options, argc, argv, error);
	conf_record_keep();
	switch (result) {
	case OPTIONS_HELP:
		options_usage(stdout);
		break;
	case OPTIONS_VERSION:
		printf("crowfly-engine %s\n", VERSION);
		break;
	case OPTIONS_ERROR:
		fprintf(stderr, "crowfly-engine: %s\n", error);
		status = 2;
		break;
	case OPTIONS_OK:
		if (options.check || options.check_json)
			status = check_run(&options, options.check_root, options.check_json,
					 stdout) == CHECK_FAIL
					 ? EXIT_FAILURE
					 : EXIT_SUCCESS;
		else
			status = start(&run);
		break;
	}
	options_free(&options);
	return status;
}
