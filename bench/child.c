// SPDX-License-Identifier: BSD-3-Clause
// Starts and ends the processes of a benchmark; main thread.
#include "bench/child.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"

#define CHILDREN    8
#define END_WAIT_MS 5000

static volatile pid_t children[CHILDREN];
static void (*tidy)(void);

static void kill_all(void)
{
	for (int i = 0; i < CHILDREN; i++)
		if (children[i] > 0)
			kill(children[i], SIGKILL);
}

static void end(void)
{
	kill_all();
	if (tidy)
		tidy();
}

static void on_signal(int number)
{
	end();
	_exit(128 + number);
}

void child_init(void (*tidy_up)(void))
{
	tidy = tidy_up;
	atexit(end);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	signal(SIGHUP, on_signal);
}

static void watch(pid_t pid)
{
	for (int i = 0; i < CHILDREN; i++)
		if (children[i] == 0) {
			children[i] = pid;
			return;
		}
	kill(pid, SIGKILL);
	bench_fail("too many processes");
}

unsigned child_core(void)
{
	return bench_cores() > 1 ? 1 : 0;
}

void child_pin(unsigned core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

// In the child: ends when the parent does, and has nothing of it to end.
static void settle(unsigned core, pid_t parent)
{
	memset((void *)children, 0, sizeof(children));
	tidy = NULL;
	signal(SIGINT, SIG_IGN); // Ctrl-C goes to the parent, which ends us
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	child_pin(core);
}

pid_t child_start(unsigned core, int (*run)(void *arg), void *arg)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		bench_fail("no process: %s", strerror(errno));
	if (pid == 0) {
		settle(core, parent);
		_exit(run(arg));
	}
	watch(pid);
	return pid;
}

pid_t child_exec(unsigned core, char *const argv[], const char *log)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		bench_fail("no process: %s", strerror(errno));
	if (pid == 0) {
		int out = open(log ? log : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0600);

		settle(core, parent);
		dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
		dup2(out, STDOUT_FILENO);
		dup2(out, STDERR_FILENO);
		close_range(3, ~0u, 0);
		execvp(argv[0], argv);
		_exit(127);
	}
	watch(pid);
	return pid;
}

int child_alive(pid_t pid)
{
	siginfo_t info = {0};

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == 0;
}

void child_end(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGTERM);
	for (int ms = 0; ms < END_WAIT_MS && child_alive(pid); ms += 10)
		usleep(10000);
	kill(pid, SIGKILL); // not reaped yet: the number is still its own
	waitpid(pid, NULL, 0);
	for (int i = 0; i < CHILDREN; i++)
		if (children[i] == pid)
			children[i] = 0;
}

uint64_t child_cpu_ns(pid_t pid)
{
	clockid_t clock;
	struct timespec t;

	if (!child_alive(pid) || clock_getcpuclockid(pid, &clock) != 0 ||
		clock_gettime(clock, &t) != 0)
		bench_fail("process %d has ended by itself", (int)pid);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
