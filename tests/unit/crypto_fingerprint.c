// SPDX-License-Identifier: BSD-3-Clause
// Fingerprints of keys: SipHash's own vectors, equality, and another secret in each process.
#include "crypto/fingerprint.h"

#include <criterion/criterion.h>
#include <sys/wait.h>
#include <unistd.h>

Test(fingerprint, vectors)
{
	// The reference implementation's vectors_sip64, the input is 00, 01, 02 ...
	static const struct {
		size_t bytes;
		uint64_t hash;
	} cases[] = {{0, 0x726fdb47dd0e0e31}, {1, 0x74f839c593dc67fd}, {7, 0xab0200f58b01d137},
		{8, 0x93f5f5799a932462}, {15, 0xa129ca6149be45e5}};
	uint8_t key[FINGERPRINT_KEY_BYTES], data[16];

	for (unsigned i = 0; i < 16; i++)
		key[i] = data[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(fingerprint_siphash(key, data, cases[i].bytes), cases[i].hash, "%zu",
			cases[i].bytes);
}

Test(fingerprint, equal_for_equal_keys)
{
	const uint8_t a[30] = {1, 2, 3}, b[30] = {1, 2, 3}, c[30] = {1, 2, 4};

	cr_expect_eq(fingerprint_of(a, 30), fingerprint_of(b, 30));
	cr_expect_neq(fingerprint_of(a, 30), fingerprint_of(c, 30));
	cr_expect_neq(fingerprint_of(a, 30), fingerprint_of(a, 28));
}

Test(fingerprint, another_in_each_process)
{
	const uint8_t key[30] = {1, 2, 3};
	uint64_t told[2] = {0};
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	for (int i = 0; i < 2; i++) {
		pid_t child = fork();

		if (child == 0) {
			uint64_t mine = fingerprint_of(key, sizeof(key));

			_exit(write(fds[1], &mine, sizeof(mine)) != sizeof(mine));
		}
		cr_assert_eq(waitpid(child, NULL, 0), child);
		cr_assert_eq(read(fds[0], &told[i], sizeof(told[i])), sizeof(told[i]));
	}
	cr_expect_neq(told[0], told[1]);
}
