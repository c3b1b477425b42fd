// SPDX-License-Identifier: BSD-3-Clause
// Peers that are no agents: a phone that answers all that comes with one status, and one that takes
// connections and never says a word.
#pragma once

#include "tests/unit/agent_world.h"

static struct phone {
	int status;
	void (*asked)(void); // called before it answers, if set
	struct conn_listener *listener;
	SSL_CTX *tls;
} phone;

static inline void phone_message(void *arg, struct conn *conn, struct msg *msg)
{
	struct msg *response = msg_new_response(msg, phone.status, NULL, NULL);

	(void)arg;
	if (phone.asked)
		phone.asked();
	conn_send(conn, response);
	msg_free(response);
	msg_free(msg);
}

static inline void phone_closed(void *arg, struct conn *conn, const char *why)
{
	(void)arg, (void)conn, (void)why;
}

// Online by the server's table, at this address
static inline void peers_put(struct user *user, const struct sockaddr_storage *address)
{
	char text[ADDRESS_MAX];

	address_format(address, text);
	user->online = true;
	snprintf(user->contact, sizeof(user->contact), "%s@%s;transport=tls",
		strtok(strdupa(user->aor), "@"), text);
}

static inline void phone_start(struct user *user, int status)
{
	static const struct conn_callbacks callbacks = {phone_message, NULL, phone_closed};
	char cert[128], key[128], error[256];
	struct sockaddr_storage address;

	snprintf(cert, sizeof(cert), "%s/phone.crt", w.dir);
	snprintf(key, sizeof(key), "%s/phone.key", w.dir);
	cr_assert_eq(tls_make_certificate(cert, key, "phone"), 0);
	phone.status = status;
	phone.tls = tls_server(cert, key, error);
	address_parse("127.0.0.1:0", &address);
	phone.listener = conn_listen(w.base, (struct sockaddr *)&address, address_length(&address),
		phone.tls, NULL, &callbacks, NULL);
	conn_listener_address(phone.listener, &address);
	peers_put(user, &address);
	tls_fingerprint_file(cert, user->fingerprint);
}

static inline void phone_stop(void)
{
	conn_listener_free(phone.listener);
	SSL_CTX_free(phone.tls);
}

static inline void silent_accept(struct evconnlistener *l, evutil_socket_t fd,
	struct sockaddr *address, int length, void *arg)
{
	(void)l, (void)fd, (void)address, (void)length, (void)arg;
}

static inline struct evconnlistener *silent_start(struct user *user)
{
	struct evconnlistener *listener;
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	address_parse("127.0.0.1:0", &address);
	listener = evconnlistener_new_bind(w.base, silent_accept, NULL, LEV_OPT_CLOSE_ON_FREE, -1,
		(struct sockaddr *)&address, address_length(&address));
	getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&address, &length);
	peers_put(user, &address);
	snprintf(user->fingerprint, sizeof(user->fingerprint),
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	return listener;
}
