// SPDX-License-Identifier: BSD-3-Clause
// The crowfly program as its user sees it: words in, text and exit status out, against a server
// that answers from a table.
#include "engine/client/commands.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <event2/thread.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/api.h"
#include "engine/base/rpc.h"
#include "engine/base/version.h"

static struct event_base *base;
static struct rpc_server *server;
static struct rpc_conn *subscriber;
static pthread_t thread;
static atomic_bool stopping;
static char path[64];
static char asked[4096]; // the last request: method and params

static json_t *parse(const char *text)
{
	char copy[4096];

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *c = copy; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	json_t *value = json_loads(copy, JSON_DECODE_ANY, NULL);
	cr_assert_not_null(value, "%s", text);
	return value;
}

static void note(const char *method, json_t *params)
{
	char *text = json_dumps(params, JSON_COMPACT | JSON_SORT_KEYS);

	snprintf(asked, sizeof(asked), "%s %s", method, text);
	free(text);
}

#define CALL                                                                                       \
	"{'call':'c7','direction':'out','from':'sip:a@x','to':'sip:b@x','state':'established',"    \
	"'send_to':'192.168.50.1:30000','receive_at':'192.168.50.2:10000',"                        \
	"'payloads':['PCMU/8000','PCMA/8000','telephone-event/8000'],"                             \
	"'suite':'AEAD_AES_128_GCM','session':3,'setup_ms':12.345}"

#define ANSWER(name, method, text)                                                                 \
	static json_t *name(void *user, struct rpc_call *call, json_t *params)                     \
	{                                                                                          \
		(void)user;                                                                        \
		(void)call;                                                                        \
		note(method, params);                                                              \
		return parse(text);                                                                \
	}
ANSWER(place, "call.place", CALL)
ANSWER(answer, "call.answer", CALL)
ANSWER(decline, "call.decline", "{}")
ANSWER(hang_up, "call.hang_up", "{'calls':2}")
ANSWER(hold, "call.hold", "{}")
ANSWER(resume, "call.resume", "{}")
ANSWER(rekey, "call.rekey", "{}")
ANSWER(calls, "call.list", "{'calls':[" CALL ",{'call':'c12','direction':'in','state':'ringing'}]}")
ANSWER(endpoints, "endpoint.list", "{'endpoints':[]}")
ANSWER(log_out, "endpoint.log_out", "{}")
ANSWER(stats, "stats", "{'rx_wire':5,'drops':{'auth_failed':1,'mtu':0},'sessions':3}")
ANSWER(info, "info", "{'version':'0.1.0','wire_addresses':['10.0.0.1/24','fd::1/64']}")
ANSWER(ports, "port.list",
	"{'ports':[{'role':'wire','device':'net_tap0','link_up':true,'rx_packets':123456789}]}")
ANSWER(version, "version", "{'version':'0.1.0','dpdk':'DPDK 22.11'}")
ANSWER(health, "health",
	"{'state':'FAIL','checks':[{'state':'OK','name':'ready','text':'yes'},"
	"{'state':'FAIL','name':'wire','text':'link down'}]}")
ANSWER(drain, "drain", "{'draining':true,'sessions':3,'cut_off_in_s':null}")
ANSWER(undrain, "undrain", "{'draining':false,'sessions':3,'cut_off_in_s':null}")
ANSWER(drain_status, "drain.status", "{'draining':false,'sessions':3,'cut_off_in_s':null}")
ANSWER(set_log, "log.set", "{'types':1}")
ANSWER(list_log, "log.list", "{'types':[{'type':'lib.eal','level':'info'}]}")
ANSWER(set_verbose, "verbose.set", "{}")
ANSWER(settings, "settings", "{'commands':['set log engine debug']}")
ANSWER(add, "session.add", "{'id':9}")
ANSWER(evil, "session.stats", "{'tag':'a\\u001b[31m\\nb\\u009bc\\u00fc'}")

static json_t *log_in(void *user, struct rpc_call *call, json_t *params)
{
	(void)user;
	note("endpoint.log_in", params);
	rpc_fail_data(call, "status", json_integer(486));
	return rpc_fail(call, RPC_REFUSED, "endpoint", "endpoint: it is\nbusy");
}

// Two pages, with a cursor that is a text
static json_t *list_peers(void *user, struct rpc_call *call, json_t *params)
{
	const char *after = rpc_string(call, params, "after", 64, false);

	(void)user;
	note("peer.list", params);
	return parse(after ? "{'peers':[{'endpoint':'sip:a@x','aor':'sip:c@x'}],'next':null}"
			   : "{'peers':[{'endpoint':'sip:a@x','aor':'sip:b@x','status':'online',"
			     "'contact':null,'confirmed':true}],'next':'sip:a@x sip:b@x'}");
}

static json_t *list(void *user, struct rpc_call *call, json_t *params)
{
	static const uint64_t fallback = 0;
	uint64_t after = 0;

	(void)user;
	rpc_uint(call, params, "after", 1000000, &fallback, &after);
	json_t *sessions = json_array();
	for (unsigned i = 0; i < 1000 && after < 2500; i++) {
		after++;
		json_array_append_new(sessions, json_pack("{s:I, s:{s:I}}", "id", (json_int_t)after,
							"rx", "packets", (json_int_t)(after * 10)));
	}
	return json_pack("{s:o, s:o}", "sessions", sessions, "next",
		after < 2500 ? json_integer((json_int_t)after) : json_null());
}

static json_t *subscribe(void *user, struct rpc_call *call, json_t *params)
{
	(void)user;
	(void)params;
	rpc_conn_subscribe(rpc_call_conn(call), true);
	subscriber = rpc_call_conn(call);
	return json_object();
}

static const struct rpc_method methods[] = {{API_CALL_PLACE, place}, {API_CALL_ANSWER, answer},
	{API_CALL_DECLINE, decline}, {API_CALL_HANG_UP, hang_up}, {API_CALL_HOLD, hold},
	{API_CALL_RESUME, resume}, {API_CALL_REKEY, rekey}, {API_CALL_LIST, calls},
	{API_PEER_LIST, list_peers}, {API_ENDPOINT_LIST, endpoints},
	{API_ENDPOINT_LOG_OUT, log_out}, {API_ENDPOINT_LOG_IN, log_in}, {API_STATS, stats},
	{API_INFO, info}, {API_PORT_LIST, ports}, {API_SESSION_ADD, add}, {API_SESSION_STATS, evil},
	{API_SESSION_LIST, list}, {API_VERSION, version}, {API_HEALTH, health}, {API_DRAIN, drain},
	{API_UNDRAIN, undrain}, {API_DRAIN_STATUS, drain_status}, {API_LOG_SET, set_log},
	{API_LOG_LIST, list_log}, {API_VERBOSE_SET, set_verbose}, {API_SETTINGS, settings},
	{API_EVENTS, subscribe}, {NULL, NULL}};

static void *serve(void *arg)
{
	while (!stopping) {
		struct timeval tick = {.tv_usec = 5000};

		event_base_loopexit(base, &tick);
		event_base_dispatch(base);
		if (!subscriber)
			continue;
		rpc_notify(subscriber, "call", parse(CALL));
		rpc_notify(subscriber, "session.removed", parse("{'id':3,'tag':null}"));
		subscriber = NULL;
	}
	return arg;
}

static void setup(void)
{
	snprintf(path, sizeof(path), "/tmp/crowfly-client-%d", getpid());
	base = event_base_new();
	server = rpc_server_new(base, path, methods, NULL);
	cr_assert_not_null(server, "%s", strerror(errno));
	pthread_create(&thread, NULL, serve, NULL);
}

static void teardown(void)
{
	stopping = true;
	pthread_join(thread, NULL);
	rpc_server_free(server);
	event_base_free(base);
}

TestSuite(client, .init = setup, .fini = teardown);

struct run {
	int status;
	char *out, *err;
};

static struct run run_argv(char **argv)
{
	struct run run;
	size_t out_size, err_size;
	FILE *out = open_memstream(&run.out, &out_size);
	FILE *err = open_memstream(&run.err, &err_size);
	int argc = 0;

	while (argv[argc])
		argc++;
	asked[0] = '\0';
	run.status = client_run(argc, argv, out, err);
	fclose(out);
	fclose(err);
	return run;
}

static void end(struct run *run)
{
	free(run->out);
	free(run->err);
}

// Runs the words of one line.
static struct run run_line(const char *line)
{
	char copy[512], *argv[16] = {"crowfly", "-s", path}, *save = NULL;
	int n = 3;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	argv[n] = NULL;
	return run_argv(argv);
}

// A script asks by the exit status
Test(client, health)
{
	struct run run = run_line("show health");

	cr_expect_eq(run.status, CLIENT_FAILED);
	cr_expect_str_eq(run.out, "OK    ready      yes\nFAIL  wire       link down\n");
	cr_expect_str_empty(run.err);
	end(&run);
	run = run_line("-j show health");
	cr_expect_eq(run.status, CLIENT_FAILED);
	cr_expect(strstr(run.out, "{\"state\":\"FAIL\",\"checks\":[{"), "%s", run.out);
	end(&run);
}

Test(client, what_is_asked_and_shown)
{
	static const struct {
		const char *line, *asked, *shown;
	} cases[] = {
		{"call alice@example.org sip:bob@example.org",
			"call.place {\"from\":\"sip:alice@example.org\",\"to\":\"sip:bob@example.org\"}",
			"send_to     192.168.50.1:30000\n"},
		{"call a sips:b", "call.place {\"from\":\"sip:a\",\"to\":\"sips:b\"}",
			"payloads    PCMU/8000, PCMA/8000, telephone-event/8000\n"},
		{"answer c7", "call.answer {\"call\":\"c7\"}", "call        c7\n"},
		{"decline c7", "call.decline {\"call\":\"c7\",\"status\":603}", "ok\n"},
		{"decline c7 busy", "call.decline {\"call\":\"c7\",\"status\":486}", "ok\n"},
		{"hang-up c7", "call.hang_up {\"call\":\"c7\"}", "calls  2\n"},
		{"hang-up all", "call.hang_up {\"all\":true}", "calls  2\n"},
		{"hold c7", "call.hold {\"call\":\"c7\"}", "ok\n"},
		{"resume c7", "call.resume {\"call\":\"c7\"}", "ok\n"},
		{"re-key c7", "call.rekey {\"call\":\"c7\"}", "ok\n"},
		{"show peer", "peer.list {\"after\":\"sip:a@x sip:b@x\"}",
			"ENDPOINT  PEER     STATUS  CONFIRMED  CONTACT\n"
			"sip:a@x   sip:b@x  online  yes        -\n"
			"sip:a@x   sip:c@x  -       -          -\n"},
		{"show peer a@x",
			"peer.list {\"after\":\"sip:a@x sip:b@x\",\"endpoint\":\"sip:a@x\"}",
			"online"},
		{"show call", "call.list {}",
			"c7    out        sip:a@x  sip:b@x  established  -     192.168.50.1:30000"},
		{"show endpoint", "endpoint.list {}",
			"ENDPOINT  STATE  EXPIRES S  PEERS  ONLINE  LOGIN MS\n"},
		{"log-out a@x", "endpoint.log_out {\"endpoint\":\"sip:a@x\"}", "ok\n"},
		{"show stats", "stats {}",
			"rx_wire            5\ndrops.auth_failed  1\ndrops.mtu          0\n"
			"sessions           3\n"},
		{"show info", "info {}", "wire_addresses  10.0.0.1/24, fd::1/64\n"},
		{"show port all", "port.list {}",
			"wire  net_tap0  -    yes   -       123456789  -"},
		{"show version", "version {}", "version  0.1.0\ndpdk     DPDK 22.11\n"},
		{"drain", "drain {}", "draining      yes\nsessions      3\ncut_off_in_s  -\n"},
		{"drain timeout 60", "drain {\"timeout_s\":60}", "draining      yes\n"},
		{"drain status", "drain.status {}", "draining      no\n"},
		{"undrain", "undrain {}", "draining      no\n"},
		{"set log pmd.* debug", "log.set {\"level\":\"debug\",\"type\":\"pmd.*\"}",
			"types  1\n"},
		{"set verbose 1", "verbose.set {\"on\":true}", "ok\n"},
		{"set verbose 0", "verbose.set {\"on\":false}", "ok\n"},
		{"show log", "log.list {}", "TYPE     LEVEL\nlib.eal  info\n"},
		{"-j show stats", "stats {}",
			"{\"rx_wire\":5,\"drops\":{\"auth_failed\":1,\"mtu\":0},\"sessions\":3}\n"},
		{"-j show endpoint", "endpoint.list {}", "{\"endpoints\":[]}\n"},
		{"-j call a b", "call.place", "\"setup_ms\":12.345}\n"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct run run = run_line(cases[i].line);

		cr_expect_eq(run.status, CLIENT_OK, "%s: %s", cases[i].line, run.err);
		cr_expect_str_empty(run.err, "%s: %s", cases[i].line, run.err);
		cr_expect(strncmp(asked, cases[i].asked, strlen(cases[i].asked)) == 0, "%s: %s",
			cases[i].line, asked);
		cr_expect(strstr(run.out, cases[i].shown), "%s:\n%s", cases[i].line, run.out);
		end(&run);
	}
}

Test(client, mistakes_and_their_status)
{
	static const struct {
		const char *line;
		int status;
		const char *error;
	} cases[] = {
		{"-f", CLIENT_USAGE, "unknown option, or value missing: '-f'\nusage: crowfly"},
		{"-f x show stats", CLIENT_USAGE, "a command, or -f FILE: not both"},
		{"-x show stats", CLIENT_USAGE,
			"unknown option, or value missing: '-x'\nusage: crowfly"},
		{"nonsense", CLIENT_USAGE,
			"crowfly: nonsense: 'nonsense' (word 1) is wrong, expected: help, load, quit,"},
		{"show", CLIENT_USAGE, "show: not complete, expected: session, "},
		{"show sesion all", CLIENT_USAGE, "'sesion' (word 2) is wrong, expected: session,"},
		{"session", CLIENT_USAGE, "session: not complete, expected: add, remove"},
		{"show session", CLIENT_USAGE,
			"expected: all, ID (the number of a session, 0 to 4294967295) or count\n"},
		{"show session 1 2", CLIENT_USAGE,
			"show session 1 2: '2' (word 4) is wrong, expected: detail or the end\n"},
		{"show session seven", CLIENT_USAGE, "'seven' (word 3) is wrong, expected: all, "},
		{"show session 1x", CLIENT_USAGE, "'1x' (word 3) is wrong"},
		{"show session 4294967296", CLIENT_USAGE, "'4294967296' (word 3) is wrong"},
		{"show port 7", CLIENT_USAGE, "'7' (word 3) is wrong, expected: all, info, "},
		{"call a", CLIENT_USAGE, "call a: not complete, expected: TO (a peer"},
		{"decline c7 later", CLIENT_USAGE,
			"'later' (word 3) is wrong, expected: busy or the end\n"},
		{"log-in a@x", CLIENT_FAILED, "crowfly: log-in: it is?busy (status 486)\n"},
		{"session remove 5", CLIENT_FAILED, "crowfly: session remove: not known here"},
		{"session add /nonexistent.json", CLIENT_FAILED,
			"/nonexistent.json: No such file or directory"},
		{"help nonsense", CLIENT_USAGE, "help: 'nonsense' is no section, and no command"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct run run = run_line(cases[i].line);

		cr_expect_eq(run.status, cases[i].status, "%s", cases[i].line);
		cr_expect_str_empty(run.out, "%s: %s", cases[i].line, run.out);
		cr_expect(strstr(run.err, cases[i].error), "%s: %s", cases[i].line, run.err);
		end(&run);
	}
}

Test(client, cannot_connect)
{
	struct run run = run_argv(
		(char *[]){"crowfly", "--socket", "/nonexistent.sock", "show", "call", NULL});

	cr_expect_eq(run.status, CLIENT_NO_CONNECTION);
	cr_expect_str_eq(run.err, "crowfly: cannot connect to the agent at /nonexistent.sock: "
				  "No such file or directory\n");
	end(&run);
}

static void expect_narrow(const char *text)
{
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		cr_expect_leq(strcspn(line, "\n"), 80, "%s", text);
}

// Blanks and line ends as one blank.
static void squash(char *text)
{
	char *out = text;

	for (; *text; text++)
		if (!strchr(" \n", *text))
			*out++ = *text;
		else if (out[-1] != ' ')
			*out++ = ' ';
	*out = '\0';
}

Test(client, help_shows_every_command)
{
	struct run run = run_line("help");

	cr_expect_eq(run.status, CLIENT_OK);
	expect_narrow(run.out);
	squash(run.out);
	for (unsigned i = 0; commands_at(i); i++) {
		const struct client_command *c = commands_at(i);

		cr_expect(
			strstr(run.out, c->pattern) && strstr(run.out, c->help), "%s", c->pattern);
	}
	end(&run);
	run = run_line("help show peer");
	cr_expect(strstr(run.out, "show peer [ENDPOINT]") && !strstr(run.out, "hang-up"));
	end(&run);
	run = run_line("--version");
	cr_expect_str_eq(run.out, "crowfly " VERSION "\n");
	end(&run);
}

Test(client, lists_fit_the_screen)
{
	static const char *const lines[] = {
		"show call", "show peer", "show endpoint", "show session all", "show port all"};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct run run = run_line(lines[i]);

		expect_narrow(run.out);
		end(&run);
	}
	struct run run = run_line("show call");
	cr_expect_str_eq(run.out,
		"CALL  DIRECTION  FROM     TO       STATE        HOLD  SEND TO\n"
		"    RECEIVE AT          SUITE             SESSION  SETUP MS\n"
		"    PAYLOADS\n"
		"c7    out        sip:a@x  sip:b@x  established  -     192.168.50.1:30000\n"
		"    192.168.50.2:10000  AEAD_AES_128_GCM        3      12.3\n"
		"    PCMU/8000, PCMA/8000, telephone-event/8000\n"
		"c12   in         -        -        ringing      -     -\n"
		"    -                   -                       -         -\n"
		"    -\n");
	end(&run);
}

Test(client, long_lists_are_whole_and_in_order)
{
	struct run run = run_line("show session all");
	char *line = strstr(run.out, "\n   1 ") + 1;

	for (int i = 1; i <= 2500; i++) { // a row is two lines
		char *second = strchr(line, '\n');

		cr_assert_not_null(second, "row %d is missing", i);
		cr_assert_eq(atoi(line), i);
		cr_assert_not_null(second = strchr(second + 1, '\n'));
		line = second + 1;
	}
	cr_expect_eq(*line, '\0');
	end(&run);
	run = run_line("-j show session all");
	json_t *result = json_loads(run.out, 0, NULL);
	cr_expect_eq(json_array_size(json_object_get(result, "sessions")), 2500);
	json_decref(result);
	end(&run);
}

Test(client, a_terminal_is_not_controlled)
{
	struct run run = run_line("show session 1");

	cr_expect_str_eq(run.out, "tag  a?[31m?b??c\xc3\xbc\n");
	end(&run);
}

// Runs `session add -` with this on standard input.
static struct run add_text(const char *text, size_t length)
{
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	cr_assert_eq(write(fds[1], text, length), (ssize_t)length);
	close(fds[1]);
	dup2(fds[0], STDIN_FILENO);
	close(fds[0]);
	return run_line("session add -");
}

Test(client, session_from_standard_input)
{
	static const char good[] = "{\"tx_key\": \"SECRET\"}\n";
	static const char *const bad[] = {
		"", "[1]", "{\"tx_key\": \"SECRET\"", "\"SECRET\"", "{\"a\":SECRET}", "{} {}"};

	struct run run = add_text(good, strlen(good));
	cr_expect_str_eq(run.out, "session 9 added\n", "%s", run.err);
	cr_expect_str_eq(asked, "session.add {\"tx_key\":\"SECRET\"}");
	end(&run);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		run = add_text(bad[i], strlen(bad[i]));
		cr_expect_eq(run.status, CLIENT_FAILED, "%s", bad[i]);
		cr_expect(
			strstr(run.err, "expected a JSON object, wrong at line 1"), "%s", run.err);
		cr_expect_null(strstr(run.err, "SECRET"), "%s", run.err);
		cr_expect_str_empty(asked);
		end(&run);
	}
}

Test(client, output_that_cannot_be_written)
{
	FILE *full = fopen("/dev/full", "w");
	char *argv[] = {"crowfly", "-s", path, "show", "stats", NULL};
	char *text = NULL;
	size_t size;
	FILE *err = open_memstream(&text, &size);

	cr_expect_eq(client_run(5, argv, full, err), CLIENT_FAILED);
	fclose(err);
	fclose(full);
	cr_expect(strstr(text, "cannot write the output: No space left on device"), "%s", text);
	free(text);
}

// Runs `events` in a process of its own; what it writes comes out of the pipe.
static pid_t start_events(const char *option, int *out)
{
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	pid_t pid = fork();
	if (pid == 0) {
		char *argv[] = {"crowfly", "-s", path, "events", NULL, NULL};

		if (option) {
			argv[3] = (char *)option;
			argv[4] = "events";
		}
		FILE *file = fdopen(fds[1], "w");
		close(fds[0]);
		_exit(client_run(option ? 5 : 4, argv, file, stderr));
	}
	close(fds[1]);
	*out = fds[0];
	return pid;
}

Test(client, events_until_interrupted)
{
	char line[1024];
	int out, status;
	pid_t pid = start_events(NULL, &out);
	FILE *file = fdopen(out, "r");

	cr_assert_not_null(fgets(line, sizeof(line), file));
	cr_expect(strstr(line, "call call=c7 direction=out"), "%s", line);
	cr_assert_not_null(fgets(line, sizeof(line), file));
	cr_expect_str_eq(line, "session.removed id=3 tag=-\n");
	kill(pid, SIGINT);
	waitpid(pid, &status, 0);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == CLIENT_OK, "status %x", status);
	fclose(file);
}

Test(client, events_end_with_the_server)
{
	char line[1024];
	int out, status;
	pid_t pid = start_events("-j", &out);
	FILE *file = fdopen(out, "r");

	cr_assert_not_null(fgets(line, sizeof(line), file));
	cr_expect(
		strstr(line, "{\"jsonrpc\":\"2.0\",\"method\":\"call\",\"params\":{"), "%s", line);
	teardown();
	waitpid(pid, &status, 0);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == CLIENT_FAILED, "status %x", status);
	fclose(file);
	stopping = false;
	setup(); // for the end of the test
}
