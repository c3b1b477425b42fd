// SPDX-License-Identifier: BSD-3-Clause
// The agent's configuration: an INI file with [agent] and one [endpoint AOR] for each endpoint;
// read at start only.
#pragma once

#include <stdbool.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "control/sip/msg.h"

enum config_answer { CONFIG_ASK, CONFIG_ANSWER, CONFIG_DECLINE, CONFIG_BUSY };

struct config_endpoint {
	STAILQ_ENTRY(config_endpoint) next;
	char aor[MSG_AOR_MAX];
	char *user; // NULL: the part of the AoR before the @
	char *password_file;
	char password[256]; // wiped by config_free
	enum config_answer answer;
};

struct config_range {
	unsigned first, last;
};

struct config {
	char *server;	    // "host:port"
	char *server_name;  // of its certificate; NULL: the host
	char *ca;	    // PEM file of the roots that vouch for the server
	char *state_dir;    // this agent's certificate and key
	char *engine;	    // socket
	char *socket;	    // our own API
	char *socket_group; // whose members may use it, too; NULL: nobody
	char *metrics;	    // where they are given out; NULL: nowhere
	bool metrics_anywhere;
	struct sockaddr_storage listen;
	struct sockaddr_storage wire_address, engine_host_address, application_address;
	struct config_range wire_ports, host_ports, application_ports;
	unsigned port_rest_s;
	unsigned notify_timeout_s, answer_timeout_s, publish_expires_s, register_expires_s;
	unsigned media_timeout_s;
	unsigned calls_per_peer, calls_per_endpoint; // beyond, INVITEs are refused
	bool hang_up_on_timeout;
	bool keep_calls; // a clean stop leaves them to the next start
	int log_level, log_format;
	unsigned n_endpoints;
	STAILQ_HEAD(, config_endpoint) endpoints;
};

// Reads the command line and the file it names. As conf_args(): the index of the first other word,
// CONF_HELP, CONF_VERSION, or -1 with `error` (CONF_ERROR_MAX bytes) written.
int config_args(struct config *config, int argc, char **argv, char *error);
// Checks that nothing is missing and reads the password files. 0, or -1 with `error` written.
int config_finish(struct config *config, char *error);
void config_usage(void);
void config_init(struct config *config); // the defaults
void config_free(struct config *config);
