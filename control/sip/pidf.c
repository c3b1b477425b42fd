// SPDX-License-Identifier: BSD-3-Clause
// Presence documents (RFC 3863), by expat. Any one thread at a time.
#include "control/sip/pidf.h"

#include <errno.h>
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ERROR_MAX 128
#define BODY_MAX  (16 * 1024)
#define DEPTH_MAX 16
#define NS	  "urn:ietf:params:xml:ns:pidf|"

// ---- reading

// Where the reader is: in how many of the elements that it looks for, one in another.
enum place { OUTSIDE, PRESENCE, TUPLE, STATUS, BASIC, CONTACT };

struct reader {
	XML_Parser parser;
	struct pidf *out;
	const char *wrong;
	enum place place;
	unsigned depth, place_depth; // of the element that `place` is of
	unsigned tuples;
	bool basic;
	size_t length;
	char text[sizeof(((struct pidf *)0)->contact)];
};

static void stop(struct reader *reader, const char *wrong)
{
	if (reader->wrong == NULL)
		reader->wrong = wrong;
	XML_StopParser(reader->parser, XML_FALSE);
}

static void on_doctype(void *user, const XML_Char *name, const XML_Char *system,
	const XML_Char *public, int internal)
{
	(void)name, (void)system, (void)public, (void)internal;
	stop(user, "a document type");
}

static bool is_uri(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
		if (*p <= ' ' || *p == 0x7f || strchr("<>\"", *p) != NULL)
			return false;
	}
	return *text != '\0';
}

static void begin_presence(struct reader *reader, const XML_Char **attributes)
{
	const char *entity = NULL;

	for (; *attributes != NULL; attributes += 2) {
		if (strcmp(attributes[0], "entity") == 0)
			entity = attributes[1];
	}
	if (entity == NULL || !is_uri(entity) || strlen(entity) >= sizeof(reader->out->entity))
		stop(reader, "no entity");
	else
		strcpy(reader->out->entity, entity);
}

static void enter(struct reader *reader, enum place place)
{
	reader->place = place;
	reader->place_depth = reader->depth;
	reader->length = 0;
}

static void on_start(void *user, const XML_Char *name, const XML_Char **attributes)
{
	struct reader *reader = user;
	const char *local = strncmp(name, NS, strlen(NS)) == 0 ? name + strlen(NS) : "";

	if (++reader->depth > DEPTH_MAX) {
		stop(reader, "elements that are too deep");
	} else if (reader->depth == 1) {
		if (strcmp(local, "presence") != 0)
			stop(reader, "no presence document");
		else
			begin_presence(reader, attributes);
		enter(reader, PRESENCE);
	} else if (reader->depth != reader->place_depth + 1) {
		return; // inside of something that is not looked at
	} else if (reader->place == PRESENCE && strcmp(local, "tuple") == 0) {
		if (reader->tuples++ == 0)
			enter(reader, TUPLE);
	} else if (reader->place == TUPLE && strcmp(local, "status") == 0) {
		enter(reader, STATUS);
	} else if (reader->place == TUPLE && strcmp(local, "contact") == 0) {
		enter(reader, CONTACT);
	} else if (reader->place == STATUS && strcmp(local, "basic") == 0) {
		enter(reader, BASIC);
	} else if (reader->place == BASIC || reader->place == CONTACT) {
		stop(reader, "an element in a text");
	}
}

// Without space around it.
static char *text_of(struct reader *reader)
{
	static const char space[] = " \t\r\n";
	char *text = reader->text;

	text[reader->length] = '\0';
	text += strspn(text, space);
	for (size_t length = strlen(text); length > 0 && strchr(space, text[length - 1]) != NULL;)
		text[--length] = '\0';
	return text;
}

static void end_basic(struct reader *reader)
{
	const char *text = text_of(reader);

	reader->out->open = strcmp(text, "open") == 0;
	if (reader->basic || (!reader->out->open && strcmp(text, "closed") != 0))
		stop(reader, "a status that is neither open nor closed");
	reader->basic = true;
}

static void end_contact(struct reader *reader)
{
	const char *text = text_of(reader);

	if (reader->out->contact[0] != '\0' || !is_uri(text))
		stop(reader, "a bad contact");
	else
		strcpy(reader->out->contact, text);
}

static void on_end(void *user, const XML_Char *name)
{
	static const enum place outer[] = {[PRESENCE] = OUTSIDE,
		[TUPLE] = PRESENCE,
		[STATUS] = TUPLE,
		[BASIC] = STATUS,
		[CONTACT] = TUPLE};
	struct reader *reader = user;

	(void)name;
	if (reader->depth-- != reader->place_depth)
		return;
	if (reader->place == BASIC)
		end_basic(reader);
	else if (reader->place == CONTACT)
		end_contact(reader);
	reader->place = outer[reader->place];
	reader->place_depth--;
}

static void on_text(void *user, const XML_Char *text, int length)
{
	struct reader *reader = user;

	if ((reader->place != BASIC && reader->place != CONTACT) ||
		reader->depth != reader->place_depth)
		return;
	if (reader->length + (size_t)length >= sizeof(reader->text)) {
		stop(reader, "a text that is too long");
		return;
	}
	memcpy(reader->text + reader->length, text, (size_t)length);
	reader->length += (size_t)length;
}

int pidf_read(const char *body, size_t length, struct pidf *out, char *error)
{
	struct reader reader = {.out = out};
	const char *wrong = NULL;

	memset(out, 0, sizeof(*out));
	if (length == 0 || length > BODY_MAX) {
		snprintf(error, ERROR_MAX, "PIDF: empty or too long");
		return -EINVAL;
	}
	reader.parser = XML_ParserCreateNS("UTF-8", '|');
	if (reader.parser == NULL) {
		snprintf(error, ERROR_MAX, "PIDF: out of memory");
		return -EINVAL;
	}
	XML_SetUserData(reader.parser, &reader);
	XML_SetElementHandler(reader.parser, on_start, on_end);
	XML_SetCharacterDataHandler(reader.parser, on_text);
	XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
	if (XML_Parse(reader.parser, body, (int)length, 1) != XML_STATUS_OK)
		wrong = reader.wrong != NULL ? reader.wrong
					     : XML_ErrorString(XML_GetErrorCode(reader.parser));
	else if (!reader.basic)
		wrong = "no status";
	if (wrong != NULL) {
		snprintf(error, ERROR_MAX, "PIDF: %s", wrong);
		memset(out, 0, sizeof(*out));
	}
	XML_ParserFree(reader.parser);
	return wrong != NULL ? -EINVAL : 0;
}

// ---- writing

static void put_escaped(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*text, out);
		}
	}
}

char *pidf_write(const struct pidf *pidf)
{
	char *text = NULL;
	size_t length;
	FILE *out;

	if (!is_uri(pidf->entity) || (pidf->contact[0] != '\0' && !is_uri(pidf->contact))) {
		errno = EINVAL;
		return NULL;
	}
	out = open_memstream(&text, &length);
	if (out == NULL)
		return NULL;
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
	      "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"",
		out);
	put_escaped(out, pidf->entity);
	fprintf(out, "\"><tuple id=\"t1\"><status><basic>%s</basic></status>",
		pidf->open ? "open" : "closed");
	if (pidf->contact[0] != '\0') {
		fputs("<contact>", out);
		put_escaped(out, pidf->contact);
		fputs("</contact>", out);
	}
	fputs("</tuple></presence>\r\n", out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
