// SPDX-License-Identifier: BSD-3-Clause
// One command of the client: its connection, its output, its exit status. One thread.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum client_status {
	CLIENT_OK = 0,
	CLIENT_FAILED = 1, // the command failed; why is on `err`
	CLIENT_USAGE = 2,
	CLIENT_NO_CONNECTION = 3,
};

enum client_server { CLIENT_NO_SERVER, CLIENT_ENGINE, CLIENT_AGENT };

struct client {
	FILE *out, *err;
	const char *socket; // -s; NULL: the server's own
	bool json;	    // -j
	int fd;		    // -1: not connected
	enum client_status status;
};

struct client_command {
	const char *words;     // "show session"
	const char *arguments; // "all|ID"; "" if none
	unsigned min, max;     // arguments
	enum client_server server;
	const char *help;
	// Carries it out over client->fd; the status it sets is the program's.
	void (*run)(struct client *client, char **arguments, unsigned n);
};

// Ends with NULL words.
extern const struct client_command client_engine_commands[];
extern const struct client_command client_agent_commands[];

// The whole program; returns its exit status.
int client_run(int argc, char **argv, FILE *out, FILE *err);

// Says why the command fails, and sets the status.
void client_fail(struct client *client, enum client_status status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

// One call. Steals `params`. The result, a new reference, or NULL after client_fail().
json_t *client_call(struct client *client, const char *method, json_t *params);

// All pages of a list in one object {field: [...]}, a new reference, or NULL after client_fail().
// Steals `params`, which may be NULL.
json_t *client_list(struct client *client, const char *method, json_t *params, const char *field);

// Prints a result as it is, if -j asks for that; then true.
bool client_print_json(struct client *client, const json_t *result);
