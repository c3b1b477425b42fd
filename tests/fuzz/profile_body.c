// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the reader of the login's JSON body: what is taken must be written and read again.
#include "control/sip/profile.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[128] = "";
	char *copy = malloc(size + 1);
	memcpy(copy, data, size);
	struct profile *profile = profile_read(copy, size, error);
	free(copy);
	assert((profile == NULL) == (error[0] != '\0'));
	if (profile == NULL)
		return 0;
	size_t length = 0;
	char *text = profile_write(profile, &length);
	assert(text != NULL);
	struct profile *again = profile_read(text, length, error);
	assert(again != NULL && again->n_peers == profile->n_peers);
	for (size_t i = 0; i < profile->n_peers; i++)
		assert(profile_is_aor(again->peers[i].aor) &&
			again->peers[i].online == (again->peers[i].contact != NULL));
	profile_free(again);
	profile_free(profile);
	free(text);
	return 0;
}
