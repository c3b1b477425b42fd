// SPDX-License-Identifier: BSD-3-Clause
// The JSON-RPC server's requests: right, wrong, in pieces, too long.
#include "tests/unit/base_rpc.h"

TestSuite(rpc, .init = setup, .fini = teardown);

static const struct {
	const char *line;
	int code;
	const char *field, *text, *id; // id: "null", "1"
} bad_requests[] = {
	{"nonsense", RPC_PARSE_ERROR, "", "not JSON: syntax", "null"},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,", RPC_PARSE_ERROR, "", "ends too early", "null"},
	{"{} {}", RPC_PARSE_ERROR, "", "more than one value", "null"},
	{"{\"id\":1,\"id\":2}", RPC_PARSE_ERROR, "", "stands twice", "null"},
	{"{\"id\":\"\xff\"}", RPC_PARSE_ERROR, "", "not UTF-8", "null"},
	{"{\"id\":\"\\u0000\"}", RPC_PARSE_ERROR, "", "a NUL", "null"},
	{"{\"id\":1e999}", RPC_PARSE_ERROR, "", "too big", "null"},
	{"GET / HTTP/1.1", RPC_PARSE_ERROR, "", "not JSON", "null"},
	{"[]", RPC_INVALID_REQUEST, "", "batches", "null"},
	{"[" CALL("1", "echo", "") "]", RPC_INVALID_REQUEST, "", "batches", "null"},
	{"1", RPC_INVALID_REQUEST, "", "an object", "null"},
	{"null", RPC_INVALID_REQUEST, "", "an object", "null"},
	{"{}", RPC_INVALID_REQUEST, "jsonrpc", "expected \"2.0\"", "null"},
	{"{\"id\":1,\"method\":\"echo\"}", RPC_INVALID_REQUEST, "jsonrpc", "\"2.0\"", "1"},
	{"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"echo\"}", RPC_INVALID_REQUEST, "jsonrpc",
		"\"2.0\"", "1"},
	{"{\"jsonrpc\":2.0,\"id\":1,\"method\":\"echo\"}", RPC_INVALID_REQUEST, "jsonrpc",
		"\"2.0\"", "1"},
	{"{\"jsonrpc\":\"2.0\",\"id\":1}", RPC_INVALID_REQUEST, "method", "a string", "1"},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}", RPC_INVALID_REQUEST, "method", "a string",
		"1"},
	{"{\"jsonrpc\":\"2.0\",\"method\":7}", RPC_INVALID_REQUEST, "method", "a string", "null"},
	{CALL("{}", "echo", ""), RPC_INVALID_REQUEST, "id", "a number or a string", "null"},
	{CALL("true", "echo", ""), RPC_INVALID_REQUEST, "id", "a number", "null"},
	{CALL("1", "echo", ",\"parms\":{}"), RPC_INVALID_REQUEST, "parms", "unknown member 'parms'",
		"1"},
	{CALL("1", "echo", ",\"params\":[1]"), RPC_INVALID_PARAMS, "params", "by name", "1"},
	{CALL("1", "echo", ",\"params\":\"x\""), RPC_INVALID_PARAMS, "params", "an object", "1"},
	{CALL("1", "nope", ""), RPC_METHOD_NOT_FOUND, "method", "unknown method 'nope'", "1"},
	{CALL("1", "", ""), RPC_METHOD_NOT_FOUND, "method", "unknown method ''", "1"},
	{CALL("1", "fail", ""), RPC_IN_USE, "wire.local", "wire.local: taken", "1"},
	{CALL("1", "nothing", ""), RPC_INTERNAL_ERROR, "", "no result", "1"},
	{CALL("1", "typed", ""), RPC_INVALID_PARAMS, "s", "s: missing", "1"},
	{CALL("1", "typed", ",\"params\":{\"s\":1}"), RPC_INVALID_PARAMS, "s", "a string", "1"},
	{CALL("1", "typed", ",\"params\":{\"s\":\"123456789\"}"), RPC_INVALID_PARAMS, "s",
		"at most 8 bytes, got 9", "1"},
	{CALL("1", "typed", ",\"params\":{\"s\":\"\",\"n\":-1}"), RPC_INVALID_PARAMS, "n",
		"an integer from 0 to 1000", "1"},
	{CALL("1", "typed", ",\"params\":{\"s\":\"\",\"n\":1001}"), RPC_INVALID_PARAMS, "n",
		"from 0 to 1000", "1"},
	{CALL("1", "typed", ",\"params\":{\"s\":\"\",\"n\":1.5}"), RPC_INVALID_PARAMS, "n",
		"an integer", "1"},
	{CALL("1", "typed", ",\"params\":{\"s\":\"\",\"b\":1}"), RPC_INVALID_PARAMS, "b",
		"true or false", "1"},
	{CALL("1", "typed", ",\"params\":{\"s\":\"\",\"x\":1}"), RPC_INVALID_PARAMS, "x",
		"unknown field 'x' (known: s, n, b)", "1"},
	// It may be a key
	{CALL("1", "typed", ",\"params\":{\"s\":\"\",\"AAECAwQFBgcICQoLDA0ODw==\":1}"),
		RPC_INVALID_PARAMS, "...", "unknown field '...' (known: s, n, b)", "1"},
	{CALL("1", "AAECAwQFBgcICQoLDA0ODw", ""), RPC_METHOD_NOT_FOUND, "method",
		"unknown method '...'", "1"},
	{CALL("1", "echo", ",\"abcdefghijklmnopqrstuvwxyzabcdefg\":1"), RPC_INVALID_REQUEST, "...",
		"unknown member '...'", "1"},
};

Test(rpc, bad_requests)
{
	int fd = dial();

	for (size_t i = 0; i < sizeof(bad_requests) / sizeof(bad_requests[0]); i++) {
		put(fd, bad_requests[i].line, strlen(bad_requests[i].line));
		json_t *answer = ask(fd, "\n");
		char *id = json_dumps(json_object_get(answer, "id"), JSON_ENCODE_ANY);
		char *result = json_dumps(json_object_get(answer, "result"), JSON_ENCODE_ANY);

		cr_assert_not_null(answer, "%s: no answer", bad_requests[i].line);
		cr_expect_eq(error_code(answer), bad_requests[i].code, "%s: %s",
			bad_requests[i].line, error_text(answer));
		cr_expect_str_eq(
			error_field(answer), bad_requests[i].field, "%s", bad_requests[i].line);
		cr_expect(strstr(error_text(answer), bad_requests[i].text), "%s: %s",
			bad_requests[i].line, error_text(answer));
		cr_expect_str_eq(id, bad_requests[i].id, "%s", bad_requests[i].line);
		cr_expect_null(result);
		free(id);
		free(result);
		json_decref(answer);
	}
	cr_expect(is_alive(fd), "bad requests must not cost the connection");
	close(fd);
}

Test(rpc, good_requests)
{
	static const struct {
		const char *line, *answer;
	} cases[] = {
		{CALL("1", "echo", ""), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"},
		{CALL("\"a\"", "echo", ",\"params\":{\"x\":[1.5]}"),
			"{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{\"x\":[1.5]}}"},
		{CALL("null", "echo", ""), "{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":{}}"},
		{" " CALL("-7", "typed",
			 ",\"params\":{\"s\":\"12345678\",\"b\":true,\"n\":1000}") "\r",
			"{\"jsonrpc\":\"2.0\",\"id\":-7,\"result\":{\"n\":1000,\"b\":true}}"},
		{CALL("1", "typed", ",\"params\":{\"s\":\"\"}"),
			"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"n\":0,\"b\":false}}"},
		{CALL("1", "at_once", ""), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"at once\"}"},
	};
	int fd = dial();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put(fd, cases[i].line, strlen(cases[i].line));
		json_t *answer = ask(fd, "\n");
		char *text = json_dumps(answer, JSON_COMPACT);

		cr_expect_str_eq(text, cases[i].answer);
		free(text);
		json_decref(answer);
	}
	close(fd);
}

Test(rpc, long_names_are_cut)
{
	char *line = malloc(200000);
	int fd = dial();

	int n = sprintf(line, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"");
	for (int i = 0; i < 60000; i++)
		n += sprintf(
			line + n, "%s", i & 1 ? "\xc3\xbc" : "x"); // a cut falls inside a character
	strcpy(line + n, "\"}\n");
	json_t *answer = ask(fd, line);
	cr_expect_eq(error_code(answer), RPC_METHOD_NOT_FOUND);
	cr_expect_leq(strlen(error_text(answer)), 100u);
	json_decref(answer);
	n = sprintf(line, "{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":\"");
	memset(line + n, 'i', 257);
	strcpy(line + n + 257, "\"}\n");
	answer = ask(fd, line);
	cr_expect_str_eq(error_field(answer), "id");
	json_decref(answer);
	close(fd);
	free(line);
}

Test(rpc, notifications_get_no_answer)
{
	static const char lines[] = "{\"jsonrpc\":\"2.0\",\"method\":\"count\"}\n"
				    "{\"jsonrpc\":\"2.0\",\"method\":\"nope\"}\n"
				    "{\"jsonrpc\":\"2.0\",\"method\":\"fail\"}\n\n \n";
	int fd = dial();

	put(fd, lines, strlen(lines));
	json_t *answer = ask(fd, CALL("5", "count", "") "\n");
	cr_expect_eq(json_integer_value(json_object_get(answer, "id")), 5);
	cr_expect_eq(json_integer_value(json_object_get(answer, "result")), 2);
	json_decref(answer);
	close(fd);
}

Test(rpc, bytes_one_by_one_and_many_lines_at_once)
{
	static const char line[] = CALL("1", "count", "") "\n";
	int fd = dial();

	for (size_t i = 0; i < strlen(line); i++)
		put(fd, line + i, 1);
	json_decref(get(fd));
	cr_expect_eq(handled, 1);
	char *many = malloc(1000 * strlen(line) + 1);
	for (int i = 0; i < 1000; i++)
		strcpy(many + i * strlen(line), line);
	put(fd, many, 1000 * strlen(line));
	for (int i = 0; i < 1000; i++) {
		json_t *answer = get(fd);
		cr_assert_eq(json_integer_value(json_object_get(answer, "result")), i + 2);
		json_decref(answer);
	}
	free(many);
	close(fd);
}

Test(rpc, half_a_line)
{
	int fd = dial();
	json_t *answer;

	put(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"cou", 38);
	cr_expect_null(get(fd), "answered before the end");
	shutdown(fd, SHUT_WR);
	answer = get(fd);
	cr_expect_eq(error_code(answer), RPC_PARSE_ERROR);
	json_decref(answer);
	cr_expect_null(get(fd));
	cr_expect_eq(errno, 0, "the connection was left open");
	cr_expect_eq(handled, 0);
	cr_expect_eq(gone, 1);
	close(fd);

	fd = dial();
	put(fd, CALL("1", "count", ""), strlen(CALL("1", "count", "")));
	shutdown(fd, SHUT_WR);
	answer = get(fd);
	cr_expect_eq(json_integer_value(json_object_get(answer, "result")), 1,
		"a whole object needs no line end");
	json_decref(answer);
	close(fd);

	fd = dial();
	put(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"cou", 38);
	close(fd);
	turn();
	cr_expect_eq(gone, 3);
	cr_expect_eq(handled, 1);
}

Test(rpc, longest_line)
{
	char *line = malloc(RPC_LINE_MAX + 2);
	int fd = dial();

	memset(line, ' ', RPC_LINE_MAX);
	memcpy(line, CALL("1", "count", ""), strlen(CALL("1", "count", "")));
	line[RPC_LINE_MAX] = '\n';
	put(fd, line, RPC_LINE_MAX + 1);
	json_t *answer = get(fd);
	cr_expect_eq(json_integer_value(json_object_get(answer, "result")), 1);
	json_decref(answer);
	line[RPC_LINE_MAX] = ' ';
	line[RPC_LINE_MAX + 1] = '\n';
	put(fd, line, RPC_LINE_MAX + 2);
	answer = get(fd);
	cr_expect_eq(error_code(answer), RPC_INVALID_REQUEST);
	cr_expect(strstr(error_text(answer), "longer than 1048576 bytes"));
	json_decref(answer);
	cr_expect_null(get(fd));
	cr_expect_eq(errno, 0);
	cr_expect_eq(handled, 1);
	cr_expect_eq(gone, 1);
	close(fd);
	free(line);
}

Test(rpc, line_of_100_mb)
{
	char *megabyte = malloc(1 << 20);
	int fd = dial();

	memset(megabyte, 'x', 1 << 20);
	put(fd, megabyte, 1 << 20);
	size_t before = resident_bytes();
	size_t most = before;
	for (int i = 0; i < 99; i++) {
		cr_assert(put(fd, megabyte, 1 << 20), "the client could not write on: %d", i);
		if (resident_bytes() > most)
			most = resident_bytes();
	}
	cr_expect_leq(most - before, 4u << 20, "%zu bytes more", most - before);
	json_t *answer = ask(fd, "\n");
	cr_expect_eq(error_code(answer), RPC_INVALID_REQUEST);
	json_decref(answer);
	cr_expect_null(get(fd));
	cr_expect_eq(errno, 0);
	cr_expect_eq(gone, 1);
	close(fd);
	free(megabyte);
}

Test(rpc, corpus)
{
	DIR *dir = opendir("tests/fuzz/corpus/rpc_line");
	struct dirent *entry;
	unsigned n = 0;

	cr_assert_not_null(dir, "run from the top of the tree");
	while ((entry = readdir(dir))) {
		char name[512];
		uint8_t data[65536];

		snprintf(name, sizeof(name), "tests/fuzz/corpus/rpc_line/%s", entry->d_name);
		FILE *file = entry->d_name[0] == '.' ? NULL : fopen(name, "r");
		if (!file)
			continue;
		size_t size = fread(data, 1, sizeof(data), file);
		fclose(file);
		LLVMFuzzerTestOneInput(data, size);
		// Every byte flipped in turn
		for (size_t i = 0; i < size && i < 400; i++) {
			data[i] ^= 1 << (i % 8);
			LLVMFuzzerTestOneInput(data, size);
			data[i] ^= 1 << (i % 8);
		}
		n++;
	}
	closedir(dir);
	cr_expect_geq(n, 8u);
}
