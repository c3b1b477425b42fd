// SPDX-License-Identifier: BSD-3-Clause
// Presence documents: written and read back, those of others, hostile ones.
#include "control/sip/pidf.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XMLNS	    "xmlns='urn:ietf:params:xml:ns:pidf'"
#define OPEN	    "<status><basic>open</basic></status>"
#define DOC(inside) "<presence " XMLNS " entity='sip:a@b'>" inside "</presence>"

Test(sip_pidf, written_and_read_back)
{
	static const struct pidf cases[] = {
		{"sip:alice@example.org", "sip:alice@10.0.0.1:5061;transport=tls", true},
		{"sip:alice@example.org", "", false},
		{"sip:a&b'c@example.org", "sip:a@[fd00::1]?x=y&z='w", true},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char error[128] = "", *text = pidf_write(&cases[i]);
		struct pidf back;

		cr_assert(ne(ptr, text, NULL));
		cr_assert(eq(int, pidf_read(text, strlen(text), &back, error), 0), "%s", error);
		cr_expect(eq(str, back.entity, (char *)cases[i].entity));
		cr_expect(eq(str, back.contact, (char *)cases[i].contact));
		cr_expect(eq(int, back.open, cases[i].open));
		free(text);
	}
}

Test(sip_pidf, writes_no_markup)
{
	struct pidf bad = {.entity = "sip:a@b\"><x>", .open = true};

	cr_expect(eq(ptr, pidf_write(&bad), NULL));
	cr_expect(eq(int, errno, EINVAL));
	strcpy(bad.entity, "sip:a@b");
	strcpy(bad.contact, "sip:a@b\r\n");
	cr_expect(eq(ptr, pidf_write(&bad), NULL));
}

// RFC 3863 section 4.3.1 (prefixes, notes, a priority, times) and the like.
Test(sip_pidf, takes_what_others_write)
{
	static const char *const cases[] = {
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<p:presence xmlns:p=\"urn:ietf:params:xml:ns:pidf\" xmlns:x='urn:other'"
		" entity=\"sip:a@b\">\n <x:more><x:basic>closed</x:basic></x:more>\n"
		" <p:tuple id=\"1\">\n  <p:status>\n   <p:basic> open\n</p:basic>"
		"<x:im>busy</x:im></p:status>\n"
		"  <p:contact priority=\"0.8\">\n sip:c@10.0.0.1 </p:contact>"
		"<p:note xml:lang=\"en\">Here</p:note>"
		"<p:timestamp>2001-10-27T16:49:29Z</p:timestamp></p:tuple>\n"
		" <p:tuple id='2'><p:status><p:basic>closed</p:basic></p:status></p:tuple>\n"
		"</p:presence>",
		DOC("<tuple id='1'><contact>sip:c@10.<!-- in between -->0.0.1</contact>" OPEN
		    "</tuple>"),
		DOC("<tuple id='1'>" OPEN "<contact><![CDATA[sip:c@10.0.0.1]]></contact></tuple>"),
		DOC("<tuple id='1'>" OPEN "<contact>sip:c&#64;10.0.0.1</contact></tuple>"),
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pidf pidf;
		char error[128] = "";

		cr_assert(eq(int, pidf_read(cases[i], strlen(cases[i]), &pidf, error), 0), "%s: %s",
			error, cases[i]);
		cr_expect(eq(str, pidf.entity, "sip:a@b"));
		cr_expect(eq(str, pidf.contact, "sip:c@10.0.0.1"));
		cr_expect(pidf.open);
	}
}

Test(sip_pidf, refuses)
{
	static const char *const cases[] = {
		"",
		"nonsense",
		"<presence",
		"<presence " XMLNS "/>",
		DOC(""),
		DOC("<tuple/>"),
		DOC("<tuple><status/></tuple>"),
		DOC("<tuple><status><basic/></status></tuple>"),
		DOC("<tuple><status><basic>perhaps</basic></status></tuple>"),
		DOC("<tuple><status><basic>open<b/></basic></status></tuple>"),
		DOC("<tuple><status><basic>open</basic><basic>closed</basic></status></tuple>"),
		DOC("<tuple>" OPEN "<contact/></tuple>"),
		DOC("<tuple>" OPEN "<contact>sip:a b</contact></tuple>"),
		DOC("<tuple>" OPEN "<contact>sip:a&#10;b@c</contact></tuple>"),
		DOC("<tuple>" OPEN "<contact>sip:a@b</contact><contact>sip:c@d</contact></tuple>"),
		DOC("<tuple>" OPEN "</tuple>") "<more/>",
		DOC("<tuple>" OPEN "<contact>&undefined;</contact></tuple>"),
		DOC("<x:tuple>" OPEN "</x:tuple>"),
		"<presence entity='sip:a@b'><tuple>" OPEN "</tuple></presence>",
		"<presence xmlns='urn:other' entity='sip:a@b'><tuple>" OPEN "</tuple></presence>",
		"<presence " XMLNS "><tuple>" OPEN "</tuple></presence>",
		"<presence " XMLNS " entity=''><tuple>" OPEN "</tuple></presence>",
		"<presence " XMLNS " entity='sip:a b'><tuple>" OPEN "</tuple></presence>",
		"<!DOCTYPE presence><presence " XMLNS " entity='sip:a@b'><tuple>" OPEN
		"</tuple></presence>",
		"<!DOCTYPE p [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>"
		"<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;'>]>"
		"<presence " XMLNS " entity='sip:a@b'><tuple>" OPEN "<contact>&d;</contact>"
		"</tuple></presence>",
		"<!DOCTYPE p SYSTEM 'file:///etc/passwd'><presence " XMLNS " entity='sip:a@b'/>",
		"\xff\xfe<\0",
		DOC("<tuple>" OPEN "<contact>sip:\xff@b</contact></tuple>"),
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pidf pidf;
		char error[128] = "";

		cr_expect(eq(int, pidf_read(cases[i], strlen(cases[i]), &pidf, error), -EINVAL),
			"taken: %s", cases[i]);
		cr_expect(ne(str, error, ""));
		cr_expect(eq(str, pidf.entity, ""));
		cr_expect(not(pidf.open));
	}
}

// A document with `text` in it `times` times.
static int read_repeated(const char *before, const char *text, unsigned times, const char *after)
{
	char *all = malloc(strlen(before) + strlen(text) * times + strlen(after) + 1), *p = all;
	struct pidf pidf;
	char error[128];
	int result;

	p = stpcpy(p, before);
	for (unsigned i = 0; i < times; i++)
		p = stpcpy(p, text);
	p = stpcpy(p, after);
	result = pidf_read(all, (size_t)(p - all), &pidf, error);
	free(all);
	return result;
}

Test(sip_pidf, limits)
{
	static const char begin[] = "<presence " XMLNS " entity='sip:a@b'><tuple>" OPEN;
	static const char end[] = "</tuple></presence>", all[] = "</contact></tuple></presence>";
	char contact[200];

	snprintf(contact, sizeof(contact), "%s<contact>sip:", begin);
	cr_expect(eq(int, read_repeated(begin, "<x></x>", 100, end), 0));
	cr_expect(eq(int, read_repeated(begin, "<x></x>", 5000, end), -EINVAL), "16 KiB");
	cr_expect(eq(int, read_repeated(contact, "c", 500, all), 0));
	cr_expect(eq(int, read_repeated(contact, "c", 600, all), -EINVAL), "contact");
	cr_expect(eq(int, read_repeated(begin, "<x>", 20, "</x></tuple></presence>"), -EINVAL));
	cr_expect(eq(int,
			  read_repeated("<presence " XMLNS " entity='sip:", "a", 300,
				  "'><tuple>" OPEN "</tuple></presence>"),
			  -EINVAL),
		"entity");
}
