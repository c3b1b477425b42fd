// SPDX-License-Identifier: BSD-3-Clause
// The crowfly program: its options; finds the command that words name, connects, runs it. One
// thread.
#include "engine/client/client_run.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/api.h"
#include "engine/base/rpc.h"
#include "engine/base/version.h"
#include "engine/client/commands.h"
#include "engine/client/complete.h"
#include "engine/client/prompt.h"
#include "engine/client/script.h"
#include "engine/client/words.h"

// ---- interrupts

static struct client *interruptible;

static void on_interrupt(int number)
{
	interruptible->interrupted = number;
	if (interruptible->fd >= 0)
		shutdown(interruptible->fd, SHUT_RDWR); // so that nobody waits on
}

void client_run_catch(struct client *client)
{
	const struct sigaction action = {.sa_handler = on_interrupt};

	if (client->catches)
		return;
	client->catches = true;
	interruptible = client;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

// ---- one command

static bool connect_for(struct client *client, const struct client_command *command)
{
	const char *path = client->socket;

	if (command->server == CLIENT_NO_SERVER)
		return true;
	if (!path)
		path = command->server == CLIENT_ENGINE ? API_ENGINE_SOCKET : API_AGENT_SOCKET;
	if (client->connect && command->server != CLIENT_AGENT)
		client->fd = client->connect(client->connect_arg);
	else
		client->fd = rpc_connect(path);
	if (client->fd >= 0)
		return true;
	client_fail(client, CLIENT_NO_CONNECTION, "cannot connect to the %s at %s: %s",
		command->server == CLIENT_ENGINE ? "engine" : "agent", path, strerror(errno));
	return false;
}

static void disconnect(struct client *client)
{
	int fd = client->fd;

	client->fd = -1;
	if (fd >= 0)
		close(fd);
}

void client_run_words(struct client *client, char *const words[], unsigned n)
{
	const struct client_command *outer = client->command; // `load`
	struct commands_match match;
	char error[COMMANDS_ERROR_MAX];

	client->status = CLIENT_OK;
	client->interrupted = 0;
	commands_match(words, n, &match);
	if (!match.command) {
		commands_explain(words, n, &match, error);
		client_fail(client, CLIENT_USAGE, "%s", error);
		return;
	}
	client->command = match.command;
	if (connect_for(client, match.command))
		match.command->run(client, &match.args);
	client->command = outer;
	disconnect(client);
}

void client_run_line(struct client *client, char *line)
{
	char *words[PATTERN_WORDS_MAX];
	int n = words_split(line, words, PATTERN_WORDS_MAX);

	client->status = CLIENT_OK;
	if (n > 0)
		client_run_words(client, words, (unsigned)n);
	else if (n == -1)
		client_fail(client, CLIENT_USAGE, "more than %d words", PATTERN_WORDS_MAX);
	else if (n < 0)
		client_fail(client, CLIENT_USAGE, "a quote is not closed");
}

// ---- the program

#define COMPLETE 256 // --complete, which is not shown

struct options {
	const char *file;
	int status; // -1: go on
};

static void print_usage(FILE *out)
{
	fputs("usage: crowfly [OPTION]... COMMAND...     run one command (crowfly help lists them)\n"
	      "       crowfly [OPTION]... -f FILE        run the commands in a file\n"
	      "       crowfly [OPTION]...                prompt; or the commands in standard input\n"
	      "  -s, --socket SOCKET  talk to this socket (engine " API_ENGINE_SOCKET ",\n"
	      "                       agent " API_AGENT_SOCKET ")\n"
	      "  -j, --json           print results as JSON\n"
	      "  -f, --file FILE      commands, one a line, # comments; - is standard input\n"
	      "  -k, --keep-going     go on after a command that failed\n"
	      "  -V, --version        print the version\n"
	      "  -h, --help           print this\n"
	      "Exit status: 0 all well, 1 a command failed, 2 it was wrong, 3 cannot connect; of the\n"
	      "first that failed.\n",
		out);
}

// For shells: the words that may stand at the end of this beginning of a command.
static void print_completions(struct client *client, const char *left)
{
	static struct editor_items items;

	complete_line(left, &items);
	for (unsigned i = 0; i < items.n; i++)
		if (items.list[i].insert)
			fprintf(client->out, "%s\n", items.list[i].text);
}

static int take_option(struct client *client, struct options *options, int option)
{
	switch (option) {
	case 's':
		client->socket = optarg;
		return -1;
	case 'j':
		client->json = true;
		return -1;
	case 'f':
		options->file = optarg;
		return -1;
	case 'k':
		client->keep_going = true;
		return -1;
	case COMPLETE:
		print_completions(client, optarg);
		return CLIENT_OK;
	case 'h':
		print_usage(client->out);
		return CLIENT_OK;
	case 'V':
		fprintf(client->out, "crowfly %s\n", VERSION);
		return CLIENT_OK;
	default:
		return CLIENT_USAGE;
	}
}

static int read_options(struct client *client, struct options *options, int argc, char **argv)
{
	static const struct option names[] = {{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'}, {"socket", required_argument, NULL, 's'},
		{"json", no_argument, NULL, 'j'}, {"file", required_argument, NULL, 'f'},
		{"keep-going", no_argument, NULL, 'k'},
		{"complete", required_argument, NULL, COMPLETE}, {0}};
	int option, status = -1;

	optind = 0;
	opterr = 0;
	while (status < 0 && (option = getopt_long(argc, argv, "+s:jf:khV", names, NULL)) != -1)
		status = take_option(client, options, option);
	if (status == CLIENT_USAGE)
		client_fail(client, CLIENT_USAGE, "unknown option, or value missing: '%s'",
			argv[optind - 1]);
	if (status < 0 && options->file && optind < argc) {
		client_fail(client, CLIENT_USAGE, "a command, or -f FILE: not both");
		status = CLIENT_USAGE;
	}
	if (status == CLIENT_USAGE)
		print_usage(client->err);
	return status;
}

int client_run(int argc, char **argv, FILE *out, FILE *err)
{
	struct client client = {.out = out, .err = err, .fd = -1, .where = "crowfly: "};
	struct options options = {0};
	int status = read_options(&client, &options, argc, argv);

	if (status >= 0)
		return status;
	signal(SIGPIPE, SIG_IGN); // half an output is an error of ours, told below
	if (optind < argc && argc - optind <= PATTERN_WORDS_MAX)
		client_run_words(&client, argv + optind, (unsigned)(argc - optind));
	else if (optind < argc)
		client_fail(&client, CLIENT_USAGE, "more than %d words", PATTERN_WORDS_MAX);
	else if (!options.file && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		prompt_run_terminal(&client);
	else
		script_load(&client, options.file ? options.file : "-");
	if ((fflush(out) != 0 || ferror(out)) && client.status == CLIENT_OK)
		client_fail(&client, CLIENT_FAILED, "cannot write the output: %s", strerror(errno));
	return client.status;
}
