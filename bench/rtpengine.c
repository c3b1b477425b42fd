// SPDX-License-Identifier: BSD-3-Clause
// Starts rtpengine and makes its calls by the ng protocol: bencoded dictionaries over UDP; main
// thread.
#include "bench/rtpengine.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "bench/bench.h"
#include "bench/child.h"

#define PROGRAM	 "rtpengine"
#define NG_PORT	 22222
#define ANSWER	 65536
#define START_MS 5000

static const char sdp_head[] = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
			       "t=0 0\r\n";
// What B would encrypt with, if it sent anything
static const char some_key[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis";

bool rtpengine_installed(void)
{
	char path[4096], file[4200], *save = NULL;
	const char *all = getenv("PATH");

	snprintf(path, sizeof(path), "%s", all ? all : "/usr/bin");
	for (char *at = strtok_r(path, ":", &save); at; at = strtok_r(NULL, ":", &save)) {
		snprintf(file, sizeof(file), "%s/" PROGRAM, at);
		if (access(file, X_OK) == 0)
			return true;
	}
	return false;
}

const char *rtpengine_version(void)
{
	static char line[128];
	FILE *out = popen(PROGRAM " --version 2>&1", "r");
	const char *at = NULL;

	if (out && fgets(line, sizeof(line), out)) {
		line[strcspn(line, "\n")] = 0;
		at = strstr(line, "Version: ");
	}
	if (out)
		pclose(out);
	return at ? at + strlen("Version: ") : line;
}

// ---- bencode

struct ng {
	int fd;
	unsigned cookie;
	char request[8192], answer[ANSWER];
	size_t length;
};

static void put(struct ng *ng, const char *text)
{
	size_t room = sizeof(ng->request) - ng->length;
	int n = snprintf(ng->request + ng->length, room, "%zu:%s", strlen(text), text);

	if (n < 0 || (size_t)n >= room)
		bench_fail("a request to rtpengine is too long");
	ng->length += (size_t)n;
}

static void put_pair(struct ng *ng, const char *name, const char *value)
{
	put(ng, name);
	put(ng, value);
}

static void put_list(struct ng *ng, const char *name, const char *a, const char *b)
{
	put(ng, name);
	ng->request[ng->length++] = 'l';
	put(ng, a);
	if (b)
		put(ng, b);
	ng->request[ng->length++] = 'e';
}

static void begin(struct ng *ng, const char *command)
{
	ng->length = (size_t)snprintf(ng->request, 64, "%u d", ++ng->cookie);
	put_pair(ng, "command", command);
}

// The string behind a name, in place, terminated; NULL if it is not there. What we read is flat but
// for lists of strings, so each string is a name or a value.
static char *find(struct ng *ng, size_t n, const char *name)
{
	bool found = false;

	for (size_t i = strcspn(ng->answer, " ") + 1; i < n;) {
		char *end;
		unsigned long length = strtoul(ng->answer + i, &end, 10);

		if (end == ng->answer + i || *end != ':') {
			i++; // d, l, e
			continue;
		}
		i = (size_t)(end + 1 - ng->answer);
		if (length > n - i)
			return NULL;
		if (found) {
			ng->answer[i + length] = 0;
			return ng->answer + i;
		}
		found = length == strlen(name) && memcmp(ng->answer + i, name, length) == 0;
		i += length;
	}
	return NULL;
}

// Sends the request; n is the length of the answer, 0 if none came.
static size_t ask(struct ng *ng)
{
	char cookie[16];
	int cookie_length = snprintf(cookie, sizeof(cookie), "%u ", ng->cookie);

	ng->request[ng->length++] = 'e';
	if (send(ng->fd, ng->request, ng->length, 0) < 0)
		return 0;
	for (;;) {
		ssize_t n = recv(ng->fd, ng->answer, sizeof(ng->answer) - 1, 0);

		if (n <= 0)
			return 0;
		ng->answer[n] = 0;
		if (strncmp(ng->answer, cookie, (size_t)cookie_length) == 0)
			return (size_t)n;
	}
}

// ---- calls

static void put_call(struct ng *ng, uint32_t stream, const char *sdp)
{
	char call[32];

	snprintf(call, sizeof(call), "bench-%u", stream);
	put_pair(ng, "call-id", call);
	put_pair(ng, "from-tag", "a");
	put_pair(ng, "ICE", "remove");
	put_pair(ng, "DTLS", "off");
	put_list(ng, "replace", "origin", "session-connection");
	put_list(ng, "flags", "trust-address", NULL);
	put_pair(ng, "sdp", sdp);
}

// The SDP of the answer to the request in *ng.
static char *ask_sdp(struct ng *ng)
{
	size_t n = ask(ng);
	char *sdp = n ? find(ng, n, "sdp") : NULL;

	if (!sdp)
		bench_fail("rtpengine refuses a call");
	return sdp;
}

static uint16_t port_of(const char *sdp)
{
	const char *audio = strstr(sdp, "m=audio ");
	unsigned long port = audio ? strtoul(audio + strlen("m=audio "), NULL, 10) : 0;

	if (port == 0 || port > 65535)
		bench_fail("rtpengine answers without a port");
	return (uint16_t)port;
}

// Its key of a suite, and the number it has offered it under.
static int read_key(const char *sdp, const struct suite *suite, uint8_t *key)
{
	uint8_t raw[96];
	char text[96 + 1];
	char wanted[64];
	const char *at = sdp, *line = NULL;

	snprintf(wanted, sizeof(wanted), " %s inline:", suite->name);
	while ((at = strstr(at, "a=crypto:")) && !line) {
		size_t digits = strspn(at + 9, "0123456789");

		if (strncmp(at + 9 + digits, wanted, strlen(wanted)) == 0)
			line = at;
		at += 9;
	}
	if (!line)
		return -1;
	at = strstr(line, "inline:") + 7;
	size_t length = strcspn(at, "| \r\n="), whole = (length + 3) / 4 * 4;
	if (whole >= sizeof(text))
		return -1;
	memset(text, '=', whole);
	memcpy(text, at, length);
	text[whole] = 0;
	if (EVP_DecodeBlock(raw, (uint8_t *)text, (int)whole) <
		suite->key_bytes + suite->salt_bytes)
		return -1;
	memcpy(key, raw, suite->key_bytes + suite->salt_bytes);
	explicit_bzero(raw, sizeof(raw));
	explicit_bzero(text, sizeof(text));
	return atoi(line + 9);
}

static void make_call(
	struct ng *ng, struct load *load, uint32_t stream, uint16_t from_port, uint16_t sink_port)
{
	const struct suite *suite = &suite_table[load->suite];
	unsigned key_chars = (suite->key_bytes + suite->salt_bytes) * 4u / 3 + 1;
	char sdp[512], *offered;
	int number;

	snprintf(sdp, sizeof(sdp), "%sm=audio %u RTP/AVP 0\r\n", sdp_head, from_port);
	begin(ng, "offer");
	put_pair(ng, "transport-protocol", "RTP/SAVP");
	put_call(ng, stream, sdp);
	offered = ask_sdp(ng);
	number = read_key(
		offered, suite, load->keys + (size_t)stream * (SUITE_KEY_MAX + SUITE_SALT_MAX));
	if (number < 0)
		bench_fail("rtpengine does not offer %s", suite->name);
	if ((suite->key_bytes + suite->salt_bytes) % 3 == 0)
		key_chars--;
	snprintf(sdp, sizeof(sdp), "%sm=audio %u RTP/SAVP 0\r\na=crypto:%d %s inline:%.*s%s\r\n",
		sdp_head, sink_port, number, suite->name, (int)key_chars, some_key,
		key_chars % 4 == 2   ? "=="
		: key_chars % 4 == 3 ? "="
				     : "");
	begin(ng, "answer");
	put_pair(ng, "to-tag", "b");
	put_call(ng, stream, sdp);
	load->to[stream].sin_port = htons(port_of(ask_sdp(ng)));
}

// ---- start

static void connect_ng(struct ng *ng)
{
	struct timeval wait = {.tv_sec = 2};
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(NG_PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	ng->fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (ng->fd < 0 || connect(ng->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		bench_fail("no socket for rtpengine");
	setsockopt(ng->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
}

static void wait_for(struct ng *ng, pid_t pid)
{
	for (int ms = 0; ms < START_MS && child_alive(pid); ms += 50) {
		usleep(50000);
		begin(ng, "ping");
		if (ask(ng) > 0)
			return;
	}
	bench_fail("rtpengine does not start: try " PROGRAM " --foreground --log-stderr --table=-1 "
		   "--interface=127.0.0.1 --listen-ng=127.0.0.1:22222");
}

static uint16_t local_port(int fd)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &length) != 0)
		bench_fail("no socket");
	return ntohs(address.sin_port);
}

void rtpengine_start(struct load *load)
{
	static struct ng ng;
	char *const argv[] = {PROGRAM, "--config-file=none", "--table=-1", "--interface=127.0.0.1",
		"--listen-ng=127.0.0.1:22222", "--foreground", "--log-stderr", "--log-level=2",
		"--num-threads=1", "--port-min=1024", "--port-max=65535", NULL};
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	load->pid = child_exec(child_core(), argv, NULL);
	connect_ng(&ng);
	wait_for(&ng, load->pid);
	for (uint32_t i = 0; i < load->streams; i++)
		make_call(&ng, load, i, local_port(load->out), local_port(load->in));
	close(ng.fd);
	explicit_bzero(&ng, sizeof(ng));
}
