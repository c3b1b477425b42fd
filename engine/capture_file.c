// SPDX-License-Identifier: BSD-3-Clause
// The pcapng file of a capture (draft-ietf-opsawg-pcapng): a section, an interface for each port,
// an enhanced block for each packet, statistics of the interfaces at the end. The capture's thread.
#include "engine/capture_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "engine/base/version.h"

#define BUFFER_BYTES 131072
#define BLOCK_MAX    (CAPTURE_SNAPLEN_MAX + 512)
#define IDLE_NS	     5000000

enum { BLOCK_SECTION = 0x0a0d0d0a, BLOCK_INTERFACE = 1, BLOCK_STATISTICS = 5, BLOCK_PACKET = 6 };
enum { OPTION_END = 0, OPTION_USER_APPLICATION = 4 };		   // of a section
enum { OPTION_NAME = 2, OPTION_DESCRIPTION = 3, OPTION_TIME = 9 }; // of an interface
enum { OPTION_FLAGS = 2 };					   // of a packet
enum { OPTION_DROPPED = 5 };					   // of statistics
#define LINK_ETHERNET 1
#define FLAG_INBOUND  1
#define FLAG_OUTBOUND 2

struct writer {
	struct capture_file *file;
	int fd;
	uint64_t began_tsc, began_ns; // the same moment
	uint64_t taken;		      // packets
	uint32_t length, block;	      // of the buffer, and where its last block begins
	uint8_t buffer[BUFFER_BYTES];
};

// ---- blocks, in host byte order as the format allows

static void put(struct writer *w, const void *data, uint32_t bytes)
{
	memcpy(w->buffer + w->length, data, bytes);
	w->length += bytes;
	memset(w->buffer + w->length, 0, -bytes & 3);
	w->length += -bytes & 3;
}

static void put32(struct writer *w, uint32_t value)
{
	put(w, &value, sizeof(value));
}

static void begin_block(struct writer *w, uint32_t type)
{
	w->block = w->length;
	put32(w, type);
	put32(w, 0); // its length
}

static void end_block(struct writer *w)
{
	uint32_t length = w->length + 4 - w->block;

	put32(w, length);
	memcpy(w->buffer + w->block + 4, &length, sizeof(length));
}

static void put_option(struct writer *w, uint16_t code, const void *value, size_t bytes)
{
	put32(w, (uint32_t)bytes << 16 | code);
	put(w, value, (uint32_t)bytes);
}

static void put_text(struct writer *w, uint16_t code, const char *text)
{
	put_option(w, code, text, strnlen(text, 200));
}

static void put_time(struct writer *w, uint64_t tsc)
{
	uint64_t ns = w->began_ns + (uint64_t)((unsigned __int128)(tsc - w->began_tsc) *
					       1000000000 / w->file->tsc_hz);

	put32(w, (uint32_t)(ns >> 32));
	put32(w, (uint32_t)ns);
}

static void put_header(struct writer *w)
{
	const uint64_t unknown = UINT64_MAX;
	const uint8_t nanoseconds = 9;

	begin_block(w, BLOCK_SECTION);
	put32(w, 0x1a2b3c4d);
	put32(w, 1); // version 1.0
	put(w, &unknown, sizeof(unknown));
	put_text(w, OPTION_USER_APPLICATION, "crowfly-engine " VERSION);
	put32(w, OPTION_END);
	end_block(w);
	for (int role = ROLE_WIRE; role < ROLE_COUNT; role++) {
		const char *device = w->file->devices[role];

		begin_block(w, BLOCK_INTERFACE);
		put32(w, LINK_ETHERNET);
		put32(w, w->file->tap->snaplen);
		put_text(w, OPTION_NAME, worker_role_names[role]);
		put_text(w, OPTION_DESCRIPTION, device ? device : "no such port");
		put_option(w, OPTION_TIME, &nanoseconds, 1);
		put32(w, OPTION_END);
		end_block(w);
	}
}

static void put_packet(struct writer *w, const struct capture_slot *slot)
{
	uint32_t flags = slot->out ? FLAG_OUTBOUND : FLAG_INBOUND;

	begin_block(w, BLOCK_PACKET);
	put32(w, slot->role);
	put_time(w, slot->tsc);
	put32(w, slot->stored);
	put32(w, slot->length);
	put(w, slot->data, slot->stored);
	put_option(w, OPTION_FLAGS, &flags, sizeof(flags));
	put32(w, OPTION_END);
	end_block(w);
}

// What was lost is the capture's as a whole: told of its first interface.
static void put_statistics(struct writer *w, uint64_t dropped)
{
	begin_block(w, BLOCK_STATISTICS);
	put32(w, ROLE_WIRE);
	put_time(w, rte_rdtsc());
	put_option(w, OPTION_DROPPED, &dropped, sizeof(dropped));
	put32(w, OPTION_END);
	end_block(w);
}

// ---- the file

// Counts the whole blocks of the buffer's first `bytes`; their length.
static uint32_t settle(struct writer *w, uint32_t bytes)
{
	uint32_t at = 0, packets = 0, block[2];

	for (; at + sizeof(block) <= bytes; at += block[1]) {
		memcpy(block, w->buffer + at, sizeof(block));
		if (at + block[1] > bytes)
			break;
		packets += block[0] == BLOCK_PACKET;
	}
	counter_add(&w->file->packets, packets);
	counter_add(&w->file->bytes, at);
	return at;
}

static void fail(struct writer *w, const char *what)
{
	if (!w->file->error[0])
		snprintf(w->file->error, sizeof(w->file->error), "%s: %s", what, strerror(errno));
	w->file->reason = w->file->error;
}

// Writes the buffer out. A full disk leaves a file that ends with a whole block.
static void flush(struct writer *w)
{
	uint64_t before = w->file->bytes;
	uint32_t written = 0;

	while (written < w->length && !w->file->error[0]) {
		ssize_t n = write(w->fd, w->buffer + written, w->length - written);

		if (n >= 0)
			written += (uint32_t)n;
		else if (errno != EINTR)
			fail(w, "cannot write");
	}
	written = settle(w, written);
	if (w->file->error[0] && ftruncate(w->fd, (off_t)(before + written)) != 0)
		return; // no regular file, and nothing to be done
	w->length = 0;
}

// Puts all that waits into the buffer, the oldest first; whether there was any.
static bool drain(struct writer *w)
{
	struct capture_file *file = w->file;
	const struct capture_slot *slot;
	bool any = false;
	unsigned lane;

	while (!file->error[0] && (file->count == 0 || w->taken < file->count) &&
		(slot = capture_lane_first(file->tap, &lane))) {
		if (w->length + BLOCK_MAX > BUFFER_BYTES)
			flush(w);
		put_packet(w, slot);
		capture_lane_done(file->tap, lane);
		w->taken++;
		any = true;
	}
	return any;
}

static void write_all(struct writer *w)
{
	const struct timespec idle = {.tv_nsec = IDLE_NS};
	struct capture_file *file = w->file;

	while (!file->error[0]) {
		// Looked at first: what comes before it has come
		int finish = __atomic_load_n(&file->finish, __ATOMIC_ACQUIRE);
		bool any = drain(w);

		flush(w);
		if (file->count > 0 && w->taken == file->count) {
			file->reason = "count reached";
			return;
		}
		if (!any && finish)
			return;
		if (!any)
			nanosleep(&idle, NULL);
	}
}

static void write_file(struct writer *w)
{
	struct capture_file *file = w->file;
	struct timespec now;

	w->fd = open(file->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (w->fd < 0) {
		fail(w, file->path);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	w->began_tsc = rte_rdtsc();
	w->began_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	put_header(w);
	flush(w);
	if (!file->error[0])
		__atomic_store_n(&file->state, CAPTURE_FILE_WRITING, __ATOMIC_RELEASE);
	else
		unlink(file->path); // it did not begin: the name is free again
	write_all(w);
	if (!file->error[0]) {
		put_statistics(w, capture_lane_dropped(file->tap));
		flush(w);
	}
	if (close(w->fd) != 0)
		fail(w, "cannot close");
}

static void *thread_main(void *arg)
{
	static struct writer writer; // there is one capture at a time
	struct capture_file *file = arg;

	prctl(PR_SET_NAME, "crowfly-capture");
	memset(&writer, 0, sizeof(writer));
	writer.file = file;
	write_file(&writer);
	explicit_bzero(writer.buffer, sizeof(writer.buffer));
	file->dropped = capture_lane_dropped(file->tap);
	__atomic_store_n(&file->state, CAPTURE_FILE_CLOSED, __ATOMIC_RELEASE);
	return NULL;
}

int capture_file_start(struct capture_file *file)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all); // signals are the control thread's
	pthread_sigmask(SIG_BLOCK, &all, &old);
	rc = pthread_create(&file->thread, NULL, thread_main, file);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -rc;
}

bool capture_file_join(struct capture_file *file, unsigned seconds)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += seconds;
	return pthread_timedjoin_np(file->thread, NULL, &until) == 0;
}
