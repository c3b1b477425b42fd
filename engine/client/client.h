// SPDX-License-Identifier: BSD-3-Clause
// The crowfly program: what a command of the table looks like, and what its handler works with: its
// arguments, its connection, its output, its exit status. One thread.
#pragma once

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum client_status {
	CLIENT_OK = 0,
	CLIENT_FAILED = 1, // the command failed; why is on `err`
	CLIENT_USAGE = 2,
	CLIENT_NO_CONNECTION = 3,
};

// CLIENT_EITHER: an agent, if neither -s nor the prompt says whose.
enum client_server { CLIENT_NO_SERVER, CLIENT_ENGINE, CLIENT_AGENT, CLIENT_EITHER };

struct client_command;

struct client {
	FILE *out, *err;
	const char *socket; // -s; NULL: the server's own
	bool json;	    // -j
	int fd;		    // -1: not connected
	enum client_status status;
	const char *where;		      // begins each error: "crowfly: ", "FILE:LINE: "
	const struct client_command *command; // that runs, or NULL

	bool keep_going;	   // after a command of a file that failed
	bool quit;		   // no further command
	bool stdin_is_commands;	   // it is no command's
	struct script *script;	   // that runs, or NULL
	int (*connect)(void *arg); // to the engine, instead of `socket`: a file descriptor, or -1
				   // and errno
	void *connect_arg;
	bool catches;			   // Ctrl-C ends the running command
	volatile sig_atomic_t interrupted; // the running command shall end, its connection is shut
};

struct client_args;

// One row of the table. All that is told of a command comes from it: parser, errors, help, Tab,
// the completion of shells, manual pages.
struct client_command {
	const char *pattern; // "show session (all|ID) [limit N]", see pattern.h
	const char *section; // of commands_sections
	const char *since;   // the version that had it first
	enum client_server server;
	const char *help; // one line, begins small, no full stop
	// Carries it out over client->fd; the status it sets is the program's.
	void (*run)(struct client *client, const struct client_args *args);
};

// ---- arguments, by their name in the pattern: a placeholder ("ID"), a fixed word ("detail"), or
// the fixed word before a placeholder ("limit" of "limit N"). The pattern has checked them.

// The word given for it; NULL: not given.
const char *client_arg_text(const struct client_args *args, const char *name);
// The number given for it.
uint64_t client_arg_uint(const struct client_args *args, const char *name, uint64_t fallback);
bool client_arg_has(const struct client_args *args, const char *name);

// ---- running

// The whole program; returns its exit status.
int client_run(int argc, char **argv, FILE *out, FILE *err);

// Says why the command fails, and sets the status.
void client_fail(struct client *client, enum client_status status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

// One call. Steals `params`. The result, a new reference, or NULL after client_fail(), which
// begins with the fixed words of the command: "session drain: no session 5".
json_t *client_call(struct client *client, const char *method, json_t *params);

// All pages of a list in one object {field: [...]}, a new reference, or NULL after client_fail().
// Steals `params`, which may be NULL.
json_t *client_list(struct client *client, const char *method, json_t *params, const char *field);

// A field of a result: 0, and "-", if it is not there.
json_int_t client_number(const json_t *object, const char *field);
const char *client_text(const json_t *object, const char *field);

// Prints a result as it is, if -j asks for that; then true.
bool client_print_json(struct client *client, const json_t *result);

// Prints a result: as it is with -j, else a "name value" a line, or "ok" if there is nothing in it.
void client_print(struct client *client, const json_t *result);

// Calls a method and prints its result like that. Steals `params`.
void client_call_and_print(struct client *client, const char *method, json_t *params);
