// SPDX-License-Identifier: BSD-3-Clause
// Writes settings to a file of commands. One thread.
#pragma once

#include "engine/client/client.h"

// Puts the commands of `settings` ({"commands": [...]}) into the file at `path`, mode 0600: wholly,
// or the old file stays. client_fail() if not.
void save_settings(struct client *client, const char *path, const json_t *settings);
