// SPDX-License-Identifier: BSD-3-Clause
// Prints JSON objects for people: as rows with aligned columns, or as one "name value" a line. One
// thread.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdbool.h>
#include <stdio.h>

// A column shows one field of each row.
struct table_column {
	const char *title;
	const char *path; // "wire.local"; an array is shown as "a, b"
};

// `columns` ends with a NULL title. Numbers stand at the right. A row that does not fit 80 columns,
// or a wider terminal, goes on in further lines, indented, as the titles do.
void table_print(FILE *out, const struct table_column columns[], const json_t *rows);

// The same for rows that come page by page: the first page decides the layout; table_begin() prints
// the titles. `rows` may be NULL there.
#define TABLE_COLUMNS_MAX 16
struct table_layout {
	unsigned n;
	int widths[TABLE_COLUMNS_MAX];
	bool number[TABLE_COLUMNS_MAX];
	bool last[TABLE_COLUMNS_MAX]; // of its line
};
void table_begin(struct table_layout *layout, FILE *out, const struct table_column columns[],
	const json_t *rows);
void table_rows(const struct table_layout *layout, FILE *out, const struct table_column columns[],
	const json_t *rows);

// All fields of one object, those of objects in it as "rx.packets".
void table_print_object(FILE *out, const json_t *object);

// Prints text in lines that fit a terminal, broken between words; further ones begin with `indent`
// blanks. `at`: the columns that the first has already. To what is no terminal: 80 columns if
// `fold`, else one line.
void table_wrap(FILE *out, const char *text, int at, int indent, bool fold);

// Replaces what could control a terminal by '?', in place.
char *table_clean(char *text);

#define TABLE_CELL_MAX 512
// One value as a cell shows it; "-" for null and what is missing.
void table_cell(const json_t *value, char out[TABLE_CELL_MAX]);
