// SPDX-License-Identifier: BSD-3-Clause
// The commands that follow single packets through the engine. One thread.
#include "engine/api.h"
#include "engine/client/commands.h"

static void add_trace(struct client *client, const struct client_args *args)
{
	json_t *params = json_pack("{s:I}", "count", (json_int_t)client_arg_uint(args, "count", 1));

	if (client_arg_has(args, "session"))
		json_object_set_new(params, "session",
			json_integer((json_int_t)client_arg_uint(args, "ID", 0)));
	else if (client_arg_has(args, "ssrc"))
		json_object_set_new(
			params, "ssrc", json_integer((json_int_t)client_arg_uint(args, "SSRC", 0)));
	else
		json_object_set_new(params, "drops",
			json_string(client_arg_has(args, "REASON") ? client_arg_text(args, "REASON")
								   : "any"));
	client_call_and_print(client, API_TRACE_ADD, params);
}

static void clear_trace(struct client *client, const struct client_args *args)
{
	(void)args;
	client_call_and_print(client, API_TRACE_CLEAR, NULL);
}

// ---- show trace

static void print_headers(FILE *out, const json_t *p)
{
	const json_t *rtp = json_object_get(p, "rtp"), *rtcp = json_object_get(p, "rtcp");

	fprintf(out, "packet %d: %.6f s ago from %s, worker %d, %d bytes",
		(int)client_number(p, "packet"), json_number_value(json_object_get(p, "age_s")),
		client_text(p, "from"), (int)client_number(p, "worker"),
		(int)client_number(p, "bytes"));
	if (json_is_integer(json_object_get(p, "session")))
		fprintf(out, ", session %u", (unsigned)client_number(p, "session"));
	fprintf(out, "\n  %s", client_text(p, "kind"));
	if (client_number(p, "vlan") > 0)
		fprintf(out, " vlan %d", (int)client_number(p, "vlan"));
	if (json_object_get(p, "from_address"))
		fprintf(out, " %s > %s", client_text(p, "from_address"),
			client_text(p, "to_address"));
	if (rtp)
		fprintf(out, "\n  RTP ssrc 0x%08x seq %d timestamp %u payload type %d%s",
			(unsigned)client_number(rtp, "ssrc"), (int)client_number(rtp, "seq"),
			(unsigned)client_number(rtp, "timestamp"),
			(int)client_number(rtp, "payload_type"),
			json_is_true(json_object_get(rtp, "marker")) ? " marker" : "");
	if (rtcp)
		fprintf(out, "\n  RTCP ssrc 0x%08x type %d", (unsigned)client_number(rtcp, "ssrc"),
			(int)client_number(rtcp, "type"));
	fputc('\n', out);
}

static void print_end(FILE *out, const json_t *p)
{
	fprintf(out, "  %s", client_text(p, "end"));
	if (json_object_get(p, "reason"))
		fprintf(out, ": %s, %s", client_text(p, "reason"), client_text(p, "meaning"));
	if (json_object_get(p, "out"))
		fprintf(out, " out of %s", client_text(p, "out"));
	if (json_object_get(p, "to_worker"))
		fprintf(out, " to worker %d", (int)client_number(p, "to_worker"));
	fputs("\n\n", out);
}

static void print_packet(FILE *out, const json_t *p)
{
	const json_t *step;
	size_t i;

	print_headers(out, p);
	json_array_foreach (json_object_get(p, "steps"), i, step)
		fprintf(out,
			"    %8" JSON_INTEGER_FORMAT " ns  %-10s took %7" JSON_INTEGER_FORMAT
			" ns, batch of %d\n",
			client_number(step, "at_ns"), client_text(step, "stage"),
			client_number(step, "took_ns"), (int)client_number(step, "batch"));
	print_end(out, p);
}

static void print_filter(FILE *out, const json_t *f)
{
	if (json_object_get(f, "session"))
		fprintf(out, "session %u", (unsigned)client_number(f, "session"));
	else if (json_object_get(f, "ssrc"))
		fprintf(out, "ssrc 0x%08x", (unsigned)client_number(f, "ssrc"));
	else
		fprintf(out, "drops %s", client_text(f, "drops"));
	fprintf(out, ": %d of %d packets are still wanted\n", (int)client_number(f, "left"),
		(int)client_number(f, "count"));
}

// All pages, with the filters of the first.
static json_t *list_trace(struct client *client)
{
	json_t *first = client_call(client, API_TRACE_LIST, NULL);
	json_t *all = first ? client_list(client, API_TRACE_LIST, NULL, "packets") : NULL;

	if (all)
		json_object_set(all, "filters", json_object_get(first, "filters"));
	json_decref(first);
	return all;
}

static void show_trace(struct client *client, const struct client_args *args)
{
	json_t *result = list_trace(client), *filters = json_object_get(result, "filters");
	const json_t *row;
	size_t i;

	(void)args;
	if (result && !client_print_json(client, result)) {
		json_array_foreach (json_object_get(result, "packets"), i, row)
			print_packet(client->out, row);
		json_array_foreach (filters, i, row)
			print_filter(client->out, row);
		if (json_array_size(filters) == 0)
			fputs("nothing is traced: see trace add\n", client->out);
	}
	json_decref(result);
}

const struct client_command command_trace[] = {
	{"trace add (session ID|ssrc SSRC|drops [REASON]) count N", "capture", "0.2", CLIENT_ENGINE,
		"follow the next N packets (1000 at most) through the stages", add_trace},
	{"show trace", "capture", "0.2", CLIENT_ENGINE,
		"the packets traced: headers, time in each stage, what became of them", show_trace},
	{"clear trace", "capture", "0.2", CLIENT_ENGINE, "trace no more, forget what was traced",
		clear_trace},
	{0},
};
