// SPDX-License-Identifier: BSD-3-Clause
// What can be set, in the INI file's section [access] or as long options. Start-up only.
#pragma once

#include <limits.h>
#include <sys/socket.h>

#include "control/access/aor.h"
#include "engine/base/conf.h"

struct config_address {
	struct sockaddr_storage address;
	socklen_t length; // 0: none
	char text[80];
};

struct config {
	struct config_address listen, listen_md5;
	char certificate[PATH_MAX], key[PATH_MAX];
	char database[PATH_MAX];
	char metrics[PATH_MAX]; // where they are given out; "": nowhere
	bool metrics_anywhere;
	char domain[DOMAIN_MAX]; // "" : what the database was made for
	unsigned expires_min_s, expires_default_s, expires_max_s;
	unsigned nonce_lifetime_s, token_lifetime_s;
	unsigned failures_per_minute;
	unsigned connections, connections_per_ip;
	int log_level, log_format;
};

extern const struct conf_section config_sections[];

void config_defaults(struct config *config);
// What the server needs besides: 0, or -1 and one line in `error`.
int config_check_server(const struct config *config, char error[CONF_ERROR_MAX]);
