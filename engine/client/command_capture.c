// SPDX-License-Identifier: BSD-3-Clause
// The commands of captures. One thread.
#include "engine/api.h"
#include "engine/client/commands.h"
#include "engine/client/table.h"

// Which ports: as in command_port.c.
static void set_port(json_t *params, const struct client_args *args)
{
	static const char *const words[] = {"wire", "host", "exception", "all"};

	if (client_arg_text(args, "PORT"))
		json_object_set_new(
			params, "port", json_integer((json_int_t)client_arg_uint(args, "PORT", 0)));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (client_arg_has(args, words[i]))
			json_object_set_new(params, "port", json_string(words[i]));
}

static void set_limit(json_t *params, const struct client_args *args, const char *name)
{
	if (client_arg_text(args, name))
		json_object_set_new(
			params, name, json_integer((json_int_t)client_arg_uint(args, name, 0)));
}

static void start(struct client *client, const struct client_args *args)
{
	json_t *params = json_pack("{s:s}", "file", client_arg_text(args, "FILE"));

	if (client_arg_has(args, "ID"))
		json_object_set_new(params, "session",
			json_integer((json_int_t)client_arg_uint(args, "ID", 0)));
	else
		set_port(params, args);
	if (client_arg_has(args, "decrypted"))
		json_object_set_new(params, "decrypted", json_true());
	set_limit(params, args, "count");
	set_limit(params, args, "seconds");
	set_limit(params, args, "snaplen");
	client_call_and_print(client, API_CAPTURE_START, params);
}

static void stop(struct client *client, const struct client_args *args)
{
	(void)args;
	client_call_and_print(client, API_CAPTURE_STOP, NULL);
}

static void show(struct client *client, const struct client_args *args)
{
	(void)args;
	client_call_and_print(client, API_CAPTURE_SHOW, NULL);
}

#define LIMITS "[count N] [seconds SECONDS] [snaplen SNAPLEN]"

const struct client_command command_capture[] = {
	{"capture start session ID file FILE [decrypted] " LIMITS, "capture", "0.2", CLIENT_ENGINE,
		"write a session's packets to a pcapng file of the engine", start},
	{"capture start port (PORT|wire|host|exception|all) file FILE " LIMITS, "capture", "0.2",
		CLIENT_ENGINE, "write a port's packets to a pcapng file of the engine", start},
	{"capture stop", "capture", "0.2", CLIENT_ENGINE, "end the capture; the file is whole then",
		stop},
	{"show capture", "capture", "0.2", CLIENT_ENGINE, "the capture under way, or the last one",
		show},
	{0},
};
