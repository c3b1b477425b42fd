// SPDX-License-Identifier: BSD-3-Clause
// Replays the corpus of the fuzz target of crypto/, as it is and with bytes changed.
#include <dirent.h>
#include <stdio.h>

#include <criterion/criterion.h>

#include "tests/fuzz/burst.c"
#include "tests/unit/crypto_util.h"

#define CORPUS "tests/fuzz/corpus/burst"

static size_t read_entry(const char *name, uint8_t *out, size_t size)
{
	char path[300];
	snprintf(path, sizeof(path), CORPUS "/%s", name);
	FILE *file = fopen(path, "rb");
	cr_assert_not_null(file, "%s", path);
	size_t n = fread(out, 1, size, file);
	fclose(file);
	return n;
}

Test(fuzz, burst_corpus)
{
	static uint8_t input[65536];
	uint64_t rng = 3;
	unsigned entries = 0;
	DIR *dir = opendir(CORPUS);
	cr_assert_not_null(dir, "run the tests from the top of the tree");
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_name[0] == '.')
			continue;
		size_t n = read_entry(entry->d_name, input, sizeof(input));
		entries++;
		// A choice for every suite, back end and kind; then random damage
		for (unsigned choice = 0; choice < 16 && n > 0; choice++) {
			input[0] = choice;
			LLVMFuzzerTestOneInput(input, n);
		}
		for (unsigned i = 0; i < 200 && n > 0; i++) {
			input[util_below(&rng, n)] = (uint8_t)util_random(&rng);
			input[0] &=
				i % 20 ? ~4 : ~0; // seldom libsrtp2: making its contexts is slow
			LLVMFuzzerTestOneInput(input, 1 + util_below(&rng, n));
		}
	}
	closedir(dir);
	cr_assert_geq(entries, 5);
}
