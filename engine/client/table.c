// SPDX-License-Identifier: BSD-3-Clause
// Lays JSON out in columns. One thread. Tags, reasons and names may come from far away, so nothing
// is printed that a terminal would obey.
#include "engine/client/table.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH  80
#define INDENT 4 // of a row's further lines

char *table_clean(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c; c++) {
		// U+0080 to U+009F are control characters too
		if (*c < 0x20 || *c == 0x7f || (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)) {
			if (*c == 0xc2)
				c[1] = '?';
			*c = '?';
		}
	}
	return text;
}

// Columns on the screen: characters, not bytes.
static int width_of(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

static void cell_array(const json_t *value, char out[TABLE_CELL_MAX])
{
	size_t index, n = 0;
	json_t *element;

	out[0] = '\0';
	json_array_foreach ((json_t *)value, index, element) {
		char one[TABLE_CELL_MAX];

		if (json_is_array(element))
			continue;
		table_cell(element, one);
		n += snprintf(out + n, TABLE_CELL_MAX - n, "%s%s", n ? ", " : "", one);
		if (n >= TABLE_CELL_MAX)
			return;
	}
	if (n == 0)
		strcpy(out, "-");
}

void table_cell(const json_t *value, char out[TABLE_CELL_MAX])
{
	if (json_is_string(value))
		snprintf(out, TABLE_CELL_MAX, "%s", json_string_value(value));
	else if (json_is_integer(value))
		snprintf(out, TABLE_CELL_MAX, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		snprintf(out, TABLE_CELL_MAX, "%.1f", json_real_value(value));
	else if (json_is_boolean(value))
		strcpy(out, json_is_true(value) ? "yes" : "no");
	else if (json_is_array(value))
		cell_array(value, out);
	else
		strcpy(out, "-");
	table_clean(out);
}

static const json_t *field_at(const json_t *object, const char *path)
{
	while (object && *path) {
		char name[64];
		size_t length = strcspn(path, ".");

		snprintf(name, sizeof(name), "%.*s", (int)length, path);
		object = json_object_get(object, name);
		path += length + (path[length] == '.');
	}
	return object;
}

static void print_cell(FILE *out, const char *text, int width, bool right, bool last)
{
	int pad = width - width_of(text);

	if (pad < 0) // wider than all of the first page
		pad = 0;

	if (right)
		fprintf(out, "%*s%s", pad, "", text);
	else
		fprintf(out, "%s%*s", text, last ? 0 : pad, "");
	fputs(last ? "\n" : "  ", out);
}

// The terminal's width, if it is one and not a narrow one.
static int screen_width(FILE *out)
{
	struct winsize size;
	int fd = fileno(out);

	if (fd >= 0 && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > WIDTH)
		return size.ws_col;
	return WIDTH;
}

void table_wrap(FILE *out, const char *text, int at, int indent, bool fold)
{
	bool terminal = fileno(out) >= 0 && isatty(fileno(out)), begin = true;
	int width = terminal || fold ? screen_width(out) - 1 : INT_MAX; // the last may wrap

	while (*text) {
		int length = (int)strcspn(text, " ");

		if (!begin && at + 1 + length > width) {
			fprintf(out, "\n%*s", indent, "");
			at = indent;
			begin = true;
		}
		fprintf(out, "%s%.*s", begin ? "" : " ", length, text);
		at += length + !begin;
		begin = false;
		text += length;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static void measure(struct table_layout *l, const struct table_column columns[], const json_t *rows)
{
	bool other[TABLE_COLUMNS_MAX] = {0};
	char cell[TABLE_CELL_MAX];
	size_t index;
	json_t *row;

	for (; columns[l->n].title && l->n < TABLE_COLUMNS_MAX; l->n++)
		l->widths[l->n] = width_of(columns[l->n].title);
	json_array_foreach ((json_t *)rows, index, row) {
		for (unsigned i = 0; i < l->n; i++) {
			const json_t *value = field_at(row, columns[i].path);

			table_cell(value, cell);
			if (width_of(cell) > l->widths[i])
				l->widths[i] = width_of(cell);
			l->number[i] |= json_is_number(value);
			other[i] |= value && !json_is_number(value) && !json_is_null(value);
		}
	}
	for (unsigned i = 0; i < l->n; i++)
		l->number[i] &= !other[i];
}

static void fold_columns(struct table_layout *l, int width)
{
	int at = 0; // where the column begins

	for (unsigned i = 0; i < l->n; i++) {
		if (i > 0 && at + l->widths[i] > width) {
			l->last[i - 1] = true;
			at = INDENT;
		}
		at += l->widths[i] + 2;
		l->last[i] = i + 1 == l->n;
	}
}

static void print_column(FILE *out, const struct table_layout *l, unsigned i, const char *text)
{
	if (i > 0 && l->last[i - 1])
		fprintf(out, "%*s", INDENT, "");
	print_cell(out, text, l->widths[i], l->number[i], l->last[i]);
}

void table_begin(struct table_layout *layout, FILE *out, const struct table_column columns[],
	const json_t *rows)
{
	memset(layout, 0, sizeof(*layout));
	measure(layout, columns, rows);
	fold_columns(layout, screen_width(out));
	for (unsigned i = 0; i < layout->n; i++)
		print_column(out, layout, i, columns[i].title);
}

void table_rows(const struct table_layout *layout, FILE *out, const struct table_column columns[],
	const json_t *rows)
{
	char cell[TABLE_CELL_MAX];
	size_t index;
	json_t *row;

	json_array_foreach ((json_t *)rows, index, row) {
		for (unsigned i = 0; i < layout->n; i++) {
			table_cell(field_at(row, columns[i].path), cell);
			print_column(out, layout, i, cell);
		}
	}
}

void table_print(FILE *out, const struct table_column columns[], const json_t *rows)
{
	struct table_layout layout;

	table_begin(&layout, out, columns, rows);
	table_rows(&layout, out, columns, rows);
}

static int longest_name(const json_t *object, int before)
{
	const char *key;
	json_t *value;
	int longest = 0;

	json_object_foreach ((json_t *)object, key, value) {
		int length = before + width_of(key);

		if (json_is_object(value))
			length = longest_name(value, length + 1);
		if (length > longest)
			longest = length;
	}
	return longest;
}

static void print_fields(FILE *out, const json_t *object, const char *prefix, int width)
{
	char name[128], cell[TABLE_CELL_MAX];
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)object, key, value) {
		snprintf(name, sizeof(name), "%s%s%.64s", prefix, prefix[0] ? "." : "", key);
		if (json_is_object(value)) {
			print_fields(out, value, name, width);
			continue;
		}
		table_cell(value, cell);
		print_cell(out, table_clean(name), width, false, false);
		fprintf(out, "%s\n", cell);
	}
}

void table_print_object(FILE *out, const json_t *object)
{
	print_fields(out, object, "", longest_name(object, 0));
}
