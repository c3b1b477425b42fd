// SPDX-License-Identifier: BSD-3-Clause
// Which contact addresses the server takes: peers will connect there. Any thread.
#include "control/access/contact.h"

#include "control/sip/msg.h"
#include "control/sip/profile.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

static bool is_unicast(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET6) {
		const struct in6_addr *a = &((const struct sockaddr_in6 *)address)->sin6_addr;
		return !IN6_IS_ADDR_UNSPECIFIED(a) && !IN6_IS_ADDR_MULTICAST(a) &&
		       !IN6_IS_ADDR_V4MAPPED(a) && !IN6_IS_ADDR_V4COMPAT(a);
	}
	uint32_t a = ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr);
	return a >> 24 != 0 && a >> 28 < 0xe;
}

// The parameters of the URI: transport=tls, once, and none that names another host or method.
static const char *check_params(const char *uri)
{
	unsigned n_tls = 0;
	for (const char *p = strchr(uri, ';'); p != NULL; p = strchr(p, ';')) {
		size_t n = strcspn(++p, ";");
		if (n >= 10 && strncasecmp(p, "transport=", 10) == 0) {
			if (n != 13 || strncasecmp(p + 10, "tls", 3) != 0)
				return "Contact Needs transport=tls";
			n_tls++;
		} else if (strncasecmp(p, "maddr", 5) == 0 || strncasecmp(p, "method", 6) == 0) {
			return "Contact With Unwanted Parameter";
		}
	}
	return n_tls == 1 ? NULL : "Contact Needs transport=tls";
}

const char *contact_check(const char *uri)
{
	struct sockaddr_storage address;
	unsigned length;
	const char *at = strchr(uri, '@');
	if (!profile_is_contact(uri))
		return "Contact Is No SIP URI";
	if (strchr(uri, '?') != NULL ||
		(at != NULL && memchr(uri + 4, ':', (size_t)(at - uri - 4))))
		return "Contact With Headers Or Password";
	if (msg_uri_address(uri, &address, &length) != 0 || !is_unicast(&address))
		return "Contact Needs A Numeric Address";
	return check_params(at != NULL ? at : uri);
}
