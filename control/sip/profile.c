// SPDX-License-Identifier: BSD-3-Clause
// The body of the 200 OK that ends a login, written by the access server, read by the agent. Runs
// on the thread of its owner.
#include "control/sip/profile.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ERROR_MAX	128
#define PEERS_MAX	20000 // more than a body of 4 MiB can describe
#define CONTACTS_MAX	8
#define AOR_MAX		255
#define CONTACT_MAX	511
#define TOKEN_MAX	4096
#define FINGERPRINT_LEN 43
#define SECONDS_MAX	(366u * 24 * 3600)

// ---- writing

static json_t *peer_json(const struct profile_peer *peer)
{
	return json_pack(
		"{s:s, s:s}", "aor", peer->aor, "status", peer->online ? "online" : "offline");
}

static json_t *route_json(const struct profile_peer *peer)
{
	return json_pack("{s:s, s:[s], s:s, s:i}", "aor", peer->aor, "contacts", peer->contact,
		"x5t#S256", peer->fingerprint, "expires", (int)peer->expires_s);
}

char *profile_write(const struct profile *profile, size_t *length)
{
	json_t *peers = json_array(), *routes = json_array();
	bool ok = peers != NULL && routes != NULL;
	for (size_t i = 0; ok && i < profile->n_peers; i++) {
		const struct profile_peer *peer = &profile->peers[i];
		ok = json_array_append_new(peers, peer_json(peer)) == 0;
		if (ok && peer->online)
			ok = json_array_append_new(routes, route_json(peer)) == 0;
	}
	if (!ok) {
		json_decref(peers);
		json_decref(routes);
		return NULL;
	}
	json_t *root = json_pack("{s:i, s:s, s:i, s:s, s:i, s:O, s:o, s:o}", "version",
		PROFILE_VERSION, "aor", profile->aor, "expires", (int)profile->expires_s, "token",
		profile->token, "token_expires", (int)profile->token_expires_s, "jwks",
		profile->jwks, "profile", peers, "routes", routes);
	char *text = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
	json_decref(root);
	if (text != NULL)
		*length = strlen(text);
	return text;
}

// ---- reading

// Where the reader is: what it has found to be wrong, and of which entry.
struct reader {
	char *error;
	const char *where;
	size_t index;
};

static bool refuse(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool refuse(struct reader *r, const char *fmt, ...)
{
	va_list args;
	int n = 0;
	if (r->where != NULL)
		n = snprintf(r->error, ERROR_MAX, "%s[%zu]: ", r->where, r->index);
	va_start(args, fmt);
	vsnprintf(r->error + n, ERROR_MAX - (size_t)n, fmt, args);
	va_end(args);
	return false;
}

// A printable string without spaces and without what could end a URI or a header.
static bool is_clean(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text >= 0x7f || strchr("<>\"\\,", *text) != NULL)
			return false;
	return true;
}

static bool is_uri(const char *text, size_t max)
{
	return strncmp(text, "sip:", 4) == 0 && strlen(text) > 4 && strlen(text) <= max &&
	       is_clean(text);
}

bool profile_is_aor(const char *text)
{
	return is_uri(text, AOR_MAX);
}

bool profile_is_contact(const char *text)
{
	return is_uri(text, CONTACT_MAX);
}

// A copy of a string member; `max` in bytes, `prefix` may be empty.
static bool read_string(struct reader *r, const json_t *value, const char *name, const char *prefix,
	size_t max, char **out)
{
	const char *text = json_string_value(value);
	if (text == NULL)
		return refuse(r, "%s is missing or no string", name);
	if (strlen(text) <= strlen(prefix) || strlen(text) > max || !is_clean(text) ||
		strncmp(text, prefix, strlen(prefix)) != 0)
		return refuse(r, "%s is malformed", name);
	free(*out);
	*out = strdup(text);
	return *out != NULL || refuse(r, "no memory");
}

static bool read_seconds(struct reader *r, const json_t *object, const char *name, unsigned *out)
{
	const json_t *value = json_object_get(object, name);
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
		json_integer_value(value) > SECONDS_MAX)
		return refuse(r, "%s is missing or no number of seconds", name);
	*out = (unsigned)json_integer_value(value);
	return true;
}

static bool read_peer(struct reader *r, const json_t *entry, struct profile_peer *peer)
{
	const char *status = json_string_value(json_object_get(entry, "status"));
	if (!read_string(r, json_object_get(entry, "aor"), "aor", "sip:", AOR_MAX, &peer->aor))
		return false;
	if (status == NULL || (strcmp(status, "online") != 0 && strcmp(status, "offline") != 0))
		return refuse(r, "status is neither online nor offline");
	peer->online = strcmp(status, "online") == 0;
	return true;
}

// Reads the profile; `index` maps each AoR to its place.
static bool read_peers(
	struct reader *r, const json_t *array, struct profile *profile, json_t *index)
{
	r->where = "profile";
	for (r->index = 0; r->index < json_array_size(array); r->index++) {
		struct profile_peer *peer = &profile->peers[r->index];
		profile->n_peers = r->index + 1;
		if (!read_peer(r, json_array_get(array, r->index), peer))
			return false;
		if (json_object_get(index, peer->aor) != NULL)
			return refuse(r, "aor comes twice");
		if (json_object_set_new(index, peer->aor, json_integer((json_int_t)r->index)) != 0)
			return refuse(r, "no memory");
	}
	r->where = NULL;
	return true;
}

static bool read_contacts(struct reader *r, const json_t *contacts, struct profile_peer *peer)
{
	size_t n = json_array_size(contacts);
	if (n == 0 || n > CONTACTS_MAX)
		return refuse(r, "contacts is missing, empty or too long");
	while (n-- > 0) // the first one stays
		if (!read_string(r, json_array_get(contacts, n), "contact", "sip:", CONTACT_MAX,
			    &peer->contact))
			return false;
	return true;
}

static bool read_route(
	struct reader *r, const json_t *entry, struct profile *profile, const json_t *index)
{
	const char *aor = json_string_value(json_object_get(entry, "aor"));
	const json_t *place = aor != NULL ? json_object_get(index, aor) : NULL;
	if (place == NULL)
		return refuse(r, "aor is missing or not in the profile");
	struct profile_peer *peer = &profile->peers[json_integer_value(place)];
	if (!peer->online)
		return refuse(r, "a route to a peer that is offline");
	if (peer->contact != NULL)
		return refuse(r, "aor comes twice");
	if (!read_contacts(r, json_object_get(entry, "contacts"), peer) ||
		!read_string(r, json_object_get(entry, "x5t#S256"), "x5t#S256", "", FINGERPRINT_LEN,
			&peer->fingerprint))
		return false;
	if (strlen(peer->fingerprint) != FINGERPRINT_LEN)
		return refuse(r, "x5t#S256 is malformed");
	return read_seconds(r, entry, "expires", &peer->expires_s);
}

static bool read_routes(
	struct reader *r, const json_t *array, struct profile *profile, const json_t *index)
{
	r->where = "routes";
	for (r->index = 0; r->index < json_array_size(array); r->index++)
		if (!read_route(r, json_array_get(array, r->index), profile, index))
			return false;
	r->where = "profile";
	for (r->index = 0; r->index < profile->n_peers; r->index++)
		if (profile->peers[r->index].online && profile->peers[r->index].contact == NULL)
			return refuse(r, "online, but without a route");
	r->where = NULL;
	return true;
}

static bool read_lists(struct reader *r, const json_t *root, struct profile *profile)
{
	const json_t *peers = json_object_get(root, "profile");
	const json_t *routes = json_object_get(root, "routes");
	if (!json_is_array(peers) || json_array_size(peers) > PEERS_MAX)
		return refuse(r, "profile is missing, no array or too long");
	if (!json_is_array(routes) || json_array_size(routes) > json_array_size(peers))
		return refuse(r, "routes is missing, no array or longer than the profile");
	json_t *index = json_object();
	profile->peers = calloc(json_array_size(peers) + 1, sizeof(*profile->peers));
	bool ok = index != NULL && profile->peers != NULL;
	if (!ok)
		refuse(r, "no memory");
	ok = ok && read_peers(r, peers, profile, index) && read_routes(r, routes, profile, index);
	json_decref(index);
	return ok;
}

static bool read_root(struct reader *r, const json_t *root, struct profile *profile)
{
	const json_t *version = json_object_get(root, "version");
	if (!json_is_object(root))
		return refuse(r, "no JSON object");
	if (!json_is_integer(version) || json_integer_value(version) != PROFILE_VERSION)
		return refuse(r, "version is not %d", PROFILE_VERSION);
	if (!read_string(r, json_object_get(root, "aor"), "aor", "sip:", AOR_MAX, &profile->aor) ||
		!read_string(r, json_object_get(root, "token"), "token", "", TOKEN_MAX,
			&profile->token) ||
		!read_seconds(r, root, "expires", &profile->expires_s) ||
		!read_seconds(r, root, "token_expires", &profile->token_expires_s))
		return false;
	profile->jwks = json_incref(json_object_get(root, "jwks"));
	if (!json_is_array(json_object_get(profile->jwks, "keys")))
		return refuse(r, "jwks is missing or has no keys");
	return read_lists(r, root, profile);
}

struct profile *profile_read(const char *body, size_t length, char *error)
{
	struct reader reader = {.error = error};
	json_error_t where;
	struct profile *profile = calloc(1, sizeof(*profile));
	json_t *root =
		body != NULL ? json_loadb(body, length, JSON_REJECT_DUPLICATES, &where) : NULL;
	bool ok = false;
	if (profile == NULL)
		refuse(&reader, "no memory");
	else if (root == NULL)
		refuse(&reader, "no JSON%s%.60s", body != NULL ? ": " : "",
			body != NULL ? where.text : "");
	else
		ok = read_root(&reader, root, profile);
	json_decref(root);
	if (ok)
		return profile;
	profile_free(profile);
	return NULL;
}

void profile_free(struct profile *profile)
{
	if (profile == NULL)
		return;
	for (size_t i = 0; i < profile->n_peers; i++) {
		free(profile->peers[i].aor);
		free(profile->peers[i].contact);
		free(profile->peers[i].fingerprint);
	}
	free(profile->peers);
	free(profile->aor);
	if (profile->token != NULL)
		explicit_bzero(profile->token, strlen(profile->token));
	free(profile->token);
	json_decref(profile->jwks);
	free(profile);
}
