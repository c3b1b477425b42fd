// SPDX-License-Identifier: BSD-3-Clause
// An engine as its operator has it: whether its workers move, and the drain before its end.
#include "tests/unit/engine_rig.h"

#include <errno.h>

#include "engine/rcu.h"

static struct rig rig;

// One turn of worker i, by hand.
static void turn(unsigned i)
{
	rcu_thread_online();
	worker_iterate(&rig.engine->shared.workers[i]);
	rcu_thread_offline();
}

Test(run, every_worker_counts)
{
	rig_prepare(&rig, 2);
	rig.config.workers = 2;
	rig.config.paused = true;
	rig_run(&rig);
	cr_expect_not(engine_workers_polled(rig.engine));
	turn(0);
	cr_expect_not(engine_workers_polled(rig.engine), "one of two");
	turn(1);
	cr_expect(engine_workers_polled(rig.engine));
	cr_expect(engine_workers_moved(rig.engine), "since the start");
	log_set_level(LOG_EMERG);
	cr_expect_not(engine_workers_moved(rig.engine), "since a moment ago");
	turn(1);
	cr_expect_not(engine_workers_moved(rig.engine), "the first stands still");
	turn(0);
	cr_expect_not(engine_workers_moved(rig.engine), "now the second does");
	turn(0);
	turn(1);
	cr_expect(engine_workers_moved(rig.engine));
	rig_stop(&rig);
}

Test(run, sleeping_workers_move)
{
	rig_start(&rig);
	log_set_level(LOG_EMERG);
	for (int i = 0; i < 5000 && !engine_workers_polled(rig.engine); i++)
		usleep(1000);
	for (int round = 0; round < 5; round++) {
		bool moved = false;

		for (int i = 0; i < 5000 && !moved; i++) {
			usleep(1000);
			moved = engine_workers_moved(rig.engine);
		}
		cr_expect(moved, "round %d", round);
	}
	rig_stop(&rig);
}

Test(run, draining_takes_no_new_session_and_keeps_the_old)
{
	struct session_error error = {0};
	struct session_params other;
	struct engine_stats stats;
	uint32_t id = 0;

	rig_start(&rig);
	rig_add(&rig);
	engine_stats_get(rig.engine, &stats);
	cr_expect_not(stats.draining);
	engine_drain(rig.engine);
	other = rig.params;
	other.wire_local.port = 20010;
	other.host_local.port = 30010;
	cr_expect_eq(session_add(rig.engine, &other, &id, &error), -ESHUTDOWN);
	cr_expect_not_null(strstr(error.text, "draining"), "%s", error.text);
	engine_stats_get(rig.engine, &stats);
	cr_expect(stats.draining);
	cr_expect_eq(stats.sessions, 1);
	rig.params.direction = SESSION_SENDONLY;
	cr_expect_eq(session_update(rig.engine, rig.id, SESSION_DIRECTION, &rig.params, &error), 0,
		"%s", error.text);
	cr_expect_eq(session_remove(rig.engine, rig.id), 0);
	rig_stop(&rig);
}
