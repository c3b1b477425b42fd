// SPDX-License-Identifier: BSD-3-Clause
// The agent's small parts: string map, port allocator, addresses, configuration.
#include "control/agent/address.h"
#include "control/agent/config.h"
#include "control/agent/map.h"
#include "control/agent/ports.h"
#include "engine/base/conf.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct item {
	struct map_node node;
	char key[16];
};

Test(agent_map, adds_finds_and_deletes_thousands)
{
	enum { N = 5000 };
	struct item *items = calloc(N, sizeof(*items));
	struct map map = {0};
	struct map_node *node, *next;
	unsigned i, seen = 0;

	for (i = 0; i < N; i++) {
		snprintf(items[i].key, sizeof(items[i].key), "key %u", i);
		cr_assert_eq(map_add(&map, &items[i].node, items[i].key), 0);
	}
	cr_assert_eq(map_add(&map, &items[0].node, "key 7"), -EEXIST);
	cr_assert_eq(map.count, N);
	MAP_FOREACH(&map, node, next)
	{
		struct item *item = map_entry(node, struct item, node);

		seen++;
		if ((item - items) % 2)
			map_del(&map, node);
	}
	cr_assert_eq(seen, N);
	for (i = 0; i < N; i++) {
		node = map_find(&map, items[i].key);
		cr_assert_eq(node, i % 2 ? NULL : &items[i].node, "key %u", i);
	}
	map_fini(&map);
	cr_assert_null(map_find(&map, "key 2"));
	free(items);
}

Test(agent_ports, even_ports_each_once_and_a_rest_before_the_next_use)
{
	struct ports *ports = ports_new(20001, 20021, 10);
	bool taken[65536] = {0};
	unsigned i, port, again;

	for (i = 0; i < 10; i++) {
		port = ports_take(ports, 0);
		cr_assert(port >= 20002 && port <= 20020 && port % 2 == 0, "%u", port);
		cr_assert_not(taken[port]);
		taken[port] = true;
	}
	cr_assert_eq(ports_take(ports, 0), 0);
	cr_assert_eq(ports_in_use(ports), 10);
	ports_give_back(ports, 20010, 1000000);
	ports_give_back(ports, 20010, 1000000);
	ports_give_back(ports, 5, 0);
	cr_assert_eq(ports_in_use(ports), 9);
	cr_assert_eq(ports_take(ports, 10999999), 0);
	cr_assert_eq(ports_take(ports, 11000000), 20010);
	again = ports_take(ports, 99000000);
	cr_assert_eq(again, 0);
	ports_free(ports);
}

Test(agent_ports, a_claimed_port_is_not_handed_out_until_it_is_given_back)
{
	struct ports *ports = ports_new(30000, 30003, 0);

	ports_claim(ports, 30000);
	ports_claim(ports, 30000);
	ports_claim(ports, 1);
	cr_assert_eq(ports_take(ports, 1), 30002);
	cr_assert_eq(ports_take(ports, 1), 0);
	ports_give_back(ports, 30000, 1);
	cr_assert_eq(ports_take(ports, 2), 30000);
	ports_give_back(ports, 30002, 2);
	ports_claim(ports, 30002);
	ports_give_back(ports, 30002, 2);
	cr_assert_eq(ports_take(ports, 2), 30002);
	cr_assert_eq(ports_take(ports, 2), 0);
	ports_free(ports);
}

Test(agent_address, text_both_ways_and_bad_text_refused)
{
	static const char *const good[] = {"10.0.0.1:5061", "[2001:db8::1]:20000", "1.2.3.4:0"};
	static const char *const bad[] = {"", "10.0.0.1", ":5061", "10.0.0.1:", "10.0.0.1:65536",
		"10.0.0.1:5x", "2001:db8::1:5061", "[2001:db8::1:5061", "host:5061", "[]:1",
		"10.0.0.1:-1", "10.0.0.1: 5"};
	struct sockaddr_storage address, other;
	char text[ADDRESS_MAX];
	unsigned i;

	for (i = 0; i < 3; i++) {
		cr_assert_eq(address_parse(good[i], &address), 0, "%s", good[i]);
		address_format(&address, text);
		cr_assert_str_eq(text, good[i]);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(address_parse(bad[i], &address), -EINVAL, "%s", bad[i]);
	address_parse("10.0.0.1:1", &address);
	address_parse("10.0.0.1:2", &other);
	cr_assert_not(address_equal(&address, &other));
	address_set_port(&other, 1);
	cr_assert(address_equal(&address, &other));
}

static char dir[] = "/tmp/agent-config-XXXXXX";

static const char *write_file(const char *name, const char *text, mode_t mode)
{
	static char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "w");
	fputs(text, file);
	fclose(file);
	chmod(path, mode);
	return path;
}

static int read_config(struct config *config, const char *text, char *error)
{
	char path[128];
	char *argv[] = {"crowfly-agent", "--config", path, NULL};
	int rest;

	snprintf(path, sizeof(path), "%s", write_file("agent.conf", text, 0644));
	config_init(config);
	rest = config_args(config, 3, argv, error);
	return rest < 0 ? rest : config_finish(config, error);
}

#define MAIN_PART                                                                                  \
	"[agent]\nserver = access.example.org:5061\nca = ca.pem\nstate-dir = state\n"              \
	"listen = 10.0.0.1:5061\nengine-host-address = 192.168.50.1\n"                             \
	"application-address = 192.168.50.2\n"

Test(agent_config, a_whole_file_and_its_defaults)
{
	char text[1024], error[CONF_ERROR_MAX] = "";
	struct config_endpoint *endpoint;
	struct config config;

	cr_assert(mkdtemp(dir));
	snprintf(text, sizeof(text),
		MAIN_PART "wire-ports = 4000-5000\nnotify-timeout = 2\n"
			  "[endpoint sip:alice@Example.ORG]\npassword-file = %s\n"
			  "auto-answer = busy\n",
		write_file("password", "secret\n", 0600));
	cr_assert_eq(read_config(&config, text, error), 0, "%s", error);
	cr_assert_str_eq(config.server, "access.example.org:5061");
	cr_assert_eq(config.wire_ports.first, 4000);
	cr_assert_eq(config.wire_ports.last, 5000);
	cr_assert_eq(config.notify_timeout_s, 2);
	cr_assert_eq(config.answer_timeout_s, 60);
	cr_assert_eq(config.n_endpoints, 1);
	endpoint = STAILQ_FIRST(&config.endpoints);
	cr_assert_str_eq(endpoint->aor, "sip:alice@example.org");
	cr_assert_str_eq(endpoint->user, "alice");
	cr_assert_str_eq(endpoint->password, "secret");
	cr_assert_eq(endpoint->answer, CONFIG_BUSY);
	config_free(&config);
}

Test(agent_config, mistakes_are_told)
{
	static const struct {
		const char *text, *told;
	} cases[] = {
		{"[agent]\nserver = a:1\n", "ca"},
		{MAIN_PART, "endpoint"},
		{MAIN_PART "wire-ports = 5000-4000\n", "FIRST-LAST"},
		{MAIN_PART "wire-ports = 20000\n", "FIRST-LAST"},
		{MAIN_PART "wire-address = 0.0.0.0\n", "IP address"},
		{MAIN_PART "colour = red\n", "colour"},
		{MAIN_PART "[endpoint alice]\n", "address of record"},
		{MAIN_PART "[endpoint sip:a@b]\npassword-file=/nonexistent\n", "/nonexistent"},
		{MAIN_PART "[endpoint sip:a@b]\n", "password-file is missing"},
		{MAIN_PART "[endpoint sip:a@b]\nauto-answer = maybe\n", "yes, no, decline"},
		{MAIN_PART "[endpoint sip:a@b]\n[endpoint sip:a@B]\n", "twice"},
		{"[agent]\nlisten = 0.0.0.0:5061\n", "very address"},
	};
	char error[CONF_ERROR_MAX];
	struct config config;
	unsigned i;

	cr_assert(mkdtemp(dir));
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		error[0] = '\0';
		cr_assert_eq(read_config(&config, cases[i].text, error), -1, "%s", cases[i].text);
		cr_assert(strstr(error, cases[i].told), "'%s' does not tell '%s'", error,
			cases[i].told);
		config_free(&config);
	}
}
