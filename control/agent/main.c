// SPDX-License-Identifier: BSD-3-Clause
// crowfly-agent: logs endpoints in, notifies their peers, places and answers their calls. One
// thread, one event base.
#include "control/agent/agent.h"
#include "engine/base/conf.h"
#include "engine/base/log.h"
#include "engine/base/version.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static void stopped(struct agent *agent)
{
	event_base_loopexit(agent->base, NULL);
}

static void terminate(evutil_socket_t signal_number, short what, void *arg)
{
	(void)what;
	log_notice("signal %d: logging out", (int)signal_number);
	agent_stop(arg, stopped);
}

static int run(struct config *config)
{
	struct event_base *base = event_base_new();
	struct event *on_term = NULL, *on_int = NULL;
	char error[CONF_ERROR_MAX];
	struct agent *agent = NULL;
	int status = EXIT_FAILURE;

	signal(SIGPIPE, SIG_IGN);
	if (base && !msg_init())
		agent = agent_new(base, config, error);
	if (!agent) {
		log_error("%s", base ? error : "no event base");
		goto out;
	}
	on_term = evsignal_new(base, SIGTERM, terminate, agent);
	on_int = evsignal_new(base, SIGINT, terminate, agent);
	if (on_term && on_int && !event_add(on_term, NULL) && !event_add(on_int, NULL))
		status = event_base_dispatch(base) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
out:
	if (on_term)
		event_free(on_term);
	if (on_int)
		event_free(on_int);
	agent_free(agent);
	if (base)
		event_base_free(base);
	return status;
}

int main(int argc, char **argv)
{
	char error[CONF_ERROR_MAX];
	struct config config;
	int status, rest;

	config_init(&config);
	rest = config_args(&config, argc, argv, error);
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
	status = run(&config);
	config_free(&config);
	return status;
}
