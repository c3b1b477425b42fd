// SPDX-License-Identifier: BSD-3-Clause
// The life of the workers: rings, threads, the loop with its quiescent states and its sleep when
// idle. Main thread, and each worker for its loop.
#include "engine/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "engine/base/log.h"
#include "engine/explain.h"
#include "engine/rcu.h"

#define QUIESCENT_LOOPS 16   // between two quiescent states
#define IDLE_SPIN	512  // empty turns before the first sleep
#define IDLE_DEEP	4096 // empty turns before the longer sleeps
#define SLEEP_SHORT_NS	50000
#define SLEEP_LONG_NS	200000
#define NICE		(-10)

// ---- rings

static struct rte_ring *new_ring(const char *name, unsigned index, unsigned size, unsigned flags)
{
	char full[RTE_RING_NAMESIZE];

	snprintf(full, sizeof(full), "crowfly_%s_%u", name, index);
	return rte_ring_create(full, size, SOCKET_ID_ANY, flags);
}

static void free_ring(struct rte_ring *ring)
{
	void *mbuf;

	if (!ring)
		return;
	while (rte_ring_dequeue(ring, &mbuf) == 0)
		rte_pktmbuf_free(mbuf);
	rte_ring_free(ring);
}

int worker_init_all(struct worker_shared *shared)
{
	bool complete;

	shared->to_kernel = new_ring("to_kernel", 0, WORKER_RING, RING_F_SC_DEQ);
	shared->to_control = new_ring("to_control", 0, WORKER_CONTROL_RING, RING_F_SC_DEQ);
	shared->from_control =
		new_ring("from_control", 0, WORKER_CONTROL_RING, RING_F_SP_ENQ | RING_F_SC_DEQ);
	complete = shared->to_kernel && shared->to_control && shared->from_control &&
		   explain_init_all(shared) == 0;
	for (unsigned i = 0; i < shared->n_workers; i++) {
		struct worker *w = &shared->workers[i];

		w->shared = shared;
		w->index = i;
		w->handover = new_ring("handover", i, WORKER_RING, RING_F_SC_DEQ);
		complete = complete && w->handover;
	}
	if (complete)
		return 0;
	worker_fini_all(shared);
	return -ENOMEM;
}

void worker_fini_all(struct worker_shared *shared)
{
	explain_fini_all(shared);
	for (unsigned i = 0; i < shared->n_workers; i++) {
		free_ring(shared->workers[i].handover);
		shared->workers[i].handover = NULL;
	}
	free_ring(shared->to_kernel);
	free_ring(shared->to_control);
	free_ring(shared->from_control);
	shared->to_kernel = shared->to_control = shared->from_control = NULL;
}

// ---- the loop

static void idle_sleep(struct worker *w, unsigned idle)
{
	const struct timespec pause = {
		.tv_nsec = idle < IDLE_DEEP ? SLEEP_SHORT_NS : SLEEP_LONG_NS};

	rcu_thread_offline(); // a grace period need not wait for the sleeper
	nanosleep(&pause, NULL);
	rcu_thread_online();
	counter_add(&w->counters.sleeps, 1);
}

// Where other programs share the core, a worker that waits for its turn loses packets. Without the
// right to it, it does without.
static void ask_for_priority(void)
{
	setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
}

static void run(struct worker *w)
{
	unsigned loops = 0, idle = 0;

	ask_for_priority();
	if (context_thread_init() != 0) // the first burst tries again
		log_warning("worker %u: out of memory for the crypto back end", w->index);
	rcu_register_thread();
	while (!__atomic_load_n(&w->shared->stop, __ATOMIC_RELAXED)) {
		if (worker_iterate(w) > 0)
			idle = 0;
		else if (idle < IDLE_DEEP)
			idle++;
		if (++loops % QUIESCENT_LOOPS == 0)
			rcu_quiescent_state();
		if ((w->shared->idle_sleep || w->fwd.stopped) && idle >= IDLE_SPIN)
			idle_sleep(w, idle);
	}
	rcu_unregister_thread();
}

static int lcore_main(void *arg)
{
	run(arg);
	return 0;
}

static void *thread_main(void *arg)
{
	struct worker *w = arg;

	prctl(PR_SET_NAME, "crowfly-worker");
	prctl(PR_SET_TIMERSLACK, 1);
	if (rte_thread_register() != 0)
		log_warning("worker %u runs without the buffer cache of an lcore", w->index);
	run(w);
	rte_thread_unregister();
	return NULL;
}

// ---- start and stop

static int start_thread(struct worker *w)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all); // signals are the control thread's
	pthread_sigmask(SIG_BLOCK, &all, &old);
	rc = pthread_create(&w->thread, NULL, thread_main, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -rc;
}

int worker_start_all(struct worker_shared *shared)
{
	unsigned lcore = rte_get_next_lcore(-1, 1, 0);
	int rc = 0;

	__atomic_store_n(&shared->stop, 0, __ATOMIC_RELAXED);
	for (unsigned i = 0; rc == 0 && i < shared->n_workers; i++) {
		struct worker *w = &shared->workers[i];

		w->on_lcore = lcore < RTE_MAX_LCORE;
		if (w->on_lcore) {
			w->lcore = lcore;
			rc = rte_eal_remote_launch(lcore_main, w, lcore);
			lcore = rte_get_next_lcore(lcore, 1, 0);
		} else {
			rc = start_thread(w);
		}
		w->running = rc == 0;
	}
	if (rc != 0)
		worker_stop_all(shared);
	return rc;
}

void worker_stop_all(struct worker_shared *shared)
{
	__atomic_store_n(&shared->stop, 1, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < shared->n_workers; i++) {
		struct worker *w = &shared->workers[i];

		if (w->running && w->on_lcore)
			rte_eal_wait_lcore(w->lcore);
		else if (w->running)
			pthread_join(w->thread, NULL);
		w->running = false;
	}
}
