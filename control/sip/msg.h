// SPDX-License-Identifier: BSD-3-Clause
// SIP messages: libosip2's parser behind what the access server and the agent need of it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include <osipparser2/osip_message.h>

// A parsed or built message. `sip` is libosip2's, to be read and changed with its functions. Via,
// From, To, Call-ID, CSeq, Contact, Route, Record-Route and Content-Type are parsed; all other
// headers are in sip->headers as they came, under their long names: msg_header() finds them.
struct msg {
	osip_message_t *sip;
	struct msg_value *values; // of msg_header()
};

// Once, before any other call; not thread-safe.
int msg_init(void);

// Parses `length` bytes: header lines and body. Checks what RFC 3261 section 8.1.1 makes mandatory
// (To, From, CSeq, Call-ID, Via, and Max-Forwards in requests), CSeq's method against the
// request's, and that single headers come once. NULL and one line in `error` (128 bytes).
struct msg *msg_parse(const char *data, size_t length, char *error);
void msg_free(struct msg *msg);

bool msg_is_request(const struct msg *msg);
const char *msg_method(const struct msg *msg); // of a request, or of a response's CSeq
int msg_status(const struct msg *msg);	       // of a response
const char *msg_reason(const struct msg *msg);
const char *msg_call_id(const struct msg *msg);
unsigned msg_cseq(const struct msg *msg);
const char *msg_branch(const struct msg *msg);	 // of the topmost Via, NULL if none
const char *msg_from_tag(const struct msg *msg); // NULL if none
const char *msg_to_tag(const struct msg *msg);
int msg_expires(const struct msg *msg); // seconds of the Expires header, -1 if none or bad
// The first header of a name (case-insensitive), NULL if none. Valid while the message is.
const char *msg_header(const struct msg *msg, const char *name);
const char *msg_body(const struct msg *msg, size_t *length); // NULL if none
const char *msg_body_type(
	const struct msg *msg); // "application/sdp", lower case, without parameters

// The address of record in From, To, the request URI: "sip:user@domain", domain in lower case, no
// port, no parameters, escapes undone (RFC 3261 section 10.3 step 5). 0, or -EINVAL if it is no SIP
// URI, has no user, or one that could not stand in a URI unescaped; -ENAMETOOLONG.
#define MSG_AOR_MAX 256
int msg_from_aor(const struct msg *msg, char *out);
int msg_to_aor(const struct msg *msg, char *out);
int msg_uri_aor(const struct msg *msg, char *out);
int msg_aor(const char *uri, char *out); // any URI string
// A parameter of the request URI, NULL if it has none of this name or no value.
const char *msg_uri_param(const struct msg *msg, const char *name);
// The URI of the first Contact, without <>; NULL if none. "*" is given as it is.
const char *msg_contact(const struct msg *msg, char *out, size_t size);
int msg_contact_expires(const struct msg *msg); // its parameter `expires`, -1 if none or bad
// Host and port (default 5061 for sips or transport=tls, else 5060) of a SIP URI with a numeric
// address. 0 or -EINVAL.
int msg_uri_address(const char *uri, struct sockaddr_storage *out, unsigned *length);

// A request: request line, Via (TLS, `sent_by`, fresh branch of 128 random bits), Max-Forwards,
// From with `from_tag`, To with `to_tag` (may be NULL), Call-ID, CSeq.
struct msg_request {
	const char *method, *uri, *from, *from_tag, *to, *to_tag, *call_id, *sent_by;
	unsigned cseq;
};
struct msg *msg_new_request(const struct msg_request *request);
// A response: Via, Record-Route, From, To, Call-ID, CSeq of the request (RFC 3261 section 8.2.6).
// If To has no tag, it gets `to_tag`, or where that is NULL one of its own (not 100). `reason`
// NULL: the usual one.
struct msg *msg_new_response(
	const struct msg *request, int status, const char *reason, const char *to_tag);
// CANCEL of an INVITE (RFC 3261 section 9.1), and the ACK for a final response to it that is no 2xx
// (section 17.1.1.3): both belong to the INVITE's transaction. The ACK for a 2xx is a new request.
struct msg *msg_new_cancel(const struct msg *invite);
struct msg *msg_new_ack(const struct msg *invite, const struct msg *refusal);
int msg_add_header(struct msg *msg, const char *name,
	const char *value); // 0 or -EINVAL (line breaks are refused)
int msg_set_body(struct msg *msg, const char *type, const char *body, size_t length);
// The whole text, NUL-terminated, to be freed with free(); *length without the NUL.
char *msg_text(struct msg *msg, size_t *length);

// A random token of 128 bits in hex (33 bytes with the NUL): tags, Call-IDs.
void msg_random(char out[33]);
