// SPDX-License-Identifier: BSD-3-Clause
// Replays the corpus of the fuzz target `parse`, and mutations of it.
#include "tests/fuzz/parse.c"

#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

static size_t read_file(const char *path, uint8_t *out, size_t size)
{
	FILE *file = fopen(path, "rb");
	size_t n;

	cr_assert_not_null(file, "%s", path);
	n = fread(out, 1, size, file);
	fclose(file);
	return n;
}

// In memory of exactly its size, for the sanitizer.
static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

Test(fuzz, replays_the_corpus_of_parse)
{
	glob_t files;
	uint8_t data[4096], mutated[4096];

	cr_assert_eq(glob("tests/fuzz/corpus/parse/*", 0, NULL, &files), 0,
		"run from the top of the source tree");
	cr_assert_geq(files.gl_pathc, 8);
	srand(7);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		size_t n = read_file(files.gl_pathv[i], data, sizeof(data));

		for (size_t cut = 0; cut <= n; cut++)
			run(data, cut);
		for (unsigned k = 0; n > 0 && k < 20000; k++) {
			memcpy(mutated, data, n);
			mutated[(size_t)rand() % n] = (uint8_t)rand();
			mutated[(size_t)rand() % n] = (uint8_t)rand();
			run(mutated, n);
		}
	}
	globfree(&files);
}
