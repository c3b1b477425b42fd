// SPDX-License-Identifier: BSD-3-Clause
// crowfly-agent: logs endpoints in, notifies their peers, places and answers their calls. One
// thread, one event base.
#include "control/agent/agent.h"
#include "control/agent/login.h"
#include "engine/base/conf.h"
#include "engine/base/conf_record.h"
#include "engine/base/log.h"
#include "engine/base/service.h"
#include "engine/base/version.h"

#include <stdio.h>
#include <stdlib.h>

struct daemon_run {
	int argc;
	char **argv;
	struct config *config;
	struct event_base *base;
	struct agent *agent;
};

static bool is_ready(void *arg)
{
	const struct daemon_run *run = arg;

	return login_all_tried(run->agent);
}

static void stopped(struct agent *agent)
{
	event_base_loopexit(agent->base, NULL);
}

static void stop(void *arg)
{
	struct daemon_run *run = arg;

	agent_stop(run->agent, stopped);
}

static void stop_now(void *arg)
{
	struct daemon_run *run = arg;

	event_base_loopbreak(run->base);
}

static void reload(void *arg)
{
	struct daemon_run *run = arg;
	char error[CONF_ERROR_MAX];
	struct config fresh;

	static const char *const reloaded[] = {"log-level", "log-format", NULL};

	conf_record_begin();
	config_init(&fresh);
	if (config_args(&fresh, run->argc, run->argv, error) < 0 || config_finish(&fresh, error)) {
		conf_record_drop();
		log_error("SIGHUP: nothing is changed: %s", error);
	} else {
		conf_record_tell("the file, passwords and auto-answer are read again", reloaded);
		agent_reload(run->agent, &fresh);
		log_set_level(fresh.log_level);
		log_set_format(fresh.log_format);
	}
	config_free(&fresh);
}

// The service is made first and freed last: no signal cuts start or end short
static int run(struct daemon_run *run)
{
	static const struct service_ops ops = {
		.is_ready = is_ready, .stop = stop, .stop_now = stop_now, .reload = reload};
	char error[CONF_ERROR_MAX] = "no event loop";
	struct service *service;
	int status = EXIT_FAILURE;

	run->base = event_base_new();
	service = run->base ? service_new(run->base, &ops, run) : NULL;
	if (service && !msg_init())
		run->agent = agent_new(run->base, run->config, error);
	if (run->agent)
		status = event_base_dispatch(run->base) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	else
		log_error("%s", error);
	agent_free(run->agent);
	service_free(service);
	if (run->base)
		event_base_free(run->base);
	return status;
}

int main(int argc, char **argv)
{
	char error[CONF_ERROR_MAX];
	struct config config;
	struct daemon_run daemon = {.argc = argc, .argv = argv, .config = &config};
	int status, rest;

	service_protect_memory();
	config_init(&config);
	conf_record_begin();
	rest = config_args(&config, argc, argv, error);
	conf_record_keep();
	if (rest == CONF_HELP || rest == CONF_VERSION) {
		if (rest == CONF_HELP)
			config_usage();
		else
			puts("crowfly-agent " VERSION);
		config_free(&config);
		return EXIT_SUCCESS;
	}
	if (rest >= 0 && rest < argc)
		snprintf(error, sizeof(error), "unexpected argument '%.64s'", argv[rest]);
	if (rest < argc || config_finish(&config, error)) {
		fprintf(stderr, "crowfly-agent: %s\n", error);
		config_free(&config);
		return 2;
	}
	log_init("crowfly-agent", config.log_level);
	log_set_format(config.log_format);
	status = run(&daemon);
	config_free(&config);
	return status;
}
