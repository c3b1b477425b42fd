// SPDX-License-Identifier: BSD-3-Clause
// The commands for the agent's socket, and the events of either. One thread.
#include <errno.h>
#include <string.h>

#include "engine/api.h"
#include "engine/base/rpc.h"
#include "engine/client/client_run.h"
#include "engine/client/commands.h"
#include "engine/client/table.h"

static const struct table_column call_columns[] = {
	{"CALL", "call"},
	{"DIRECTION", "direction"},
	{"FROM", "from"},
	{"TO", "to"},
	{"STATE", "state"},
	{"HOLD", "hold"},
	{"SEND TO", "send_to"},
	{"RECEIVE AT", "receive_at"},
	{"SUITE", "suite"},
	{"SESSION", "session"},
	{"SETUP MS", "setup_ms"},
	{"PAYLOADS", "payloads"},
	{0},
};

static const struct table_column peer_columns[] = {
	{"ENDPOINT", "endpoint"},
	{"PEER", "aor"},
	{"STATUS", "status"},
	{"CONFIRMED", "confirmed"},
	{"CONTACT", "contact"},
	{0},
};

static const struct table_column endpoint_columns[] = {
	{"ENDPOINT", "aor"},
	{"STATE", "state"},
	{"EXPIRES S", "expires_in_s"},
	{"PEERS", "peers"},
	{"ONLINE", "online"},
	{"LOGIN MS", "login_ms"},
	{0},
};

// An address of record as a new JSON string: "alice@example.org" means "sip:alice@example.org".
static json_t *aor(const char *text)
{
	bool has_scheme = strncmp(text, "sip:", 4) == 0 || strncmp(text, "sips:", 5) == 0;

	return json_sprintf("%s%s", has_scheme ? "" : "sip:", text);
}

static void show_list(struct client *client, const char *method, json_t *params, const char *field,
	const struct table_column columns[])
{
	json_t *result = client_list(client, method, params, field);

	if (result && !client_print_json(client, result))
		table_print(client->out, columns, json_object_get(result, field));
	json_decref(result);
}

static void place_call(struct client *client, const struct client_args *args)
{
	client_call_and_print(client, API_CALL_PLACE,
		json_pack("{s:o, s:o}", "from", aor(client_arg_text(args, "FROM")), "to",
			aor(client_arg_text(args, "TO"))));
}

static void answer_call(struct client *client, const struct client_args *args)
{
	client_call_and_print(
		client, API_CALL_ANSWER, json_pack("{s:s}", "call", client_arg_text(args, "CALL")));
}

static void decline_call(struct client *client, const struct client_args *args)
{
	client_call_and_print(client, API_CALL_DECLINE,
		json_pack("{s:s, s:i}", "call", client_arg_text(args, "CALL"), "status",
			client_arg_has(args, "busy") ? 486 : 603));
}

static void hang_up_call(struct client *client, const struct client_args *args)
{
	if (client_arg_has(args, "all"))
		client_call_and_print(client, API_CALL_HANG_UP, json_pack("{s:b}", "all", 1));
	else
		client_call_and_print(client, API_CALL_HANG_UP,
			json_pack("{s:s}", "call", client_arg_text(args, "CALL")));
}

static void hold_call(struct client *client, const struct client_args *args)
{
	client_call_and_print(
		client, API_CALL_HOLD, json_pack("{s:s}", "call", client_arg_text(args, "CALL")));
}

static void resume_call(struct client *client, const struct client_args *args)
{
	client_call_and_print(
		client, API_CALL_RESUME, json_pack("{s:s}", "call", client_arg_text(args, "CALL")));
}

static void rekey_call(struct client *client, const struct client_args *args)
{
	client_call_and_print(
		client, API_CALL_REKEY, json_pack("{s:s}", "call", client_arg_text(args, "CALL")));
}

static void show_calls(struct client *client, const struct client_args *args)
{
	(void)args;
	show_list(client, API_CALL_LIST, NULL, "calls", call_columns);
}

static void show_peers(struct client *client, const struct client_args *args)
{
	bool one = client_arg_has(args, "ENDPOINT");
	json_t *params =
		one ? json_pack("{s:o}", "endpoint", aor(client_arg_text(args, "ENDPOINT"))) : NULL;

	show_list(client, API_PEER_LIST, params, "peers", peer_columns);
}

static void notify_peer(struct client *client, const struct client_args *args)
{
	json_t *result = client_call(client, API_PEER_NOTIFY,
		json_pack("{s:o, s:o}", "endpoint", aor(client_arg_text(args, "ENDPOINT")), "peer",
			aor(client_arg_text(args, "PEER"))));
	const char *answer = json_string_value(json_object_get(result, "answer"));

	if (!result)
		return;
	client_print(client, result);
	if (!answer || strcmp(answer, "accepted") != 0)
		client_fail(client, CLIENT_FAILED, "peer notify: not accepted: %s",
			json_string_value(json_object_get(result, "reason")));
	json_decref(result);
}

static void show_endpoints(struct client *client, const struct client_args *args)
{
	(void)args;
	show_list(client, API_ENDPOINT_LIST, NULL, "endpoints", endpoint_columns);
}

static void log_out(struct client *client, const struct client_args *args)
{
	client_call_and_print(client, API_ENDPOINT_LOG_OUT,
		json_pack("{s:o}", "endpoint", aor(client_arg_text(args, "ENDPOINT"))));
}

static void log_in(struct client *client, const struct client_args *args)
{
	client_call_and_print(client, API_ENDPOINT_LOG_IN,
		json_pack("{s:o}", "endpoint", aor(client_arg_text(args, "ENDPOINT"))));
}

// ---- events

static void print_event(struct client *client, const json_t *event)
{
	const json_t *params = json_object_get(event, "params");
	char cell[TABLE_CELL_MAX];
	const char *key;
	json_t *value;

	if (client_print_json(client, event))
		return;
	table_cell(json_object_get(event, "method"), cell);
	fputs(cell, client->out);
	json_object_foreach ((json_t *)params, key, value) {
		char name[65];

		snprintf(name, sizeof(name), "%s", key);
		table_cell(value, cell);
		fprintf(client->out, " %s=%s", table_clean(name), cell);
	}
	fputc('\n', client->out);
}

static void print_events(struct client *client, const struct client_args *args)
{
	json_t *result = client_call(client, API_EVENTS, NULL), *event;

	(void)args;
	if (!result)
		return;
	json_decref(result);
	client_run_catch(client);
	while ((event = rpc_read_blocking(client->fd))) {
		if (json_object_get(event, "method"))
			print_event(client, event);
		json_decref(event);
		if (fflush(client->out) != 0)
			return; // whoever read has gone; client_run() says so
	}
	if (!client->interrupted)
		client_fail(client, CLIENT_FAILED, "events: the connection was lost%s%s",
			errno ? ": " : "", errno ? strerror(errno) : "");
}

const struct client_command command_agent[] = {
	{"call FROM TO", "agent", "0.1", CLIENT_AGENT,
		"call; ends when the call stands or has failed", place_call},
	{"answer CALL", "agent", "0.1", CLIENT_AGENT, "take a call that rings", answer_call},
	{"decline CALL [busy]", "agent", "0.1", CLIENT_AGENT, "refuse a call that rings",
		decline_call},
	{"hang-up (CALL|all)", "agent", "0.1", CLIENT_AGENT, "end a call", hang_up_call},
	{"hold CALL", "agent", "0.1", CLIENT_AGENT, "tell the peer to send nothing", hold_call},
	{"resume CALL", "agent", "0.1", CLIENT_AGENT, "end a hold of ours", resume_call},
	{"re-key CALL", "agent", "0.1", CLIENT_AGENT, "new SRTP keys in both directions",
		rekey_call},
	{"show call", "agent", "0.1", CLIENT_AGENT, "calls, and where their plain RTP goes",
		show_calls},
	{"show peer [ENDPOINT]", "agent", "0.1", CLIENT_AGENT, "who may be called, and is online",
		show_peers},
	{"peer notify ENDPOINT PEER", "agent", "0.2", CLIENT_AGENT,
		"notify a peer anew: does it answer, and how soon", notify_peer},
	{"show endpoint", "agent", "0.1", CLIENT_AGENT, "the endpoints of this host",
		show_endpoints},
	{"log-out ENDPOINT", "agent", "0.1", CLIENT_AGENT, "take an endpoint offline", log_out},
	{"log-in ENDPOINT", "agent", "0.1", CLIENT_AGENT,
		"log an endpoint in again, or ask for its peers anew", log_in},
	{"events", "agent", "0.1", CLIENT_EITHER,
		"print what happens, a line each, until Ctrl-C (-s: also of an engine)",
		print_events},
	{0},
};
