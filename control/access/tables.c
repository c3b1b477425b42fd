// SPDX-License-Identifier: BSD-3-Clause
// Builds the profile from the permissions in the store and the routing table from the bindings in
// memory: the work of one login is in proportion to the peers of one user. Runs on the server's
// thread.
#include "control/access/tables.h"

#include "control/sip/profile.h"

#include <stdlib.h>
#include <string.h>

struct builder {
	const struct tables *tables;
	struct profile *profile;
	size_t room;
	bool failed;
};

static bool set_route(struct profile_peer *peer, const struct binding *binding)
{
	if (binding == NULL)
		return true;
	peer->online = true;
	peer->contact = strdup(binding->contact);
	peer->fingerprint = strdup(binding->fingerprint);
	peer->expires_s = binding_expires_s(binding);
	return peer->contact != NULL && peer->fingerprint != NULL;
}

static bool add_peer(void *arg, const char *aor)
{
	struct builder *b = arg;
	struct profile *profile = b->profile;
	b->failed = true;
	if (profile->n_peers == b->room) {
		size_t room = b->room > 0 ? 2 * b->room : 64;
		struct profile_peer *peers = realloc(profile->peers, room * sizeof(*peers));
		if (peers == NULL)
			return false;
		profile->peers = peers;
		b->room = room;
	}
	struct profile_peer *peer = &profile->peers[profile->n_peers];
	memset(peer, 0, sizeof(*peer));
	profile->n_peers++;
	peer->aor = strdup(aor);
	b->failed = peer->aor == NULL || !set_route(peer, binding_find(b->tables->bindings, aor));
	return !b->failed;
}

char *tables_body(const struct tables *tables, const struct binding *binding, unsigned expires_s,
	size_t *length)
{
	struct builder builder = {.tables = tables, .profile = calloc(1, sizeof(struct profile))};
	struct profile *profile = builder.profile;
	char *body = NULL;
	if (profile == NULL)
		return NULL;
	profile->aor = strdup(binding->aor);
	profile->expires_s = expires_s;
	profile->token_expires_s = tables->token_lifetime_s;
	profile->token = token_sign(
		tables->signer, binding->aor, binding->fingerprint, NULL, tables->token_lifetime_s);
	profile->jwks = json_incref(tables->jwks);
	if (profile->aor != NULL && profile->token != NULL &&
		store_permitted(tables->store, binding->aor, add_peer, &builder) == 0 &&
		!builder.failed)
		body = profile_write(profile, length);
	profile_free(profile);
	return body;
}

void tables_body_free(char *body, size_t length)
{
	if (body == NULL)
		return;
	explicit_bzero(body, length);
	free(body);
}
