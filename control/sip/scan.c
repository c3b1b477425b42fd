// SPDX-License-Identifier: BSD-3-Clause
// The first look at a SIP message, before libosip2's parser sees any of it. Any thread.
#include "control/sip/scan.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ERROR_MAX 128

static const struct scan_name names[] = {
	{"Via", 'v', SCAN_PARSED | SCAN_QUOTED | SCAN_LIST},
	{"From", 'f', SCAN_PARSED | SCAN_QUOTED | SCAN_SINGLE},
	{"To", 't', SCAN_PARSED | SCAN_QUOTED | SCAN_SINGLE},
	{"Call-ID", 'i', SCAN_PARSED | SCAN_SINGLE},
	{"CSeq", 0, SCAN_PARSED | SCAN_SINGLE},
	{"Contact", 'm', SCAN_PARSED | SCAN_QUOTED | SCAN_LIST},
	{"Route", 0, SCAN_PARSED | SCAN_QUOTED | SCAN_LIST},
	{"Record-Route", 0, SCAN_PARSED | SCAN_QUOTED | SCAN_LIST},
	{"Content-Type", 'c', SCAN_PARSED | SCAN_QUOTED | SCAN_SINGLE},
	{"Content-Length", 'l', SCAN_SINGLE},
	{"Max-Forwards", 0, SCAN_SINGLE},
	{"Expires", 0, SCAN_SINGLE},
	{"Min-Expires", 0, SCAN_SINGLE},
	{"Event", 'o', SCAN_SINGLE},
	{"SIP-ETag", 0, SCAN_SINGLE},
	{"SIP-If-Match", 0, SCAN_SINGLE},
	{"Subscription-State", 0, SCAN_SINGLE},
	{"Session-Expires", 'x', SCAN_SINGLE},
	{"MIME-Version", 0, SCAN_SINGLE},
	{"Content-Disposition", 0, SCAN_SINGLE},
	{"Date", 0, SCAN_SINGLE},
	{"Organization", 0, SCAN_SINGLE},
	{"Priority", 0, SCAN_SINGLE},
	{"Reply-To", 0, SCAN_SINGLE},
	{"Retry-After", 0, SCAN_SINGLE},
	{"Server", 0, SCAN_SINGLE},
	{"Subject", 's', SCAN_SINGLE},
	{"Timestamp", 0, SCAN_SINGLE},
	{"User-Agent", 0, SCAN_SINGLE},
	{"Refer-To", 'r', SCAN_SINGLE},
	{"Referred-By", 'b', SCAN_SINGLE},
	{"Authorization", 0, 0},
	{"WWW-Authenticate", 0, 0},
	{"Content-Encoding", 'e', 0},
	{"Supported", 'k', 0},
	{"Allow-Events", 'u', 0},
	{"Accept-Contact", 'a', 0},
	{"Reject-Contact", 'j', 0},
	{"Request-Disposition", 'd', 0},
	{"Identity", 'y', 0},
};

#define N_NAMES (sizeof(names) / sizeof(names[0]))

const struct scan_name *scan_known(const char *name)
{
	bool compact = name[0] != '\0' && name[1] == '\0';

	for (unsigned i = 0; i < N_NAMES; i++) {
		if (compact ? names[i].compact == tolower((unsigned char)name[0])
			    : strcasecmp(names[i].name, name) == 0)
			return &names[i];
	}
	return NULL;
}

bool scan_is_token(const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (!isalnum((unsigned char)*p) && strchr("-.!%*_+`'~", *p) == NULL)
			return false;
	}
	return *text != '\0';
}

bool scan_is_line(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
		if ((*p < ' ' && *p != '\t') || *p == 0x7f)
			return false;
	}
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool scan_is_balanced(const char *text)
{
	bool quoted = false;

	for (const char *p = text; *p != '\0'; p++) {
		if (quoted && *p == '\\') {
			if (*++p == '\0')
				return false;
		} else if (*p == '"') {
			quoted = !quoted;
		} else if (!quoted && *p == '%') {
			int high = hex_digit(p[1]), low = high < 0 ? -1 : hex_digit(p[2]);
			if (low < 0 || high < 2 || (high == 7 && low == 15))
				return false;
		}
	}
	return !quoted;
}

long long scan_number(const char *text, long long max)
{
	long long number = 0;

	if (text == NULL || *text == '\0')
		return -1;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		number = number * 10 + (*text - '0');
		if (number > max)
			return -1;
	}
	return number;
}

const char *scan_value(const struct scan *scan, const char *name)
{
	for (unsigned i = 0; i < scan->n_headers; i++) {
		if (strcasecmp(scan->headers[i].name, name) == 0)
			return scan->headers[i].value;
	}
	return NULL;
}

// Cuts the next line off, unfolding it in place (RFC 3261 section 7.3.1). NULL if its end is no
// CRLF, or it has a character that no line has.
static char *cut_line(char **rest)
{
	char *line = *rest, *p = line;

	for (;; p++) {
		if (*p == '\r' && p[1] == '\n') {
			if (p == line || (p[2] != ' ' && p[2] != '\t'))
				break;
			p[0] = p[1] = ' ';
		} else if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f) {
			return NULL;
		} else if (*p == '\t') {
			*p = ' ';
		}
	}
	*p = '\0';
	*rest = p + 2;
	return line;
}

static char *trim(char *text)
{
	size_t length;

	text += strspn(text, " ");
	for (length = strlen(text); length > 0 && text[length - 1] == ' '; length--)
		text[length - 1] = '\0';
	return text;
}

static unsigned count_parts(const char *value)
{
	unsigned parts = 0;

	for (const char *p = value; *p != '\0'; p++)
		parts += *p == ',' || *p == ';' || *p == '&';
	return parts;
}

// Splits one header line and adds it. NULL, or what is wrong with it.
static const char *add_header(struct scan *scan, char *line, unsigned *parts)
{
	char *end, *colon = strchr(line, ':');
	struct scan_header *header = &scan->headers[scan->n_headers];

	if (scan->n_headers == SCAN_HEADERS_MAX)
		return "too many headers";
	if (colon == NULL)
		return "a line that is no header";
	end = colon;
	while (end > line && end[-1] == ' ')
		end--;
	*end = '\0';
	header->name = line;
	if (!scan_is_token(line) || end - line > 64)
		return "a header name that is no token";
	header->value = trim(colon + 1);
	header->known = scan_known(line);
	if (header->known != NULL) {
		header->name = header->known->name;
		if (header->known->flags & SCAN_SINGLE && scan_value(scan, header->name) != NULL)
			return "a header twice that comes once";
		if (header->known->flags & SCAN_PARSED) {
			*parts += count_parts(header->value);
			if (strlen(header->value) > SCAN_PARSED_MAX || *parts > SCAN_PARTS_MAX)
				return "a header that is too long";
			if (header->known->flags & SCAN_QUOTED && !scan_is_balanced(header->value))
				return "a header with a bad quote or escape";
		}
	}
	scan->n_headers++;
	return NULL;
}

// Where the head ends: behind the empty line. 0 if it does not.
static size_t head_length(const char *data, size_t length)
{
	const char *end = memmem(data, length, "\r\n\r\n", 4);

	return end == NULL ? 0 : (size_t)(end - data) + 4;
}

static const char *scan_head(struct scan *scan)
{
	char *rest = scan->text, *line = cut_line(&rest);
	unsigned parts = 0;

	if (line == NULL || *line == '\0' || strlen(line) > SCAN_PARSED_MAX)
		return "no start line";
	scan->start_line = line;
	for (;;) {
		line = cut_line(&rest);
		if (line == NULL)
			return "a control character";
		if (*line == '\0')
			return NULL;
		const char *wrong = add_header(scan, line, &parts);
		if (wrong != NULL)
			return wrong;
	}
}

static const char *check_body(const struct scan *scan)
{
	const char *value = scan_value(scan, "Content-Length");

	if (value != NULL && scan_number(value, 1LL << 40) != (long long)scan->body_length)
		return "a Content-Length that is not the body's";
	return NULL;
}

int scan_message(const char *data, size_t length, struct scan *scan, char *error)
{
	size_t head = head_length(data, length);
	const char *wrong = NULL;

	scan->text = NULL;
	scan->n_headers = 0;
	if (head == 0) {
		snprintf(error, ERROR_MAX, "no empty line behind the headers");
		return -EINVAL;
	}
	scan->body_length = length - head;
	scan->body = length == head ? NULL : data + head;
	scan->text = malloc(head + 1);
	if (scan->text == NULL) {
		snprintf(error, ERROR_MAX, "out of memory");
		return -ENOMEM;
	}
	memcpy(scan->text, data, head);
	scan->text[head] = '\0';
	wrong = scan_head(scan);
	if (wrong == NULL)
		wrong = check_body(scan);
	if (wrong == NULL)
		return 0;
	snprintf(error, ERROR_MAX, "%s", wrong);
	scan_fini(scan);
	return -EINVAL;
}

void scan_fini(struct scan *scan)
{
	free(scan->text);
	scan->text = NULL;
}
