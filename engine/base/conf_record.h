// SPDX-License-Identifier: BSD-3-Clause
// Remembers which keys of the main section were given, to tell at SIGHUP what has changed. Start-up
// and reload only, one configuration a program.
#pragma once

// From here on what is read is remembered: at the start, and before it is read again.
void conf_record_begin(void);
// A key as it is set, by conf.c and conf_args.c.
void conf_record_key(const char *name, const char *value);
// What was read is what the program starts with.
void conf_record_keep(void);
// What was read again is not to be used.
void conf_record_drop(void);
// What was read again is used: logs which keys have changed. Those in `reloaded` (ends with NULL)
// are in force now; the others take a restart, and are compared with what the program started with.
// `what` begins the line: "the file is read again".
void conf_record_tell(const char *what, const char *const reloaded[]);
