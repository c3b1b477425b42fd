// SPDX-License-Identifier: BSD-3-Clause
// Connections with a stranger at the other end, who speaks TLS by himself: framing, slow senders,
// garbage, and whom a client takes for its server.
#include "tests/unit/sip_world.h"

#include <openssl/err.h>
#include <pthread.h>
#include <signal.h>

#define HEAD                                                                                         \
	"OPTIONS sip:b@c SIP/2.0\r\nVia: SIP/2.0/TLS a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n" \
	"To: <sip:b@c>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n"
#define WHOLE HEAD "Content-Length: 4\r\n\r\nbody"

static struct world world;

static void init(void)
{
	signal(SIGPIPE, SIG_IGN);
	world_init(&world);
}

static void fini(void)
{
	world_fini(&world);
}

TestSuite(sip_stranger, .init = init, .fini = fini, .timeout = 30);

// What the stranger does, in a thread of his own: write, `chunk` bytes at a time, and read until
// the connection ends.
struct stranger {
	pthread_t thread;
	const char *text;
	size_t length, chunk;
	unsigned pause_ms; // between the pieces
	bool plain;	   // no TLS at all
	bool hold;	   // writes nothing, not even a handshake
	int version;	   // of TLS, 0: any
	const char *ciphers;
	bool shook_hands, resumed;
	SSL_SESSION *session; // to be resumed, or the one that was had
	char answer[256];
	volatile unsigned done;
};

static int connect_plain(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&world.address, sizeof(struct sockaddr_in)) != 0)
		perror("connect");
	return fd;
}

static void talk_plain(struct stranger *stranger, int fd)
{
	char answer[256];

	if (!stranger->hold && write(fd, stranger->text, stranger->length) < 0)
		return;
	while (read(fd, answer, sizeof(answer)) > 0)
		;
}

static void talk(struct stranger *stranger, SSL *ssl)
{
	size_t done = 0;
	int got, have = 0;

	stranger->shook_hands = SSL_connect(ssl) == 1;
	stranger->resumed = SSL_session_reused(ssl) == 1;
	while (stranger->shook_hands && done < stranger->length) {
		size_t n = stranger->length - done;
		if (stranger->chunk != 0 && n > stranger->chunk)
			n = stranger->chunk;
		if (SSL_write(ssl, stranger->text + done, (int)n) <= 0)
			break;
		done += n;
		usleep(stranger->pause_ms * 1000);
	}
	while (have < (int)sizeof(stranger->answer) - 1 &&
		(got = SSL_read(ssl, stranger->answer + have,
			 (int)sizeof(stranger->answer) - 1 - have)) > 0)
		have += got;
	if (stranger->session == NULL && stranger->shook_hands)
		stranger->session = SSL_get1_session(ssl);
}

static void *live(void *arg)
{
	struct stranger *stranger = arg;
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	SSL *ssl;
	int fd = connect_plain();

	SSL_CTX_set_security_level(tls, 0);
	if (stranger->version != 0)
		SSL_CTX_set_max_proto_version(tls, stranger->version);
	if (stranger->ciphers != NULL)
		SSL_CTX_set_cipher_list(tls, stranger->ciphers);
	ssl = SSL_new(tls);
	SSL_set_fd(ssl, fd);
	if (stranger->session != NULL)
		SSL_set_session(ssl, stranger->session);
	if (stranger->plain || stranger->hold)
		talk_plain(stranger, fd);
	else
		talk(stranger, ssl);
	close(fd);
	SSL_free(ssl);
	SSL_CTX_free(tls);
	stranger->done = 1;
	return NULL;
}

static void meet(struct stranger *stranger)
{
	cr_assert(eq(int, pthread_create(&stranger->thread, NULL, live, stranger), 0));
}

static void part(struct stranger *stranger)
{
	bool ended = world_wait(&world, &stranger->done, 1);

	if (!ended && world.server.conn != NULL)
		conn_abort(world.server.conn);
	pthread_join(stranger->thread, NULL);
	SSL_SESSION_free(stranger->session);
}

Test(sip_stranger, framing_that_cannot_go_on)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{HEAD "\r\n", "no Content-Length"},
		{HEAD "Content-Length: \r\n\r\n", "a bad Content-Length"},
		{HEAD "Content-Length: -1\r\n\r\n", "a bad Content-Length"},
		{HEAD "Content-Length: 0x10\r\n\r\n", "a bad Content-Length"},
		{HEAD "Content-Length: 1 1\r\n\r\n", "a bad Content-Length"},
		{HEAD "Content-Length: 99999999999999999999\r\n\r\n", "a bad Content-Length"},
		{HEAD "Content-Length: 4\r\nl: 4\r\n\r\nbody", "a bad Content-Length"},
		{HEAD "Content-Length:\r\n 4\r\n\r\nbody", "a bad Content-Length"},
		{HEAD "X: y\r\n Content-Length: 4\r\n\r\n", "no Content-Length"},
		{HEAD "Content-Length: 65537\r\n\r\n", "a body that is too long"},
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "no Content-Length"},
		{"GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "not a SIP message"},
		{"\rX", "a carriage return alone"},
		{"\n" WHOLE, "a line feed alone"},
		{WHOLE WHOLE "!" WHOLE, "not a SIP message"},
		{HEAD "Content-Length: 3\r\n\r\nbody" WHOLE, "not a SIP message"},
	};

	world_listen(&world, NULL);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stranger stranger = {.text = cases[i].text, .length = strlen(cases[i].text)};
		meet(&stranger);
		cr_expect(world_wait(&world, &world.server.closed, i + 1), "%s", cases[i].text);
		cr_expect(eq(int, strncmp(world.server.why, cases[i].why, strlen(cases[i].why)), 0),
			"%s for %s", world.server.why, cases[i].text);
		part(&stranger);
	}
	cr_expect(eq(uint, world.server.messages, 3));
}

Test(sip_stranger, headers_without_end)
{
	static char text[100000];
	struct stranger stranger = {.text = text, .length = sizeof(text)};

	memset(text, 'a', sizeof(text));
	world_listen(&world, NULL);
	meet(&stranger);
	cr_assert(world_wait(&world, &world.server.closed, 1));
	cr_expect(eq(str, world.server.why, "headers that are too long"));
	part(&stranger);
}

Test(sip_stranger, pieces_of_any_size)
{
	static const char text[] = "\r\n" WHOLE "\r\n\r\n" WHOLE "\r\n\r\n" WHOLE "!";
	static const size_t chunks[] = {1, 2, 3, 7, 100, 0};

	world_listen(&world, NULL);
	for (unsigned i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		struct stranger stranger = {
			.text = text, .length = sizeof(text) - 1, .chunk = chunks[i]};
		meet(&stranger);
		cr_expect(world_wait(&world, &world.server.messages, 3 * (i + 1)), "%zu: %s",
			chunks[i], world.server.why);
		cr_expect(eq(sz, world.server.body, 4));
		conn_close(world.server.conn);
		part(&stranger);
		cr_expect(eq(str, stranger.answer, "\r\n\r\n"), "two pongs");
	}
}

Test(sip_stranger, slow_senders_are_given_up)
{
	static const struct {
		const char *text, *why;
		bool hold;
	} cases[] = {
		{"", "the TLS handshake took too long", true},
		{"\r", "a message took too long", false},
		{"OPTIONS", "a message took too long", false},
		{HEAD "Content-Length: 4\r\n\r\nbod", "a message took too long", false},
		{WHOLE "OPTIONS", "a message took too long", false},
	};

	world_listen(&world, &(struct conn_limits){.message_timeout_ms = 300});
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stranger stranger = {.text = cases[i].text,
			.length = strlen(cases[i].text),
			.hold = cases[i].hold};
		double begun = world_now();
		meet(&stranger);
		cr_expect(world_wait(&world, &world.server.closed, i + 1), "%s", cases[i].text);
		cr_expect(world_now() - begun > 0.29);
		cr_expect(eq(str, world.server.why, (char *)cases[i].why));
		part(&stranger);
	}
}

Test(sip_stranger, trickling_does_not_gain_time)
{
	struct stranger stranger = {.text = WHOLE, .length = 100, .chunk = 1, .pause_ms = 30};
	unsigned n = 0;

	world_listen(&world, &(struct conn_limits){.message_timeout_ms = 400});
	meet(&stranger);
	while (world.server.closed == 0 && n++ < 100)
		world_run(&world, 10);
	cr_expect(n >= 35 && n < 90, "%u", n);
	part(&stranger);
}

Test(sip_stranger, what_is_no_tls)
{
	struct stranger stranger = {.text = WHOLE, .length = strlen(WHOLE), .plain = true};

	world_listen(&world, NULL);
	meet(&stranger);
	cr_assert(world_wait(&world, &world.server.closed, 1));
	cr_expect(eq(int, strncmp(world.server.why, "TLS: ", 5), 0), "%s", world.server.why);
	cr_expect(eq(uint, world.server.messages, 0));
	part(&stranger);
}

Test(sip_stranger, versions_and_ciphers)
{
	static const struct {
		int version;
		const char *ciphers;
		bool taken;
	} cases[] = {
		{TLS1_3_VERSION, NULL, true},
		{TLS1_2_VERSION, NULL, true},
		{TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", true},
		{TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256", false},
		{TLS1_2_VERSION, "AES128-GCM-SHA256", false},
		{TLS1_1_VERSION, NULL, false},
		{TLS1_VERSION, NULL, false},
	};

	world_listen(&world, NULL);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stranger stranger = {.text = "!\n\r\n\r\n",
			.length = 6,
			.version = cases[i].version,
			.ciphers = cases[i].ciphers};
		meet(&stranger);
		part(&stranger);
		cr_expect(eq(int, stranger.shook_hands, cases[i].taken), "%u", i);
	}
}

// A resumed session would not show its certificate again.
Test(sip_stranger, sessions_are_not_resumed)
{
	struct stranger first = {.text = "!\n\r\n\r\n", .length = 6}, second = first;

	world_listen(&world, NULL);
	for (unsigned i = 0; i < 2; i++) {
		first = second = (struct stranger){.text = "!\n\r\n\r\n",
			.length = 6,
			.version = i == 0 ? TLS1_3_VERSION : TLS1_2_VERSION};
		meet(&first);
		cr_assert(world_wait(&world, &first.done, 1));
		pthread_join(first.thread, NULL);
		cr_assert(ne(ptr, first.session, NULL));
		second.session = first.session;
		meet(&second);
		part(&second);
		cr_expect(second.shook_hands);
		cr_expect(not(second.resumed));
	}
}

Test(sip_stranger, without_a_certificate_there_is_no_fingerprint)
{
	struct stranger stranger = {.text = WHOLE, .length = strlen(WHOLE)};

	world_listen(&world, NULL);
	meet(&stranger);
	cr_assert(world_wait(&world, &world.server.messages, 1));
	cr_expect(eq(ptr, (void *)conn_fingerprint(world.server.conn), NULL));
	conn_close(world.server.conn);
	part(&stranger);
}

static unsigned answers;

static void answer_at_length(struct end *end, struct conn *conn, struct msg *msg)
{
	static char body[20000];
	struct msg *response = msg_new_response(msg, 200, NULL, NULL);

	(void)end;
	memset(body, 'b', sizeof(body));
	msg_set_body(response, "a/b", body, sizeof(body));
	cr_expect(eq(int, conn_send(conn, response), 0));
	msg_free(response);
	answers++;
}

// Who asks and does not read gets no more than fits: what he sends then waits at his end.
Test(sip_stranger, one_who_does_not_read_is_not_read)
{
	static char text[100000 * sizeof(WHOLE)]; // more than fits into sockets
	struct stranger stranger = {.text = text};

	for (unsigned i = 0; i < 100000; i++, stranger.length += strlen(WHOLE))
		memcpy(text + stranger.length, WHOLE, strlen(WHOLE));
	world_listen(&world, &(struct conn_limits){.output_max = 64 * 1024 * 1024});
	world.server.on_message = answer_at_length;
	meet(&stranger);
	world_run(&world, 1500);
	cr_expect(answers > 10 && answers < 1500, "%u", answers);
	cr_expect(eq(uint, world.server.closed, 0), "%s", world.server.why);
	if (world.server.conn != NULL)
		conn_abort(world.server.conn);
	part(&stranger);
}
