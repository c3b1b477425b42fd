// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the reader of configuration files.
#include "engine/base/conf.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int fuzz_set(void *object, const char *value, char *error)
{
	unsigned n;

	(void)object;
	return conf_uint(value, 1, 100, &n, error);
}

static void *fuzz_open(void *program, const char *title, char *error)
{
	if (*title)
		return program;
	snprintf(error, CONF_ERROR_MAX, "expected a name");
	return NULL;
}

static const struct conf_key fuzz_keys[] = {
	{"one", "N", "a number", fuzz_set}, {"two", "N", "another", fuzz_set}, {0}};
static const struct conf_section fuzz_sections[] = {
	{"main", fuzz_keys, NULL}, {"named", fuzz_keys, fuzz_open}, {0}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64], error[CONF_ERROR_MAX];
	int program, fd = memfd_create("conf", MFD_CLOEXEC);

	assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int rc = conf_read(path, fuzz_sections, &program, error);
	assert(rc == 0 || rc == -1);
	assert((rc == 0) == (error[0] == '\0'));
	assert(rc == 0 || strncmp(error, path, strlen(path)) == 0);
	close(fd);
	return 0;
}
