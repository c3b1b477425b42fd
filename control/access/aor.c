// SPDX-License-Identifier: BSD-3-Clause
// Addresses of record as operators write them; any thread.
#include "control/access/aor.h"

#include "control/sip/msg.h"
#include "control/sip/profile.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

bool aor_is_domain(const char *text)
{
	size_t length = strlen(text);
	if (length == 0 || length >= DOMAIN_MAX)
		return false;
	for (const char *p = text; *p != '\0'; p++)
		if (!islower((unsigned char)*p) && !isdigit((unsigned char)*p) &&
			strchr("-._", *p) == NULL)
			return false;
	return true;
}

bool aor_in_domain(const char *aor, const char *domain)
{
	const char *at = strrchr(aor, '@');
	return at != NULL && strcmp(at + 1, domain) == 0;
}

void aor_user(const char *aor, char out[AOR_MAX])
{
	const char *user = strncmp(aor, "sip:", 4) == 0 ? aor + 4 : aor;
	snprintf(out, AOR_MAX, "%.*s", (int)strcspn(user, "@"), user);
}

int aor_parse(const char *text, const char *domain, char out[AOR_MAX], char error[ERROR_MAX])
{
	char uri[AOR_MAX];
	bool has_scheme = strncasecmp(text, "sip:", 4) == 0;
	if (snprintf(uri, sizeof(uri), "%s%s", has_scheme ? "" : "sip:", text) >=
			(int)sizeof(uri) ||
		msg_aor(uri, out) != 0 || !profile_is_aor(out)) {
		snprintf(error, ERROR_MAX,
			"'%.100s' is no address of record (expected user@domain)", text);
		return -EINVAL;
	}
	// Nothing may have been left out: no port, password, parameter or header
	if (strcasecmp(uri, out) != 0) {
		snprintf(error, ERROR_MAX,
			"'%.100s' has more than user and domain (expected %.100s)", text, out);
		return -EINVAL;
	}
	if (!aor_in_domain(out, domain)) {
		snprintf(error, ERROR_MAX, "'%.80s' is not of this server's domain %.80s", text,
			domain);
		return -EINVAL;
	}
	return 0;
}
