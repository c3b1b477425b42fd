// SPDX-License-Identifier: BSD-3-Clause
// SIP messages, parsed and read: libosip2 behind a scan of our own. Any one thread at a time.
#include "control/sip/msg.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <osipparser2/osip_parser.h>
#include <osipparser2/osip_port.h>

#include "control/sip/scan.h"

#define ERROR_MAX 128
#define CSEQ_MAX  ((1LL << 31) - 1)

// A string that msg_header() or msg_body_type() gave out.
struct msg_value {
	struct msg_value *next;
	char text[];
};

int msg_init(void)
{
	return parser_init() == 0 ? 0 : -EINVAL;
}

static struct msg *fail(struct msg *msg, char *error, const char *what)
{
	snprintf(error, ERROR_MAX, "%s", what);
	msg_free(msg);
	return NULL;
}

// "METHOD uri SIP/2.0"
static const char *parse_request_line(osip_message_t *sip, const char *line)
{
	const char *uri = strchr(line, ' '), *version = strrchr(line, ' ');
	char *method, *text;
	int result;

	if (uri == NULL || version == uri || strcmp(version, " SIP/2.0") != 0)
		return "a start line that is no SIP/2.0 request line";
	method = strndup(line, (size_t)(uri - line));
	if (method == NULL)
		return "out of memory";
	osip_message_set_method(sip, method);
	if (!scan_is_token(method) || strlen(method) > 32)
		return "a method that is no token";
	text = strndup(uri + 1, (size_t)(version - uri - 1));
	if (text == NULL || osip_uri_init(&sip->req_uri) != 0) {
		free(text);
		return "out of memory";
	}
	result = strchr(text, ' ') != NULL || !scan_is_balanced(text) ||
				 strpbrk(text, "\"<>") != NULL
			 ? -1
			 : osip_uri_parse(sip->req_uri, text);
	free(text);
	return result == 0 ? NULL : "a bad request URI";
}

// "SIP/2.0 200 OK"
static const char *parse_status_line(osip_message_t *sip, const char *line)
{
	const char *status = line + strlen("SIP/2.0 ");
	char *reason;

	if (strncmp(line, "SIP/2.0 ", 8) != 0 || strspn(status, "0123456789") != 3 ||
		status[0] < '1' || status[0] > '6' || (status[3] != ' ' && status[3] != '\0'))
		return "a start line that is no SIP/2.0 status line";
	osip_message_set_status_code(sip, atoi(status));
	reason = strdup(status[3] == ' ' ? status + 4 : "");
	if (reason == NULL)
		return "out of memory";
	osip_message_set_reason_phrase(sip, reason);
	return NULL;
}

static const char *parse_start_line(osip_message_t *sip, const char *line)
{
	char *version = strdup("SIP/2.0");

	if (version == NULL)
		return "out of memory";
	osip_message_set_version(sip, version);
	return strncmp(line, "SIP/", 4) == 0 ? parse_status_line(sip, line)
					     : parse_request_line(sip, line);
}

static int parse_one(osip_message_t *sip, const char *name, const char *value)
{
	static const struct {
		const char *name;
		int (*set)(osip_message_t *sip, const char *value);
	} setters[] = {
		{"From", osip_message_set_from},
		{"To", osip_message_set_to},
		{"Call-ID", osip_message_set_call_id},
		{"CSeq", osip_message_set_cseq},
		{"Content-Type", osip_message_set_content_type},
	};

	for (unsigned i = 0; i < sizeof(setters) / sizeof(setters[0]); i++) {
		if (strcmp(setters[i].name, name) == 0)
			return *value == '\0' ? -1 : setters[i].set(sip, value);
	}
	return osip_message_set_header(sip, name, value);
}

// Several values in a line; libosip2 writes on both of its arguments.
static int parse_list(osip_message_t *sip, const char *name, const char *value)
{
	char *own_name = strdup(name), *own_value = strdup(value);
	int result = -1;

	if (own_name != NULL && own_value != NULL && *value != '\0')
		result = osip_message_set_multiple_header(sip, own_name, own_value);
	free(own_name);
	free(own_value);
	return result;
}

static const char *parse_headers(osip_message_t *sip, const struct scan *scan)
{
	for (unsigned i = 0; i < scan->n_headers; i++) {
		const struct scan_header *header = &scan->headers[i];
		bool list = header->known != NULL && header->known->flags & SCAN_LIST;

		if (strcmp(header->name, "Content-Length") == 0)
			continue;
		if ((list ? parse_list : parse_one)(sip, header->name, header->value) != 0)
			return header->known != NULL ? header->known->name : "a header";
	}
	return NULL;
}

static bool has_url(const osip_from_t *from)
{
	return from != NULL && from->url != NULL &&
	       (from->url->host != NULL || from->url->string != NULL);
}

static const char *check_vias(const osip_message_t *sip)
{
	if (osip_list_size(&sip->vias) == 0)
		return "no Via";
	for (int i = 0; i < osip_list_size(&sip->vias); i++) {
		const osip_via_t *via = osip_list_get(&sip->vias, i);
		if (via->host == NULL || via->version == NULL || via->protocol == NULL)
			return "a bad Via";
	}
	return NULL;
}

static const char *check_contacts(const osip_message_t *sip)
{
	int n = osip_list_size(&sip->contacts);

	for (int i = 0; i < n; i++) {
		const osip_contact_t *contact = osip_list_get(&sip->contacts, i);
		const char *name = contact->displayname;
		bool star = name != NULL && name[0] == '*' && contact->url == NULL;

		if (star ? name[1] != '\0' || n > 1 : !has_url(contact))
			return "a bad Contact";
	}
	return NULL;
}

static const char *check_cseq(const osip_message_t *sip)
{
	const osip_cseq_t *cseq = sip->cseq;

	if (cseq == NULL || cseq->number == NULL || cseq->method == NULL)
		return "no CSeq";
	if (scan_number(cseq->number, CSEQ_MAX) < 0 || !scan_is_token(cseq->method))
		return "a bad CSeq";
	if (sip->sip_method != NULL && strcmp(cseq->method, sip->sip_method) != 0)
		return "a CSeq of another method";
	return NULL;
}

// What RFC 3261 section 8.1.1 makes mandatory.
static const char *check_message(const osip_message_t *sip, const struct scan *scan)
{
	const char *forwards = scan_value(scan, "Max-Forwards"), *wrong = check_vias(sip);

	if (wrong == NULL && !has_url(sip->from))
		wrong = "no From";
	if (wrong == NULL && !has_url((const osip_from_t *)sip->to))
		wrong = "no To";
	if (wrong == NULL && (sip->call_id == NULL || sip->call_id->number == NULL))
		wrong = "no Call-ID";
	if (wrong == NULL)
		wrong = check_cseq(sip);
	if (wrong == NULL)
		wrong = check_contacts(sip);
	if (wrong == NULL && sip->sip_method != NULL && forwards == NULL)
		wrong = "no Max-Forwards";
	if (wrong == NULL && forwards != NULL && scan_number(forwards, 255) < 0)
		wrong = "a bad Max-Forwards";
	return wrong;
}

static struct msg *parse_scanned(const struct scan *scan, char *error)
{
	struct msg *msg = calloc(1, sizeof(*msg));
	const char *wrong;

	if (msg == NULL || osip_message_init(&msg->sip) != 0)
		return fail(msg, error, "out of memory");
	wrong = parse_start_line(msg->sip, scan->start_line);
	if (wrong != NULL)
		return fail(msg, error, wrong);
	wrong = parse_headers(msg->sip, scan);
	if (wrong != NULL) {
		snprintf(error, ERROR_MAX, "a bad header: %s", wrong);
		msg_free(msg);
		return NULL;
	}
	wrong = check_message(msg->sip, scan);
	if (wrong != NULL)
		return fail(msg, error, wrong);
	if (scan->body != NULL &&
		osip_message_set_body(msg->sip, scan->body, scan->body_length) != 0)
		return fail(msg, error, "out of memory");
	return msg;
}

struct msg *msg_parse(const char *data, size_t length, char *error)
{
	struct scan scan;
	struct msg *msg;

	if (scan_message(data, length, &scan, error) != 0)
		return NULL;
	msg = parse_scanned(&scan, error);
	scan_fini(&scan);
	return msg;
}

// Bodies hold keys and tokens.
static void wipe(osip_message_t *sip)
{
	for (int i = 0; i < osip_list_size(&sip->bodies); i++) {
		osip_body_t *body = osip_list_get(&sip->bodies, i);
		if (body->body != NULL)
			explicit_bzero(body->body, body->length);
	}
	if (sip->message != NULL)
		explicit_bzero(sip->message, sip->message_length);
}

void msg_free(struct msg *msg)
{
	if (msg == NULL)
		return;
	while (msg->values != NULL) {
		struct msg_value *value = msg->values;
		msg->values = value->next;
		free(value);
	}
	if (msg->sip != NULL) {
		wipe(msg->sip);
		osip_message_free(msg->sip);
	}
	free(msg);
}

bool msg_is_request(const struct msg *msg)
{
	return msg->sip->sip_method != NULL;
}

const char *msg_method(const struct msg *msg)
{
	return msg_is_request(msg) ? msg->sip->sip_method : msg->sip->cseq->method;
}

int msg_status(const struct msg *msg)
{
	return msg->sip->status_code;
}

const char *msg_reason(const struct msg *msg)
{
	return msg->sip->reason_phrase == NULL ? "" : msg->sip->reason_phrase;
}

// Keeps a string until the message is freed. NULL on lack of memory.
static const char *keep(const struct msg *msg, const char *text)
{
	struct msg *own = (struct msg *)msg; // the values are no part of what is const
	size_t size = strlen(text) + 1;
	struct msg_value *value;

	for (value = own->values; value != NULL; value = value->next) {
		if (strcmp(value->text, text) == 0)
			return value->text;
	}
	value = malloc(sizeof(*value) + size);
	if (value == NULL)
		return NULL;
	memcpy(value->text, text, size);
	value->next = own->values;
	own->values = value;
	return value->text;
}

const char *msg_call_id(const struct msg *msg)
{
	const osip_call_id_t *id = msg->sip->call_id;

	return id->host == NULL ? id->number : msg_header(msg, "Call-ID");
}

unsigned msg_cseq(const struct msg *msg)
{
	return (unsigned)scan_number(msg->sip->cseq->number, CSEQ_MAX);
}

static const char *param_of(const osip_list_t *params, const char *name)
{
	for (int i = 0; i < osip_list_size(params); i++) {
		const osip_generic_param_t *param = osip_list_get(params, i);
		if (param->gname != NULL && strcasecmp(param->gname, name) == 0)
			return param->gvalue;
	}
	return NULL;
}

const char *msg_branch(const struct msg *msg)
{
	const osip_via_t *via = osip_list_get(&msg->sip->vias, 0);

	return via == NULL ? NULL : param_of(&via->via_params, "branch");
}

const char *msg_from_tag(const struct msg *msg)
{
	return param_of(&msg->sip->from->gen_params, "tag");
}

const char *msg_to_tag(const struct msg *msg)
{
	return param_of(&msg->sip->to->gen_params, "tag");
}

static int seconds(const char *text)
{
	long long number = scan_number(text, UINT_MAX);

	return number > INT_MAX ? INT_MAX : (int)number;
}

int msg_expires(const struct msg *msg)
{
	return seconds(msg_header(msg, "Expires"));
}

int msg_contact_expires(const struct msg *msg)
{
	const osip_contact_t *contact = osip_list_get(&msg->sip->contacts, 0);

	return contact == NULL ? -1 : seconds(param_of(&contact->gen_params, "expires"));
}

// The first of the headers that libosip2 parses, as text to be freed with osip_free().
static char *parsed_value(const osip_message_t *sip, const char *name)
{
	char *text = NULL;
	int result = -1;
	void *first;

	if (strcmp(name, "From") == 0)
		result = osip_from_to_str(sip->from, &text);
	else if (strcmp(name, "To") == 0)
		result = osip_to_to_str(sip->to, &text);
	else if (strcmp(name, "Call-ID") == 0)
		result = osip_call_id_to_str(sip->call_id, &text);
	else if (strcmp(name, "CSeq") == 0)
		result = osip_cseq_to_str(sip->cseq, &text);
	else if (strcmp(name, "Content-Type") == 0)
		result = osip_content_type_to_str(sip->content_type, &text);
	else if (strcmp(name, "Via") == 0 && (first = osip_list_get(&sip->vias, 0)) != NULL)
		result = osip_via_to_str(first, &text);
	else if (strcmp(name, "Contact") == 0 && (first = osip_list_get(&sip->contacts, 0)) != NULL)
		result = osip_contact_to_str(first, &text);
	else if (strcmp(name, "Route") == 0 && (first = osip_list_get(&sip->routes, 0)) != NULL)
		result = osip_route_to_str(first, &text);
	else if (strcmp(name, "Record-Route") == 0 &&
		 (first = osip_list_get(&sip->record_routes, 0)) != NULL)
		result = osip_record_route_to_str(first, &text);
	return result == 0 ? text : NULL;
}

const char *msg_header(const struct msg *msg, const char *name)
{
	const struct scan_name *known = scan_known(name);
	osip_header_t *header = NULL;
	const char *kept = NULL;
	char *text;

	if (known == NULL || !(known->flags & SCAN_PARSED)) {
		osip_message_header_get_byname(
			msg->sip, known != NULL ? known->name : name, 0, &header);
		return header == NULL ? NULL : header->hvalue == NULL ? "" : header->hvalue;
	}
	text = parsed_value(msg->sip, known->name);
	if (text != NULL)
		kept = keep(msg, text);
	osip_free(text);
	return kept;
}

const char *msg_body(const struct msg *msg, size_t *length)
{
	const osip_body_t *body = osip_list_get(&msg->sip->bodies, 0);

	*length = body == NULL ? 0 : body->length;
	return body == NULL ? NULL : body->body;
}

const char *msg_body_type(const struct msg *msg)
{
	const osip_content_type_t *type = msg->sip->content_type;
	char text[128];

	if (type == NULL || type->type == NULL || type->subtype == NULL)
		return NULL;
	if (snprintf(text, sizeof(text), "%s/%s", type->type, type->subtype) >= (int)sizeof(text))
		return NULL;
	for (char *p = text; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return keep(msg, text);
}
