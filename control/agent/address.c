// SPDX-License-Identifier: BSD-3-Clause
// The addresses of address.h, IPv4 and IPv6; any thread.
#include "control/agent/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int address_parse_ip(const char *text, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		out->ss_family = AF_INET;
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		out->ss_family = AF_INET6;
		return 0;
	}
	return -EINVAL;
}

int address_parse(const char *text, struct sockaddr_storage *out)
{
	const char *colon = strrchr(text, ':');
	char ip[INET6_ADDRSTRLEN + 2], *start = ip, *end;
	unsigned long port;

	if (!colon || colon == text || (size_t)(colon - text) >= sizeof(ip))
		return -EINVAL;
	memcpy(ip, text, colon - text);
	ip[colon - text] = '\0';
	if (ip[0] == '[') {
		if (ip[strlen(ip) - 1] != ']')
			return -EINVAL;
		ip[strlen(ip) - 1] = '\0';
		start++;
	} else if (strchr(ip, ':')) {
		return -EINVAL; // IPv6 without brackets: which colon is the port's?
	}
	port = strtoul(colon + 1, &end, 10);
	if (colon[1] < '0' || colon[1] > '9' || *end || port > 65535)
		return -EINVAL;
	if (address_parse_ip(start, out))
		return -EINVAL;
	address_set_port(out, port);
	return 0;
}

void address_format_ip(const struct sockaddr_storage *address, bool brackets, char *out)
{
	char ip[INET6_ADDRSTRLEN];

	if (address->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, ip,
			sizeof(ip));
		snprintf(out, ADDRESS_MAX, brackets ? "[%s]" : "%s", ip);
	} else {
		inet_ntop(
			AF_INET, &((const struct sockaddr_in *)address)->sin_addr, ip, sizeof(ip));
		snprintf(out, ADDRESS_MAX, "%s", ip);
	}
}

void address_format(const struct sockaddr_storage *address, char *out)
{
	size_t used;

	address_format_ip(address, true, out);
	used = strlen(out);
	snprintf(out + used, ADDRESS_MAX - used, ":%u", address_port(address));
}

unsigned address_port(const struct sockaddr_storage *address)
{
	return ntohs(address->ss_family == AF_INET6
			     ? ((const struct sockaddr_in6 *)address)->sin6_port
			     : ((const struct sockaddr_in *)address)->sin_port);
}

void address_set_port(struct sockaddr_storage *address, unsigned port)
{
	if (address->ss_family == AF_INET6)
		((struct sockaddr_in6 *)address)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)address)->sin_port = htons(port);
}

socklen_t address_length(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					      : sizeof(struct sockaddr_in);
}

bool address_is_any(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)address)->sin6_addr);
	return ((const struct sockaddr_in *)address)->sin_addr.s_addr == INADDR_ANY;
}

bool address_equal(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	char x[ADDRESS_MAX], y[ADDRESS_MAX];

	if (a->ss_family != b->ss_family)
		return false;
	address_format(a, x);
	address_format(b, y);
	return !strcmp(x, y);
}
