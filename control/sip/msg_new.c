// SPDX-License-Identifier: BSD-3-Clause
// SIP messages, built and written out. Any one thread at a time.
#include "control/sip/msg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/rand.h>
#include <osipparser2/osip_parser.h>
#include <osipparser2/osip_port.h>

#include "control/sip/scan.h"

void msg_random(char out[33])
{
	unsigned char bytes[16];

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		abort(); // without random numbers nothing here is safe
	for (unsigned i = 0; i < sizeof(bytes); i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

// <sip:alice@example.org>;tag=...
static int write_party(
	FILE *out, const char *name, const char *party, const char *tag, const char *separator)
{
	bool bare = strchr(party, '<') == NULL;

	if (!scan_is_line(party) || (tag != NULL && !scan_is_token(tag)))
		return -EINVAL;
	fprintf(out, "%s: %s%s%s%s%s%s", name, bare ? "<" : "", party, bare ? ">" : "",
		tag != NULL ? ";tag=" : "", tag != NULL ? tag : "", separator);
	return 0;
}

static int write_request(FILE *out, const struct msg_request *request)
{
	char branch[33];

	msg_random(branch);
	if (!scan_is_token(request->method) || !scan_is_line(request->uri) ||
		!scan_is_line(request->sent_by) || !scan_is_line(request->call_id))
		return -EINVAL;
	fprintf(out, "%s %s SIP/2.0\r\nVia: SIP/2.0/TLS %s;branch=z9hG4bK%s\r\n", request->method,
		request->uri, request->sent_by, branch);
	fprintf(out, "Max-Forwards: 70\r\nCall-ID: %s\r\nCSeq: %u %s\r\n", request->call_id,
		request->cseq, request->method);
	if (write_party(out, "From", request->from, request->from_tag, "\r\n") != 0)
		return -EINVAL;
	return write_party(out, "To", request->to, request->to_tag, "\r\n\r\n");
}

struct msg *msg_new_request(const struct msg_request *request)
{
	struct msg *msg = NULL;
	char error[128], *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	int result;

	if (out == NULL)
		return NULL;
	result = write_request(out, request);
	if (fclose(out) != 0)
		result = -ENOMEM;
	if (result == 0)
		msg = msg_parse(text, length, error);
	free(text);
	return msg;
}

static int copy_dialog(const osip_message_t *from, osip_message_t *to)
{
	if (osip_list_clone(&from->vias, &to->vias, (int (*)(void *, void **))osip_via_clone) !=
			0 ||
		osip_list_clone(&from->record_routes, &to->record_routes,
			(int (*)(void *, void **))osip_record_route_clone) != 0 ||
		osip_from_clone(from->from, &to->from) != 0 ||
		osip_to_clone(from->to, &to->to) != 0 ||
		osip_call_id_clone(from->call_id, &to->call_id) != 0 ||
		osip_cseq_clone(from->cseq, &to->cseq) != 0)
		return -ENOMEM;
	return 0;
}

static int set_status(osip_message_t *sip, int status, const char *reason)
{
	char *version = strdup("SIP/2.0"), *phrase;

	if (reason == NULL)
		reason = osip_message_get_reason(status);
	phrase = strdup(reason != NULL && scan_is_line(reason) ? reason : "");
	osip_message_set_version(sip, version);
	osip_message_set_status_code(sip, status);
	osip_message_set_reason_phrase(sip, phrase);
	return version == NULL || phrase == NULL ? -ENOMEM : 0;
}

static int set_to_tag(struct msg *msg, int status, const char *to_tag)
{
	char made[33], *name, *value;

	if (msg_to_tag(msg) != NULL || (to_tag == NULL && status == 100))
		return 0;
	if (to_tag == NULL)
		msg_random(made);
	name = strdup("tag");
	value = strdup(to_tag != NULL ? to_tag : made);
	if (name != NULL && value != NULL && scan_is_token(value) &&
		osip_generic_param_add(&msg->sip->to->gen_params, name, value) == 0)
		return 0;
	free(name);
	free(value);
	return -EINVAL;
}

struct msg *msg_new_response(
	const struct msg *request, int status, const char *reason, const char *to_tag)
{
	struct msg *msg = calloc(1, sizeof(*msg));

	if (msg == NULL)
		return NULL;
	if (osip_message_init(&msg->sip) != 0 || set_status(msg->sip, status, reason) != 0 ||
		copy_dialog(request->sip, msg->sip) != 0 || set_to_tag(msg, status, to_tag) != 0) {
		msg_free(msg);
		return NULL;
	}
	return msg;
}

// The parts of a request that another one of its transaction has too.
static int copy_request(const osip_message_t *from, osip_message_t *to, const char *method)
{
	char *version = strdup("SIP/2.0"), *name = strdup(method);
	osip_via_t *via = NULL;

	osip_message_set_version(to, version);
	osip_message_set_method(to, name);
	if (version == NULL || name == NULL || osip_uri_clone(from->req_uri, &to->req_uri) != 0 ||
		osip_via_clone(osip_list_get(&from->vias, 0), &via) != 0)
		return -ENOMEM;
	if (osip_list_add(&to->vias, via, 0) < 1) {
		osip_via_free(via);
		return -ENOMEM;
	}
	return osip_list_clone(&from->routes, &to->routes,
		       (int (*)(void *, void **))osip_route_clone) == 0 &&
			       osip_from_clone(from->from, &to->from) == 0 &&
			       osip_call_id_clone(from->call_id, &to->call_id) == 0 &&
			       osip_message_set_header(to, "Max-Forwards", "70") == 0
		       ? 0
		       : -ENOMEM;
}

static struct msg *new_of_transaction(
	const struct msg *invite, const char *method, const osip_to_t *party)
{
	struct msg *msg = calloc(1, sizeof(*msg));
	char cseq[32];

	if (msg == NULL)
		return NULL;
	snprintf(cseq, sizeof(cseq), "%u %s", msg_cseq(invite), method);
	if (osip_message_init(&msg->sip) != 0 || copy_request(invite->sip, msg->sip, method) != 0 ||
		osip_to_clone(party, &msg->sip->to) != 0 ||
		osip_message_set_cseq(msg->sip, cseq) != 0) {
		msg_free(msg);
		return NULL;
	}
	return msg;
}

struct msg *msg_new_cancel(const struct msg *invite)
{
	return new_of_transaction(invite, "CANCEL", invite->sip->to);
}

struct msg *msg_new_ack(const struct msg *invite, const struct msg *refusal)
{
	return new_of_transaction(invite, "ACK", refusal->sip->to);
}

// What libosip2 parses goes through its parser, so that it is found where it looks for it.
static int add_parsed(struct msg *msg, const char *name, const char *value)
{
	static const struct {
		const char *name;
		int (*set)(osip_message_t *sip, const char *value);
	} setters[] = {
		{"Via", osip_message_set_via},
		{"From", osip_message_set_from},
		{"To", osip_message_set_to},
		{"Call-ID", osip_message_set_call_id},
		{"CSeq", osip_message_set_cseq},
		{"Contact", osip_message_set_contact},
		{"Route", osip_message_set_route},
		{"Record-Route", osip_message_set_record_route},
		{"Content-Type", osip_message_set_content_type},
	};

	if (*value == '\0' || strlen(value) > SCAN_PARSED_MAX || !scan_is_balanced(value))
		return -EINVAL;
	for (unsigned i = 0; i < sizeof(setters) / sizeof(setters[0]); i++) {
		if (strcmp(setters[i].name, name) == 0)
			return setters[i].set(msg->sip, value) == 0 ? 0 : -EINVAL;
	}
	return -EINVAL;
}

int msg_add_header(struct msg *msg, const char *name, const char *value)
{
	const struct scan_name *known = scan_known(name);

	if (!scan_is_token(name) || !scan_is_line(value) || strcasecmp(name, "Content-Length") == 0)
		return -EINVAL;
	if (known != NULL && known->flags & SCAN_PARSED)
		return add_parsed(msg, known->name, value);
	if (known != NULL && known->flags & SCAN_SINGLE && msg_header(msg, name) != NULL)
		return -EINVAL;
	return osip_message_set_header(msg->sip, known != NULL ? known->name : name, value) == 0
		       ? 0
		       : -EINVAL;
}

static void remove_body(osip_message_t *sip)
{
	osip_body_t *body;

	while ((body = osip_list_get(&sip->bodies, 0)) != NULL) {
		osip_list_remove(&sip->bodies, 0);
		if (body->body != NULL)
			explicit_bzero(body->body, body->length);
		osip_body_free(body);
	}
	osip_content_type_free(sip->content_type);
	sip->content_type = NULL;
}

int msg_set_body(struct msg *msg, const char *type, const char *body, size_t length)
{
	if (!scan_is_line(type))
		return -EINVAL;
	remove_body(msg->sip);
	if (length == 0)
		return 0;
	if (osip_message_set_content_type(msg->sip, type) != 0)
		return -EINVAL;
	return osip_message_set_body(msg->sip, body, length) == 0 ? 0 : -ENOMEM;
}

// The head by libosip2, which is not to see the body: its Content-Length has five digits, and what
// is longer runs into the header before it.
static char *head_text(osip_message_t *sip, size_t *length)
{
	osip_list_t bodies = sip->bodies;
	char *text = NULL;
	int result;

	osip_list_init(&sip->bodies);
	osip_message_force_update(sip);
	result = osip_message_to_str(sip, &text, length);
	sip->bodies = bodies;
	osip_message_force_update(sip);
	if (sip->message != NULL) {
		explicit_bzero(sip->message, sip->message_length);
		osip_free(sip->message);
		sip->message = NULL;
	}
	return result == 0 ? text : NULL;
}

char *msg_text(struct msg *msg, size_t *length)
{
	static const char empty[] = "Content-Length: 0\r\n\r\n";
	size_t head, kept, body_length, size;
	const char *body = msg_body(msg, &body_length);
	char *text = head_text(msg->sip, &head), *whole = NULL;

	if (text == NULL)
		return NULL;
	if (head < strlen(empty) || memcmp(text + head - strlen(empty), empty, strlen(empty)) != 0)
		goto out;
	kept = head - strlen(empty);
	size = kept + sizeof("Content-Length: \r\n\r\n") + 20 + body_length;
	whole = malloc(size);
	if (whole == NULL)
		goto out;
	memcpy(whole, text, kept);
	*length = kept + (size_t)snprintf(whole + kept, size - kept, "Content-Length: %zu\r\n\r\n",
				 body_length);
	if (body != NULL)
		memcpy(whole + *length, body, body_length);
	*length += body_length;
	whole[*length] = '\0';
out:
	explicit_bzero(text, head);
	osip_free(text);
	return whole;
}
