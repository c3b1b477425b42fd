// SPDX-License-Identifier: BSD-3-Clause
// SIP transactions over TLS (RFC 3261 section 17): who gets which response, time-outs, CANCEL, ACK.
// Runs on the thread of the event base.
//
// TLS is reliable, so nothing is sent twice; what is left of the state machines of RFC 3261 is to
// find the transaction of a message (a hash table by branch), and to end it. A connection that goes
// away, for whatever reason (conn_close() too), ends its transactions without being told.
// Callbacks are called from transaction_receive() and from the event loop, never from inside
// another function of this header or of conn.h; they may call all of them.
#pragma once

#include <event2/event.h>
#include <stdbool.h>

#include "control/sip/conn.h"
#include "control/sip/msg.h"

#define TRANSACTION_TIMEOUT_MS 32000 // 64*T1: timers B, F and H

struct transaction_table;
struct transaction;

struct transaction_table *transaction_table_new(struct event_base *base);
// Transactions under way are dropped: their callbacks are not called.
void transaction_table_free(struct transaction_table *table);
unsigned transaction_count(const struct transaction_table *table);

// What the owner of a connection does first with each message: true if it was for a transaction (a
// response; a CANCEL, which is answered here; an ACK for a refusal; an INVITE that came twice). It
// is freed then. False: the message is the caller's to handle and free (a late response can be
// dropped, or, a 2xx that comes again, be answered with ACK).
bool transaction_receive(struct transaction_table *table, struct conn *conn, struct msg *msg);

// ---- client

// The response to a request, borrowed: for INVITE each provisional one but 100, then once a final
// one. Or NULL, once, and `why` in one line: timed out, or the connection was lost. After a final
// response or NULL the transaction is gone. A refusal of an INVITE has been acknowledged already;
// the ACK for a 2xx is the callee's to send (RFC 3261 section 13.2.2.4).
typedef void (*transaction_cb)(void *arg, const struct msg *response, const char *why);

// Sends a request (never ACK or CANCEL) and keeps it. Takes `request` over in any case.
// `timeout_ms` 0: 32 s; for INVITE it is the time to the first response, a provisional one stops
// it. NULL and errno if it could not be sent (as conn_send()); the callback is not called then.
struct transaction *transaction_send(struct transaction_table *table, struct conn *conn,
	struct msg *request, unsigned timeout_ms, transaction_cb cb, void *arg);
// The request that was sent, for its Call-ID, CSeq and tags.
const struct msg *transaction_request(const struct transaction *transaction);
// Of an INVITE: sends CANCEL as soon as RFC 3261 section 9.1 allows. The callback gets the final
// response as always (487, or 200 if it was too late), or after 32 s without one NULL.
void transaction_cancel(struct transaction *transaction);
// Its owner is gone: the callback will not be called any more; the rest is done without it.
void transaction_forget(struct transaction *transaction);

// ---- server: INVITE alone. Other requests are answered with conn_send() and need no transaction.

enum transaction_end {
	TRANSACTION_CANCELLED, // to be answered with 487 still; the CANCEL itself has its 200
	TRANSACTION_LOST,      // the connection has gone, and the transaction with it
};
typedef void (*transaction_end_cb)(void *arg, enum transaction_end end, const char *why);

// Begins the transaction of an INVITE that came on `conn`; does not take `invite` over. NULL and
// errno.
struct transaction *transaction_serve(struct transaction_table *table, struct conn *conn,
	const struct msg *invite, transaction_end_cb cb, void *arg);
// Sends a response of it; takes `response` over. A final one ends the transaction (the ACK for a
// refusal is awaited and absorbed), also if it could not be sent. 0 or as conn_send().
int transaction_answer(struct transaction *transaction, struct msg *response);
