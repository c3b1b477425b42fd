// SPDX-License-Identifier: BSD-3-Clause
// The generator over kernel sockets; main thread.
#include "bench/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <math.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/child.h"
#include "crypto/burst.h"

#define BATCH	      64
#define HEADER	      12
#define BUFFER	      2048
#define SOCKET_BUFFER (64 << 20)
#define IDLE_US	      20
#define PROBE	      200
#define VERIFY_NS     5000000000u
#define LAST_NS	      300000000u // what comes later than this after the last packet is lost
#define KEY_BYTES     (SUITE_KEY_MAX + SUITE_SALT_MAX)

// ---- the kernel's part

void load_namespace(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd;

	if (unshare(CLONE_NEWNET) != 0)
		bench_fail(
			"needs root, to make a network namespace of its own: %s", strerror(errno));
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) != 0)
		bench_fail("loopback: %s", strerror(errno));
	close(fd);
}

int load_socket(uint16_t *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int size = SOCKET_BUFFER, fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		getsockname(fd, (struct sockaddr *)&address, &length) != 0)
		bench_fail("no socket: %s", strerror(errno));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	*port = ntohs(address.sin_port);
	return fd;
}

// CPU time of this thread for each of some packets to that socket, which nobody reads.
static double send_ns(int fd)
{
	uint64_t begin = bench_cpu_ns();
	char byte = 0;

	for (int i = 0; i < PROBE; i++)
		send(fd, &byte, 1, 0);
	return (double)(bench_cpu_ns() - begin) / PROBE;
}

// A receiver whose filter is long work: does the sender's time grow?
bool load_sender_pays(void)
{
	struct sock_filter code[BPF_MAXINSNS];
	struct sock_fprog program = {.len = BPF_MAXINSNS, .filter = code};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	uint16_t port;
	int receiver = load_socket(&port), sender = load_socket(&(uint16_t){0});
	double without = 1e9, with = 1e9;

	for (int i = 0; i < BPF_MAXINSNS - 1; i++)
		code[i] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1);
	code[BPF_MAXINSNS - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0); // drops it
	to.sin_port = htons(port);
	if (connect(sender, (struct sockaddr *)&to, sizeof(to)) != 0)
		bench_fail("loopback: %s", strerror(errno));
	for (int i = 0; i < 20; i++)
		without = fmin(without, send_ns(sender));
	if (setsockopt(receiver, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0)
		bench_fail("no socket filter: %s", strerror(errno));
	for (int i = 0; i < 20; i++)
		with = fmin(with, send_ns(sender));
	close(receiver);
	close(sender);
	return with > without + 200;
}

// ---- packets

struct batch {
	struct mmsghdr messages[BATCH];
	struct iovec pieces[BATCH];
	uint8_t data[BATCH][BUFFER];
};
static struct batch outgoing, incoming;

void load_init(struct load *load)
{
	load->order = calloc(load->streams, sizeof(*load->order));
	load->to = calloc(load->streams, sizeof(*load->to));
	load->keys = calloc(load->streams, KEY_BYTES);
	if (!load->order || !load->to || !load->keys)
		bench_fail("out of memory");
	for (uint32_t i = 0; i < load->streams; i++) {
		load->order[i] = i;
		load->to[i].sin_family = AF_INET;
		load->to[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	}
	bench_shuffle(load->order, load->streams);
	for (int i = 0; i < BATCH; i++) {
		outgoing.pieces[i].iov_base = outgoing.data[i];
		outgoing.messages[i].msg_hdr.msg_iov = &outgoing.pieces[i];
		outgoing.messages[i].msg_hdr.msg_iovlen = 1;
		incoming.pieces[i] = (struct iovec){incoming.data[i], BUFFER};
		incoming.messages[i].msg_hdr.msg_iov = &incoming.pieces[i];
		incoming.messages[i].msg_hdr.msg_iovlen = 1;
	}
}

void load_fini(struct load *load)
{
	free(load->order);
	free(load->to);
	explicit_bzero(load->keys, (size_t)load->streams * KEY_BYTES);
	free(load->keys);
}

static uint8_t filling(uint32_t stream)
{
	return (uint8_t)(stream * 37 + 5);
}

static void write_next(struct load *load, int i, bool fill)
{
	uint32_t stream = load->order[load->at], ssrc = htonl(stream + 1);
	uint8_t *rtp = outgoing.data[i];
	uint16_t seq = htons((uint16_t)load->seq);
	uint32_t timestamp = htonl(load->seq * load->payload);

	rtp[0] = 0x80;
	rtp[1] = 0;
	memcpy(rtp + 2, &seq, sizeof(seq));
	memcpy(rtp + 4, &timestamp, sizeof(timestamp));
	memcpy(rtp + 8, &ssrc, sizeof(ssrc));
	if (fill)
		memset(rtp + HEADER, filling(stream), load->payload);
	outgoing.pieces[i].iov_len = HEADER + load->payload;
	outgoing.messages[i].msg_hdr.msg_name = &load->to[stream];
	outgoing.messages[i].msg_hdr.msg_namelen = sizeof(load->to[stream]);
	if (++load->at == load->streams) {
		load->at = 0;
		load->seq++;
	}
}

// Sends a batch; returns how many the kernel took.
static unsigned send_batch(struct load *load, bool fill, unsigned n)
{
	int sent;

	for (unsigned i = 0; i < n; i++)
		write_next(load, (int)i, fill);
	sent = sendmmsg(load->out, outgoing.messages, n, 0);
	return sent > 0 ? (unsigned)sent : 0;
}

// What is wrong with it cannot be of use: only packets of the right length count.
static unsigned receive_batch(struct load *load, unsigned *good)
{
	uint32_t length =
		HEADER + load->payload + (load->srtp ? suite_table[load->suite].tag_bytes : 0);
	int n = recvmmsg(load->in, incoming.messages, BATCH, MSG_DONTWAIT, NULL);

	*good = 0;
	for (int i = 0; i < n; i++)
		*good += incoming.messages[i].msg_len == length;
	return n > 0 ? (unsigned)n : 0;
}

// ---- one packet of each, decrypted

static bool is_right(struct load *load, int i, uint8_t seen[])
{
	const struct suite *suite = &suite_table[load->suite];
	uint8_t *rtp = incoming.data[i], status = BURST_OK;
	uint32_t ssrc, length = incoming.messages[i].msg_len;

	memcpy(&ssrc, rtp + 8, sizeof(ssrc));
	ssrc = ntohl(ssrc) - 1;
	if (ssrc >= load->streams || seen[ssrc])
		return false;
	if (load->srtp) {
		uint8_t *key = load->keys + (size_t)ssrc * KEY_BYTES;
		struct context *ctx = context_new(&(struct context_params){.suite = load->suite,
			.direction = CONTEXT_UNPROTECT,
			.key = key,
			.salt = key + suite->key_bytes});
		struct burst_packet packet = {
			.ctx = ctx, .data = rtp, .length = length, .room = BUFFER};

		if (!ctx)
			bench_fail("no context to verify with");
		burst_unprotect(&packet, &status, 1);
		length = packet.length;
		context_free(ctx);
	}
	seen[ssrc] = status == BURST_OK && length == HEADER + load->payload;
	for (uint32_t b = HEADER; b < length && seen[ssrc]; b++)
		seen[ssrc] = rtp[b] == filling(ssrc);
	return seen[ssrc];
}

bool load_verify(struct load *load)
{
	uint8_t *seen = calloc(load->streams, 1);
	uint32_t right = 0, sent = 0;
	uint64_t last = bench_now_ns();
	unsigned good, n;

	if (!seen)
		bench_fail("out of memory");
	while (right < load->streams && bench_now_ns() - last < VERIFY_NS) {
		if (sent < load->streams && send_batch(load, true, 1) == 1) {
			sent++;
			last = bench_now_ns();
		}
		usleep(IDLE_US);
		n = receive_batch(load, &good);
		for (unsigned i = 0; i < n; i++)
			right += is_right(load, (int)i, seen);
	}
	free(seen);
	return right == load->streams;
}

// ---- a trial

static void drain(struct load *load)
{
	unsigned good;

	while (receive_batch(load, &good) > 0)
		continue;
}

// Sends what is due, takes what has come; returns what was due and is not sent.
static void flow(struct load *load, double pps, struct search_trial *trial, uint64_t *received)
{
	uint64_t begin = bench_now_ns(), length = (uint64_t)(load->seconds * 1e9), elapsed = 0;
	unsigned good;

	while (elapsed < length) {
		double due = pps * (double)elapsed / 1e9 - (double)trial->sent;
		unsigned n = due >= BATCH ? BATCH : due > 0 ? (unsigned)due : 0;

		if (n > 0)
			trial->sent += send_batch(load, false, n);
		if (receive_batch(load, &good) < BATCH && n < BATCH)
			usleep(IDLE_US);
		*received += good;
		elapsed = bench_now_ns() - begin;
	}
	trial->sent_pps = (double)trial->sent * 1e9 / (double)elapsed;
}

// Where the kernel keeps the time of its receive work apart, that of the core of what is measured.
static double softirq_ns(void)
{
	char line[512], name[16];
	double value = 0;
	FILE *f = fopen("/proc/stat", "r");
	int length = snprintf(name, sizeof(name), "cpu%u ", child_core());

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, name, (size_t)length) == 0 &&
			sscanf(line + length, "%*f %*f %*f %*f %*f %*f %lf", &value) == 1)
			break;
	if (f)
		fclose(f);
	return value * 1e9 / (double)sysconf(_SC_CLK_TCK);
}

static double cpu_ns(const struct load *load)
{
	return (double)child_cpu_ns(load->pid) + (load->softirq_apart ? softirq_ns() : 0);
}

void load_trial(void *arg, double pps, struct search_trial *trial)
{
	struct load *load = arg;
	uint64_t received = 0, last;
	double cpu;
	unsigned good;

	drain(load);
	trial->offered_pps = pps;
	cpu = cpu_ns(load);
	flow(load, pps, trial, &received);
	last = bench_now_ns();
	while (received < trial->sent && bench_now_ns() - last < LAST_NS) {
		if (receive_batch(load, &good) > 0)
			last = bench_now_ns();
		else
			usleep(IDLE_US);
		received += good;
	}
	trial->lost = trial->sent > received ? trial->sent - received : 0;
	trial->cpu_ns = cpu_ns(load) - cpu;
	if (trial->lost > 0 && load->restart)
		load->restart(load);
}
