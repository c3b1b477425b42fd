// SPDX-License-Identifier: BSD-3-Clause
// Reads passwords for the command line. Runs on the tool's only thread.
#include "control/access/password.h"

#include "engine/base/conf.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

_Static_assert(ERROR_MAX >= CONF_ERROR_MAX, "conf_secret() writes CONF_ERROR_MAX bytes");

int password_read(const char *path, char out[PASSWORD_MAX], char error[ERROR_MAX])
{
	struct termios saved, quiet;
	bool ask = strcmp(path, "-") == 0 && isatty(STDIN_FILENO) &&
		   tcgetattr(STDIN_FILENO, &saved) == 0;
	if (ask) {
		fputs("Password: ", stderr);
		quiet = saved;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	int result = conf_secret(path, out, PASSWORD_MAX, error);
	if (ask) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved);
		fputc('\n', stderr);
	}
	return result;
}

FILE *password_open_list(const char *path, bool secret, char error[ERROR_MAX])
{
	struct stat st;
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(path, "re");
	if (file == NULL) {
		snprintf(error, ERROR_MAX, "%.180s: %s", path, strerror(errno));
		return NULL;
	}
	if (!secret)
		return file;
	if (!is_stdin && (fstat(fileno(file), &st) != 0 || (st.st_mode & 077) != 0)) {
		snprintf(error, ERROR_MAX, "%.180s: others may read it (expected mode 0600)", path);
		fclose(file);
		return NULL;
	}
	setvbuf(file, NULL, _IONBF, 0); // no copy of a password in a buffer that is not wiped
	return file;
}
