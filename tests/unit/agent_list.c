// SPDX-License-Identifier: BSD-3-Clause
// call.list and peer.list: order, pages, what is refused.
#include "tests/unit/agent_pair.h"

TestSuite(agent_list, .init = world_init, .fini = world_fini, .timeout = 60);

#define CALLS 11

// One page of so many rows behind `after`; the rows. `next` gets a copy of the cursor, or NULL.
static json_t *page(
	const char *method, const char *field, const char *after, int limit, char **next)
{
	json_t *params = json_pack("{s:i, s:s*}", "limit", limit, "after", after);
	json_t *result = host_call(a, method, params);
	const char *cursor;

	cr_assert(a->result, "%s", text(a->error, "message"));
	cr_assert(json_object_get(result, "next"));
	cursor = json_string_value(json_object_get(result, "next"));
	*next = cursor ? strdup(cursor) : NULL;
	return json_object_get(result, field);
}

Test(agent_list, calls_by_their_number)
{
	unsigned limit, i, n;
	char id[16], *after, *next;
	json_t *rows;

	start(CONFIG_ANSWER);
	for (i = 0; i < CALLS; i++)
		host_call(a, API_CALL_PLACE, parties());
	for (limit = 1; limit <= CALLS + 1; limit += 5) {
		after = NULL;
		n = 0;
		do {
			rows = page(API_CALL_LIST, "calls", after, limit, &next);
			for (i = 0; i < json_array_size(rows); i++) {
				snprintf(id, sizeof(id), "c%u", ++n);
				cr_assert_str_eq(text(json_array_get(rows, i), "call"), id);
			}
			cr_assert_leq(i, limit);
			free(after);
			after = next;
		} while (next);
		cr_assert_eq(n, CALLS);
	}
	// The call that a page ended with has gone meanwhile
	call_hang_up(call_find(a->agent, "c9"), "Hung up");
	rows = page(API_CALL_LIST, "calls", "c9", 1, &next);
	cr_assert_str_eq(text(json_array_get(rows, 0), "call"), "c10");
	cr_assert_str_eq(next, "c10");
	free(next);
	rows = page(API_CALL_LIST, "calls", "c11", 1, &next);
	cr_assert_eq(json_array_size(rows), 0);
	cr_assert_null(next);
	hang_up(a);
	UNTIL(clean(a) && clean(b));
}

Test(agent_list, peers_by_endpoint_and_name)
{
	static const char *const expected[] = {
		"alice bob", "alice carol", "alice dave", "carol alice", "carol bob", "carol dave"};
	static const char *const names[] = {"alice", "bob", "carol", "dave"};
	char row[64], *after = NULL, *next;
	unsigned limit, i, n;
	json_t *rows;

	for (i = 0; i < 4; i++)
		world_user(names[i]);
	a = host_new(0, NAMES("carol", "alice"), CONFIG_ASK);
	UNTIL(logged_in(a, "alice") && logged_in(a, "carol"));
	for (limit = 1; limit < 8; limit += 3) {
		n = 0;
		do {
			rows = page(API_PEER_LIST, "peers", after, limit, &next);
			for (i = 0; i < json_array_size(rows); i++, n++) {
				json_t *peer = json_array_get(rows, i);

				snprintf(row, sizeof(row), "%s %s", text(peer, "endpoint") + 4,
					text(peer, "aor") + 4);
				cr_assert_eq(strncmp(row, expected[n], strcspn(row, "@")), 0);
				cr_assert(strstr(row, strchr(expected[n], ' ')), "%s", row);
			}
			cr_assert_leq(i, limit);
			free(after);
			after = next;
		} while (next);
		cr_assert_eq(n, 6);
	}
	host_call(a, API_PEER_LIST,
		json_pack("{s:s, s:i, s:s}", "endpoint", "sip:carol@example.org", "limit", 1,
			"after", "sip:carol@example.org sip:alice@example.org"));
	rows = json_object_get(a->result, "peers");
	cr_assert_eq(json_array_size(rows), 1);
	cr_assert_str_eq(text(json_array_get(rows, 0), "aor"), "sip:bob@example.org");
	cr_assert_str_eq(text(a->result, "next"), "sip:carol@example.org sip:bob@example.org");
}

Test(agent_list, what_is_refused)
{
	static const char *const methods[] = {API_CALL_LIST, API_PEER_LIST};
	static const char *const params[] = {"{\"limit\": 0}", "{\"limit\": 1001}",
		"{\"limit\": \"1\"}", "{\"after\": 1}", "{\"before\": \"c1\"}"};
	static const char *const fields[] = {"limit", "limit", "limit", "after", "before"};
	unsigned i, j;

	start(CONFIG_ANSWER);
	for (i = 0; i < 2; i++) {
		for (j = 0; j < 5; j++) {
			host_call(a, methods[i], json_loads(params[j], 0, NULL));
			cr_assert(a->error, "%s %s", methods[i], params[j]);
			cr_assert_eq(json_integer_value(json_object_get(a->error, "code")),
				RPC_INVALID_PARAMS);
			cr_assert_str_eq(
				text(json_object_get(a->error, "data"), "field"), fields[j]);
		}
	}
}
