// SPDX-License-Identifier: BSD-3-Clause
// Writes settings to a file of commands, which `load` takes. One thread.
#include "engine/client/save.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/version.h"

static int write_commands(FILE *file, const json_t *commands)
{
	const json_t *command;
	size_t i;

	fprintf(file,
		"# settings of crowfly-engine " VERSION "; load them with: crowfly load FILE\n");
	json_array_foreach (commands, i, command)
		fprintf(file, "%s\n", json_string_value(command));
	return fflush(file) == 0 && !ferror(file) && fsync(fileno(file)) == 0 ? 0 : -1;
}

// Beside the old file, then in its place: nobody sees a half of it.
static int replace_file(const char *path, const json_t *commands)
{
	char temporary[PATH_MAX];
	int saved, fd;

	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= (int)sizeof(temporary)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkstemp(temporary); // mode 0600
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!file)
		return -1;
	int rc = write_commands(file, commands);
	saved = errno;
	if (fclose(file) != 0 && rc == 0) {
		saved = errno;
		rc = -1;
	}
	if (rc == 0 && rename(temporary, path) == 0)
		return 0;
	if (rc == 0)
		saved = errno;
	unlink(temporary);
	errno = saved;
	return -1;
}

// A device, a pipe or a link would be gone, and a plain file in its place.
static bool may_replace(const char *path)
{
	struct stat st;

	return lstat(path, &st) != 0 || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode);
}

void save_settings(struct client *client, const char *path, const json_t *settings)
{
	const json_t *commands = json_object_get(settings, "commands");

	if (!may_replace(path)) {
		client_fail(client, CLIENT_FAILED, "save: %.200s: not a regular file", path);
		return;
	}
	if (replace_file(path, commands) != 0) {
		client_fail(client, CLIENT_FAILED, "save: %.200s: %s", path, strerror(errno));
		return;
	}
	if (!client_print_json(client, settings))
		fprintf(client->out, "%zu settings saved\n", json_array_size(commands));
}
