// SPDX-License-Identifier: BSD-3-Clause
// Runs the checks of the machine and prints them; before anything is started.
#include "engine/check.h"

#include <jansson.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// ---- reading below the root

static void path_of(const struct check *check, char path[PATH_MAX], const char *fmt, va_list args)
{
	int n = snprintf(path, PATH_MAX, "%s", check->root);

	vsnprintf(path + n, (size_t)(PATH_MAX - n), fmt, args);
}

#define PATH_OF(path)                                                                              \
	do {                                                                                       \
		va_list args_;                                                                     \
		va_start(args_, fmt);                                                              \
		path_of(check, path, fmt, args_);                                                  \
		va_end(args_);                                                                     \
	} while (0)

bool check_read(const struct check *check, char *out, size_t size, const char *fmt, ...)
{
	char path[PATH_MAX];

	PATH_OF(path);
	FILE *file = fopen(path, "re");
	bool read = file && fgets(out, (int)size, file);
	if (!read)
		out[0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	if (file)
		fclose(file);
	return read;
}

long check_number(const struct check *check, long fallback, const char *fmt, ...)
{
	char path[PATH_MAX], text[64], *end;

	PATH_OF(path);
	if (!check_read(check, text, sizeof(text), "%s", path + strlen(check->root)))
		return fallback;
	long number = strtol(text, &end, 10);
	return end == text ? fallback : number;
}

bool check_exists(const struct check *check, const char *fmt, ...)
{
	char path[PATH_MAX];

	PATH_OF(path);
	return access(path, F_OK) == 0;
}

bool check_link(const struct check *check, char *out, size_t size, const char *fmt, ...)
{
	char path[PATH_MAX], target[PATH_MAX];

	PATH_OF(path);
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	if (n < 0) {
		out[0] = '\0';
		return false;
	}
	target[n] = '\0';
	const char *slash = strrchr(target, '/');
	snprintf(out, size, "%s", slash ? slash + 1 : target);
	return true;
}

bool check_find_line(
	const struct check *check, const char *path, const char *start, char *out, size_t size)
{
	char full[PATH_MAX], *line = NULL;
	size_t room = 0;
	bool found = false;

	snprintf(full, sizeof(full), "%s%s", check->root, path);
	FILE *file = fopen(full, "re");
	while (file && !found && getline(&line, &room, file) > 0)
		found = strncmp(line, start, strlen(start)) == 0;
	if (found)
		snprintf(out, size, "%.*s", (int)strcspn(line, "\n"), line);
	if (file)
		fclose(file);
	free(line);
	return found;
}

bool check_list_has(const char *list, unsigned number)
{
	unsigned first, last;
	int n;

	for (;; list += strcspn(list, ",") + 1) {
		n = sscanf(list, "%u-%u", &first, &last);
		if (n >= 1 && number >= first && number <= (n == 2 ? last : first))
			return true;
		if (!strchr(list, ','))
			return false;
	}
}

unsigned check_node_of_cpu(const struct check *check, unsigned cpu)
{
	for (unsigned node = 0; node < 16; node++)
		if (check_exists(check, "/sys/devices/system/cpu/cpu%u/node%u", cpu, node))
			return node;
	return 0;
}

// ---- lines

void check_add(struct check *check, enum check_state state, const char *name, const char *mend,
	const char *fmt, ...)
{
	struct check_line *line = &check->lines[check->n_lines];
	va_list args;

	if (check->n_lines == CHECK_LINES_MAX)
		return;
	check->n_lines++;
	line->state = state;
	line->name = name;
	snprintf(line->mend, sizeof(line->mend), "%s", state == CHECK_OK || !mend ? "" : mend);
	va_start(args, fmt);
	vsnprintf(line->text, sizeof(line->text), fmt, args);
	va_end(args);
}

static const char *const names[] = {"OK", "WARN", "FAIL"};

static void print_text(const struct check *check, FILE *out)
{
	for (unsigned i = 0; i < check->n_lines; i++) {
		const struct check_line *line = &check->lines[i];

		fprintf(out, "%-4s  %-10s  %s\n", names[line->state], line->name, line->text);
		if (line->mend[0])
			fprintf(out, "                  mend: %s\n", line->mend);
	}
}

static void print_json(const struct check *check, enum check_state worst, FILE *out)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < check->n_lines; i++) {
		const struct check_line *line = &check->lines[i];

		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:s?}", "state", names[line->state],
				      "name", line->name, "text", line->text, "mend",
				      line->mend[0] ? line->mend : NULL));
	}
	json_t *object = json_pack("{s:s, s:o}", "state", names[worst], "checks", list);
	json_dumpf(object, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(object);
}

enum check_state check_run(const struct options *options, const char *root, bool json, FILE *out)
{
	enum check_state worst = CHECK_OK;
	struct check *check = calloc(1, sizeof(*check));

	if (!check)
		return CHECK_FAIL;
	check->options = options;
	check->root = root ? root : "";
	check_wishes(check);
	check_memory(check);
	check_cpu(check);
	check_devices(check);
	for (unsigned i = 0; i < check->n_lines; i++)
		if (check->lines[i].state > worst)
			worst = check->lines[i].state;
	if (json)
		print_json(check, worst, out);
	else
		print_text(check, out);
	free(check);
	return worst;
}
