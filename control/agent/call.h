// SPDX-License-Identifier: BSD-3-Clause
// Calls: INVITE, answer, ACK, BYE, CANCEL (RFC 3261) and the session in the engine that belongs to
// each. The agent's one thread.
#pragma once

#include <jansson.h>

#include "control/agent/dialog.h"
#include "control/agent/endpoint.h"
#include "control/agent/media.h"
#include "engine/base/rpc.h"

// What we ask the peer for inside a call.
enum call_wish { CALL_HOLD, CALL_RESUME, CALL_REKEY };

enum call_state { CALL_CALLING, CALL_RINGING, CALL_ESTABLISHED, CALL_ENDED };

struct call {
	struct map_node by_id, by_dialog;
	struct agent *agent;
	struct endpoint *endpoint;
	char id[24]; // "c7"
	bool outgoing;
	enum call_state state;
	struct dialog dialog;
	struct media media;

	// The INVITE under way: a client's or a server's transaction, and for the latter the
	// request
	struct transaction *invite;
	struct msg *request;
	struct media *next;  // what a re-INVITE under way, of either side, will make of `media`
	unsigned offer_cseq; // of one that we have answered with an offer: its ACK's, or 0
	struct call_change *change; // our own re-INVITE, from the request to the end of retries
	struct event *timer;	    // ringing; waiting for ACK; next check of a call taken up
	bool adding;		    // session.add is under way
	bool hanging_up;	    // to be ended as soon as that is through
	bool acked, checking, taken_up;
	unsigned end_status; // of a hang-up before the answer
	const char *end_reason;

	json_int_t session; // the engine's id
	bool has_session;
	json_t *statistics; // its last
	unsigned round;	    // of the last comparison with the engine that saw it
	unsigned busy;	    // requests to the engine under way: the struct stays

	struct rpc_call *waiting; // call.place or call.answer, not answered yet
	int status;
	char reason[96];
	uint64_t began_us;
	double request_ms, setup_ms;
};

struct calls {
	struct agent *agent;
	struct map by_id, by_dialog;
	uint64_t next_id;
	unsigned held; // ended ones that wait for the engine
};

struct calls *calls_new(struct agent *agent);
void calls_free(struct calls *calls);
struct call *call_find(struct agent *agent, const char *id);
struct call *call_find_dialog(struct agent *agent, const char *call_id, const char *local_tag);
json_t *call_json(const struct call *call);
// NULL on lack of memory. The dialog must be filled before call_index().
struct call *call_new(struct endpoint *endpoint, bool outgoing);
int call_index(struct call *call, const char *id); // `id` NULL: the next one
void call_free(struct call *call);		   // one that was never indexed
void call_set_state(struct call *call, enum call_state state);
void call_set_timer(struct call *call, uint64_t ms, void (*fire)(evutil_socket_t, short, void *));
void call_stop_timer(struct call *call);
// Ends it: session removed, ports and keys given up, everybody told who waits. No message is sent.
void call_end(struct call *call, int status, const char *reason);
void call_end_fmt(struct call *call, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
// The engine has answered one of the requests of the call.
void call_release(struct call *call);

// The API's. They answer `waiting` later, or at once.
void call_place(struct endpoint *endpoint, struct peer *peer, struct rpc_call *waiting);
int call_answer(struct call *call, struct rpc_call *waiting); // -EINVAL: not a ringing incoming one
int call_decline(struct call *call, int status);	      // -EINVAL likewise
void call_hang_up(struct call *call, const char *reason);     // in any state

// What comes from peers. Each takes msg over.
void call_receive_invite(struct agent *agent, struct conn *conn, struct msg *msg);
void call_receive(struct agent *agent, struct conn *conn, struct msg *msg); // the other methods
void call_receive_late(struct agent *agent, struct conn *conn, struct msg *response);
void call_reinvite(struct call *call, struct conn *conn, struct msg *msg); // call_update.c
void call_take_ack(struct call *call, const struct msg *ack); // its message is the caller's

// call_change.c: hold, resume, re-key. `waiting` (or NULL) is answered later, or at once.
void call_change(struct call *call, enum call_wish wish, struct rpc_call *waiting);
// The call ends, or (`call` is freed) the agent does.
void call_change_drop(struct call *call, const char *reason);

// Between the files.
void call_peer_spoke(struct call *call);
// Takes the answer in a message's body. 0, or -errno with one line in `error` (128 bytes).
int call_take_answer(struct media *media, const struct msg *msg, char *error);
void call_send_bye(struct call *call);
void call_send_ack(struct call *call, unsigned cseq);
// From the engine's sessions after a restart: -EINVAL if the session is of no use.
int call_take_up(struct agent *agent, json_t *session, json_t *tag, unsigned round);
// What the engine keeps of the call for the next start has changed.
void call_renew_tag(struct call *call);
// The tag for the call's session, a JSON text to be freed with free(). NULL on failure.
char *call_tag(const struct call *call);
