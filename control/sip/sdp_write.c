// SPDX-License-Identifier: BSD-3-Clause
// Session descriptions, written. Any one thread at a time.
#include "control/sip/sdp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 8192

struct writer {
	char *text;
	size_t length;
	bool full;
};

static void put(struct writer *writer, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct writer *writer, const char *fmt, ...)
{
	va_list args;
	int length;

	va_start(args, fmt);
	length = vsnprintf(writer->text + writer->length, TEXT_MAX - writer->length, fmt, args);
	va_end(args);
	if (length < 0 || (size_t)length >= TEXT_MAX - writer->length)
		writer->full = true;
	else
		writer->length += (size_t)length;
}

// Visible characters alone: what comes from configuration must not begin a new line.
static bool is_word(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text <= ' ' || *text >= 0x7f)
			return false;
	}
	return true;
}

static void put_media(struct writer *writer, const struct sdp *sdp, unsigned port)
{
	static const char *const directions[] = {"inactive", "sendonly", "recvonly", "sendrecv"};

	put(writer, "m=audio %u RTP/SAVP", port);
	for (unsigned i = 0; i < sdp->n_payloads; i++)
		put(writer, " %u", sdp->payloads[i].type);
	put(writer, "\r\n");
	for (unsigned i = 0; i < sdp->n_payloads; i++) {
		if (sdp->payloads[i].rtpmap[0] != '\0')
			put(writer, "a=rtpmap:%u %s\r\n", sdp->payloads[i].type,
				sdp->payloads[i].rtpmap);
	}
	for (unsigned i = 0; i < sdp->n_cryptos; i++)
		put(writer, "a=crypto:%u %s inline:%s\r\n", sdp->cryptos[i].tag,
			sdp->cryptos[i].suite, sdp->cryptos[i].key);
	put(writer, "a=%s\r\n", directions[sdp->direction & 3]);
	if (sdp->rtcp_mux)
		put(writer, "a=rtcp-mux\r\n");
}

// Our stream at its place among those that are refused.
static void put_lines(struct writer *writer, const struct sdp *sdp, unsigned port)
{
	const struct sdp_lines *lines = &sdp->lines;

	if (lines->n == 0)
		put_media(writer, sdp, port);
	for (unsigned i = 0; i < lines->n; i++) {
		if (i == lines->ours)
			put_media(writer, sdp, port);
		else
			put(writer, "m=%s 0 %s %s\r\n", lines->at[i].media, lines->at[i].protocol,
				lines->at[i].format);
	}
}

static bool are_writable(const struct sdp_lines *lines)
{
	if (lines->n > SDP_LINES_MAX || (lines->n > 0 && lines->ours >= lines->n))
		return false;
	for (unsigned i = 0; i < lines->n; i++) {
		if (!is_word(lines->at[i].media) || !is_word(lines->at[i].protocol) ||
			!is_word(lines->at[i].format))
			return false;
	}
	return true;
}

static bool is_writable(const struct sdp *sdp)
{
	if (sdp->n_payloads == 0 || sdp->n_payloads > SDP_PAYLOADS_MAX ||
		sdp->n_cryptos > SDP_CRYPTOS_MAX || sdp->direction > 3 ||
		!are_writable(&sdp->lines))
		return false;
	for (unsigned i = 0; i < sdp->n_payloads; i++) {
		if (sdp->payloads[i].type > 127 || !is_word(sdp->payloads[i].rtpmap))
			return false;
	}
	for (unsigned i = 0; i < sdp->n_cryptos; i++) {
		if (!is_word(sdp->cryptos[i].suite) || !is_word(sdp->cryptos[i].key))
			return false;
	}
	return sdp->address.ss_family == AF_INET || sdp->address.ss_family == AF_INET6;
}

char *sdp_write(const struct sdp *sdp)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&sdp->address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&sdp->address;
	struct writer writer = {0};
	char host[INET6_ADDRSTRLEN];
	bool is_v4;

	if (!is_writable(sdp)) {
		errno = EINVAL;
		return NULL;
	}
	is_v4 = sdp->address.ss_family == AF_INET;
	inet_ntop(sdp->address.ss_family, is_v4 ? (const void *)&v4->sin_addr : &v6->sin6_addr,
		host, sizeof(host));
	writer.text = malloc(TEXT_MAX); // once, so that no copy stays behind
	if (writer.text == NULL)
		return NULL;
	put(&writer, "v=0\r\no=- %llu %llu IN IP%d %s\r\ns=-\r\nc=IN IP%d %s\r\nt=0 0\r\n",
		(unsigned long long)sdp->session_id, (unsigned long long)sdp->session_version,
		is_v4 ? 4 : 6, host, is_v4 ? 4 : 6, host);
	put_lines(&writer, sdp, ntohs(v4->sin_port));
	if (writer.full) {
		sdp_text_free(writer.text);
		errno = ENOSPC;
		return NULL;
	}
	return writer.text;
}

void sdp_text_free(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}
