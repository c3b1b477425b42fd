// SPDX-License-Identifier: BSD-3-Clause
// Session descriptions, read: a small strict reader of what is needed. Any one thread at a time.
#include "control/sip/sdp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "control/sip/sdes.h"

#define ERROR_MAX  128
#define BODY_MAX   (16 * 1024)
#define LINE_BYTES 1024

// What is being read, and what the current media description is to us.
struct reader {
	struct sdp *out;
	char *error;
	bool seen_origin;
	bool in_media; // behind the first m= line
	bool ours;     // in the stream that was taken
	bool taken;
	struct sockaddr_storage address; // of the session's c= line
	unsigned direction;		 // of the session's attributes
};

static int fail(struct reader *reader, int result, const char *what)
{
	snprintf(reader->error, ERROR_MAX, "SDP: %s", what);
	return result;
}

// Cuts the next word off, separated by single spaces. NULL if there is none.
static char *word(char **rest)
{
	char *start = *rest;

	if (start == NULL || *start == '\0' || *start == ' ')
		return NULL;
	*rest = strchr(start, ' ');
	if (*rest != NULL)
		*(*rest)++ = '\0';
	return start;
}

static bool number(const char *text, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (text == NULL || *text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		unsigned digit = (unsigned)(*text - '0');
		if (digit > 9 || value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

// o=username session-id session-version nettype addrtype address
static int origin(struct reader *reader, char *value)
{
	char *user = word(&value), *id = word(&value), *version = word(&value);

	if (reader->seen_origin || reader->in_media || user == NULL ||
		!number(id, UINT64_MAX, &reader->out->session_id) ||
		!number(version, UINT64_MAX, &reader->out->session_version))
		return fail(reader, -EINVAL, "a bad origin");
	reader->seen_origin = true;
	return 0;
}

static bool is_unicast(const struct sockaddr_storage *address)
{
	const struct in6_addr *v6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
	uint32_t v4 = ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr);

	return address->ss_family == AF_INET ? v4 < 0xe0000000 : !IN6_IS_ADDR_MULTICAST(v6);
}

// c=IN IP4 10.0.0.1. One that is of no use leaves the address empty.
static int connection(struct reader *reader, char *value)
{
	char *net = word(&value), *type = word(&value), *text = word(&value);
	struct sockaddr_storage address = {0};

	if (net == NULL || type == NULL || text == NULL || value != NULL)
		return fail(reader, -EINVAL, "a bad connection line");
	if (reader->in_media && !reader->ours)
		return 0;
	if (strcmp(net, "IN") == 0 && strcmp(type, "IP4") == 0 &&
		inet_pton(AF_INET, text, &((struct sockaddr_in *)&address)->sin_addr) == 1)
		address.ss_family = AF_INET;
	else if (strcmp(net, "IN") == 0 && strcmp(type, "IP6") == 0 &&
		 inet_pton(AF_INET6, text, &((struct sockaddr_in6 *)&address)->sin6_addr) == 1)
		address.ss_family = AF_INET6;
	if (address.ss_family != AF_UNSPEC && !is_unicast(&address))
		address.ss_family = AF_UNSPEC;
	if (reader->in_media) {
		in_port_t port = ((struct sockaddr_in *)&reader->out->address)->sin_port;
		reader->out->address = address;
		((struct sockaddr_in *)&reader->out->address)->sin_port = port;
	} else {
		reader->address = address;
	}
	return 0;
}

static int payloads(struct reader *reader, char *value)
{
	struct sdp *out = reader->out;
	struct sdp_line *line;
	uint64_t type;

	while (value != NULL) {
		char *text = word(&value);
		if (!number(text, 127, &type))
			return fail(reader, -EINVAL, "a bad payload type");
		for (unsigned i = 0; i < out->n_payloads; i++) {
			if (out->payloads[i].type == type)
				return fail(reader, -EINVAL, "a payload type twice");
		}
		if (out->n_payloads < SDP_PAYLOADS_MAX)
			out->payloads[out->n_payloads++].type = (uint8_t)type;
	}
	if (out->n_payloads == 0)
		return fail(reader, -EINVAL, "no payload type");
	line = &out->lines.at[out->lines.ours];
	memset(line->format, 0, sizeof(line->format));
	snprintf(line->format, sizeof(line->format), "%u", out->payloads[0].type);
	return 0;
}

static bool is_visible(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text <= ' ' || *text >= 0x7f)
			return false;
	}
	return true;
}

// Keeps an m= line in mind. What is too long to be repeated cannot be refused by itself.
static int remember(
	struct reader *reader, const char *kind, const char *protocol, const char *formats)
{
	struct sdp_lines *lines = &reader->out->lines;
	struct sdp_line *line = &lines->at[lines->n];
	size_t length = formats != NULL ? strcspn(formats, " ") : 0;

	if (lines->n == SDP_LINES_MAX)
		return fail(reader, -ENOTSUP, "too many streams");
	if (strlen(kind) >= SDP_TOKEN_MAX || strlen(protocol) >= SDP_TOKEN_MAX ||
		length >= SDP_TOKEN_MAX || !is_visible(kind) || !is_visible(protocol))
		return fail(reader, -ENOTSUP, "a media line with a word that is too long");
	strcpy(line->media, kind);
	strcpy(line->protocol, protocol);
	if (length > 0)
		memcpy(line->format, formats, length);
	if (length == 0 || !is_visible(line->format))
		strncpy(line->format, "0", sizeof(line->format)); // and zeros behind it
	lines->n++;
	return 0;
}

// The stream begins to be ours; another, which had port 0, is given up for it.
static void take_stream(struct reader *reader, uint64_t port)
{
	struct sdp *out = reader->out;

	explicit_bzero(out->cryptos, sizeof(out->cryptos));
	memset(out->payloads, 0, sizeof(out->payloads));
	out->n_cryptos = out->n_payloads = 0;
	out->rtcp_mux = false;
	out->address = reader->address;
	out->direction = reader->direction;
	((struct sockaddr_in *)&out->address)->sin_port = htons((uint16_t)port);
	out->lines.ours = out->lines.n - 1;
	reader->ours = reader->taken = true;
}

// m=audio 49170 RTP/SAVP 0 8
static int media(struct reader *reader, char *value)
{
	char *kind = word(&value), *port_text = word(&value), *protocol = word(&value);
	bool has_port = ((struct sockaddr_in *)&reader->out->address)->sin_port != 0;
	uint64_t port = 0; // as of a line with a number of ports, which we cannot take
	int result;

	reader->in_media = true;
	reader->ours = false;
	if (kind == NULL || port_text == NULL || protocol == NULL)
		return fail(reader, -EINVAL, "a bad media line");
	result = remember(reader, kind, protocol, value);
	if (result != 0 || strcmp(kind, "audio") != 0 || strcmp(protocol, "RTP/SAVP") != 0)
		return result;
	if (strchr(port_text, '/') == NULL && !number(port_text, 65535, &port))
		return fail(reader, -EINVAL, "a bad port");
	if (reader->taken && (has_port || port == 0))
		return 0;
	take_stream(reader, port);
	return payloads(reader, value);
}

// rtpmap:0 PCMU/8000. Of a payload type that is not in the m= line, or too long: left out.
static int rtpmap(struct reader *reader, char *value)
{
	uint64_t type;
	struct sdp_payload *payload = NULL;

	if (!number(word(&value), 127, &type) || value == NULL || *value == '\0')
		return fail(reader, -EINVAL, "a bad rtpmap");
	for (unsigned i = 0; i < reader->out->n_payloads; i++) {
		if (reader->out->payloads[i].type == type)
			payload = &reader->out->payloads[i];
	}
	if (payload == NULL || strlen(value) >= sizeof(payload->rtpmap) || !is_visible(value))
		return 0;
	memset(payload->rtpmap, 0, sizeof(payload->rtpmap));
	memcpy(payload->rtpmap, value, strlen(value));
	return 0;
}

static int crypto(struct reader *reader, const char *value)
{
	struct sdp *out = reader->out;
	struct sdp_crypto crypto;
	const char *wrong = NULL;
	int result = sdes_read(value, &crypto, &wrong);

	if (result == -EINVAL)
		return fail(reader, -EINVAL, wrong);
	for (unsigned i = 0; result == 0 && i < out->n_cryptos; i++) {
		if (out->cryptos[i].tag == crypto.tag)
			result = fail(reader, -EINVAL, "a crypto tag twice");
	}
	if (result == 0 && out->n_cryptos < SDP_CRYPTOS_MAX)
		out->cryptos[out->n_cryptos++] = crypto;
	explicit_bzero(&crypto, sizeof(crypto));
	return result == -ENOTSUP ? 0 : result;
}

// a=name or a=name:value
static int attribute(struct reader *reader, char *value)
{
	static const struct {
		const char *name;
		unsigned bits;
	} directions[] = {{"inactive", 0}, {"sendonly", 1}, {"recvonly", 2}, {"sendrecv", 3}};
	unsigned *direction = reader->in_media ? &reader->out->direction : &reader->direction;
	char *colon = strchr(value, ':');

	if (reader->in_media && !reader->ours)
		return 0;
	for (unsigned i = 0; i < sizeof(directions) / sizeof(directions[0]); i++) {
		if (strcmp(value, directions[i].name) == 0)
			*direction = directions[i].bits;
	}
	if (!reader->in_media)
		return 0;
	if (strcmp(value, "rtcp-mux") == 0)
		reader->out->rtcp_mux = true;
	if (colon == NULL)
		return 0;
	*colon++ = '\0';
	if (strcmp(value, "rtpmap") == 0)
		return rtpmap(reader, colon);
	return strcmp(value, "crypto") == 0 ? crypto(reader, colon) : 0;
}

static int read_line(struct reader *reader, char *line, unsigned n)
{
	if (line[0] < 'a' || line[0] > 'z' || line[1] != '=')
		return fail(reader, -EINVAL, "a line that is none");
	if (n == 0)
		return strcmp(line, "v=0") == 0 ? 0 : fail(reader, -EINVAL, "no version 0");
	switch (line[0]) {
	case 'v':
		return fail(reader, -EINVAL, "a version twice");
	case 'o':
		return origin(reader, line + 2);
	case 'c':
		return connection(reader, line + 2);
	case 'm':
		return media(reader, line + 2);
	case 'a':
		return attribute(reader, line + 2);
	default:
		return 0;
	}
}

static int read_lines(struct reader *reader, char *text)
{
	unsigned n = 0;
	int result;

	for (char *line = text, *next; *line != '\0'; line = next, n++) {
		size_t length = strcspn(line, "\n");

		next = line + length + (line[length] == '\n');
		line[length] = '\0';
		if (length > 0 && line[length - 1] == '\r')
			line[--length] = '\0';
		if (length > LINE_BYTES || strchr(line, '\r') != NULL)
			return fail(reader, -EINVAL, "a line that is too long or broken");
		result = read_line(reader, line, n);
		if (result != 0)
			return result;
	}
	return 0;
}

// What is whole, and what can be used.
static int check(struct reader *reader)
{
	struct sdp *out = reader->out;

	if (!reader->seen_origin)
		return fail(reader, -EINVAL, "no origin");
	if (!reader->taken)
		return fail(reader, -ENOTSUP, "no audio over RTP/SAVP");
	if (out->address.ss_family == AF_UNSPEC)
		return fail(reader, -ENOTSUP, "no numeric address of one host");
	// RFC 3264 section 8.4: an old way to put on hold
	if (out->address.ss_family == AF_INET &&
		((struct sockaddr_in *)&out->address)->sin_addr.s_addr == INADDR_ANY)
		out->direction &= ~2u;
	return 0;
}

int sdp_read(const char *body, size_t length, struct sdp *out, char *error)
{
	struct reader reader = {.out = out, .error = error, .direction = 3};
	char *text;
	int result;

	memset(out, 0, sizeof(*out));
	if (length == 0 || length > BODY_MAX || memchr(body, '\0', length) != NULL)
		return fail(&reader, -EINVAL, "empty, too long, or no text");
	text = malloc(length + 1);
	if (text == NULL)
		return fail(&reader, -EINVAL, "out of memory");
	memcpy(text, body, length);
	text[length] = '\0';
	result = read_lines(&reader, text);
	if (result == 0)
		result = check(&reader);
	explicit_bzero(text, length);
	free(text);
	if (result != 0)
		explicit_bzero(out, sizeof(*out));
	return result;
}

const struct sdp_crypto *sdp_choose(const struct sdp *offer, const char *const wanted[])
{
	for (unsigned i = 0; wanted[i] != NULL; i++) {
		for (unsigned j = 0; j < offer->n_cryptos; j++) {
			if (strcmp(offer->cryptos[j].suite, wanted[i]) == 0)
				return &offer->cryptos[j];
		}
	}
	return NULL;
}

int sdp_new_key(struct sdp_crypto *crypto)
{
	return sdes_new_key(crypto);
}
