// SPDX-License-Identifier: BSD-3-Clause
// The JSON-RPC server's socket: who may connect, how many; and what stays in memory.
#include "tests/unit/base_rpc.h"

TestSuite(rpc_socket, .init = setup, .fini = teardown);

Test(rpc_socket, socket_file)
{
	struct stat st;
	char folder_path[96];

	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0600);
	strcpy(folder_path, path);
	*strrchr(folder_path, '/') = '\0';
	cr_assert_eq(stat(folder_path, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0755);

	errno = 0;
	cr_expect_null(rpc_server_new(base, path, methods, NULL), "a live socket was taken");
	cr_expect_eq(errno, EADDRINUSE);
	cr_expect_null(rpc_server_new(base, "/nonexistent/deep/x.sock", methods, NULL));
	cr_expect_eq(errno, ENOENT);
	char *too_long = malloc(300);
	memset(too_long, 'x', 299);
	too_long[299] = '\0';
	cr_expect_null(rpc_server_new(base, too_long, methods, NULL));
	cr_expect_eq(errno, ENAMETOOLONG);
	free(too_long);
	int fd = dial();
	cr_expect(is_alive(fd));
	close(fd);
}

Test(rpc_socket, stale_socket_is_replaced_a_file_is_not)
{
	char other[128];
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(other, sizeof(other), "%s/other", folder);
	strcpy(address.sun_path, other);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	struct rpc_server *second = rpc_server_new(base, other, methods, NULL);
	cr_expect_not_null(second);
	// Replaced behind its back: then it is not its own to remove
	unlink(other);
	fd = open(other, O_CREAT | O_WRONLY, 0600);
	close(fd);
	rpc_server_free(second);
	cr_expect_eq(access(other, F_OK), 0);
	cr_expect_null(rpc_server_new(base, other, methods, NULL));
	cr_expect_eq(errno, EEXIST);
	unlink(other);
}

Test(rpc_socket, other_users_are_refused)
{
	cr_assert_eq(geteuid(), 0, "needs root: nobody else can become another user");
	chmod(path, 0666); // even then
	chmod(folder, 0755);
	pid_t pid = fork();
	if (pid == 0) {
		char c;

		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(2);
		int fd = rpc_socket_connect(path, 0);
		if (fd < 0 || send(fd, CALL("1", "count", "") "\n", 40, MSG_NOSIGNAL) < 0)
			_exit(3);
		_exit(recv(fd, &c, 1, 0) <= 0 ? 0 : 4);
	}
	int status, rc = 0;
	while (rc == 0) {
		turn();
		rc = waitpid(pid, &status, WNOHANG);
	}
	cr_expect(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 3),
		"status %x", status);
	cr_expect_eq(handled, 0);
}

Test(rpc_socket, clients_are_bounded)
{
	int fds[RPC_CONNS_MAX + 8];

	for (int i = 0; i < RPC_CONNS_MAX + 8; i++)
		fds[i] = dial();
	cr_expect_eq(server->n_conns, (unsigned)RPC_CONNS_MAX);
	cr_expect(is_alive(fds[RPC_CONNS_MAX - 1]));
	for (int i = 0; i < RPC_CONNS_MAX + 8; i++)
		close(fds[i]);
	turn();
	cr_expect_eq(server->n_conns, 0u);
	int fd = dial();
	cr_expect(is_alive(fd));
	close(fd);
}

// Whether the bytes of `hidden`, each XOR 0x55, stand anywhere in this process's memory.
static unsigned find_in_memory(const unsigned char *hidden, size_t size)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int memory = open("/proc/self/mem", O_RDONLY);
	unsigned char *block = malloc(1 << 16);
	char line[512];
	unsigned found = 0;

	while (fgets(line, sizeof(line), maps)) {
		unsigned long from, to;
		char mode[8];

		if (sscanf(line, "%lx-%lx %4s", &from, &to, mode) != 3 ||
			strncmp(mode, "rw", 2) != 0 || to - from > (256ul << 20))
			continue;
		for (; from < to; from += (1 << 16) - size) {
			size_t want = to - from < (1 << 16) ? to - from : 1 << 16;
			ssize_t n = pread(memory, block, want, from);

			for (ssize_t i = 0; i + (ssize_t)size <= n; i++) {
				size_t k = 0;

				while (k < size && (block[i + k] ^ 0x55) == hidden[k])
					k++;
				found += k == size;
			}
			if (n < (ssize_t)want)
				break;
		}
	}
	explicit_bzero(block, 1 << 16);
	free(block);
	close(memory);
	fclose(maps);
	return found;
}

Test(rpc_socket, keys_do_not_linger)
{
	static const char parts[3][64] = {
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"typed\",\"params\":{\"s\":\"",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"count\",\"params\":{\"s\":\"",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"x\":{\"s\":\""}; // the last is no JSON at its end
	unsigned char hidden[96];
	// free() writes over the first bytes of a block: its end is what is looked for
	const unsigned char *tail = hidden + 64;
	const size_t size = sizeof(hidden) - 64;
	char line[512];
	int fd = dial();

	for (size_t i = 0; i < sizeof(hidden); i++)
		hidden[i] = (unsigned char)('A' + (i * i * 7 + i / 3 + getpid()) % 26) ^ 0x55;
	for (int i = 0; i < 3; i++) {
		size_t n = strlen(parts[i]);

		memcpy(line, parts[i], n);
		for (size_t k = 0; k < sizeof(hidden); k++)
			line[n + k] = (char)(hidden[k] ^ 0x55);
		strcpy(line + n + sizeof(hidden), i < 2 ? "\"}}\n" : "\n");
		cr_expect_gt(find_in_memory(tail, size), 0u, "the search is blind");
		send(fd, line, strlen(line), 0);
		explicit_bzero(line, sizeof(line));
		turn();
		cr_expect_eq(find_in_memory(tail, size), 0u, "case %d", i);
		json_t *answer = get(fd);
		char *text = json_dumps(answer, 0);
		for (size_t k = 0; k < sizeof(hidden); k++)
			line[k] = (char)(hidden[k] ^ 0x55);
		line[8] = '\0';
		cr_expect_not_null(text);
		cr_expect_null(strstr(text, line), "%s", text);
		explicit_bzero(line, sizeof(line));
		free(text);
		json_decref(answer);
	}
	close(fd);
}
