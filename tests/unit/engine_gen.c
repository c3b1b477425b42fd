// SPDX-License-Identifier: BSD-3-Clause
// The generator: its pace, its addresses and keys, its sessions.
#include "engine/gen.h"
#include "engine/gen_key.h"
#include "tests/unit/engine_rig.h"

#define HZ 2450000123ull

// ---- pace

Test(gen_pace, is_exact_in_the_long_run)
{
	static const uint64_t rates[] = {1, 3, 50, 999, 5000, 1000003, 20000000};

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		uint64_t now = 77, end = now + HZ, sent = 0, late = 0;
		struct gen_pace pace;

		gen_pace_init(&pace, rates[i], HZ, now);
		for (; now < end; now += HZ / 1000)
			while (1) {
				unsigned n = gen_pace_due(&pace, now, 32, &late);

				sent += n;
				if (n == 0)
					break;
			}
		cr_assert_eq(late, 0);
		cr_assert(sent + rates[i] / 1000 + 1 >= rates[i] && sent <= rates[i] + 1,
			"%lu a second: %lu", rates[i], sent);
	}
}

Test(gen_pace, sends_none_before_its_time_and_no_more_than_asked)
{
	uint64_t late = 0;
	struct gen_pace pace;

	gen_pace_init(&pace, 1000, 1000000, 5000); // one in 1,000 ticks
	cr_assert_eq(gen_pace_due(&pace, 4999, 32, &late), 0);
	cr_assert_eq(gen_pace_due(&pace, 5000, 32, &late), 1);
	cr_assert_eq(gen_pace_due(&pace, 5999, 32, &late), 0);
	cr_assert_eq(gen_pace_due(&pace, 9000, 3, &late), 3);
	cr_assert_eq(gen_pace_due(&pace, 9000, 3, &late), 1, "that is left of four");
	cr_assert_eq(gen_pace_due(&pace, 9000, 3, &late), 0);
	cr_assert_eq(late, 0);
}

// After a pause of a second: what is due for more than a hundredth is not sent in a rush.
Test(gen_pace, gives_up_what_is_too_late)
{
	uint64_t late = 0, sent = 0;
	struct gen_pace pace;
	unsigned n;

	gen_pace_init(&pace, 1000, 1000000, 0);
	while ((n = gen_pace_due(&pace, 1000000, 32, &late)) > 0)
		sent += n;
	cr_assert_eq(sent + late, 1001);
	cr_assert(sent >= 10 && sent <= 11, "%lu", sent);
	cr_assert_eq(gen_pace_due(&pace, 1000999, 32, &late), 0);
	cr_assert_eq(gen_pace_due(&pace, 1001000, 32, &late), 1);
	// a pause of a year: no overflow
	late = 0;
	gen_pace_init(&pace, 1000000, 5000000000ull, 0);
	n = gen_pace_due(&pace, 5000000000ull * 86400 * 365, 32, &late);
	cr_assert_eq(n, 32);
	cr_assert(late > 1000000ull * 86400 * 365 - 20000 && late < 1000000ull * 86400 * 365);
}

Test(gen_pace, without_a_rate_one_is_always_due)
{
	uint64_t late = 0;
	struct gen_pace pace;

	gen_pace_init(&pace, 0, HZ, 1000);
	for (int i = 0; i < 10; i++)
		cr_assert_eq(gen_pace_due(&pace, 0, 7, &late), 7);
	cr_assert_eq(late, 0);
}

// ---- addresses and keys

static struct gen_params params_of(const char *local, uint16_t lp, const char *remote, uint16_t rp)
{
	return (struct gen_params){.sessions = 1,
		.local = rig_addr(local, lp),
		.remote = rig_addr(remote, rp),
		.traffic = {GEN_RATE, GEN_PAYLOAD}};
}

// Both ends find the same pairs, and no pair twice. Ports 65000 to 65534: 268 of them.
Test(gen, addresses_of_both_ends_match)
{
	struct gen_params a = params_of("10.0.0.1", 64990, "10.0.0.2", 65000);
	struct gen_params b = params_of("10.0.0.2", 65000, "10.0.0.1", 64990);
	static uint8_t seen[268][268];

	cr_assert_eq(gen_sessions_max(&a), 268 * 256);
	cr_assert_eq(gen_sessions_max(&b), 268 * 256);
	for (unsigned i = 0; i < 268 * 256; i++) {
		struct session_addr al, ar, bl, br;

		gen_wire(&a, i, &al, &ar);
		gen_wire(&b, i, &bl, &br);
		cr_assert(al.port == br.port && ar.port == bl.port);
		cr_assert(address_equal(&al.ip, &br.ip) && address_equal(&ar.ip, &bl.ip));
		cr_assert(al.port >= 64990 && (al.port - 64990) % 2 == 0 && ar.port >= 65000);
		cr_assert_eq(seen[(al.port - 64990) / 2][(ar.port - 65000) / 2]++, 0);
	}
}

Test(gen, keys_differ_by_direction_session_suite_and_secret)
{
	const struct session_addr a = rig_addr("10.0.0.1", 20000), b = rig_addr("10.0.0.2", 20000),
				  c = rig_addr("10.0.0.2", 20002);
	struct gen_key *one = gen_key_new("one"), *two = gen_key_new("two");
	uint8_t keys[6][SUITE_KEY_MAX + SUITE_SALT_MAX];

	gen_key_derive(one, &a, &b, SUITE_AEAD_AES_128_GCM, keys[0]);
	gen_key_derive(one, &b, &a, SUITE_AEAD_AES_128_GCM, keys[1]);
	gen_key_derive(one, &a, &c, SUITE_AEAD_AES_128_GCM, keys[2]);
	gen_key_derive(one, &a, &b, SUITE_AEAD_AES_256_GCM, keys[3]);
	gen_key_derive(two, &a, &b, SUITE_AEAD_AES_128_GCM, keys[4]);
	gen_key_derive(one, &a, &b, SUITE_AEAD_AES_128_GCM, keys[5]);
	cr_assert_arr_eq(keys[0], keys[5], sizeof(keys[0]), "the same at each end");
	for (int i = 0; i < 5; i++)
		for (int k = i + 1; k < 5; k++) {
			cr_assert_neq(memcmp(keys[i], keys[k], 28), 0, "%d and %d", i, k);
			cr_assert_neq(memcmp(keys[i] + 32, keys[k] + 32, 12), 0);
		}
	gen_key_free(one);
	gen_key_free(two);
}

// RFC 5869 with the parameters of gen_key.h, computed by Python's hmac.
Test(gen, keys_are_hkdf)
{
	static const uint8_t expected[] = {0xba, 0xf0, 0x34, 0xdb, 0x9a, 0x3d, 0xe8, 0x2a, 0x5b,
		0x2b, 0xb0, 0x99, 0xbf, 0x8a, 0xfa, 0xf6, 0x8b, 0x40, 0xea, 0x13, 0x38, 0x9e, 0xc7,
		0x43, 0xdc, 0x99, 0xc4, 0xb4, 0x9d, 0x09, 0x36, 0x90, 0x09, 0xc3, 0xd8, 0x4c, 0x29,
		0x09, 0xc1, 0xd0, 0x01, 0x47, 0x54, 0x40, 0x9d, 0xdc};
	const struct session_addr a = rig_addr("10.0.0.1", 20000), b = rig_addr("10.0.0.2", 20002);
	uint8_t key[SUITE_KEY_MAX + SUITE_SALT_MAX];
	struct gen_key *one = gen_key_new("secret");

	cr_assert_eq(gen_key_derive(one, &a, &b, SUITE_AEAD_AES_128_GCM, key), 0);
	cr_assert_arr_eq(key, expected, sizeof(key));
	gen_key_free(one);
}

// ---- sessions

// Sets it, and waits until all sessions are there, or none.
static int set(struct rig *rig, const struct gen_params *params, struct session_error *error)
{
	int rc = gen_set(rig->engine, params, error);
	struct gen_info info = {.state = GEN_ADDING};

	while (rc == 0 && info.state == GEN_ADDING) {
		gen_tick(rig->engine);
		gen_get(rig->engine, &info);
	}
	if (rc == 0 && info.state == GEN_NONE)
		*error = rig->engine->gen_error;
	return rc;
}

// What leaves by the wire comes back to it.
static void loop(struct rig *rig)
{
	struct rig_frame frame;

	rig_pump(rig);
	while (rig_take(rig, RIG_WIRE, &frame))
		rig_send(rig, RIG_WIRE, &frame);
}

static void start(struct rig *rig)
{
	const struct fwd_setting setting = {.mode = FWD_gen, .burst = PACKET_BURST};

	cr_assert_eq(fwd_stop(rig->engine), 0);
	fwd_set(rig->engine, &setting);
	cr_assert_eq(fwd_start(rig->engine), 0);
}

// Lets packets come until there are n.
static void receive(struct rig *rig, uint64_t n)
{
	struct gen_info info;

	for (int i = 0; i < 20000; i++) {
		loop(rig);
		gen_get(rig->engine, &info);
		if (info.counts.received >= n)
			break;
	}
	cr_assert_geq(info.counts.received, n);
	cr_assert_eq(info.counts.lost, 0);
	cr_assert_eq(info.counts.auth_failed + info.counts.replayed + info.counts.dropped, 0);
}

Test(gen, talks_to_itself_and_goes_on_after_a_stop)
{
	const struct gen_traffic faster = {200, 1};
	struct session_error error = {0};
	struct engine_stats stats;
	struct gen_params params;
	struct gen_info info;
	struct rig rig;

	rig_prepare(&rig, 2);
	rig.config.workers = 2;
	rig_run(&rig);
	params = params_of("10.0.0.1", 0, "10.0.0.1", 20000);
	params.sessions = 5;
	cr_assert_eq(set(&rig, &params, &error), 0, "%s: %s", error.field, error.text);
	cr_assert_eq(session_count(rig.engine), 10);
	cr_assert_eq(gen_set(rig.engine, &params, &error), -EEXIST);
	start(&rig);
	receive(&rig, 100);
	gen_get(rig.engine, &info);
	cr_assert(info.loop && info.state == GEN_SENDING && info.added == 5);
	cr_assert_eq(info.params.local.port, 20001);
	cr_assert_eq(fwd_stop(rig.engine), 0);
	cr_assert_eq(gen_change(rig.engine, &faster, &error), 0);
	gen_get(rig.engine, &info);
	cr_assert_eq(info.state, GEN_STOPPED);
	cr_assert_eq(info.params.traffic.rate, GEN_RATE);
	cr_assert_eq(fwd_start(rig.engine), 0);
	receive(&rig, 100);
	gen_get(rig.engine, &info);
	cr_assert_eq(info.params.traffic.rate, 200);
	engine_stats_get(rig.engine, &stats);
	cr_assert_eq(stats.handed_over, 0);
	cr_assert_eq(gen_clear(rig.engine), 0);
	cr_assert_eq(gen_clear(rig.engine), -ENOENT);
	cr_assert_eq(session_count(rig.engine), 0);
	rig_stop(&rig);
}

// Under the same keys, both ends or one may be set anew: another synchronization source.
Test(gen, set_anew_it_has_another_source)
{
	struct session_error error = {0};
	struct gen_params params;
	struct rig rig;
	uint32_t before;

	rig_start(&rig);
	params = params_of("10.0.0.1", 0, "10.0.0.1", 20000);
	cr_assert_eq(set(&rig, &params, &error), 0);
	before = rig.engine->gen_ssrc;
	cr_assert_eq(gen_clear(rig.engine), 0);
	cr_assert_eq(set(&rig, &params, &error), 0);
	cr_assert_gt(rig.engine->gen_ssrc, before);
	rig_stop(&rig);
}

static void refuse(struct rig *rig, struct gen_params params, int rc, const char *field)
{
	struct session_error error = {0};

	int got = set(rig, &params, &error);

	cr_assert(got == rc || got == 0, "%s: %s", error.field, error.text);
	cr_assert_null(rig->engine->gen);
	cr_assert_str_eq(error.field ? error.field : "", field, "%s", error.text);
	cr_assert_eq(session_count(rig->engine), rig->id ? 1 : 0, "nothing is left of it");
}

Test(gen, is_set_wholly_or_not_at_all)
{
	struct gen_params good, p;
	struct rig rig;

	rig_start(&rig);
	good = params_of("10.0.0.1", 20000, "10.0.0.2", 20000);
	p = good;
	p.sessions = 0;
	refuse(&rig, p, -EINVAL, "sessions");
	p.sessions = 200000;
	refuse(&rig, p, -ENOSPC, "sessions");
	p = good;
	p.traffic.payload = 0;
	refuse(&rig, p, -EINVAL, "payload");
	p.traffic.payload = 1450;
	refuse(&rig, p, -EINVAL, "payload");
	p = good;
	p.traffic.rate = GEN_RATE_MAX + 1;
	refuse(&rig, p, -EINVAL, "rate");
	p = good;
	p.local.ip = rig_ip("10.0.0.9");
	refuse(&rig, p, -EADDRNOTAVAIL, "wire.local");
	p = good;
	p.remote = p.local;
	refuse(&rig, p, -EINVAL, "local");
	// the third session's addresses are those of another session
	rig.params.wire_local.port = rig.params.wire_remote.port = 20004;
	rig_add(&rig);
	p = good;
	p.sessions = 5;
	refuse(&rig, p, -EADDRINUSE, "wire.local");
	rig_stop(&rig);
}

// A user may remove one, and draining removes all: nobody waits for them.
Test(gen, its_sessions_may_go)
{
	struct session_error error = {0};
	struct gen_params params;
	struct gen_info info;
	struct rig rig;

	rig_start(&rig);
	params = params_of("10.0.0.1", 0, "10.0.0.1", 20000);
	params.sessions = 3;
	cr_assert_eq(set(&rig, &params, &error), 0);
	start(&rig);
	receive(&rig, 10);
	cr_assert_eq(session_remove(rig.engine, session_next(rig.engine, 0)), 0);
	for (int i = 0; i < 100; i++)
		loop(&rig);
	gen_get(rig.engine, &info);
	cr_assert_eq(info.state, GEN_SENDING);
	cr_assert_gt(rig_drops(&rig, DROP_NO_SESSION, 1), 0);
	engine_drain(rig.engine);
	cr_assert_eq(session_count(rig.engine), 0);
	cr_assert_eq(gen_set(rig.engine, &params, &error), -ESHUTDOWN);
	rig_stop(&rig);
}
