// SPDX-License-Identifier: BSD-3-Clause
// What a daemon tells the service manager, and when: the test is the manager, and sends the
// signals.
#include "engine/base/sdnotify.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/base/service.h"

static int manager = -1;

// Opens $NOTIFY_SOCKET; a '@' at the beginning: an abstract name.
static void listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(path) + (path[0] == '/');

	memcpy(address.sun_path, path, strlen(path));
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	cr_assert_eq(bind(manager, (struct sockaddr *)&address,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
		0, "%s", strerror(errno));
	setenv("NOTIFY_SOCKET", path, 1);
}

static void listen_here(void)
{
	char path[64];

	log_init("test", LOG_EMERG);
	snprintf(path, sizeof(path), "@crowfly-notify-%d", getpid());
	listen_at(path);
}

// The next thing told; "" if nothing was.
static const char *told(void)
{
	static char text[256];
	ssize_t n = recv(manager, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}

Test(sdnotify, nobody_listens)
{
	unsetenv("NOTIFY_SOCKET");
	cr_expect_eq(sdnotify_send("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "", 1);
	cr_expect_eq(sdnotify_send("READY=1"), 0);
}

Test(sdnotify, path_and_abstract_name)
{
	char path[64];

	listen_here();
	cr_expect_eq(sdnotify_send("READY=1\nSTATUS=here"), 0);
	cr_expect_str_eq(told(), "READY=1\nSTATUS=here");
	close(manager);
	snprintf(path, sizeof(path), "/tmp/crowfly-notify-%d", getpid());
	listen_at(path);
	cr_expect_eq(sdnotify_send("STOPPING=1"), 0);
	cr_expect_str_eq(told(), "STOPPING=1");
	unlink(path);
	cr_expect_eq(sdnotify_send("STOPPING=1"), -ENOENT);
}

Test(sdnotify, addresses_that_are_none)
{
	char path[256];

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	const char *const cases[] = {"/", "@", "relative", "vsock:2:3", path};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setenv("NOTIFY_SOCKET", cases[i], 1);
		cr_expect_eq(sdnotify_send("READY=1"), -EINVAL, "%s", cases[i]);
	}
}

Test(sdnotify, watchdog)
{
	static const struct {
		const char *usec;
		bool pid, own;
		uint64_t expected;
	} cases[] = {{NULL, false, false, 0}, {"2000000", false, false, 2000000},
		{"2000000", true, true, 2000000}, {"2000000", true, false, 0},
		{"", false, false, 0}, {"-1", false, false, 0}, {"2s", false, false, 0},
		{" 2", false, false, 0}, {"99999999999999999999", false, false, 0}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char pid[32];

		snprintf(pid, sizeof(pid), "%d", cases[i].own ? getpid() : 1);
		cases[i].usec ? setenv("WATCHDOG_USEC", cases[i].usec, 1)
			      : unsetenv("WATCHDOG_USEC");
		cases[i].pid ? setenv("WATCHDOG_PID", pid, 1) : unsetenv("WATCHDOG_PID");
		cr_expect_eq(sdnotify_watchdog_us(), cases[i].expected, "case %zu", i);
	}
}

// ---- the service

static struct {
	struct event_base *base;
	struct service *service;
	bool is_ready, moves;
	unsigned asked, ready, stops, stops_now, reloads;
} d;

static bool is_ready(void *arg)
{
	(void)arg;
	d.asked++;
	return d.is_ready;
}

static bool moves(void *arg)
{
	(void)arg;
	return d.moves;
}

#define COUNT(name, field)                                                                         \
	static void name(void *arg)                                                                \
	{                                                                                          \
		(void)arg;                                                                         \
		d.field++;                                                                         \
	}
COUNT(ready, ready)
COUNT(stop, stops)
COUNT(stop_now, stops_now)
COUNT(reload, reloads)

static void begin(void)
{
	static const struct service_ops ops = {is_ready, ready, moves, stop, stop_now, reload};

	listen_here();
	d.base = event_base_new();
	d.service = service_new(d.base, &ops, NULL);
	cr_assert_not_null(d.service);
}

static void end(void)
{
	service_free(d.service);
	event_base_free(d.base);
	close(manager);
}

// Turns the loop until `condition` holds.
#define UNTIL(condition)                                                                           \
	do {                                                                                       \
		for (int i_ = 0; i_ < 5000 && !(condition); i_++) {                                \
			event_base_loop(d.base, EVLOOP_NONBLOCK);                                  \
			usleep(1000);                                                              \
		}                                                                                  \
		cr_assert(condition);                                                              \
	} while (0)

Test(service, ready_once_it_is)
{
	begin();
	UNTIL(d.asked >= 3);
	cr_expect_str_eq(told(), "");
	d.is_ready = true;
	UNTIL(d.ready == 1);
	cr_expect_str_eq(told(), "READY=1");
	unsigned asked = d.asked;
	raise(SIGHUP);
	UNTIL(d.reloads == 1);
	cr_expect_eq(strncmp(told(), "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
	cr_expect_str_eq(told(), "READY=1");
	cr_expect_eq(d.asked, asked, "asked again");
	cr_expect_eq(d.ready, 1);
	end();
}

Test(service, reload_before_ready)
{
	begin();
	raise(SIGHUP);
	UNTIL(d.reloads == 1);
	cr_expect_str_eq(told(), "", "not ready by a reload");
	end();
}

Test(service, stop_and_stop_now)
{
	begin();
	raise(SIGTERM);
	UNTIL(d.stops == 1);
	cr_expect_str_eq(told(), "STOPPING=1");
	raise(SIGINT);
	UNTIL(d.stops_now == 1);
	raise(SIGTERM);
	UNTIL(d.stops_now == 2);
	cr_expect_eq(d.stops, 1);
	d.is_ready = true;
	raise(SIGHUP);
	raise(SIGINT);
	UNTIL(d.stops_now == 3);
	cr_expect_eq(d.reloads, 0, "a stopping daemon reloads nothing");
	for (int i = 0; i < 100; i++) {
		event_base_loop(d.base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
	cr_expect_eq(d.ready, 0, "one that stops gets ready");
	cr_expect_str_eq(told(), "");
	service_stop_takes(90);
	cr_expect_str_eq(told(), "EXTEND_TIMEOUT_USEC=90000000");
	end();
}

Test(service, watchdog_is_fed_while_all_moves)
{
	setenv("WATCHDOG_USEC", "80000", 1);
	unsetenv("WATCHDOG_PID");
	d.moves = true;
	begin();
	for (unsigned times = 0; times < 3; times++) {
		bool fed = false;

		UNTIL(fed || (fed = strcmp(told(), "WATCHDOG=1") == 0));
	}
	d.moves = false;
	event_base_loop(d.base, EVLOOP_NONBLOCK);
	while (*told())
		;
	for (int i = 0; i < 100; i++) {
		event_base_loop(d.base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
	cr_expect_str_eq(told(), "", "fed though nothing moves");
	d.moves = true;
	bool fed = false;
	UNTIL(fed || (fed = *told()));
	end();
}
