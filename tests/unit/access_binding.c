// SPDX-License-Identifier: BSD-3-Clause
// Who is online, the limit of failed logins, and which addresses and contacts are taken.
#include <criterion/criterion.h>

#include "control/access/binding.h"
#include "control/access/contact.h"
#include "control/access/limit.h"
#include "control/sip/msg.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct binding_login login_of(const char *aor, const char *contact, unsigned expires_s)
{
	return (struct binding_login){.aor = aor,
		.contact = contact,
		.fingerprint = "f",
		.source = "s",
		.call_id = "c",
		.cseq = 1,
		.expires_s = expires_s};
}

Test(binding, put_find_replace_remove)
{
	struct binding_table *t = binding_table_new();
	struct binding_login one = login_of("sip:a@b", "sip:1", 60),
			     two = login_of("sip:a@b", "sip:2", 120);
	cr_assert_null(binding_find(t, "sip:a@b"));
	cr_assert_not_null(binding_put(t, &one, false));
	cr_assert_str_eq(binding_find(t, "sip:a@b")->contact, "sip:1");
	cr_assert_eq(binding_expires_s(binding_find(t, "sip:a@b")), 60);
	binding_put(t, &two, false);
	cr_assert_eq(binding_count(t), 1);
	cr_assert_str_eq(binding_find(t, "sip:a@b")->contact, "sip:2");
	cr_assert_eq(binding_expires_s(binding_find(t, "sip:a@b")), 120);
	binding_remove(t, binding_find(t, "sip:a@b"));
	cr_assert_null(binding_find(t, "sip:a@b"));
	cr_assert_eq(binding_count(t), 0);
	binding_table_free(t);
}

static unsigned n_expired;
static uint64_t last_expiry;

static void count_expired(void *arg, const struct binding *b)
{
	cr_assert_geq(b->expires_us, last_expiry, "in the order of expiry");
	last_expiry = b->expires_us;
	n_expired++;
	(void)arg;
}

Test(binding, expire_in_order)
{
	enum { N = 5000 };
	struct binding_table *t = binding_table_new();
	char aor[64];
	srand(1);
	for (int i = 0; i < N; i++) {
		snprintf(aor, sizeof(aor), "sip:u%d@b", i);
		struct binding_login login = login_of(aor, "sip:1", 1000);
		// A random expiry, moved once, as refreshes do
		struct binding *b = binding_put(t, &login, true);
		login.expires_s = (unsigned)(rand() % 3);
		b = binding_put(t, &login, true);
		cr_assert_not_null(b);
	}
	cr_assert_eq(binding_count(t), N);
	for (int i = 0; i < N; i += 7) { // and some logged out in between
		snprintf(aor, sizeof(aor), "sip:u%d@b", i);
		struct binding *b = binding_find(t, aor);
		if (b != NULL)
			binding_remove(t, b);
	}
	unsigned left = binding_count(t);
	while (binding_count(t) > 0) {
		binding_expire(t, count_expired, NULL);
		usleep(100000);
	}
	cr_assert_eq(n_expired, left);
	binding_table_free(t);
}

Test(binding, what_has_expired_is_not_found)
{
	struct binding_table *t = binding_table_new();
	struct binding_login login = login_of("sip:a@b", "sip:1", 0);
	binding_put(t, &login, false);
	cr_assert_eq(binding_count(t), 1);
	cr_assert_null(binding_find(t, "sip:a@b"), "though nobody has expired it yet");
	binding_expire(t, NULL, NULL);
	cr_assert_eq(binding_count(t), 0);
	binding_table_free(t);
}

Test(binding, changes_for_the_store)
{
	struct binding_table *t = binding_table_new();
	struct binding_login login = login_of("sip:a@b", "sip:1", 60);
	binding_put(t, &login, true);
	cr_assert_null(binding_first_dirty(t), "it came from there");
	binding_put(t, &login, false);
	binding_put(t, &login, false);
	cr_assert_not_null(binding_first_dirty(t));
	binding_saved(t);
	cr_assert_null(binding_first_dirty(t));
	binding_remove(t, binding_find(t, "sip:a@b"));
	cr_assert(binding_first_dirty(t)->removed);
	binding_put(t, &login, false);
	cr_assert(binding_first_dirty(t)->removed, "first the end of the old one");
	binding_saved(t);
	cr_assert_not(binding_first_dirty(t)->removed, "then the new one");
	binding_table_free(t);
}

// ---- failed logins

static struct sockaddr *address(const char *text)
{
	static struct sockaddr_storage ss;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&ss;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&ss;
	memset(&ss, 0, sizeof(ss));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
		v4->sin_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
		v6->sin6_family = AF_INET6;
	return (struct sockaddr *)&ss;
}

Test(limit, one_address_does_not_lock_out_another)
{
	struct limit *limit = limit_new(10);
	for (int i = 0; i < 10; i++)
		limit_failed(limit, address("10.0.0.1"));
	cr_assert_eq(limit_wait_s(limit, address("10.0.0.1")), 0);
	limit_failed(limit, address("10.0.0.1"));
	unsigned wait = limit_wait_s(limit, address("10.0.0.1"));
	cr_assert(wait >= 1 && wait <= 6, "%u", wait);
	cr_assert_eq(limit_wait_s(limit, address("10.0.0.2")), 0);
	cr_assert_gt(limit_wait_s(limit, address("::ffff:10.0.0.1")), 0, "the same address");
	limit_free(limit);
}

Test(limit, comes_back)
{
	struct limit *limit = limit_new(600); // ten a second
	for (int i = 0; i < 605; i++)
		limit_failed(limit, address("10.0.0.1"));
	cr_assert_eq(limit_wait_s(limit, address("10.0.0.1")), 1);
	usleep(700000);
	cr_assert_eq(limit_wait_s(limit, address("10.0.0.1")), 0);
	limit_free(limit);
}

Test(limit, ipv6_counts_by_network)
{
	struct limit *limit = limit_new(10);
	char text[64];
	for (int i = 0; i < 11; i++) {
		snprintf(text, sizeof(text), "2001:db8::%x", i + 1);
		limit_failed(limit, address(text));
	}
	cr_assert_gt(limit_wait_s(limit, address("2001:db8::ffff")), 0);
	cr_assert_eq(limit_wait_s(limit, address("2001:db8:0:1::1")), 0);
	limit_free(limit);
}

Test(limit, a_flood_of_addresses_costs_no_memory)
{
	struct limit *limit = limit_new(10);
	char text[32];
	for (int i = 0; i < 12; i++)
		limit_failed(limit, address("192.0.2.1"));
	for (unsigned i = 0; i < 100000; i++) {
		snprintf(text, sizeof(text), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
		limit_failed(limit, address(text));
	}
	cr_assert_gt(limit_wait_s(limit, address("192.0.2.1")), 0, "who owes most is remembered");
	limit_free(limit);
}

// ---- contacts and addresses

Test(contact, which_are_taken)
{
	static const struct {
		const char *uri;
		bool ok;
	} cases[] = {
		{"sip:bob@10.0.0.2:5061;transport=tls", true},
		{"sip:bob@10.0.0.2;transport=TLS", true},
		{"sip:10.0.0.2:5061;transport=tls", true},
		{"sip:bob@[2001:db8::2]:5061;transport=tls", true},
		{"sip:bob@10.0.0.2:5061;transport=tls;ob", true},
		{"sip:bob@10.0.0.2:5061", false},
		{"sip:bob@10.0.0.2:5061;transport=tcp", false},
		{"sip:bob@10.0.0.2:5061;transport=tlsx", false},
		{"sip:bob@10.0.0.2:5061;transport=tls;transport=udp", false},
		{"sip:bob@10.0.0.2:5061;transport=tls;transport=tls", false},
		{"sip:bob;transport=tls@10.0.0.2:5061", false},
		{"sip:bob@10.0.0.2:5061;transport=tls;maddr=10.0.0.9", false},
		{"sip:bob@10.0.0.2:5061;transport=tls?Subject=x", false},
		{"sip:bob:secret@10.0.0.2:5061;transport=tls", false},
		{"sip:bob,x@10.0.0.2:5061;transport=tls", false},
		{"sip:bob@example.org:5061;transport=tls", false},
		{"sip:bob@10.0.0.2:0;transport=tls", false},
		{"sip:bob@10.0.0.2:99999;transport=tls", false},
		{"sip:bob@0.0.0.0:5061;transport=tls", false},
		{"sip:bob@224.0.0.1:5061;transport=tls", false},
		{"sip:bob@255.255.255.255:5061;transport=tls", false},
		{"sip:bob@[::]:5061;transport=tls", false},
		{"sip:bob@[ff02::1]:5061;transport=tls", false},
		{"sip:bob@[::ffff:10.0.0.2]:5061;transport=tls", false},
		{"sips:bob@10.0.0.2:5061;transport=tls", false},
		{"tel:+1", false},
		{"*", false},
		{"", false},
	};
	msg_init();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(contact_check(cases[i].uri) == NULL, cases[i].ok, "%s", cases[i].uri);
	char text[1024];
	memset(text, 'a', sizeof(text));
	memcpy(text, "sip:", 4);
	strcpy(text + 600, "@10.0.0.2:5061;transport=tls");
	cr_expect_not_null(contact_check(text));
}

Test(aor, as_operators_write_them)
{
	static const struct {
		const char *text, *aor;
	} cases[] = {
		{"alice@example.org", "sip:alice@example.org"},
		{"sip:alice@example.org", "sip:alice@example.org"},
		{"SIP:alice@EXAMPLE.org", "sip:alice@example.org"},
		{"sip:a.b-c_d+1@example.org", "sip:a.b-c_d+1@example.org"},
		{"alice", NULL},
		{"", NULL},
		{"@example.org", NULL},
		{"sip:example.org", NULL},
		{"alice@example.com", NULL},
		{"alice@sub.example.org", NULL},
		{"alice@example.org:5061", NULL},
		{"alice@example.org;transport=tls", NULL},
		{"alice:secret@example.org", NULL},
		{"al ice@example.org", NULL},
		{"al,ice@example.org", NULL},
		{"alice@example.org\n", NULL},
		{"sips:alice@example.org", NULL},
		{"tel:+1@example.org", NULL},
		{"alice@bob@example.org", NULL},
	};
	char out[AOR_MAX], error[ERROR_MAX];
	msg_init();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int result = aor_parse(cases[i].text, "example.org", out, error);
		cr_expect_eq(result == 0, cases[i].aor != NULL, "%s: %s", cases[i].text,
			result == 0 ? out : error);
		if (result == 0 && cases[i].aor != NULL)
			cr_expect_str_eq(out, cases[i].aor);
	}
	char user[AOR_MAX];
	aor_user("sip:alice@example.org", user);
	cr_assert_str_eq(user, "alice");
}
