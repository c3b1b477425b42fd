// SPDX-License-Identifier: BSD-3-Clause
// Header templates: every field, and checksums against a sum over the whole packet.
#include <criterion/criterion.h>
#include <string.h>

#include <rte_ip.h>
#include <rte_udp.h>

#include "pktio/address.h"
#include "pktio/parse.h"
#include "pktio/template.h"

static const struct rte_ether_addr src_mac = {{2, 0, 0, 0, 0, 1}}, dst_mac = {{2, 0, 0, 0, 0, 2}};

static struct in6_addr ip(const char *text)
{
	struct address a;

	cr_assert_eq(address_parse(text, &a), 0);
	return a.ip;
}

// The plain sum of RFC 1071, as an independent reference.
static uint16_t sum16(uint32_t sum, const uint8_t *data, uint32_t length)
{
	for (uint32_t i = 0; i < length; i += 2)
		sum += (uint32_t)(data[i] << 8 | (i + 1 < length ? data[i + 1] : 0));
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void check(const char *src, const char *dst, uint16_t vlan, uint16_t length, uint16_t add)
{
	const struct template_params params = {src_mac, vlan, ip(src), ip(dst), 46};
	struct template t;
	uint8_t frame[TEMPLATE_MAX + 1500], *payload = frame + TEMPLATE_MAX, *start, *l3;
	struct parse p;

	cr_assert_eq(template_init(&t, &params), 0);
	for (unsigned i = 0; i < length; i++)
		payload[i] = (uint8_t)(i * 7 + length);
	cr_assert_not(template_ready(&t));
	template_set_mac(&t, &dst_mac);
	cr_assert(template_ready(&t));
	template_write(&t, payload, length, rte_cpu_to_be_16((uint16_t)(20000 + add)),
		rte_cpu_to_be_16((uint16_t)(40000 + add)));
	start = payload - template_size(&t);
	l3 = start + template_l3(&t);
	cr_assert_arr_eq(start, &dst_mac, 6);
	cr_assert_arr_eq(start + 6, &src_mac, 6);
	parse_frame(start, template_size(&t) + length, &p);
	cr_assert_eq(p.kind, PARSE_UDP);
	cr_assert_eq(p.vlan, vlan);
	cr_assert_eq(p.length, length);
	cr_assert_eq(p.payload, template_size(&t));
	cr_assert(address_equal(&p.src, &params.src) && address_equal(&p.dst, &params.dst));
	cr_assert_eq(rte_be_to_cpu_16(p.src_port), 20000 + add);
	cr_assert_eq(rte_be_to_cpu_16(p.dst_port), 40000 + add);
	if (!t.ipv6) {
		cr_assert_eq(sum16(0, l3, 20), 0xffff, "length %u", length);
		cr_assert_eq(l3[1], 46 << 2);
		cr_assert_arr_eq(l3 + 26, "\0\0", 2, "no UDP checksum");
	} else {
		uint32_t pseudo = sum16(17 + 8u + length, l3 + 8, 32);

		cr_assert_eq(sum16(pseudo, l3 + 40, 8u + length), 0xffff, "length %u", length);
		cr_assert_eq((l3[0] << 8 | l3[1]) >> 6 & 63, 46);
	}
}

Test(template, all_lengths)
{
	for (uint16_t length = 0; length <= 1400; length += length < 40 ? 1 : 37) {
		check("10.0.0.1", "10.0.0.2", 0, length, 0);
		check("2001:db8::1", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 0, length, 0);
		check("203.0.113.255", "198.51.100.255", 4094, length, 1);
		check("fe80::1", "fe80::2", 7, length, 1);
	}
}

Test(template, zero_sum_is_written_as_ones)
{
	const struct template_params params = {src_mac, 0, ip("2001:db8::1"), ip("2001:db8::2"), 0};
	struct template t;
	uint8_t frame[TEMPLATE_MAX + 2], *payload = frame + TEMPLATE_MAX;
	unsigned zeros = 0;

	template_init(&t, &params);
	for (unsigned value = 0; value < 65536; value++) {
		payload[0] = (uint8_t)(value >> 8);
		payload[1] = (uint8_t)value;
		template_write(&t, payload, 2, RTE_BE16(20000), RTE_BE16(40000));
		zeros += payload[-1] == 0 && payload[-2] == 0;
	}
	cr_assert_eq(zeros, 0, "RFC 8200 section 8.1");
}

Test(template, refuses_mixed_versions)
{
	const struct template_params params = {src_mac, 0, ip("10.0.0.1"), ip("2001:db8::2"), 0};
	struct template t;

	cr_assert_neq(template_init(&t, &params), 0);
}
