// SPDX-License-Identifier: BSD-3-Clause
// crowfly-access: runs the access server, or one command on its store. One thread.
#include "control/access/cli.h"
#include "control/access/config.h"
#include "control/access/server.h"
#include "control/sip/msg.h"
#include "engine/base/conf_record.h"
#include "engine/base/log.h"
#include "engine/base/service.h"
#include "engine/base/version.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void usage(FILE *out)
{
	fputs("usage: crowfly-access [OPTIONS]            runs the server\n"
	      "       crowfly-access [OPTIONS] COMMAND    works on its store, also while it runs\n"
	      "options:\n",
		out);
	conf_usage(out, config_sections);
	fputs("commands:\n", out);
	cli_usage(out);
}

static int wrong_usage(const char *error)
{
	fprintf(stderr, "crowfly-access: %s\n", error);
	return 2;
}

// ---- the command line: options of the program and of the command, and words, in any order

struct arguments {
	char **options; // those of the program, for conf_args()
	int n_options;
	struct cli cli;
};

// The value of an option of a command: "--name VALUE" or "--name=VALUE". Returns how many
// arguments it took, 0 if argv[0] is another option, -1 if the value is missing.
static int command_option(char **argv, const char *name, const char **value)
{
	size_t length = strlen(name);
	if (strncmp(argv[0], name, length) != 0 ||
		(argv[0][length] != '\0' && argv[0][length] != '='))
		return 0;
	*value = argv[0][length] == '=' ? argv[0] + length + 1 : argv[1];
	if (*value == NULL)
		return -1;
	return argv[0][length] == '=' ? 1 : 2;
}

// Takes what stands at argv[0]. Returns the number of arguments it took, or -1 with `error`.
static int take(struct arguments *a, char **argv, char *error)
{
	static const char *const names[] = {"--password-file", "--file", "-f"};
	if (strcmp(argv[0], "--md5") == 0) {
		a->cli.md5 = true;
		return 1;
	}
	for (int i = 0; i < 3; i++) {
		const char **value = i == 0 ? &a->cli.password_file : &a->cli.list;
		int n = command_option(argv, names[i], value);
		if (n < 0)
			snprintf(error, CONF_ERROR_MAX, "%s needs a value", names[i]);
		if (n != 0)
			return n;
	}
	if (argv[0][0] == '-' && argv[0][1] != '\0') {
		bool alone = strchr(argv[0], '=') != NULL || argv[0][1] != '-' || argv[1] == NULL ||
			     strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "--version") == 0;
		a->options[a->n_options++] = argv[0];
		if (!alone)
			a->options[a->n_options++] = argv[1];
		return alone ? 1 : 2;
	}
	if (a->cli.n_words == (int)(sizeof(a->cli.words) / sizeof(a->cli.words[0]))) {
		snprintf(error, CONF_ERROR_MAX, "too many words");
		return -1;
	}
	a->cli.words[a->cli.n_words++] = argv[0];
	return 1;
}

// ---- the server

struct daemon_run {
	const struct arguments *arguments;
	struct event_base *base;
	struct server *server;
};

static void announce(const struct server *server, const struct config *config)
{
	if (config->listen_md5.length > 0)
		log_notice("listening on %s for phones with MD5", config->listen_md5.text);
	log_notice("listening on %s, %u users online from before", config->listen.text,
		server_online(server));
}

// The event loop turns: the doors are open.
static bool is_ready(void *arg)
{
	(void)arg;
	return true;
}

static void stop(void *arg)
{
	const struct daemon_run *run = arg;
	event_base_loopbreak(run->base);
}

static int read_config(const struct arguments *a, struct config *config, char *error)
{
	config_defaults(config);
	if (conf_args(a->n_options, a->options, config_sections, config, error) < 0)
		return -1;
	return config_check_server(config, error);
}

static void reload(void *arg)
{
	static struct config config;
	const struct daemon_run *run = arg;
	static const char *const reloaded[] = {
		"certificate", "key", "log-level", "log-format", NULL};
	char error[CONF_ERROR_MAX] = "";
	conf_record_begin();
	if (read_config(run->arguments, &config, error) != 0 ||
		server_reload(run->server, &config, error) != 0) {
		conf_record_drop();
		log_error("SIGHUP: nothing is changed: %s", error);
		return;
	}
	conf_record_tell("the file, certificate and key are read again", reloaded);
	log_set_level(config.log_level);
	log_set_format(config.log_format);
}

static int run_server(const struct arguments *arguments, const struct config *config)
{
	static const struct service_ops ops = {
		.is_ready = is_ready, .stop = stop, .stop_now = stop, .reload = reload};
	char error[CONF_ERROR_MAX] = "";
	int result = 1;
	struct daemon_run run = {.arguments = arguments, .base = event_base_new()};
	struct service *service = run.base != NULL ? service_new(run.base, &ops, &run) : NULL;
	if (service == NULL)
		snprintf(error, sizeof(error), "no event loop: %s", strerror(errno));
	else
		run.server = server_new(run.base, config, error);
	if (run.server == NULL) {
		log_error("%s", error);
	} else {
		announce(run.server, config);
		result = event_base_dispatch(run.base) < 0;
	}
	server_free(run.server);
	service_free(service);
	if (run.base != NULL)
		event_base_free(run.base);
	return result;
}

static int run(const struct arguments *a, struct config *config)
{
	char error[CONF_ERROR_MAX] = "";
	conf_record_begin();
	int n = conf_args(a->n_options, a->options, config_sections, config, error);
	conf_record_keep();
	if (n == CONF_HELP) {
		usage(stdout);
		return 0;
	}
	if (n == CONF_VERSION) {
		puts("crowfly-access " VERSION);
		return 0;
	}
	if (n < 0)
		return wrong_usage(error);
	if (n < a->n_options)
		return wrong_usage("stray '-' or '--'");
	if (config->database[0] == '\0')
		return wrong_usage("--database is needed (or --config with it; see --help)");
	log_init("crowfly-access", config->log_level);
	log_set_format(config->log_format);
	if (msg_init() != 0)
		return 1;
	if (a->cli.n_words > 0)
		return cli_run(&a->cli, config);
	if (a->cli.list != NULL || a->cli.password_file != NULL || a->cli.md5)
		return wrong_usage("-f, --password-file and --md5 belong to a command");
	if (config_check_server(config, error) != 0)
		return wrong_usage(error);
	return run_server(a, config);
}

int main(int argc, char **argv)
{
	static struct config config;
	char error[CONF_ERROR_MAX] = "";
	struct arguments a = {.options = calloc((size_t)argc + 1, sizeof(char *))};
	int result = 0;
	umask(077);
	service_protect_memory();
	config_defaults(&config);
	if (a.options == NULL || argc < 1)
		return 1;
	a.options[a.n_options++] = argv[0];
	for (int i = 1, n; i < argc && result == 0; i += n) {
		n = take(&a, argv + i, error);
		if (n < 0)
			result = wrong_usage(error);
	}
	if (result == 0)
		result = run(&a, &config);
	free(a.options);
	return result;
}
