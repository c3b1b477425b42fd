// SPDX-License-Identifier: BSD-3-Clause
// The dictionary of what stands in capitals in the commands' patterns. No state; any thread.
#include "engine/client/placeholder.h"

#include "engine/drop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define X(name, text, help) text "|"
#define DROP_REASONS	    DROP_LIST(X) "any"

// By name; one line each. `help` goes behind the name: "ID (the number of a session, ...)".
const struct placeholder placeholders[] = {
	{"ADDRESS", PLACEHOLDER_TEXT, 0, 0, NULL, "an IP address, with or without a port"},
	{"BURST", PLACEHOLDER_NUMBER, 1, 32, NULL, "packets"},
	{"BYTES", PLACEHOLDER_NUMBER, 1, 1948, NULL, "bytes of RTP payload"},
	{"CALL", PLACEHOLDER_TEXT, 0, 0, NULL, "a call of `show call`, c7"},
	{"DIRECTION", PLACEHOLDER_CHOICE, 0, 0, "sendrecv|sendonly|recvonly|inactive",
		"from this host's side"},
	{"ENDPOINT", PLACEHOLDER_TEXT, 0, 0, NULL, "an endpoint of this host, alice@example.org"},
	{"FILE", PLACEHOLDER_FILE, 0, 0, NULL, "a file's path"},
	{"FROM", PLACEHOLDER_TEXT, 0, 0, NULL, "an endpoint of this host, alice@example.org"},
	{"ID", PLACEHOLDER_NUMBER, 0, UINT32_MAX, NULL, "the number of a session"},
	{"LEVEL", PLACEHOLDER_CHOICE, 0, 0, "error|warning|notice|info|debug", "how much is said"},
	{"MODE", PLACEHOLDER_CHOICE, 0, 0, "direct|echo|sink|io|gen", "what is done with packets"},
	{"N", PLACEHOLDER_NUMBER, 1, UINT32_MAX, NULL, "how many"},
	{"PEER", PLACEHOLDER_TEXT, 0, 0, NULL, "who is on its list, bob@example.org"},
	{"PORT", PLACEHOLDER_NUMBER, 0, 31, NULL, "the number of a port"},
	{"PPS", PLACEHOLDER_NUMBER, 0, 1000000, NULL,
		"packets per second of each session; 0: as many as go"},
	{"REASON", PLACEHOLDER_CHOICE, 0, 0, DROP_REASONS, "why packets are dropped"},
	{"SECONDS", PLACEHOLDER_NUMBER, 0, 86400, NULL, "seconds"},
	{"SNAPLEN", PLACEHOLDER_NUMBER, 1, 65535, NULL, "bytes of a packet at most"},
	{"SSRC", PLACEHOLDER_NUMBER, 0, UINT32_MAX, NULL, "a synchronization source"},
	{"SUITE", PLACEHOLDER_CHOICE, 0, 0,
		"AEAD_AES_128_GCM|AEAD_AES_256_GCM|AES_CM_128_HMAC_SHA1_80|AES_CM_128_HMAC_SHA1_32",
		"of SRTP"},
	{"TO", PLACEHOLDER_TEXT, 0, 0, NULL, "a peer of it, bob@example.org"},
	{"TYPE", PLACEHOLDER_TEXT, 0, 0, NULL,
		"a log type of `show log`, lib.eal, pmd.*, or global"},
	{"WORD", PLACEHOLDER_TEXT, 0, 0, NULL, "a section of the commands, or a word of one"},
	{"WORKER", PLACEHOLDER_NUMBER, 0, 63, NULL, "the number of a worker"},
	{0},
};

const struct placeholder *placeholder_find(const char *name, unsigned length)
{
	for (const struct placeholder *p = placeholders; p->name; p++)
		if (strlen(p->name) == length && strncmp(p->name, name, length) == 0)
			return p;
	return NULL;
}

bool placeholder_number(const char *word, uint64_t *number)
{
	bool hex = word[0] == '0' && (word[1] == 'x' || word[1] == 'X');
	const char *digits = hex ? word + 2 : word;
	char *end;

	if (!*digits ||
		strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789") != strlen(digits))
		return false;
	errno = 0;
	*number = strtoull(digits, &end, hex ? 16 : 10);
	return errno == 0;
}

static bool is_choice(const char *choices, const char *word)
{
	size_t length = strlen(word), n;

	for (; *choices; choices += n + (choices[n] == '|')) {
		n = strcspn(choices, "|");
		if (n == length && strncmp(choices, word, n) == 0)
			return true;
	}
	return false;
}

bool placeholder_is_address(const char *word)
{
	char ip[INET6_ADDRSTRLEN + 2], *host = ip;
	const char *colon = strrchr(word, ':');
	struct in6_addr address;
	uint64_t port;
	size_t n = colon ? (size_t)(colon - word) : 0;

	if (n == 0 || n >= sizeof(ip) || !placeholder_number(colon + 1, &port) || port > UINT16_MAX)
		return false;
	memcpy(ip, word, n);
	ip[n] = '\0';
	if (ip[0] != '[')
		return inet_pton(AF_INET, ip, &address) == 1;
	if (ip[n - 1] != ']')
		return false;
	ip[n - 1] = '\0';
	return inet_pton(AF_INET6, ++host, &address) == 1;
}

bool placeholder_fits(const char *name, unsigned length, const char *word)
{
	const struct placeholder *p = placeholder_find(name, length);
	uint64_t number;

	if (!p || !*word)
		return false;
	switch (p->kind) {
	case PLACEHOLDER_NUMBER:
		return placeholder_number(word, &number) && number >= p->min && number <= p->max;
	case PLACEHOLDER_CHOICE:
		return is_choice(p->choices, word);
	case PLACEHOLDER_ADDRESS:
		return placeholder_is_address(word);
	default:
		return true;
	}
}

// "direct, echo"
static void list_choices(const char *choices, char *text, size_t size)
{
	size_t at = 0, n;

	text[0] = '\0';
	for (; *choices && at < size; choices += n + (choices[n] == '|')) {
		n = strcspn(choices, "|");
		at += snprintf(text + at, size - at, "%s%.*s", at ? ", " : "", (int)n, choices);
	}
}

void placeholder_describe(const char *name, unsigned length, char text[PLACEHOLDER_TEXT_MAX])
{
	const struct placeholder *p = placeholder_find(name, length);
	char more[PLACEHOLDER_TEXT_MAX / 2] = "";

	if (!p) {
		snprintf(text, PLACEHOLDER_TEXT_MAX, "%.*s", (int)length, name);
		return;
	}
	if (p->kind == PLACEHOLDER_NUMBER)
		snprintf(more, sizeof(more), ", %" PRIu64 " to %" PRIu64, p->min, p->max);
	else if (p->kind == PLACEHOLDER_CHOICE)
		list_choices(p->choices, more, sizeof(more));
	else if (p->kind == PLACEHOLDER_ADDRESS)
		snprintf(more, sizeof(more), ", IP:PORT or [IPv6]:PORT");
	snprintf(text, PLACEHOLDER_TEXT_MAX, "%s (%s%s%s)", p->name, p->help,
		p->kind == PLACEHOLDER_CHOICE ? ": " : "", more);
}
