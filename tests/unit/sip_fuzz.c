// SPDX-License-Identifier: BSD-3-Clause
// Replays the corpora of the fuzz targets of control/sip: no crash, no broken promise.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <stdio.h>

#define LLVMFuzzerTestOneInput fuzz_msg
#include "tests/fuzz/sip_msg.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_sdp
#include "tests/fuzz/sip_sdp.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_pidf
#include "tests/fuzz/sip_pidf.c"
#undef LLVMFuzzerTestOneInput
#undef HEAD_MAX
#undef BODY_MAX
#define LLVMFuzzerTestOneInput fuzz_frame
#include "tests/fuzz/sip_frame.c"

// Each file of a folder, in memory of exactly its size; the number of files.
static unsigned replay(const char *folder, int (*target)(const uint8_t *data, size_t size))
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned files = 0;

	cr_assert(ne(ptr, dir, NULL), "%s", folder);
	while ((entry = readdir(dir)) != NULL) {
		char path[512];
		uint8_t *data = malloc(1 << 20), *exact;
		size_t size;
		FILE *file;

		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
		if (file == NULL) {
			free(data);
			continue;
		}
		size = fread(data, 1, 1 << 20, file);
		fclose(file);
		exact = malloc(size);
		memcpy(exact, data, size);
		free(data);
		target(exact, size);
		free(exact);
		files++;
	}
	closedir(dir);
	return files;
}

Test(sip_fuzz, msg)
{
	cr_expect(gt(uint, replay("tests/fuzz/corpus/sip_msg", fuzz_msg), 5));
}

Test(sip_fuzz, sdp)
{
	cr_expect(gt(uint, replay("tests/fuzz/corpus/sip_sdp", fuzz_sdp), 5));
}

Test(sip_fuzz, pidf)
{
	cr_expect(gt(uint, replay("tests/fuzz/corpus/sip_pidf", fuzz_pidf), 5));
}

Test(sip_fuzz, frame)
{
	cr_expect(gt(uint, replay("tests/fuzz/corpus/sip_frame", fuzz_frame), 5));
}
