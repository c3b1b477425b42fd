// SPDX-License-Identifier: BSD-3-Clause
// Makes and connects the unix socket; any thread.
#include "engine/base/rpc_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128

static int fill_address(const char *path, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (!path[0] || strlen(path) >= sizeof(address->sun_path)) {
		errno = path[0] ? ENAMETOOLONG : EINVAL;
		return -1;
	}
	strcpy(address->sun_path, path);
	return 0;
}

static int open_socket(const struct sockaddr_un *address, int flags)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

int rpc_socket_connect(const char *path, int flags)
{
	struct sockaddr_un address;

	return fill_address(path, &address) < 0 ? -1 : open_socket(&address, flags);
}

// The socket's folder, made if missing and locked, so that two programs do not both find the same
// stale socket. A file descriptor to be closed.
static int lock_folder(const char *path)
{
	char copy[PATH_MAX];

	strncpy(copy, path, sizeof(copy) - 1);
	copy[sizeof(copy) - 1] = '\0';
	const char *folder = dirname(copy);
	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return -1;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && flock(fd, LOCK_EX) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

// Takes a socket away that nobody listens on. 0, or -1 and errno.
static int clear_stale(const struct sockaddr_un *address)
{
	struct stat st;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -1;
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return -1;
	}
	int fd = open_socket(address, SOCK_NONBLOCK);
	if (fd >= 0 || errno == EAGAIN) {
		if (fd >= 0)
			close(fd);
		errno = EADDRINUSE;
		return -1;
	}
	return errno == ECONNREFUSED ? unlink(address->sun_path) : -1;
}

static int bind_and_listen(int fd, const struct sockaddr_un *address, dev_t *dev, ino_t *ino)
{
	struct stat st;

	// Linux gives the file the mode of the socket, so there is no moment at which others may
	// open it. The umask, which all threads share, stays as it is; nothing connects before
	// listen() either.
	if (fchmod(fd, 0600) < 0 ||
		bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return -1;
	if (chmod(address->sun_path, 0600) < 0 || lstat(address->sun_path, &st) < 0 ||
		listen(fd, BACKLOG) < 0) {
		int saved = errno;

		unlink(address->sun_path);
		errno = saved;
		return -1;
	}
	*dev = st.st_dev;
	*ino = st.st_ino;
	return 0;
}

int rpc_socket_listen(const char *path, dev_t *dev, ino_t *ino)
{
	struct sockaddr_un address;
	int fd = -1;

	if (fill_address(path, &address) < 0)
		return -1;
	int folder = lock_folder(path);
	if (folder < 0)
		return -1;
	bool ok = clear_stale(&address) == 0;
	if (ok) {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		ok = fd >= 0 && bind_and_listen(fd, &address, dev, ino) == 0;
	}
	int saved = errno;
	close(folder);
	if (!ok && fd >= 0)
		close(fd);
	errno = saved;
	return ok ? fd : -1;
}

void rpc_socket_remove(const char *path, dev_t dev, ino_t ino)
{
	struct stat st;

	if (lstat(path, &st) == 0 && st.st_dev == dev && st.st_ino == ino)
		unlink(path);
}
