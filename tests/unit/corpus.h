// SPDX-License-Identifier: BSD-3-Clause
// Replays a fuzz target's corpus.
#pragma once

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>

// Gives each file below tests/fuzz/corpus/NAME to `target`; returns their number.
static inline unsigned corpus_replay(const char *name, int (*target)(const uint8_t *, size_t))
{
	static uint8_t data[65536];
	char path[512];
	unsigned n = 0;
	snprintf(path, sizeof(path), "tests/fuzz/corpus/%s", name);
	DIR *dir = opendir(path);
	cr_assert_not_null(dir, "run from the top of the tree");
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		snprintf(path, sizeof(path), "tests/fuzz/corpus/%s/%s", name, entry->d_name);
		FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
		if (file == NULL)
			continue;
		size_t size = fread(data, 1, sizeof(data), file);
		fclose(file);
		target(data, size);
		n++;
	}
	closedir(dir);
	return n;
}
