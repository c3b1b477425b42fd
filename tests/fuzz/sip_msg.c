// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the SIP parser: any bytes as a message; what is taken is read in every way, answered,
// written out, and must be taken again.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/sip/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const struct msg *msg)
{
	static const char *const names[] = {"Via", "From", "To", "Call-ID", "CSeq", "Contact",
		"Route", "Record-Route", "Content-Type", "Authorization", "Expires", "Subject"};
	char aor[MSG_AOR_MAX], contact[512];
	struct sockaddr_storage address;
	unsigned length;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		msg_header(msg, names[i]);
	(void)msg_reason(msg);
	msg_call_id(msg);
	msg_cseq(msg);
	msg_branch(msg);
	msg_from_tag(msg);
	msg_to_tag(msg);
	msg_expires(msg);
	msg_contact_expires(msg);
	msg_body_type(msg);
	msg_from_aor(msg, aor);
	msg_to_aor(msg, aor);
	msg_uri_aor(msg, aor);
	if (msg_contact(msg, contact, sizeof(contact)) != NULL) {
		msg_uri_address(contact, &address, &length);
		msg_aor(contact, aor);
	}
}

// What was written must be a message again: else a message could smuggle another one.
static void write_again(struct msg *msg)
{
	char error[128], *text;
	struct msg *again;
	size_t length;

	text = msg_text(msg, &length);
	if (text == NULL)
		return;
	again = msg_parse(text, length, error);
	free(text);
	if (again == NULL)
		return; // what escapes make of it may be too long
	if (msg_is_request(again) != msg_is_request(msg) ||
		strcmp(msg_method(again), msg_method(msg)) != 0 || msg_cseq(again) != msg_cseq(msg))
		abort();
	msg_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int ready = 1;
	char error[128];
	struct msg *msg, *response;

	if (ready == 1)
		ready = msg_init();
	msg = msg_parse((const char *)data, size, error);
	if (msg == NULL)
		return 0;
	read_all(msg);
	write_again(msg);
	if (msg_is_request(msg)) {
		response = msg_new_response(msg, 200, NULL, NULL);
		if (response != NULL)
			write_again(response);
		msg_free(response);
	}
	msg_free(msg);
	return 0;
}
