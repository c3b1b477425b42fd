// SPDX-License-Identifier: BSD-3-Clause
// The prompt on the engine's own terminal (-i): a client of the engine's API on a thread of its
// own, whose connections are socket pairs that the control thread adopts.
#include "engine/console.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "engine/api_server.h"
#include "engine/base/log.h"
#include "engine/client/editor.h"
#include "engine/client/prompt.h"
#include "engine/client/script.h"

#define ENDED	-1
#define WAIT_NS 20000000
#define WAITS	25 // then the thread is waiting for input that does not come

struct console {
	struct api_server *api;
	void (*ended)(void *arg);
	void *arg;
	struct event *request;
	int requests[2]; // file descriptors to be adopted, or ENDED, from the prompt's thread
	int peer;	 // the control thread's end of the last connection
	atomic_bool stopping;
	pthread_t thread;
	bool started, has_ended;
	// the prompt's thread
	struct client client;
	struct editor *editor;
};

// ---- the prompt's thread

static bool ask_control(struct console *console, int request)
{
	return write(console->requests[1], &request, sizeof(request)) == sizeof(request);
}

static int connect_to_self(void *arg)
{
	struct console *console = arg;
	int fds[2];

	if (console->stopping) {
		errno = ECONNREFUSED;
		return -1;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return -1;
	if (ask_control(console, fds[1]))
		return fds[0];
	close(fds[0]);
	close(fds[1]);
	return -1;
}

static void *run(void *arg)
{
	struct console *console = arg;

	if (console->editor)
		prompt_run(&console->client, console->editor);
	else
		script_load(&console->client, "-");
	ask_control(console, ENDED);
	return NULL;
}

// Log lines go above the line that is typed, where both are on the terminal.
static void insert_log(void *editor, const char *line, size_t length)
{
	editor_insert(editor, line, length);
}

// ---- the control thread

static void adopt(struct console *console, int fd)
{
	if (console->peer >= 0)
		close(console->peer);
	console->peer = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	api_server_adopt(console->api, fd);
}

static void on_request(evutil_socket_t fd, short what, void *arg)
{
	struct console *console = arg;
	int request;

	(void)what;
	if (read(fd, &request, sizeof(request)) != sizeof(request))
		return;
	if (request != ENDED) {
		adopt(console, request);
	} else {
		console->has_ended = true;
		console->ended(console->arg);
	}
}

bool console_interrupt(struct console *console)
{
	char c;

	// The client's end is closed when its command has ended
	if (console->peer < 0 || recv(console->peer, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
		return false;
	console->client.interrupted = SIGINT;
	return shutdown(console->peer, SHUT_RDWR) == 0;
}

static int start_thread(struct console *console)
{
	sigset_t all, before;
	int rc;

	// Signals are the control thread's
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&console->thread, NULL, run, console);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	console->started = rc == 0;
	errno = rc;
	return rc;
}

struct console *console_new(
	struct event_base *base, struct api_server *api, void (*ended)(void *arg), void *arg)
{
	struct console *console = calloc(1, sizeof(*console));
	bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);

	if (!console)
		return NULL;
	console->api = api;
	console->ended = ended;
	console->arg = arg;
	console->peer = -1;
	console->requests[0] = console->requests[1] = -1;
	console->client = (struct client){.out = stdout,
		.err = stderr,
		.fd = -1,
		.catches = true,
		.where = "crowfly-engine: ",
		.connect = connect_to_self,
		.connect_arg = console};
	console->editor = terminal ? prompt_editor_new(STDIN_FILENO, STDOUT_FILENO) : NULL;
	if ((terminal && !console->editor) || pipe2(console->requests, O_CLOEXEC) != 0)
		goto failed;
	console->request =
		event_new(base, console->requests[0], EV_READ | EV_PERSIST, on_request, console);
	if (!console->request || event_add(console->request, NULL) != 0)
		goto failed;
	if (terminal && isatty(STDERR_FILENO))
		log_set_writer(insert_log, console->editor);
	if (start_thread(console) == 0)
		return console;
failed:
	console_free(console);
	return NULL;
}

// Connections that were asked for meanwhile are refused.
static void refuse(struct console *console)
{
	struct pollfd state = {.fd = console->requests[0], .events = POLLIN};
	int request;

	while (poll(&state, 1, 0) > 0 &&
		read(console->requests[0], &request, sizeof(request)) == sizeof(request))
		if (request != ENDED)
			close(request);
}

static void join(struct console *console)
{
	console->stopping = true;
	if (console->editor)
		editor_stop(console->editor);
	for (unsigned i = 0;; i++) {
		struct timespec until;

		refuse(console);
		console_interrupt(console);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += WAIT_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		if (pthread_timedjoin_np(console->thread, NULL, &until) == 0)
			return;
		if (i == WAITS)
			pthread_cancel(console->thread);
	}
}

int console_free(struct console *console)
{
	int status;

	if (!console)
		return 0;
	log_set_writer(NULL, NULL);
	if (console->started)
		join(console);
	status = console->has_ended ? (int)console->client.status : 0;
	if (console->editor)
		editor_free(console->editor);
	if (console->request)
		event_free(console->request);
	for (int i = 0; i < 2; i++)
		if (console->requests[i] >= 0)
			close(console->requests[i]);
	if (console->peer >= 0)
		close(console->peer);
	free(console);
	return status;
}
