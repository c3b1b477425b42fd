// SPDX-License-Identifier: BSD-3-Clause
// SIP transactions over TLS: a hash table by branch, one timer each. The event loop's thread.
#include "control/sip/transaction.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <openssl/rand.h>

#define BUCKETS_MIN 64	// a power of two
#define BRANCH_MAX  255 // of a peer's INVITE

struct transaction {
	LIST_ENTRY(transaction) entry;
	struct transaction_table *table;
	struct conn_watch watch; // the connection is watch.conn, NULL once it has gone
	uint64_t hash;
	char *branch;
	struct msg *request; // of a client, NULL of a server
	transaction_cb cb;
	transaction_end_cb end_cb;
	void *arg;
	struct event timer;
	bool provisional;   // a response has come
	bool cancel_wanted; // but not sent yet
	bool cancelled;
	bool refused;	 // of a server: the ACK is awaited
	char to_tag[64]; // of a server's responses
	char why[128];	 // of the connection's end
};

LIST_HEAD(transaction_list, transaction);

struct transaction_table {
	struct event_base *base;
	uint64_t seed;
	unsigned n, n_buckets;
	struct transaction_list *buckets;
};

struct transaction_table *transaction_table_new(struct event_base *base)
{
	struct transaction_table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return NULL;
	table->base = base;
	table->n_buckets = BUCKETS_MIN;
	table->buckets = calloc(BUCKETS_MIN, sizeof(*table->buckets));
	if (table->buckets == NULL ||
		RAND_bytes((unsigned char *)&table->seed, sizeof(table->seed)) != 1) {
		free(table->buckets);
		free(table);
		return NULL;
	}
	return table;
}

// ---- the table

static bool is_client(const struct transaction *transaction)
{
	return transaction->request != NULL;
}

static uint64_t hash_of(const struct transaction_table *table, const char *branch)
{
	uint64_t hash = table->seed;

	for (const unsigned char *p = (const unsigned char *)branch; *p != '\0'; p++)
		hash = (hash ^ *p) * 0x100000001b3u;
	return hash ^ hash >> 32;
}

static struct transaction_list *bucket_of(struct transaction_table *table, uint64_t hash)
{
	return &table->buckets[hash & (table->n_buckets - 1)];
}

// RFC 3261 sections 17.1.3 and 17.2.3; and what comes on another connection is not for it.
static struct transaction *find(struct transaction_table *table, const struct conn *conn,
	bool client, const char *branch, const char *method)
{
	uint64_t hash = branch == NULL ? 0 : hash_of(table, branch);
	struct transaction *transaction = NULL;

	if (branch == NULL)
		return NULL;
	LIST_FOREACH (transaction, bucket_of(table, hash), entry) {
		if (transaction->hash == hash && is_client(transaction) == client &&
			transaction->watch.conn == conn &&
			strcmp(transaction->branch, branch) == 0 &&
			(!client || strcmp(msg_method(transaction->request), method) == 0))
			break;
	}
	return transaction;
}

// As many buckets as there are transactions. If there is no memory, the lists get longer.
static void grow(struct transaction_table *table)
{
	unsigned old_n = table->n_buckets;
	struct transaction_list *old = table->buckets;
	struct transaction *transaction;
	struct transaction_list *new = calloc(old_n * 2, sizeof(*new));

	if (new == NULL)
		return;
	table->buckets = new;
	table->n_buckets = old_n * 2;
	for (unsigned i = 0; i < old_n; i++) {
		while ((transaction = LIST_FIRST(&old[i])) != NULL) {
			LIST_REMOVE(transaction, entry);
			LIST_INSERT_HEAD(bucket_of(table, transaction->hash), transaction, entry);
		}
	}
	free(old);
}

static void set_timer(struct transaction *transaction, unsigned ms)
{
	struct timeval after = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};

	event_add(&transaction->timer, &after);
}

static void release(struct transaction *transaction)
{
	LIST_REMOVE(transaction, entry);
	transaction->table->n--;
	event_del(&transaction->timer);
	conn_watch_del(&transaction->watch);
	msg_free(transaction->request);
	free(transaction->branch);
	free(transaction);
}

unsigned transaction_count(const struct transaction_table *table)
{
	return table->n;
}

void transaction_table_free(struct transaction_table *table)
{
	struct transaction *transaction;

	if (table == NULL)
		return;
	for (unsigned i = 0; i < table->n_buckets; i++) {
		while ((transaction = LIST_FIRST(&table->buckets[i])) != NULL)
			release(transaction);
	}
	free(table->buckets);
	free(table);
}

// ---- the end

// Tells the owner of a client's transaction the last, which is gone before.
static void finish(struct transaction *transaction, const struct msg *response, const char *why)
{
	transaction_cb cb = transaction->cb;
	void *arg = transaction->arg;
	char line[128];

	snprintf(line, sizeof(line), "%s", why != NULL ? why : "");
	release(transaction);
	if (cb != NULL)
		cb(arg, response, why != NULL ? line : NULL);
}

static void finish_server(struct transaction *transaction)
{
	transaction_end_cb cb = transaction->refused ? NULL : transaction->end_cb;
	void *arg = transaction->arg;
	char line[128];

	memcpy(line, transaction->why, sizeof(line));
	release(transaction);
	if (cb != NULL)
		cb(arg, TRANSACTION_LOST, line);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct transaction *transaction = arg;

	(void)fd, (void)what;
	if (!is_client(transaction))
		finish_server(transaction);
	else if (transaction->watch.conn == NULL)
		finish(transaction, NULL, transaction->why);
	else
		finish(transaction, NULL,
			transaction->cancelled ? "no final response after CANCEL"
					       : "no response in time");
}

// Told by the event loop, for this may be inside of a call of the owner.
static void on_gone(struct conn_watch *watch, const char *why)
{
	struct transaction *transaction =
		(struct transaction *)((char *)watch - offsetof(struct transaction, watch));

	snprintf(transaction->why, sizeof(transaction->why), "connection lost: %s", why);
	event_del(&transaction->timer);
	event_active(&transaction->timer, EV_TIMEOUT, 0);
}

// Puts a new one into the table. NULL and errno.
static struct transaction *add(
	struct transaction_table *table, struct conn *conn, const struct msg *request)
{
	const char *branch = msg_branch(request);
	struct transaction *transaction;

	if (branch == NULL || *branch == '\0') {
		errno = EINVAL;
		return NULL;
	}
	transaction = calloc(1, sizeof(*transaction));
	if (transaction == NULL || (transaction->branch = strdup(branch)) == NULL) {
		free(transaction);
		errno = ENOMEM;
		return NULL;
	}
	transaction->table = table;
	transaction->hash = hash_of(table, branch);
	transaction->watch.gone = on_gone;
	evtimer_assign(&transaction->timer, table->base, on_timer, transaction);
	if (table->n >= table->n_buckets)
		grow(table);
	table->n++;
	LIST_INSERT_HEAD(bucket_of(table, transaction->hash), transaction, entry);
	conn_watch_add(conn, &transaction->watch);
	return transaction;
}

// ---- client

struct transaction *transaction_send(struct transaction_table *table, struct conn *conn,
	struct msg *request, unsigned timeout_ms, transaction_cb cb, void *arg)
{
	struct transaction *transaction = NULL;
	int result = -EINVAL;

	if (msg_branch(request) != NULL &&
		find(table, conn, true, msg_branch(request), msg_method(request)) == NULL)
		result = conn_send(conn, request);
	if (result == 0) {
		transaction = add(table, conn, request);
		result = transaction == NULL ? -errno : 0;
	}
	if (transaction == NULL) {
		msg_free(request);
		errno = -result;
		return NULL;
	}
	transaction->request = request;
	transaction->cb = cb;
	transaction->arg = arg;
	set_timer(transaction, timeout_ms == 0 ? TRANSACTION_TIMEOUT_MS : timeout_ms);
	return transaction;
}

const struct msg *transaction_request(const struct transaction *transaction)
{
	return transaction->request;
}

static bool is_invite(const struct transaction *transaction)
{
	return is_client(transaction) && strcmp(msg_method(transaction->request), "INVITE") == 0;
}

static void send_and_free(struct conn *conn, struct msg *msg)
{
	if (msg != NULL && conn != NULL)
		conn_send(conn, msg);
	msg_free(msg);
}

void transaction_cancel(struct transaction *transaction)
{
	if (!is_invite(transaction) || transaction->cancelled)
		return;
	if (!transaction->provisional) {
		transaction->cancel_wanted = true;
		return;
	}
	if (transaction->watch.conn == NULL)
		return;
	transaction->cancelled = true;
	send_and_free(transaction->watch.conn, msg_new_cancel(transaction->request));
	// If the connection could not take it, its end is on its way
	if (transaction->watch.conn != NULL)
		set_timer(transaction, TRANSACTION_TIMEOUT_MS);
}

void transaction_forget(struct transaction *transaction)
{
	transaction->cb = NULL;
	transaction->end_cb = NULL;
}

static void on_provisional(struct transaction *transaction, const struct msg *response)
{
	if (!is_invite(transaction))
		return;
	if (!transaction->provisional && !transaction->cancelled)
		event_del(&transaction->timer);
	transaction->provisional = true;
	if (transaction->cancel_wanted)
		transaction_cancel(transaction);
	if (msg_status(response) > 100 && transaction->cb != NULL)
		transaction->cb(transaction->arg, response, NULL);
}

static bool on_response(struct transaction_table *table, struct conn *conn, struct msg *response)
{
	const char *method = msg_method(response);
	struct transaction *transaction = find(table, conn, true, msg_branch(response), method);

	if (transaction == NULL)
		return strcmp(method, "CANCEL") == 0; // what it says makes no difference
	if (msg_status(response) < 200) {
		on_provisional(transaction, response);
		return true;
	}
	if (is_invite(transaction) && msg_status(response) >= 300)
		send_and_free(conn, msg_new_ack(transaction->request, response));
	finish(transaction, response, NULL);
	return true;
}

// ---- server

struct transaction *transaction_serve(struct transaction_table *table, struct conn *conn,
	const struct msg *invite, transaction_end_cb cb, void *arg)
{
	struct transaction *transaction;

	// It is kept until the ACK: a stranger shall not say how much that is
	if (msg_branch(invite) != NULL && strlen(msg_branch(invite)) > BRANCH_MAX) {
		errno = EINVAL;
		return NULL;
	}
	if (find(table, conn, false, msg_branch(invite), NULL) != NULL) {
		errno = EEXIST;
		return NULL;
	}
	transaction = add(table, conn, invite);
	if (transaction == NULL)
		return NULL;
	transaction->end_cb = cb;
	transaction->arg = arg;
	return transaction;
}

int transaction_answer(struct transaction *transaction, struct msg *response)
{
	struct conn *conn = transaction->watch.conn;
	const char *tag = msg_to_tag(response);
	int status = msg_status(response), result;

	if (tag != NULL)
		snprintf(transaction->to_tag, sizeof(transaction->to_tag), "%s", tag);
	result = conn == NULL ? -ENOTCONN : conn_send(conn, response);
	msg_free(response);
	if (status < 200)
		return result;
	if (status < 300 || result != 0) {
		release(transaction);
		return result;
	}
	transaction->refused = true;
	set_timer(transaction, TRANSACTION_TIMEOUT_MS);
	return 0;
}

static void on_cancel(struct transaction_table *table, struct conn *conn, struct msg *cancel)
{
	struct transaction *transaction = find(table, conn, false, msg_branch(cancel), NULL);
	const char *tag =
		transaction != NULL && transaction->to_tag[0] != '\0' ? transaction->to_tag : NULL;

	send_and_free(conn, msg_new_response(cancel, transaction != NULL ? 200 : 481, NULL, tag));
	if (transaction == NULL || transaction->refused || transaction->cancelled)
		return;
	transaction->cancelled = true;
	if (transaction->end_cb != NULL)
		transaction->end_cb(transaction->arg, TRANSACTION_CANCELLED, "cancelled");
}

static bool on_request(struct transaction_table *table, struct conn *conn, struct msg *request)
{
	const char *method = msg_method(request);
	struct transaction *transaction;

	if (strcmp(method, "CANCEL") == 0) {
		on_cancel(table, conn, request);
		return true;
	}
	if (strcmp(method, "INVITE") == 0)
		return find(table, conn, false, msg_branch(request), NULL) != NULL;
	if (strcmp(method, "ACK") != 0)
		return false;
	transaction = find(table, conn, false, msg_branch(request), NULL);
	if (transaction == NULL || !transaction->refused)
		return false;
	release(transaction);
	return true;
}

bool transaction_receive(struct transaction_table *table, struct conn *conn, struct msg *msg)
{
	bool taken =
		msg_is_request(msg) ? on_request(table, conn, msg) : on_response(table, conn, msg);

	if (taken)
		msg_free(msg);
	return taken;
}
