// SPDX-License-Identifier: BSD-3-Clause
// Forwarding modes: what becomes of packets in each; stop and start.
#include "engine/way.h"
#include "tests/unit/engine_media.h"

// Stops, sets the mode, starts.
static void change(struct rig *rig, enum fwd_mode mode)
{
	const struct fwd_setting setting = {.mode = mode, .burst = PACKET_BURST};

	cr_assert_eq(fwd_stop(rig->engine), 0);
	fwd_set(rig->engine, &setting);
	cr_assert_eq(fwd_start(rig->engine), 0);
}

static void send_sealed(
	struct rig *rig, struct context *far, unsigned queue, uint16_t seq, uint8_t plain[172])
{
	struct rig_frame frame;
	uint8_t sealed[300];
	uint32_t length;

	rig_rtp(plain, 0xabcdef01, seq, 172);
	memcpy(sealed, plain, 172);
	length = seal(far, sealed, 172, sizeof(sealed), false);
	rig_udp(&frame, RIG_WIRE, &rig->params.wire_remote, &rig->params.wire_local, sealed,
		(uint16_t)length);
	rig_send_queue(rig, RIG_WIRE, queue, &frame);
}

// What `worker` counts of media that ended there, once it is n.
static uint64_t sunk(struct rig *rig, uint64_t n)
{
	struct fwd_stats stats;

	for (int i = 0; i < 4000; i++) {
		fwd_stats_get(rig->engine, &stats);
		if (stats.counts.workers[0].sunk >= n)
			break;
		rig_pump(rig);
	}
	return stats.counts.workers[0].sunk;
}

static void nothing_leaves(struct rig *rig)
{
	struct rig_frame frame;

	for (int i = 0; i < 50; i++)
		rig_pump(rig);
	cr_assert_not(rig_take(rig, RIG_WIRE, &frame));
	cr_assert_not(rig_take(rig, RIG_HOST, &frame));
}

static void echoes(struct rig *rig, struct context *to_us, struct context *from_us, uint16_t seq)
{
	uint8_t plain[172], *payload;
	struct rig_frame frame;
	uint32_t length;

	send_sealed(rig, to_us, seq % 2, seq, plain);
	cr_assert(rig_receive(rig, RIG_WIRE, &frame));
	payload = check_udp(
		&frame, RIG_WIRE, &rig->params.wire_local, &rig->params.wire_remote, 0, &length);
	cr_assert_eq(open_sealed(from_us, payload, length, false), 172, "under the other key");
	cr_assert_arr_eq(payload, plain, 172);
}

Test(fwd, echo_goes_back_to_the_peer)
{
	struct session_info info;
	struct engine_stats stats;
	struct context *protect, *unprotect;
	struct rig rig;

	rig_start(&rig);
	rig_add(&rig);
	change(&rig, FWD_echo);
	protect = rig_context(&rig.params, CONTEXT_PROTECT);
	unprotect = rig_context(&rig.params, CONTEXT_UNPROTECT);
	for (uint16_t seq = 0; seq < 40; seq += 2)
		echoes(&rig, protect, unprotect, seq);
	nothing_leaves(&rig);
	engine_stats_get(rig.engine, &stats);
	for (unsigned i = 0; i < DROP_COUNT; i++)
		cr_assert_eq(stats.drops[i], 0, "%s", drop_names[i]);
	cr_assert_eq(session_get(rig.engine, rig.id, &info), 0);
	cr_assert_eq(info.rx.packets, 20);
	cr_assert_eq(info.tx.packets, 20);
	cr_assert_eq(info.rx.bytes, 20 * 172);
	cr_assert_eq(info.tx.bytes, 20 * 172);
	context_free(protect);
	context_free(unprotect);
	rig_stop(&rig);
}

// Mode direct gave the directions to two workers; in mode echo one has both.
Test(fwd, echo_after_direct_with_two_workers)
{
	struct context *protect, *unprotect;
	struct engine_stats stats;
	struct rig_frame frame;
	uint8_t plain[172];
	struct rig rig;

	rig_prepare(&rig, 2);
	rig.config.workers = 2;
	rig_run(&rig);
	rig_add(&rig);
	protect = rig_context(&rig.params, CONTEXT_PROTECT);
	unprotect = rig_context(&rig.params, CONTEXT_UNPROTECT);
	from_host(&rig, unprotect, 1, 1, false); // by worker 0
	send_sealed(&rig, protect, 1, 1, plain); // by worker 1
	cr_assert(rig_receive(&rig, RIG_HOST, &frame));
	change(&rig, FWD_echo);
	for (uint16_t seq = 3; seq < 23; seq += 2) // all by worker 1
		echoes(&rig, protect, unprotect, seq);
	engine_stats_get(rig.engine, &stats);
	cr_assert_eq(stats.handed_over, 0);
	change(&rig, FWD_direct);
	from_host(&rig, unprotect, 2, 4, false);
	from_wire(&rig, protect, 24, 4, false);
	context_free(protect);
	context_free(unprotect);
	rig_stop(&rig);
}

Test(fwd, echo_frees_what_applications_send)
{
	struct rig_frame frame;
	uint8_t plain[172];
	struct rig rig;

	rig_start(&rig);
	rig_add(&rig);
	change(&rig, FWD_echo);
	rig_rtp(plain, 7, 1, sizeof(plain));
	rig_udp(&frame, RIG_HOST, &rig.params.host_remote, &rig.params.host_local, plain, 172);
	rig_send(&rig, RIG_HOST, &frame);
	cr_assert_eq(sunk(&rig, 1), 1);
	nothing_leaves(&rig);
	rig_stop(&rig);
}

Test(fwd, sink_authenticates_counts_and_frees)
{
	struct session_info info;
	struct context *protect;
	struct rig_frame frame;
	uint8_t plain[172];
	struct rig rig;

	rig_start(&rig);
	rig_add(&rig);
	change(&rig, FWD_sink);
	protect = rig_context(&rig.params, CONTEXT_PROTECT);
	for (uint16_t seq = 0; seq < 10; seq++)
		send_sealed(&rig, protect, 0, seq, plain);
	cr_assert_eq(sunk(&rig, 10), 10);
	rig_udp(&frame, RIG_WIRE, &rig.params.wire_remote, &rig.params.wire_local, plain, 172);
	rig_send(&rig, RIG_WIRE, &frame); // in clear
	cr_assert_eq(
		rig_drops(&rig, DROP_REPLAY_DUPLICATE, 1) + rig_drops(&rig, DROP_AUTH_FAILED, 0),
		1);
	rig_udp(&frame, RIG_HOST, &rig.params.host_remote, &rig.params.host_local, plain, 172);
	rig_send(&rig, RIG_HOST, &frame);
	cr_assert_eq(sunk(&rig, 11), 11);
	nothing_leaves(&rig);
	cr_assert_eq(session_get(rig.engine, rig.id, &info), 0);
	cr_assert_eq(info.rx.packets, 10);
	cr_assert_eq(info.rx.lost, 0);
	cr_assert_eq(info.tx.packets, 1);
	context_free(protect);
	rig_stop(&rig);
}

Test(fwd, io_passes_what_it_is_not_told_about)
{
	static const uint8_t text[] = "neither RTP nor of a session";
	struct rig_frame frame, out;
	struct rig rig;

	rig_start(&rig);
	change(&rig, FWD_io);
	for (int from = RIG_WIRE; from <= RIG_HOST; from++) {
		rig_udp(&frame, from, &rig.params.wire_remote, &rig.params.host_local, text,
			sizeof(text));
		rig_send(&rig, from, &frame);
		cr_assert(rig_receive(&rig, from == RIG_WIRE ? RIG_HOST : RIG_WIRE, &out));
		cr_assert_eq(out.length, frame.length);
		cr_assert_arr_eq(out.bytes, frame.bytes, frame.length);
	}
	rig_ethernet(&frame, RIG_WIRE, 0, RTE_ETHER_TYPE_ARP);
	frame.length = 60;
	rig_send(&rig, RIG_WIRE, &frame);
	cr_assert(rig_receive(&rig, RIG_HOST, &out));
	rig_stop(&rig);
}

// ---- stop and start

Test(fwd, stopped_ports_are_not_polled_and_workers_live)
{
	struct context *protect, *unprotect;
	struct rig_frame frame;
	struct fwd_stats stats;
	uint8_t plain[172];
	struct rig rig;

	rig_start(&rig);
	rig_add(&rig);
	protect = rig_context(&rig.params, CONTEXT_PROTECT);
	unprotect = rig_context(&rig.params, CONTEXT_UNPROTECT);
	cr_assert_eq(fwd_start(rig.engine), -EALREADY);
	cr_assert_eq(fwd_stop(rig.engine), 0);
	cr_assert_eq(fwd_stop(rig.engine), -EALREADY);
	engine_workers_moved(rig.engine);
	for (uint16_t seq = 1; seq <= 5; seq++)
		send_sealed(&rig, protect, 0, seq, plain);
	nothing_leaves(&rig);
	cr_assert(engine_workers_moved(rig.engine));
	cr_assert_eq(rte_ring_count(rig.ports[RIG_WIRE].in[0]), 5, "nobody took them");
	// The control thread is not held up: a session comes and goes
	cr_assert_eq(session_remove(rig.engine, rig.id), 0);
	retire_flush(rig.engine->retire);
	cr_assert_eq(session_add(rig.engine, &rig.params, &rig.id, NULL), 0);
	cr_assert_eq(fwd_start(rig.engine), 0);
	for (int i = 0; i < 5; i++)
		cr_assert(rig_receive(&rig, RIG_HOST, &frame), "what waited goes on");
	from_host(&rig, unprotect, 1, 3, false);
	fwd_stats_get(rig.engine, &stats);
	cr_assert_eq(stats.counts.ports[ROLE_WIRE].rx, 5, "since the start");
	cr_assert_eq(stats.counts.ports[ROLE_WIRE].tx, 3);
	cr_assert_eq(stats.counts.ports[ROLE_HOST].rx, 3);
	cr_assert_eq(stats.counts.workers[0].rx, 8);
	context_free(protect);
	context_free(unprotect);
	rig_stop(&rig);
}

Test(fwd, settings_wait_for_the_start)
{
	const struct fwd_setting setting = {.mode = FWD_sink, .burst = 1};
	struct context *protect, *unprotect;
	struct fwd_stats stats;
	uint8_t plain[172];
	struct rig rig;

	rig_start(&rig);
	rig_add(&rig);
	protect = rig_context(&rig.params, CONTEXT_PROTECT);
	unprotect = rig_context(&rig.params, CONTEXT_UNPROTECT);
	fwd_set(rig.engine, &setting);
	from_wire(&rig, protect, 1, 3, false);
	from_host(&rig, unprotect, 1, 3, false);
	cr_assert_eq(fwd_stop(rig.engine), 0);
	cr_assert_eq(fwd_start(rig.engine), 0);
	send_sealed(&rig, protect, 0, 4, plain);
	send_sealed(&rig, protect, 0, 5, plain);
	cr_assert_eq(sunk(&rig, 2), 2);
	cr_assert_eq(rig.engine->shared.fwd.burst, 1);
	fwd_clear(rig.engine);
	fwd_stats_get(rig.engine, &stats);
	cr_assert_eq(stats.counts.workers[0].sunk, 0);
	context_free(protect);
	context_free(unprotect);
	rig_stop(&rig);
}

// A second's rates are those of the second before, whoever asks how often.
Test(fwd, rates_are_of_a_whole_second)
{
	struct context *protect;
	struct fwd_stats stats;
	uint8_t plain[172];
	struct rig rig;

	rig_start(&rig);
	rig_add(&rig);
	change(&rig, FWD_sink);
	protect = rig_context(&rig.params, CONTEXT_PROTECT);
	for (uint16_t seq = 0; seq < 100; seq++)
		send_sealed(&rig, protect, 0, seq, plain);
	cr_assert_eq(sunk(&rig, 100), 100);
	fwd_second(rig.engine);
	// as if the last sample were a second ago, to the tick
	rig.engine->fwd.seconds[1].tsc = rig.engine->fwd.seconds[0].tsc - rig.engine->shared.tsc_hz;
	for (int i = 0; i < 2; i++) {
		fwd_stats_get(rig.engine, &stats);
		cr_assert_eq(stats.ports_per_s[ROLE_WIRE].rx, 100);
		cr_assert_eq(stats.workers_per_s[0].sunk, 100);
	}
	context_free(protect);
	rig_stop(&rig);
}

// A way that fills its place would go on into the next one's.
Test(fwd, each_way_ends)
{
	for (unsigned mode = 0; mode < FWD_COUNT; mode++)
		for (unsigned source = 0; source < WAY_SOURCES; source++)
			cr_assert_null(way_table[mode][source][WAY_STAGES - 1].run);
}
