// SPDX-License-Identifier: BSD-3-Clause
// Ports, keys and session descriptions of calls; the agent's one thread.
#include "control/agent/media.h"

#include "control/agent/ports.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct media_ports {
	struct ports *wire, *host, *application;
};

// In our order of preference
static const char *const suites[] = {"AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80", NULL};

static const struct sdp_payload offered_payloads[] = {
	{0, "PCMU/8000"},
	{8, "PCMA/8000"},
	{101, "telephone-event/8000"},
};

static struct ports *range(const struct config_range *range, unsigned rest_s)
{
	return ports_new(range->first, range->last, rest_s);
}

struct media_ports *media_ports_new(const struct config *config)
{
	struct media_ports *ports = calloc(1, sizeof(*ports));

	if (!ports)
		return NULL;
	ports->wire = range(&config->wire_ports, config->port_rest_s);
	ports->host = range(&config->host_ports, config->port_rest_s);
	ports->application = range(&config->application_ports, config->port_rest_s);
	if (!ports->wire || !ports->host || !ports->application) {
		media_ports_free(ports);
		return NULL;
	}
	return ports;
}

void media_ports_free(struct media_ports *ports)
{
	if (!ports)
		return;
	ports_free(ports->wire);
	ports_free(ports->host);
	ports_free(ports->application);
	free(ports);
}

unsigned media_ports_in_use(const struct media_ports *ports)
{
	return ports_in_use(ports->wire) + ports_in_use(ports->host) +
	       ports_in_use(ports->application);
}

void media_ports_claim(
	struct media_ports *ports, unsigned wire, unsigned host, unsigned application)
{
	ports_claim(ports->wire, wire);
	ports_claim(ports->host, host);
	ports_claim(ports->application, application);
}

int media_open(struct agent *agent, struct media *media)
{
	struct media_ports *ports = agent->ports;
	uint64_t now = agent_now_us();

	media->wire_port = ports_take(ports->wire, now);
	media->host_port = ports_take(ports->host, now);
	media->application_port = ports_take(ports->application, now);
	media->open = true;
	if (RAND_bytes((unsigned char *)&media->sdp_id, sizeof(media->sdp_id)) != 1 ||
		!media->wire_port || !media->host_port || !media->application_port) {
		media_close(agent, media);
		return -ENOSPC;
	}
	media->sdp_id >>= 2; // fits where 64 bits are read as signed
	media->sdp_version = 1;
	return 0;
}

void media_wipe_keys(struct media *media)
{
	explicit_bzero(media->offered, sizeof(media->offered));
	explicit_bzero(&media->tx, sizeof(media->tx));
	explicit_bzero(&media->rx, sizeof(media->rx));
	media->n_offered = 0;
}

void media_close(struct agent *agent, struct media *media)
{
	uint64_t now = agent_now_us();

	media_wipe_keys(media);
	if (!media->open)
		return;
	media->open = false;
	ports_give_back(agent->ports->wire, media->wire_port, now);
	ports_give_back(agent->ports->host, media->host_port, now);
	ports_give_back(agent->ports->application, media->application_port, now);
}

static void describe(struct agent *agent, struct media *media, struct sdp *sdp)
{
	memset(sdp, 0, sizeof(*sdp));
	sdp->session_id = media->sdp_id;
	sdp->session_version = media->sdp_version++;
	sdp->address = agent->config->wire_address;
	address_set_port(&sdp->address, media->wire_port);
	sdp->direction = media->direction;
	sdp->rtcp_mux = true;
	sdp->lines = media->lines;
}

static int make_keys(struct media *media)
{
	unsigned i;

	for (i = 0; suites[i]; i++) {
		media->offered[i].tag = i + 1;
		snprintf(media->offered[i].suite, SDP_SUITE_MAX, "%s", suites[i]);
		if (sdp_new_key(&media->offered[i]))
			return -EINVAL;
	}
	media->n_offered = i;
	return 0;
}

static char *write_offer(struct agent *agent, struct media *media)
{
	struct sdp sdp;
	char *text;

	describe(agent, media, &sdp);
	memcpy(sdp.cryptos, media->offered, sizeof(media->offered));
	sdp.n_cryptos = media->n_offered;
	memcpy(sdp.payloads, offered_payloads, sizeof(offered_payloads));
	sdp.n_payloads = sizeof(offered_payloads) / sizeof(offered_payloads[0]);
	text = sdp_write(&sdp);
	explicit_bzero(&sdp, sizeof(sdp));
	return text;
}

char *media_offer(struct agent *agent, struct media *media)
{
	return make_keys(media) ? NULL : write_offer(agent, media);
}

char *media_offer_again(struct agent *agent, struct media *media, bool fresh)
{
	if (fresh)
		return media_offer(agent, media);
	media->offered[0] = media->tx;
	explicit_bzero(&media->offered[1], sizeof(media->offered[1]));
	media->n_offered = 1;
	return write_offer(agent, media);
}

unsigned media_wanted(const struct media *media)
{
	if (!media->held)
		return MEDIA_SEND | MEDIA_RECEIVE;
	return media->peer_holds ? 0 : MEDIA_SEND;
}

// "PCMU/8000/1" is PCMU/8000; static types need no rtpmap (RFC 3551)
static const char *payload_name(const struct sdp_payload *payload)
{
	unsigned i;

	for (i = 0; i < sizeof(offered_payloads) / sizeof(offered_payloads[0]); i++) {
		const char *name = offered_payloads[i].rtpmap;
		size_t length = strlen(name);

		if (!*payload->rtpmap && payload->type == offered_payloads[i].type &&
			payload->type < 96)
			return name;
		if (!strncasecmp(payload->rtpmap, name, length) &&
			(!payload->rtpmap[length] || !strcmp(payload->rtpmap + length, "/1")))
			return name;
	}
	return NULL;
}

// The payloads of theirs that we know; one of them must carry sound
static int take_payloads(struct media *media, const struct sdp *sdp, char *error)
{
	bool sound = false;
	unsigned i;

	media->n_payloads = 0;
	for (i = 0; i < sdp->n_payloads && i < SDP_PAYLOADS_MAX; i++) {
		const char *name = payload_name(&sdp->payloads[i]);
		struct sdp_payload *payload;

		if (!name)
			continue;
		sound |= !strncmp(name, "PCM", 3);
		payload = &media->payloads[media->n_payloads++];
		payload->type = sdp->payloads[i].type;
		snprintf(payload->rtpmap, sizeof(payload->rtpmap), "%s", name);
	}
	if (sound)
		return 0;
	snprintf(error, 128, "no payload in common");
	return -ENOTSUP;
}

static unsigned mirrored(unsigned direction)
{
	return (direction & MEDIA_SEND ? MEDIA_RECEIVE : 0) |
	       (direction & MEDIA_RECEIVE ? MEDIA_SEND : 0);
}

static int take_common(struct media *media, const struct sdp *sdp, char *error)
{
	if (!address_port(&sdp->address)) {
		snprintf(error, 128, "the stream is refused");
		return -ENOTSUP;
	}
	if (take_payloads(media, sdp, error))
		return -ENOTSUP;
	media->remote = sdp->address;
	return 0;
}

// The answer names one of the lines offered, by tag and suite
static const struct sdp_crypto *ours(const struct media *media, const struct sdp_crypto *theirs)
{
	unsigned i;

	for (i = 0; i < media->n_offered; i++) {
		if (media->offered[i].tag == theirs->tag &&
			!strcmp(media->offered[i].suite, theirs->suite))
			return &media->offered[i];
	}
	return NULL;
}

// Reads what the peer has written and takes what an offer and an answer have in common. The caller
// wipes `sdp`.
static int read_theirs(
	struct media *media, const char *body, size_t length, struct sdp *sdp, char *error)
{
	int rc = sdp_read(body, length, sdp, error);

	return rc ? rc : take_common(media, sdp, error);
}

// As many streams as were offered, and ours at its place
static bool is_answer_to(const struct media *media, const struct sdp *sdp)
{
	unsigned offered = media->lines.n ? media->lines.n : 1;

	return sdp->lines.n == offered && sdp->lines.ours == media->lines.ours;
}

static int take_answer(struct media *media, const struct sdp *sdp, char *error)
{
	const struct sdp_crypto *mine = sdp->n_cryptos == 1 ? ours(media, &sdp->cryptos[0]) : NULL;

	if (!mine || !is_answer_to(media, sdp)) {
		snprintf(error, 128,
			mine ? "other streams than offered" : "no crypto line of the offer");
		return -ENOTSUP;
	}
	// An answer that takes more than was offered gets what was offered
	if (media->direction & MEDIA_SEND)
		media->peer_holds = !(sdp->direction & MEDIA_RECEIVE);
	media->direction &= mirrored(sdp->direction);
	media->tx = *mine;
	media->rx = sdp->cryptos[0];
	explicit_bzero(media->offered, sizeof(media->offered));
	media->n_offered = 0;
	return 0;
}

int media_take_answer(struct media *media, const char *body, size_t length, char *error)
{
	struct sdp sdp;
	int rc = read_theirs(media, body, length, &sdp, error);

	if (!rc)
		rc = take_answer(media, &sdp, error);
	explicit_bzero(&sdp, sizeof(sdp));
	return rc;
}

static int take_offer(struct media *media, const struct sdp *sdp, char *error)
{
	const struct sdp_crypto *theirs = sdp_choose(sdp, suites);

	if (!theirs) {
		snprintf(error, 128, "no SRTP suite in common");
		return -ENOTSUP;
	}
	media->rx = *theirs;
	media->lines = sdp->lines.n > 1 ? sdp->lines : (struct sdp_lines){0};
	media->peer_holds = !(sdp->direction & MEDIA_RECEIVE);
	media->direction = mirrored(sdp->direction);
	if (media->held)
		media->direction &= ~MEDIA_RECEIVE;
	return 0;
}

int media_take_offer(struct media *media, const char *body, size_t length, char *error)
{
	struct sdp sdp;
	int rc = read_theirs(media, body, length, &sdp, error);

	if (!rc)
		rc = take_offer(media, &sdp, error);
	explicit_bzero(&sdp, sizeof(sdp));
	return rc;
}

int media_choose_key(struct media *media)
{
	media->tx.tag = media->rx.tag;
	if (*media->tx.key && !strcmp(media->tx.suite, media->rx.suite))
		return 0;
	memcpy(media->tx.suite, media->rx.suite, sizeof(media->tx.suite));
	return sdp_new_key(&media->tx);
}

char *media_answer(struct agent *agent, struct media *media)
{
	struct sdp sdp;
	char *text;

	describe(agent, media, &sdp);
	sdp.cryptos[0] = media->tx;
	sdp.n_cryptos = 1;
	memcpy(sdp.payloads, media->payloads, sizeof(media->payloads));
	sdp.n_payloads = media->n_payloads;
	text = sdp_write(&sdp);
	explicit_bzero(&sdp, sizeof(sdp));
	return text;
}

static void format(const struct sockaddr_storage *ip, unsigned port, char *out)
{
	struct sockaddr_storage address = *ip;

	address_set_port(&address, port);
	address_format(&address, out);
}

void media_send_to(struct agent *agent, const struct media *media, char *out)
{
	format(&agent->config->engine_host_address, media->host_port, out);
}

void media_receive_at(struct agent *agent, const struct media *media, char *out)
{
	format(&agent->config->application_address, media->application_port, out);
}

void media_wire_local(struct agent *agent, const struct media *media, char *out)
{
	format(&agent->config->wire_address, media->wire_port, out);
}

const char *media_direction_name(unsigned direction)
{
	static const char *const names[] = {"inactive", "sendonly", "recvonly", "sendrecv"};

	return names[direction & 3];
}

json_t *media_session(struct agent *agent, const struct media *media)
{
	char wire_local[ADDRESS_MAX], wire_remote[ADDRESS_MAX];
	char host_local[ADDRESS_MAX], host_remote[ADDRESS_MAX];

	media_wire_local(agent, media, wire_local);
	address_format(&media->remote, wire_remote);
	media_send_to(agent, media, host_local);
	media_receive_at(agent, media, host_remote);
	return json_pack("{s:{s:s, s:s}, s:{s:s, s:s}, s:s, s:s, s:s, s:s, s:I}", "wire", "local",
		wire_local, "remote", wire_remote, "host", "local", host_local, "remote",
		host_remote, "suite", media->tx.suite, "tx_key", media->tx.key, "rx_key",
		media->rx.key, "direction", media_direction_name(media->direction),
		"media_timeout_ms", (json_int_t)agent->config->media_timeout_s * 1000);
}

const char *media_hold_name(const struct media *media)
{
	static const char *const names[] = {"none", "local", "remote", "both"};

	return names[media->held + 2 * media->peer_holds];
}

static bool same_key(const struct sdp_crypto *a, const struct sdp_crypto *b)
{
	return !strcmp(a->suite, b->suite) && !strcmp(a->key, b->key);
}

json_t *media_changes(const struct media *now, const struct media *next)
{
	json_t *object = json_object();
	char remote[ADDRESS_MAX];
	int rc = 0;

	if (!same_key(&now->rx, &next->rx) || !same_key(&now->tx, &next->tx)) {
		rc |= json_object_set_new(object, "suite", json_string(next->tx.suite));
		rc |= json_object_set_new(object, "tx_key", json_string(next->tx.key));
		rc |= json_object_set_new(object, "rx_key", json_string(next->rx.key));
	}
	if (now->direction != next->direction)
		rc |= json_object_set_new(
			object, "direction", json_string(media_direction_name(next->direction)));
	if (!address_equal(&now->remote, &next->remote)) {
		address_format(&next->remote, remote);
		rc |= json_object_set_new(object, "wire", json_pack("{s:s}", "remote", remote));
	}
	if (!rc)
		return object;
	json_decref(object);
	return NULL;
}

json_t *media_lines_json(const struct media *media)
{
	json_t *array = json_array();
	unsigned i;

	for (i = 0; i < media->lines.n; i++) {
		const struct sdp_line *line = &media->lines.at[i];

		if (i == media->lines.ours)
			json_array_append_new(array, json_null());
		else
			json_array_append_new(array, json_sprintf("%s %s %s", line->media,
							     line->protocol, line->format));
	}
	return array;
}

void media_lines_from_json(struct media *media, const json_t *array)
{
	struct sdp_lines *lines = &media->lines;
	json_t *element;
	size_t i;

	json_array_foreach (array, i, element) {
		struct sdp_line *line = &lines->at[i];
		const char *text = json_string_value(element);

		if (i == SDP_LINES_MAX)
			return;
		if (!text)
			lines->ours = i;
		else
			sscanf(text, "%31s %31s %31s", line->media, line->protocol, line->format);
		lines->n = i + 1;
	}
}
