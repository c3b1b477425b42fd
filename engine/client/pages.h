// SPDX-License-Identifier: BSD-3-Clause
// Prints lists of any length as they come, a page in memory at a time. One thread.
#pragma once

#include "engine/client/client.h"
#include "engine/client/table.h"

struct pages {
	const char *method, *field; // of the list, and of its rows in the answer
	// Of the table, whose widths are those of the first page; NULL: each row as an object
	const struct table_column *columns;
	uint64_t limit; // rows at most; 0: all
};

// Prints all pages: a table, or with -j one object {field: [...]}, which is whole unless the
// command fails. Steals `params`, which may be NULL.
void pages_show(struct client *client, const struct pages *pages, json_t *params);
