// SPDX-License-Identifier: BSD-3-Clause
// The packet parser on good packets, on every truncation of them and on hostile lengths; addresses;
// the demultiplexer.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "pktio/address.h"
#include "pktio/demux.h"
#include "pktio/parse.h"

struct frame {
	uint32_t length;
	uint8_t bytes[256];
};

static void append(struct frame *f, const void *data, uint32_t length)
{
	memcpy(f->bytes + f->length, data, length);
	f->length += length;
}

// Parses a copy that ends where its memory ends, so that the sanitizer sees a read beyond.
static struct parse parse(const uint8_t *bytes, uint32_t length)
{
	uint8_t *copy = malloc(length ? length : 1);
	struct parse p;

	memcpy(copy, bytes, length);
	memset(&p, 0xee, sizeof(p));
	parse_frame(copy, length, &p);
	free(copy);
	return p;
}

static void ethernet(struct frame *f, uint16_t vlan, uint16_t type)
{
	static const uint8_t macs[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	const uint8_t tag[4] = {0x81, 0, (uint8_t)(vlan >> 8), (uint8_t)vlan};
	const uint8_t be_type[2] = {(uint8_t)(type >> 8), (uint8_t)type};

	f->length = 0;
	append(f, macs, sizeof(macs));
	if (vlan)
		append(f, tag, sizeof(tag));
	append(f, be_type, 2);
}

static void udp(struct frame *f, uint16_t payload)
{
	const uint8_t header[8] = {
		0x13, 0x88, 0x17, 0x70, (uint8_t)((payload + 8) >> 8), (uint8_t)(payload + 8)};

	append(f, header, 8);
	for (unsigned i = 0; i < payload; i++)
		append(f, &(uint8_t){(uint8_t)i}, 1);
}

// IPv4 with `options` bytes of options.
static void make_ipv4(struct frame *f, uint16_t vlan, unsigned options, uint16_t payload)
{
	uint16_t total = (uint16_t)(20 + options + 8 + payload);
	uint8_t ip[60] = {(uint8_t)(0x45 + options / 4), 0, (uint8_t)(total >> 8),
		(uint8_t)total, [8] = 64, [9] = 17, [12] = 10, 0, 0, 1, 10, 0, 0, 2};

	ethernet(f, vlan, 0x0800);
	append(f, ip, 20 + options);
	udp(f, payload);
}

// IPv6 with `n` extension headers of these types and 8 bytes each.
static void make_ipv6(struct frame *f, const uint8_t *types, unsigned n, uint16_t payload)
{
	uint16_t length = (uint16_t)(n * 8 + 8 + payload);
	uint8_t ip[40] = {0x60, 0, 0, 0, (uint8_t)(length >> 8), (uint8_t)length, 17, 64, 0x20,
		1, [23] = 1, 0x20, 1, [39] = 2};

	ip[6] = n ? types[0] : 17;
	ethernet(f, 0, 0x86dd);
	append(f, ip, 40);
	for (unsigned i = 0; i < n; i++) {
		uint8_t extension[8] = {i + 1 < n ? types[i + 1] : 17};

		append(f, extension, 8);
	}
	udp(f, payload);
}

static void check_udp(
	const struct frame *f, uint16_t offset, uint16_t payload, const char *src, const char *dst)
{
	struct parse p = parse(f->bytes, f->length);
	struct address a;

	cr_assert_eq(p.kind, PARSE_UDP);
	cr_assert_eq(p.payload, offset);
	cr_assert_eq(p.length, payload);
	cr_assert_eq(p.src_port, RTE_BE16(5000));
	cr_assert_eq(p.dst_port, RTE_BE16(6000));
	cr_assert_eq(address_parse(src, &a), 0);
	cr_assert(address_equal(&a.ip, &p.src), "%s", src);
	cr_assert_eq(address_parse(dst, &a), 0);
	cr_assert(address_equal(&a.ip, &p.dst), "%s", dst);
}

Test(parse, udp_over_ipv4)
{
	struct frame f;

	make_ipv4(&f, 0, 0, 20);
	check_udp(&f, 42, 20, "10.0.0.1", "10.0.0.2");
	make_ipv4(&f, 0, 40, 0);
	check_udp(&f, 82, 0, "10.0.0.1", "10.0.0.2");
	append(&f, "padding of a short frame", 24);
	check_udp(&f, 82, 0, "10.0.0.1", "10.0.0.2");
}

Test(parse, udp_over_ipv6)
{
	static const uint8_t types[] = {0, 60, 60, 60, 60, 60, 60, 60, 60};
	struct frame f;

	make_ipv6(&f, NULL, 0, 9);
	check_udp(&f, 62, 9, "2001::1", "2001::2");
	make_ipv6(&f, types, 3, 9);
	check_udp(&f, 86, 9, "2001::1", "2001::2");
	make_ipv6(&f, types, PARSE_EXTENSIONS_MAX, 9);
	check_udp(&f, 62 + 64, 9, "2001::1", "2001::2");
	make_ipv6(&f, types, PARSE_EXTENSIONS_MAX + 1, 9);
	cr_assert_eq(parse(f.bytes, f.length).kind, PARSE_OTHER);
}

Test(parse, vlan)
{
	struct frame f;
	struct parse p;

	make_ipv4(&f, 42, 0, 20);
	check_udp(&f, 46, 20, "10.0.0.1", "10.0.0.2");
	p = parse(f.bytes, f.length);
	cr_assert_eq(p.vlan, 42);
	cr_assert_eq(p.tagged, 1);
	make_ipv4(&f, 0xe000 | 42, 0, 20); // with a priority
	cr_assert_eq(parse(f.bytes, f.length).vlan, 42);
	f.bytes[16] = 0x81; // a second tag is not followed
	f.bytes[17] = 0;
	cr_assert_eq(parse(f.bytes, f.length).kind, PARSE_OTHER);
}

Test(parse, others)
{
	static const uint8_t routing[] = {43}, fragment[] = {44}, icmp6[] = {58};
	struct frame f;

	make_ipv4(&f, 0, 0, 20);
	f.bytes[23] = 1;
	cr_assert_eq(parse(f.bytes, f.length).kind, PARSE_ICMP);
	f.bytes[23] = 6;
	cr_assert_eq(parse(f.bytes, f.length).kind, PARSE_OTHER);
	f.bytes[20] = 0x20; // more fragments
	cr_assert_eq(parse(f.bytes, f.length).kind, PARSE_FRAGMENT);
	f.bytes[20] = 0x40; // don't fragment
	f.bytes[23] = 17;
	cr_assert_eq(parse(f.bytes, f.length).kind, PARSE_UDP);
	f.bytes[21] = 1; // a later fragment
	cr_assert_eq(parse(f.bytes, f.length).kind, PARSE_FRAGMENT);
	make_ipv6(&f, fragment, 1, 20);
	cr_assert_eq(parse(f.bytes, f.length).kind, PARSE_FRAGMENT);
	make_ipv6(&f, routing, 1, 20);
	cr_assert_eq(parse(f.bytes, f.length).kind, PARSE_OTHER);
	make_ipv6(&f, icmp6, 1, 20);
	cr_assert_eq(parse(f.bytes, f.length).kind, PARSE_ICMP);
	f.bytes[12] = 8;
	f.bytes[13] = 6;
	cr_assert_eq(parse(f.bytes, f.length).kind, PARSE_ARP);
}

// Cut at any length, a packet is never taken for a whole one.
static void truncate_all(const struct frame *f)
{
	for (uint32_t length = 0; length < f->length; length++) {
		struct parse p = parse(f->bytes, length);

		cr_assert_eq(p.kind, PARSE_MALFORMED, "%u bytes: %u", length, p.kind);
	}
}

Test(parse, truncated_at_every_length)
{
	static const uint8_t types[] = {0, 60};
	struct frame f;

	make_ipv4(&f, 0, 0, 20);
	truncate_all(&f);
	make_ipv4(&f, 42, 12, 20);
	truncate_all(&f);
	make_ipv6(&f, types, 2, 20);
	truncate_all(&f);
}

Test(parse, hostile_lengths)
{
	static const uint8_t types[] = {0};
	static const struct {
		unsigned at;
		uint8_t value;
	} ipv4[] = {{14, 0x44}, {14, 0x40}, {14, 0x55}, {14, 0x35}, {16, 0xff}, {17, 0x13},
		{38, 0xff}, {39, 7}, {39, 0}};
	struct frame f;

	for (unsigned i = 0; i < sizeof(ipv4) / sizeof(ipv4[0]); i++) {
		make_ipv4(&f, 0, 0, 20);
		f.bytes[ipv4[i].at] = ipv4[i].value;
		cr_assert_eq(parse(f.bytes, f.length).kind, PARSE_MALFORMED, "case %u", i);
	}
	make_ipv4(&f, 0, 0, 20);
	f.bytes[14] = 0x44; // shorter than a header, with a UDP length at the place that follows
	f.bytes[34] = 0;
	f.bytes[35] = 20;
	cr_assert_eq(parse(f.bytes, f.length).kind, PARSE_MALFORMED);
	make_ipv6(&f, types, 1, 20);
	f.bytes[55] = 200; // an extension header that goes beyond the packet
	cr_assert_eq(parse(f.bytes, f.length).kind, PARSE_MALFORMED);
	make_ipv6(&f, NULL, 0, 20);
	f.bytes[18] = 1; // a payload length beyond the frame
	cr_assert_eq(parse(f.bytes, f.length).kind, PARSE_MALFORMED);
	make_ipv6(&f, NULL, 0, 20);
	f.bytes[59] = 29; // UDP beyond IP, though inside the frame
	append(&f, "behind", 6);
	cr_assert_eq(parse(f.bytes, f.length).kind, PARSE_MALFORMED);
}

Test(demux, by_the_first_bytes)
{
	static const struct {
		uint8_t bytes[2];
		uint32_t length;
		enum demux_kind kind;
	} cases[] = {
		{{0, 1}, 20, DEMUX_STUN},
		{{3, 1}, 20, DEMUX_STUN},
		{{4, 1}, 20, DEMUX_OTHER},
		{{16, 0}, 20, DEMUX_OTHER},
		{{19, 0}, 20, DEMUX_OTHER},
		{{20, 0}, 20, DEMUX_DTLS},
		{{63, 0}, 20, DEMUX_DTLS},
		{{64, 0}, 20, DEMUX_OTHER},
		{{127, 0}, 20, DEMUX_OTHER},
		{{128, 0}, 20, DEMUX_RTP},
		{{128, 191}, 20, DEMUX_RTP},
		{{128, 192}, 20, DEMUX_RTCP},
		{{191, 223}, 20, DEMUX_RTCP},
		{{191, 224}, 20, DEMUX_RTP},
		{{192, 0}, 20, DEMUX_OTHER},
		{{255, 0}, 20, DEMUX_OTHER},
		{{128, 0}, 1, DEMUX_OTHER},
		{{128, 0}, 0, DEMUX_OTHER},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_assert_eq(demux_classify(cases[i].bytes, cases[i].length), cases[i].kind,
			"case %u", i);
}

Test(address, reads_and_writes)
{
	static const char *const good[] = {"192.168.50.1/24", "10.0.0.1/32", "0.0.0.0/0",
		"2001:db8::1/64", "fe80::1/128", "::/0"};
	static const char *const bad[] = {"", "1.2.3", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/-1",
		"1.2.3.4/ 8", "::1/129", "x", "1.2.3.4/24x", "2001:db8::1%eth0/64"};
	char text[ADDRESS_TEXT_MAX];
	struct address a;

	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		cr_assert_eq(address_parse(good[i], &a), 0, "%s", good[i]);
		cr_assert_str_eq(address_text_prefix(&a, text), good[i]);
	}
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_neq(address_parse(bad[i], &a), 0, "%s", bad[i]);
}

Test(address, on_link)
{
	static const struct {
		const char *own, *ip;
		bool on_link;
	} cases[] = {
		{"10.0.0.1/24", "10.0.0.200", true},
		{"10.0.0.1/24", "10.0.1.1", false},
		{"10.0.0.1/25", "10.0.0.128", false},
		{"10.0.0.1/25", "10.0.0.127", true},
		{"10.0.0.1/32", "10.0.0.1", true},
		{"10.0.0.1/32", "10.0.0.0", false},
		{"10.0.0.1/0", "1.2.3.4", true},
		{"10.0.0.1/0", "2001:db8::1", false},
		{"2001:db8::1/64", "2001:db8::ffff", true},
		{"2001:db8::1/64", "2001:db9::1", false},
		{"::1/0", "1.2.3.4", false},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct address own, ip;

		address_parse(cases[i].own, &own);
		address_parse(cases[i].ip, &ip);
		cr_assert_eq(address_on_link(&own, &ip.ip), cases[i].on_link, "%s %s", cases[i].own,
			cases[i].ip);
	}
}

Test(address, unicast)
{
	static const char *const bad[] = {
		"0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "ff02::1"};
	struct address a;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		address_parse(bad[i], &a);
		cr_assert_not(address_is_unicast(&a.ip), "%s", bad[i]);
	}
	address_parse("fe80::1", &a);
	cr_assert(address_is_unicast(&a.ip));
	address_parse("203.0.113.7", &a);
	cr_assert(address_is_unicast(&a.ip));
}
