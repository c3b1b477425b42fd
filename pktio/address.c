// SPDX-License-Identifier: BSD-3-Clause
// Reads, writes and compares IP addresses and networks; any thread.
#include "pktio/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IPV4_BITS 96 // what the mapping puts before an IPv4 address

struct in6_addr address_from_ipv4(uint32_t be_ip)
{
	struct in6_addr ip = {.s6_addr32 = {0, 0, htonl(0xffff), be_ip}};

	return ip;
}

bool address_is_unicast(const struct in6_addr *ip)
{
	if (address_is_ipv4(ip)) {
		uint8_t first = ip->s6_addr[12];

		return first != 0 && first != 127 && first < 224;
	}
	return !IN6_IS_ADDR_UNSPECIFIED(ip) && !IN6_IS_ADDR_LOOPBACK(ip) &&
	       !IN6_IS_ADDR_MULTICAST(ip);
}

bool address_on_link(const struct address *own, const struct in6_addr *ip)
{
	unsigned bytes = own->prefix / 8, bits = own->prefix % 8;

	if (address_is_ipv4(&own->ip) != address_is_ipv4(ip))
		return false;
	if (memcmp(&own->ip, ip, bytes) != 0)
		return false;
	return bits == 0 || ((own->ip.s6_addr[bytes] ^ ip->s6_addr[bytes]) >> (8 - bits)) == 0;
}

static int parse_prefix(const char *text, unsigned long max, unsigned long *out)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	*out = strtoul(text, &end, 10);
	return *end == '\0' && *out <= max ? 0 : -EINVAL;
}

int address_parse(const char *text, struct address *out)
{
	char ip[ADDRESS_TEXT_MAX];
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	struct in_addr ipv4;
	unsigned long prefix;

	if (length >= sizeof(ip))
		return -EINVAL;
	memcpy(ip, text, length);
	ip[length] = '\0';
	if (inet_pton(AF_INET, ip, &ipv4) == 1) {
		prefix = 32;
		if (slash && parse_prefix(slash + 1, 32, &prefix) != 0)
			return -EINVAL;
		out->ip = address_from_ipv4(ipv4.s_addr);
		out->prefix = (uint8_t)(IPV4_BITS + prefix);
		return 0;
	}
	prefix = 128;
	if (inet_pton(AF_INET6, ip, &out->ip) != 1 ||
		(slash && parse_prefix(slash + 1, 128, &prefix) != 0))
		return -EINVAL;
	out->prefix = (uint8_t)prefix;
	return 0;
}

const char *address_text(const struct in6_addr *ip, char out[ADDRESS_TEXT_MAX])
{
	if (address_is_ipv4(ip))
		inet_ntop(AF_INET, &ip->s6_addr32[3], out, ADDRESS_TEXT_MAX);
	else
		inet_ntop(AF_INET6, ip, out, ADDRESS_TEXT_MAX);
	return out;
}

const char *address_text_prefix(const struct address *address, char out[ADDRESS_TEXT_MAX])
{
	unsigned prefix = address->prefix;
	size_t used;

	if (address_is_ipv4(&address->ip))
		prefix -= IPV4_BITS;
	address_text(&address->ip, out);
	used = strlen(out);
	snprintf(out + used, ADDRESS_TEXT_MAX - used, "/%u", prefix);
	return out;
}

struct in6_addr address_link_local(const struct rte_ether_addr *mac)
{
	const uint8_t *b = mac->addr_bytes;
	struct in6_addr ip = {.s6_addr = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, b[0] ^ 2, b[1], b[2], 0xff,
				      0xfe, b[3], b[4], b[5]}};

	return ip;
}
