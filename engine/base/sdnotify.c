// SPDX-License-Identifier: BSD-3-Clause
// Writes datagrams to the service manager; any thread.
#include "engine/base/sdnotify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// The address of a path, or of "@name" in Linux' abstract name space. Its length, or 0.
static socklen_t read_address(const char *path, struct sockaddr_un *address)
{
	size_t length = strlen(path);

	if ((path[0] != '/' && path[0] != '@') || length < 2 || length >= sizeof(address->sun_path))
		return 0;
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path, length);
	if (path[0] == '@')
		address->sun_path[0] = '\0';
	// An abstract name is as long as its length says; a path ends with a NUL
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (path[0] == '/'));
}

int sdnotify_send(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address;
	socklen_t length;
	int fd, rc = 0;

	if (!path || !*path)
		return 0;
	length = read_address(path, &address);
	if (length == 0)
		return -EINVAL;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
		    (struct sockaddr *)&address, length) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

// A number without anything around it; 0: none.
static uint64_t read_number(const char *name)
{
	const char *text = getenv(name);
	unsigned long long value;
	char *end;

	if (!text || text[0] < '0' || text[0] > '9')
		return 0;
	errno = 0;
	value = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' ? value : 0;
}

uint64_t sdnotify_watchdog_us(void)
{
	if (getenv("WATCHDOG_PID") && read_number("WATCHDOG_PID") != (uint64_t)getpid())
		return 0;
	return read_number("WATCHDOG_USEC");
}
