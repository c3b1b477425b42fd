// SPDX-License-Identifier: BSD-3-Clause
// Answers DPDK's telemetry commands. A thread of the telemetry library, one for each client, hands
// its question to the control thread and waits a bounded time: tables are the control thread's, and
// workers notice nothing.
#include "engine/telemetry.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "engine/telemetry_answer.h"

#define WAIT_MS 1000

enum question_state { NONE, ASKED, ANSWERED };

// One question at a time; the others wait for their turn.
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct engine *engine; // NULL: nobody answers
	int fd;
	struct event *event;
	enum question_state state;
	const struct telemetry_command *command;
	const char *params;
	struct rte_tel_data *data;
	int rc;
} self = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

// ---- the control thread

static void on_question(evutil_socket_t fd, short what, void *arg)
{
	uint64_t n;

	(void)what;
	(void)arg;
	if (read(fd, &n, sizeof(n)) < 0)
		return;
	// The asker waits for the lock, too, before it gives up: `data` is valid while this is held
	pthread_mutex_lock(&self.lock);
	if (self.state == ASKED) {
		self.rc = self.command->answer(self.engine, self.params, self.data);
		self.state = ANSWERED;
		pthread_cond_broadcast(&self.changed);
	}
	pthread_mutex_unlock(&self.lock);
}

// ---- telemetry's threads

static bool wait_until(enum question_state state, const struct timespec *deadline)
{
	while (self.engine && self.state != state)
		if (pthread_cond_timedwait(&self.changed, &self.lock, deadline) == ETIMEDOUT)
			break;
	return self.engine && self.state == state;
}

static int ask(
	const struct telemetry_command *command, const char *params, struct rte_tel_data *data)
{
	const uint64_t one = 1;
	struct timespec deadline;
	int rc = -EAGAIN;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += WAIT_MS / 1000;
	pthread_mutex_lock(&self.lock);
	if (wait_until(NONE, &deadline)) {
		self.state = ASKED;
		self.command = command;
		self.params = params;
		self.data = data;
		if (write(self.fd, &one, sizeof(one)) == sizeof(one) &&
			wait_until(ANSWERED, &deadline))
			rc = self.rc;
		self.state = NONE;
		pthread_cond_broadcast(&self.changed);
	}
	pthread_mutex_unlock(&self.lock);
	return rc;
}

static int on_command(const char *name, const char *params, struct rte_tel_data *data)
{
	for (const struct telemetry_command *c = telemetry_commands; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return ask(c, params, data);
	return -EINVAL;
}

// ---- life

// The library has no way to take a command back, so this is done once.
static int register_commands(void)
{
	static bool done;
	pthread_condattr_t attributes;
	int rc = 0;

	if (done)
		return 0;
	done = true;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&self.changed, &attributes);
	pthread_condattr_destroy(&attributes);
	for (const struct telemetry_command *c = telemetry_commands; c->name && rc == 0; c++)
		rc = rte_telemetry_register_cmd(c->name, on_command, c->help);
	return rc;
}

int telemetry_start(struct engine *engine, struct event_base *base)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), rc = fd < 0 ? -errno : register_commands();
	struct event *event =
		rc == 0 ? event_new(base, fd, EV_READ | EV_PERSIST, on_question, NULL) : NULL;

	if (!event || event_add(event, NULL) != 0) {
		if (event)
			event_free(event);
		if (fd >= 0)
			close(fd);
		return rc ? rc : -ENOMEM;
	}
	pthread_mutex_lock(&self.lock);
	self.engine = engine;
	self.fd = fd;
	self.event = event;
	self.state = NONE;
	pthread_mutex_unlock(&self.lock);
	return 0;
}

void telemetry_stop(void)
{
	pthread_mutex_lock(&self.lock);
	if (self.engine) {
		self.engine = NULL;
		event_free(self.event);
		close(self.fd);
		self.fd = -1;
		pthread_cond_broadcast(&self.changed);
	}
	pthread_mutex_unlock(&self.lock);
}
