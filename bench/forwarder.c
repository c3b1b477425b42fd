// SPDX-License-Identifier: BSD-3-Clause
// The forwarder over kernel sockets; the only thread of its process.
#include "bench/forwarder.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <srtp2/srtp.h>

#include "bench/bench.h"
#include "crypto/burst.h"

#define BATCH	 BURST_MAX
#define BUFFER	 2048
#define PAUSE_US 100 // when packets are few: they gather meanwhile, and fewer calls take them

struct batch {
	struct mmsghdr messages[BATCH];
	struct iovec pieces[BATCH];
	uint8_t data[BATCH][BUFFER];
};

// The streams' state of either library.
struct streams {
	const struct forwarder *forwarder;
	srtp_t *srtp;
	uint8_t *contexts;
	size_t size;
};

void forwarder_key(uint32_t stream, uint8_t *out)
{
	for (unsigned i = 0; i < SUITE_KEY_MAX + SUITE_SALT_MAX; i++)
		out[i] = (uint8_t)(i * 7 + (stream >> 8 * (i % 4)));
}

const char *forwarder_libsrtp2(void)
{
	static char text[128];
	bool nss = dlopen("libnss3.so", RTLD_LAZY | RTLD_NOLOAD) != NULL;

	snprintf(text, sizeof(text), "%s%s", srtp_get_version_string(),
		nss ? " (this build computes with NSS)" : "");
	return text;
}

// ---- SRTP

static void set_policy(enum suite_id suite, srtp_crypto_policy_t *rtp)
{
	switch (suite) {
	case SUITE_AEAD_AES_128_GCM:
		srtp_crypto_policy_set_aes_gcm_128_16_auth(rtp);
		return;
	case SUITE_AEAD_AES_256_GCM:
		srtp_crypto_policy_set_aes_gcm_256_16_auth(rtp);
		return;
	case SUITE_AES_CM_128_HMAC_SHA1_80:
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(rtp);
		return;
	default:
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(rtp);
		return;
	}
}

static int open_libsrtp2(struct streams *streams)
{
	const struct forwarder *f = streams->forwarder;

	streams->srtp = calloc(f->streams, sizeof(srtp_t));
	if (!streams->srtp || srtp_init() != srtp_err_status_ok)
		return -1;
	for (uint32_t i = 0; i < f->streams; i++) {
		uint8_t key[SUITE_KEY_MAX + SUITE_SALT_MAX];
		srtp_policy_t policy = {
			.ssrc = {.type = ssrc_specific, .value = i + 1}, .key = key};

		forwarder_key(i, key);
		set_policy(f->suite, &policy.rtp);
		set_policy(f->suite, &policy.rtcp);
		if (srtp_create(&streams->srtp[i], &policy) != srtp_err_status_ok)
			return -1;
	}
	return 0;
}

static int open_crowfly(struct streams *streams)
{
	const struct forwarder *f = streams->forwarder;
	const struct suite *suite = &suite_table[f->suite];
	uint8_t key[SUITE_KEY_MAX + SUITE_SALT_MAX];
	struct context_params params = {.suite = f->suite,
		.direction = CONTEXT_PROTECT,
		.key = key,
		.salt = key + suite->key_bytes};

	if (context_backend_init("ipsec_mb") != 0 || context_thread_init() != 0)
		return -1;
	streams->size = context_size(&params);
	streams->contexts = bench_memory(streams->size * f->streams);
	for (uint32_t i = 0; i < f->streams; i++) {
		forwarder_key(i, key);
		if (!context_init(streams->contexts + i * streams->size, &params))
			return -1;
	}
	return 0;
}

static int open_streams(struct streams *streams)
{
	switch (streams->forwarder->crypto) {
	case FORWARDER_LIBSRTP2:
		return open_libsrtp2(streams);
	case FORWARDER_CROWFLY:
		return open_crowfly(streams);
	default:
		return 0;
	}
}

static uint32_t stream_of(const struct batch *batch, int i)
{
	uint32_t ssrc;

	memcpy(&ssrc, batch->data[i] + 8, sizeof(ssrc));
	return ntohl(ssrc) - 1;
}

// Sets the length of each packet to send; 0: it is left out.
static void protect_libsrtp2(struct streams *streams, struct batch *batch, int n)
{
	for (int i = 0; i < n; i++) {
		int length = (int)batch->messages[i].msg_len;

		if (srtp_protect(streams->srtp[stream_of(batch, i)], batch->data[i], &length) !=
			srtp_err_status_ok)
			length = 0;
		batch->pieces[i].iov_len = (size_t)length;
	}
}

static void protect_crowfly(struct streams *streams, struct batch *batch, int n)
{
	struct burst_packet packets[BATCH];
	uint8_t status[BATCH];

	for (int i = 0; i < n; i++)
		packets[i] = (struct burst_packet){
			.ctx = (struct context *)(streams->contexts +
						  stream_of(batch, i) * streams->size),
			.data = batch->data[i],
			.length = batch->messages[i].msg_len,
			.room = BUFFER,
		};
	burst_protect(packets, status, (uint32_t)n);
	for (int i = 0; i < n; i++)
		batch->pieces[i].iov_len = status[i] == BURST_OK ? packets[i].length : 0;
}

// ---- packets

static bool all_known(const struct streams *streams, const struct batch *batch, int n)
{
	for (int i = 0; i < n; i++)
		if (batch->messages[i].msg_len < 12 ||
			stream_of(batch, i) >= streams->forwarder->streams)
			return false;
	return true;
}

static void protect(struct streams *streams, struct batch *batch, int n)
{
	switch (streams->forwarder->crypto) {
	case FORWARDER_LIBSRTP2:
		protect_libsrtp2(streams, batch, n);
		return;
	case FORWARDER_CROWFLY:
		protect_crowfly(streams, batch, n);
		return;
	default:
		for (int i = 0; i < n; i++)
			batch->pieces[i].iov_len = batch->messages[i].msg_len;
	}
}

static void send_all(int fd, struct batch *batch, int n)
{
	for (int done = 0; done < n;) {
		int sent = sendmmsg(fd, batch->messages + done, (unsigned)(n - done), 0);

		done += sent > 0 ? sent : 1; // what cannot be sent is lost
	}
}

static int forward(struct streams *streams, struct batch *batch)
{
	for (;;) {
		int n;

		for (int i = 0; i < BATCH; i++)
			batch->pieces[i].iov_len = BUFFER - BURST_ROOM;
		n = recvmmsg(streams->forwarder->in, batch->messages, BATCH, MSG_WAITFORONE, NULL);
		if (n < 0 && errno != EINTR && errno != ECONNREFUSED)
			return 1;
		if (n <= 0 || !all_known(streams, batch, n))
			continue;
		protect(streams, batch, n);
		send_all(streams->forwarder->out, batch, n);
		if (n < BATCH / 2)
			usleep(PAUSE_US);
	}
}

int forwarder_run(void *arg)
{
	static struct batch batch;
	struct streams streams = {.forwarder = arg};

	if (open_streams(&streams) != 0)
		return 1;
	for (int i = 0; i < BATCH; i++) {
		batch.pieces[i].iov_base = batch.data[i];
		batch.messages[i].msg_hdr.msg_iov = &batch.pieces[i];
		batch.messages[i].msg_hdr.msg_iovlen = 1;
	}
	return forward(&streams, &batch);
}
