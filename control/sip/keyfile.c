// SPDX-License-Identifier: BSD-3-Clause
// Files that hold a secret key. Start-up only.
#include "control/sip/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static ssize_t read_whole(int fd, unsigned char *out, size_t size)
{
	unsigned char more;
	ssize_t length = read(fd, out, size);
	ssize_t rest = length == (ssize_t)size ? read(fd, &more, 1) : 0;

	if (length < 0 || rest < 0)
		return -errno;
	explicit_bzero(&more, sizeof(more));
	return length == 0 || rest > 0 ? -EINVAL : length;
}

static ssize_t read_file(const char *path, void *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	ssize_t result;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) != 0)
		result = -errno;
	else if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		result = -EACCES;
	else
		result = read_whole(fd, out, size);
	close(fd);
	return result;
}

// Writes a file of its own and gives it its name only when it is whole. 0 or -errno; that another
// process was first is no error.
static int write_file(const char *path, const void *key, size_t length)
{
	char temporary[PATH_MAX];
	int result = 0, fd;

	if (snprintf(temporary, sizeof(temporary), "%s.%d.new", path, (int)getpid()) >=
		(int)sizeof(temporary))
		return -ENAMETOOLONG;
	unlink(temporary); // of a process of the same number that ended here
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, key, length) != (ssize_t)length || fsync(fd) != 0)
		result = -EIO;
	close(fd);
	if (result == 0 && link(temporary, path) != 0 && errno != EEXIST)
		result = -errno;
	unlink(temporary);
	return result;
}

ssize_t keyfile_get(const char *path, void *out, size_t size, keyfile_make make)
{
	ssize_t result = read_file(path, out, size);

	if (result == -ENOENT && make != NULL) {
		result = make(out, size);
		if (result > 0)
			result = write_file(path, out, (size_t)result);
		if (result == 0)
			result = read_file(path, out, size);
	}
	if (result < 0)
		explicit_bzero(out, size);
	return result;
}
