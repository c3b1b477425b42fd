// SPDX-License-Identifier: BSD-3-Clause
// The media of a call: its ports, its keys, offer and answer (RFC 3264, RFC 4568). The agent's one
// thread.
#pragma once

#include <jansson.h>

#include "control/agent/agent.h"
#include "control/sip/sdp.h"

#define MEDIA_SEND    1u
#define MEDIA_RECEIVE 2u

// Of one call. All zeros: nothing open.
struct media {
	bool open; // the ports are taken
	unsigned wire_port, host_port, application_port;
	uint64_t sdp_id, sdp_version;
	struct sdp_crypto offered[2]; // our keys, one for each suite, until the answer came
	unsigned n_offered;
	struct sdp_crypto tx, rx; // of the suite chosen; rx is the peer's
	struct sockaddr_storage remote;
	unsigned direction; // MEDIA_SEND | MEDIA_RECEIVE, ours
	bool held;	    // by us: we want to receive nothing
	bool peer_holds;    // the peer wants to receive nothing
	unsigned n_payloads;
	struct sdp_payload payloads[SDP_PAYLOADS_MAX];
	struct sdp_lines lines; // of the peer's offer, if there was more than ours
};

struct media_ports;
struct media_ports *media_ports_new(const struct config *config);
void media_ports_free(struct media_ports *ports);
// How many ports of all kinds are in use.
unsigned media_ports_in_use(const struct media_ports *ports);
// Ports of a session in the engine that is not one of our calls (any more), or will be one.
void media_ports_claim(
	struct media_ports *ports, unsigned wire, unsigned host, unsigned application);

int media_open(struct agent *agent, struct media *media); // takes ports: 0 or -ENOSPC
// Gives the ports back and wipes the keys.
void media_close(struct agent *agent, struct media *media);
void media_wipe_keys(struct media *media);

// Our offer with fresh keys, to be freed with sdp_text_free(). NULL on failure.
char *media_offer(struct agent *agent, struct media *media);
// An offer inside a call, of `media` as it is to be: the key as it is, or fresh ones.
char *media_offer_again(struct agent *agent, struct media *media, bool fresh);
// The direction to offer (RFC 3264 section 8.4).
unsigned media_wanted(const struct media *media);
// The answer to it. 0, or -errno with one line in `error` (128 bytes).
int media_take_answer(struct media *media, const char *body, size_t length, char *error);
// The peer's offer: suite, key, address, payloads, direction. 0 or -errno as above.
int media_take_offer(struct media *media, const char *body, size_t length, char *error);
// Makes our key for the suite of the offer, unless there is one already. 0 or -errno.
int media_choose_key(struct media *media);
// Our answer to the offer.
char *media_answer(struct agent *agent, struct media *media);

// What the engine's session.add wants, but the tag.
json_t *media_session(struct agent *agent, const struct media *media);
// What its session.update wants to get from the one to the other; empty if nothing. NULL on lack of
// memory.
json_t *media_changes(const struct media *now, const struct media *next);
// The lines, for the tag of the session in the engine.
json_t *media_lines_json(const struct media *media);
void media_lines_from_json(struct media *media, const json_t *array);
// "none", "local", "remote", "both"
const char *media_hold_name(const struct media *media);
// "sendrecv" ...
const char *media_direction_name(unsigned direction);
// "IP:PORT" of the engine's side and of the application's, of the wire; ADDRESS_MAX bytes.
void media_send_to(struct agent *agent, const struct media *media, char *out);
void media_receive_at(struct agent *agent, const struct media *media, char *out);
void media_wire_local(struct agent *agent, const struct media *media, char *out);
