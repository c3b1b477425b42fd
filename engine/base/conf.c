// SPDX-License-Identifier: BSD-3-Clause
// Reads an INI file section by section, and the value types of its keys; start-up only.
//
// libinih splits the lines. It cuts section names at 49 bytes and knows no line numbers, so the
// reader it calls for each line counts them and takes the section headers itself.
#include "engine/base/conf.h"

#include "engine/base/conf_record.h"
#include "engine/base/log.h"

#include <ini.h>

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096
#define SECTIONS_MAX   16
#define KEYS_MAX       64 // of a section: one bit each

struct reader {
	FILE *file;
	const char *path;
	int line;
	const struct conf_section *sections, *section; // section: NULL before the first header
	void *program, *object;
	uint64_t seen[SECTIONS_MAX]; // keys set, by section
	char *text;		     // the line as getline() has it
	size_t text_size;
	char *error;
	bool failed;
};

// Keeps the first error, with its place in the file.
static void reader_fail(struct reader *reader, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void reader_fail(struct reader *reader, const char *fmt, ...)
{
	va_list args;

	if (reader->failed)
		return;
	reader->failed = true;
	int n = snprintf(reader->error, CONF_ERROR_MAX, "%s:%d: ", reader->path, reader->line);
	if (n < 0 || n >= CONF_ERROR_MAX)
		return;
	va_start(args, fmt);
	vsnprintf(reader->error + n, CONF_ERROR_MAX - n, fmt, args);
	va_end(args);
}

// "a, b, c" of the names of sections or keys; "a, b, ..." where `size` ends.
static const char *names_of(const char *const *first, size_t stride, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (; *first; first = (const char *const *)((const char *)first + stride)) {
		int w = snprintf(out + n, size - n, "%s%s", n ? ", " : "", *first);

		if (w < 0 || (size_t)w + sizeof(", ...") > size - n) {
			strcpy(out + n, ", ...");
			break;
		}
		n += w;
	}
	return out;
}

static void open_section(struct reader *reader, char *header)
{
	const struct conf_section *section = reader->sections;
	char known[160], error[CONF_ERROR_MAX] = "";
	size_t length = strcspn(header, " \t");
	const char *title = header + length + strspn(header + length, " \t");

	while (section->name &&
		(strlen(section->name) != length || strncmp(section->name, header, length) != 0))
		section++;
	if (!section->name) {
		reader_fail(reader, "unknown section [%.*s] (known: %s)", (int)length, header,
			names_of(&reader->sections->name, sizeof(*section), known, sizeof(known)));
		return;
	}
	if (!section->open && *title) {
		reader_fail(reader, "section [%s] takes no name", section->name);
		return;
	}
	reader->section = section;
	reader->object = reader->program;
	if (!section->open)
		return;
	reader->seen[section - reader->sections] = 0;
	reader->object = section->open(reader->program, title, error);
	if (!reader->object)
		reader_fail(reader, "[%s]: %s", section->name, error);
}

// Cuts `[name title]` out of its line.
static void take_header(struct reader *reader, char *line)
{
	char *end = strchr(line, ']');

	if (!end) {
		reader_fail(reader, "section header without ']'");
		return;
	}
	const char *rest = end + 1 + strspn(end + 1, " \t\r\n");
	if (*rest && *rest != ';' && *rest != '#') {
		reader_fail(reader, "text behind the section header");
		return;
	}
	while (end > line + 1 && strchr(" \t", end[-1]))
		end--;
	*end = '\0';
	open_section(reader, line + 1 + strspn(line + 1, " \t"));
}

// libinih's reader: one line into `out`, NULL at the end or after an error.
static char *read_line(char *out, int size, void *arg)
{
	struct reader *reader = arg;

	if (reader->failed)
		return NULL;
	ssize_t length = getline(&reader->text, &reader->text_size, reader->file);
	if (length < 0)
		return NULL;
	reader->line++;
	if (memchr(reader->text, '\0', length)) {
		reader_fail(reader, "a NUL byte in the line");
		return NULL;
	}
	char *line = reader->text;
	if (reader->line == 1 && strncmp(line, "\xef\xbb\xbf", 3) == 0)
		line += 3;
	line += strspn(line, " \t"); // an indented key is a key, not the last one's second line
	length = strlen(line);
	if (length >= size) {
		reader_fail(reader, "line longer than %d bytes", size - 1);
		return NULL;
	}
	memcpy(out, line, length + 1);
	if (*line == '[') {
		take_header(reader, line);
		strcpy(out, "[]\n"); // libinih needs to know only that there was one
	}
	return reader->failed ? NULL : out;
}

static const struct conf_key *find_key(const struct conf_key *keys, const char *name, size_t length)
{
	for (; keys->name; keys++) {
		if (strlen(keys->name) == length && strncmp(keys->name, name, length) == 0)
			return keys;
	}
	return NULL;
}

// libinih's handler: one key. Returns 0 to stop.
static int take_key(void *arg, const char *unused, const char *name, const char *value)
{
	struct reader *reader = arg;
	const struct conf_section *section = reader->section;
	char known[160], error[CONF_ERROR_MAX] = "";

	(void)unused;
	if (reader->failed)
		return 0;
	if (!section) {
		reader_fail(reader, "key '%s' before the first section (expected [%s])", name,
			reader->sections->name);
		return 0;
	}
	const struct conf_key *key = find_key(section->keys, name, strlen(name));
	if (!key) {
		reader_fail(reader, "unknown key '%s' in [%s] (known: %s)", name, section->name,
			names_of(&section->keys->name, sizeof(*key), known, sizeof(known)));
		return 0;
	}
	assert(section - reader->sections < SECTIONS_MAX && key - section->keys < KEYS_MAX);
	uint64_t *seen = &reader->seen[section - reader->sections];
	uint64_t bit = UINT64_C(1) << (key - section->keys);
	if (*seen & bit) {
		reader_fail(reader, "key '%s' stands twice in [%s]", name, section->name);
		return 0;
	}
	*seen |= bit;
	if (section == reader->sections)
		conf_record_key(name, value);
	if (key->set(reader->object, value, error) < 0) {
		reader_fail(reader, "%s: %s", name, error);
		return 0;
	}
	return 1;
}

int conf_read(const char *path, const struct conf_section *sections, void *program, char *error)
{
	struct reader reader = {
		.path = path, .sections = sections, .program = program, .error = error};
	struct stat st;
	int rc = 0;

	error[0] = '\0';
	reader.file = fopen(path, "re");
	if (reader.file && fstat(fileno(reader.file), &st) == 0 && S_ISDIR(st.st_mode)) {
		fclose(reader.file);
		reader.file = NULL;
		errno = EISDIR;
	}
	if (!reader.file) {
		rc = -errno;
		snprintf(error, CONF_ERROR_MAX, "%s: %s", path, strerror(errno));
		return rc;
	}
	ini_use_stack = false;
	ini_initial_alloc = ini_max_line = LINE_MAX_BYTES;
	ini_allow_multiline = false;
	ini_stop_on_first_error = true;
	int line = ini_parse_stream(read_line, &reader, take_key, &reader);
	if (!reader.failed && line > 0)
		reader_fail(&reader, "expected 'key = value' or '[section]'");
	if (!reader.failed && (line < 0 || ferror(reader.file))) {
		rc = ferror(reader.file) ? -EIO : -ENOMEM;
		snprintf(error, CONF_ERROR_MAX, "%s: %s", path, strerror(-rc));
	}
	free(reader.text);
	fclose(reader.file);
	return reader.failed ? -1 : rc;
}

int conf_bool(const char *value, bool *out, char *error)
{
	if (strcmp(value, "yes") == 0)
		*out = true;
	else if (strcmp(value, "no") == 0)
		*out = false;
	else {
		snprintf(error, CONF_ERROR_MAX, "expected yes or no, got '%.64s'", value);
		return -1;
	}
	return 0;
}

int conf_log_level(const char *value, int *out, char *error)
{
	int level = log_level_parse(value);

	if (level < 0) {
		snprintf(error, CONF_ERROR_MAX, "expected error, warning, notice, info or debug");
		return -1;
	}
	*out = level;
	return 0;
}

int conf_log_format(const char *value, int *out, char *error)
{
	int format = log_format_parse(value);

	if (format < 0) {
		snprintf(error, CONF_ERROR_MAX, "expected text or json, got '%.64s'", value);
		return -1;
	}
	*out = format;
	return 0;
}

int conf_uint(const char *value, unsigned min, unsigned max, unsigned *out, char *error)
{
	char *end;

	errno = 0;
	unsigned long long n = strtoull(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end || errno || n < min || n > max) {
		snprintf(error, CONF_ERROR_MAX, "expected a number from %u to %u, got '%.64s'", min,
			max, value);
		return -1;
	}
	*out = n;
	return 0;
}

// Reads up to the line's end, byte by byte: no buffer but the caller's sees the secret. Its length,
// or -1.
static ssize_t read_secret(int fd, char *out, size_t size)
{
	size_t n = 0;
	char c;

	for (;;) {
		ssize_t got = read(fd, &c, 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0 || c == '\n')
			break;
		if (c == '\0' || n + 1 >= size) {
			errno = c ? EMSGSIZE : EINVAL;
			return -1;
		}
		out[n++] = c;
	}
	explicit_bzero(&c, 1);
	if (n && out[n - 1] == '\r')
		n--;
	out[n] = '\0';
	return n;
}

// Opens a file that holds a secret; -1 with `error` written.
static int open_secret(const char *path, char *error)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 || fstat(fd, &st) < 0) {
		snprintf(error, CONF_ERROR_MAX, "%s: %s", path, strerror(errno));
	} else if (S_ISDIR(st.st_mode)) {
		snprintf(error, CONF_ERROR_MAX, "%s: %s", path, strerror(EISDIR));
	} else if (!S_ISCHR(st.st_mode) && (st.st_mode & (S_IRWXG | S_IRWXO))) {
		snprintf(error, CONF_ERROR_MAX,
			"%s: others may read it (mode %04o, expected 0600 or 0400)", path,
			st.st_mode & 07777);
	} else {
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

int conf_secret(const char *path, char *out, size_t size, char *error)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open_secret(path, error);

	if (fd < 0)
		return -1;
	ssize_t n = read_secret(fd, out, size);
	if (n < 0)
		snprintf(error, CONF_ERROR_MAX, "%s: %s", path,
			errno == EMSGSIZE ? "its first line is too long"
			: errno == EINVAL ? "its first line holds a NUL byte"
					  : strerror(errno));
	else if (n == 0)
		snprintf(error, CONF_ERROR_MAX, "%s: its first line is empty", path);
	if (n <= 0)
		explicit_bzero(out, size);
	if (!is_stdin)
		close(fd);
	return n > 0 ? 0 : -1;
}
