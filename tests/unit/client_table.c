// SPDX-License-Identifier: BSD-3-Clause
// Tables of the client: rows that are too wide, text that a terminal would obey.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/client/table.h"

static const struct table_column columns[] = {
	{"ID", "id"}, {"NAME", "name"}, {"RX", "rx"}, {"TAG", "tag"}, {"TX", "tx"}, {0}};

// What table_print() prints of these rows, which it steals.
static char *print_rows(json_t *rows)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	table_print(out, columns, rows);
	fclose(out);
	json_decref(rows);
	return text;
}

// One row, with a name of so many letters.
static json_t *row(unsigned letters)
{
	char name[128];

	memset(name, 'x', letters);
	name[letters] = '\0';
	return json_pack("{s:i, s:s, s:I, s:s, s:i}", "id", 1, "name", name, "rx",
		(json_int_t)123456789012, "tag", "a", "tx", 7);
}

Test(table, rows_that_fit_are_one_line)
{
	char *text = print_rows(json_pack("[o, {s:i, s:s}]", row(4), "id", 22, "name", "b"));

	cr_expect_str_eq(text, "ID  NAME            RX  TAG  TX\n"
			       " 1  xxxx  123456789012  a     7\n"
			       "22  b                -  -     -\n");
	free(text);
}

// 2 + 2 + 62 + 2 + 12 columns are 80.
Test(table, rows_too_wide_go_on_in_further_lines)
{
	char *text = print_rows(json_pack("[o, o]", row(62), row(0)));
	char expected[1024], x[63];

	memset(x, 'x', 62);
	x[62] = '\0';
	snprintf(expected, sizeof(expected),
		"ID  %-62s  %12s\n    TAG  TX\n 1  %s  123456789012\n    a     7\n"
		" 1  %62s  123456789012\n    a     7\n",
		"NAME", "RX", x, "");
	cr_expect_str_eq(text, expected);
	free(text);
}

// One column more, and RX goes on the second line, too.
Test(table, a_column_is_never_cut)
{
	char *text = print_rows(json_pack("[o]", row(63)));

	cr_expect_str_eq(strstr(text, "x\n"), "x\n    123456789012  a     7\n");
	free(text);
	text = print_rows(json_pack("[o]", row(100)));
	cr_expect_str_eq(strstr(text, "x\n"), "x\n    123456789012  a     7\n");
	cr_expect(strstr(text, "\n    xxxx"), "%s", text);
	free(text);
}

Test(table, clean)
{
	char text[] = "ok \x7f \xc2\x9b \xc2\xa0 \t";
	cr_expect_str_eq(table_clean(text), "ok ? ?? \xc2\xa0 ?");
}
