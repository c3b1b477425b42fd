// SPDX-License-Identifier: BSD-3-Clause
// Pages of a list, printed one after the other. One thread.
#include "engine/client/pages.h"

#define PAGE_ROWS 250 // few enough that the engine answers at once

// What has been printed so far.
struct progress {
	uint64_t rows;
	bool laid_out;
	struct table_layout layout;
};

static void print_json(
	struct client *client, const struct pages *pages, struct progress *progress, json_t *rows)
{
	size_t index;
	json_t *row;

	if (!progress->laid_out)
		fprintf(client->out, "{\"%s\":[", pages->field);
	progress->laid_out = true;
	json_array_foreach (rows, index, row) {
		if (progress->rows++ > 0)
			fputc(',', client->out);
		json_dumpf(row, client->out, JSON_COMPACT | JSON_REAL_PRECISION(9));
	}
}

static void print_objects(struct client *client, struct progress *progress, json_t *rows)
{
	size_t index;
	json_t *row;

	json_array_foreach (rows, index, row) {
		if (progress->rows++ > 0)
			fputc('\n', client->out);
		table_print_object(client->out, row);
	}
}

static void print_table(
	struct client *client, const struct pages *pages, struct progress *progress, json_t *rows)
{
	// Pages without a match say nothing of widths
	if (!progress->laid_out && json_array_size(rows) > 0) {
		table_begin(&progress->layout, client->out, pages->columns, rows);
		progress->laid_out = true;
	}
	progress->rows += json_array_size(rows);
	if (progress->laid_out)
		table_rows(&progress->layout, client->out, pages->columns, rows);
}

static void print_page(
	struct client *client, const struct pages *pages, struct progress *progress, json_t *rows)
{
	// A page that ends with a whole session may have more than was asked for
	while (pages->limit > 0 && progress->rows + json_array_size(rows) > pages->limit)
		json_array_remove(rows, json_array_size(rows) - 1);
	if (client->json)
		print_json(client, pages, progress, rows);
	else if (pages->columns)
		print_table(client, pages, progress, rows);
	else
		print_objects(client, progress, rows);
	fflush(client->out); // a reader sees it as it comes
}

static void print_end(struct client *client, const struct pages *pages, struct progress *progress)
{
	if (client->json)
		fputs("]}\n", client->out);
	else if (pages->columns && !progress->laid_out)
		table_begin(&progress->layout, client->out, pages->columns, NULL);
}

void pages_show(struct client *client, const struct pages *pages, json_t *params)
{
	struct progress progress = {0};
	bool more = true;

	params = params ? params : json_object();
	while (more && !ferror(client->out)) {
		uint64_t left = pages->limit ? pages->limit - progress.rows : PAGE_ROWS;
		json_int_t rows = left < PAGE_ROWS ? (json_int_t)left : PAGE_ROWS;

		json_object_set_new(params, "limit", json_integer(rows));
		json_t *page = client_call(client, pages->method, json_deep_copy(params));
		if (!page)
			break;
		print_page(client, pages, &progress, json_object_get(page, pages->field));
		json_t *next = json_object_get(page, "next");
		more = next && !json_is_null(next) &&
		       (pages->limit == 0 || progress.rows < pages->limit);
		if (more)
			json_object_set(params, "after", next);
		json_decref(page);
	}
	if (client->status == CLIENT_OK)
		print_end(client, pages, &progress);
	json_decref(params);
}
