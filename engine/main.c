// SPDX-License-Identifier: BSD-3-Clause
// crowfly-engine: reads its options, starts DPDK, ports, workers and the API, and runs the control
// thread until a signal ends it.
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/api.h"
#include "engine/api_server.h"
#include "engine/base/conf.h"
#include "engine/base/log.h"
#include "engine/base/version.h"
#include "engine/engine.h"
#include "engine/options.h"
#include "pktio/eal.h"

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	(void)what;
	log_notice("%s: stopping", number == SIGTERM ? "SIGTERM" : "SIGINT");
	event_base_loopbreak(arg);
}

// Runs until a signal. The events of the signals are made before the engine, so that one during the
// start ends it, too, and freed after it, so that a second one does not cut the end short.
static int run(const struct engine_config *config, struct event_base *base)
{
	struct engine *engine = NULL;
	struct api_server *api = NULL;
	int status = EXIT_FAILURE;

	engine = engine_new(config, base);
	if (!engine)
		goto end;
	api = api_server_new(base, engine, config->socket);
	if (!api) {
		log_error("socket: %s: %s", config->socket, strerror(errno));
		goto end;
	}
	log_notice("ready, API at %s", config->socket);
	event_base_dispatch(base);
	status = EXIT_SUCCESS;
end:
	api_server_free(api);
	engine_free(engine);
	return status;
}

static int start(struct options *options)
{
	char *eal_argv[OPTIONS_EAL_MAX + 2]; // the EAL reorders and overwrites its copy
	char error[CONF_ERROR_MAX];
	struct event_base *base;
	struct event *term, *interrupt;
	int status = EXIT_FAILURE;

	log_init("crowfly-engine", options->log_level);
	signal(SIGPIPE, SIG_IGN);
	eal_protect_memory();
	memcpy(eal_argv, options->eal_argv, sizeof(eal_argv));
	if (eal_init(options->eal_argc, eal_argv, error, sizeof(error)) != 0) {
		log_error("%s", error);
		return EXIT_FAILURE;
	}
	base = event_base_new();
	term = base ? evsignal_new(base, SIGTERM, on_signal, base) : NULL;
	interrupt = base ? evsignal_new(base, SIGINT, on_signal, base) : NULL;
	if (term && interrupt && event_add(term, NULL) == 0 && event_add(interrupt, NULL) == 0)
		status = run(&options->config, base);
	eal_fini();
	if (interrupt)
		event_free(interrupt);
	if (term)
		event_free(term);
	if (base)
		event_base_free(base);
	return status;
}

int main(int argc, char **argv)
{
	struct options options;
	char error[CONF_ERROR_MAX];
	int status = EXIT_SUCCESS;

	switch (options_read(&options, argc, argv, error)) {
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
		status = start(&options);
		break;
	}
	options_free(&options);
	return status;
}
