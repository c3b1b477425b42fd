// SPDX-License-Identifier: BSD-3-Clause
// What SIP URIs say: addresses of record and numeric addresses. Any one thread at a time.
#include "control/sip/msg.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <osipparser2/osip_port.h>

#include "control/sip/scan.h"

#define URI_MAX 2048

static osip_uri_t *parse(const char *text)
{
	osip_uri_t *uri;

	if (strlen(text) > URI_MAX || !scan_is_line(text) || !scan_is_balanced(text) ||
		strpbrk(text, " \t\"<>") != NULL || osip_uri_init(&uri) != 0)
		return NULL;
	if (osip_uri_parse(uri, text) == 0)
		return uri;
	osip_uri_free(uri);
	return NULL;
}

static bool is_sip(const osip_uri_t *uri)
{
	return uri != NULL && uri->scheme != NULL && uri->host != NULL &&
	       (strcasecmp(uri->scheme, "sip") == 0 || strcasecmp(uri->scheme, "sips") == 0);
}

// Characters that a user part has unescaped (RFC 3261 section 25.1).
static bool is_user(const char *user)
{
	if (user == NULL || *user == '\0')
		return false;
	for (const char *p = user; *p != '\0'; p++) {
		if (!isalnum((unsigned char)*p) && strchr("-_.!~*'()&=+$,;?/", *p) == NULL)
			return false;
	}
	return true;
}

// The host in its one spelling: lower case, IPv6 addresses compressed and in brackets.
static int write_host(const char *host, char *out, size_t size)
{
	struct in6_addr address;
	char text[INET6_ADDRSTRLEN];
	size_t length = strlen(host);

	if (strchr(host, ':') != NULL) {
		if (inet_pton(AF_INET6, host, &address) != 1)
			return -EINVAL;
		inet_ntop(AF_INET6, &address, text, sizeof(text));
		return snprintf(out, size, "[%s]", text) < (int)size ? 0 : -ENAMETOOLONG;
	}
	if (length >= size)
		return -ENAMETOOLONG;
	for (size_t i = 0; i < length; i++) {
		if (!isalnum((unsigned char)host[i]) && strchr("-._", host[i]) == NULL)
			return -EINVAL;
		out[i] = (char)tolower((unsigned char)host[i]);
	}
	out[length] = '\0';
	return length == 0 ? -EINVAL : 0;
}

static int write_aor(const osip_uri_t *uri, char *out)
{
	int length;

	if (!is_sip(uri) || !is_user(uri->username))
		return -EINVAL;
	length = snprintf(out, MSG_AOR_MAX, "sip:%s@", uri->username);
	if (length >= MSG_AOR_MAX)
		return -ENAMETOOLONG;
	return write_host(uri->host, out + length, (size_t)(MSG_AOR_MAX - length));
}

int msg_from_aor(const struct msg *msg, char *out)
{
	return write_aor(msg->sip->from->url, out);
}

int msg_to_aor(const struct msg *msg, char *out)
{
	return write_aor(msg->sip->to->url, out);
}

int msg_uri_aor(const struct msg *msg, char *out)
{
	return msg->sip->req_uri == NULL ? -EINVAL : write_aor(msg->sip->req_uri, out);
}

int msg_aor(const char *uri, char *out)
{
	osip_uri_t *parsed = parse(uri);
	int result = write_aor(parsed, out);

	osip_uri_free(parsed);
	return result;
}

const char *msg_contact(const struct msg *msg, char *out, size_t size)
{
	const osip_contact_t *contact = osip_list_get(&msg->sip->contacts, 0);
	char *text = NULL;
	size_t length;

	if (contact == NULL || size < 2)
		return NULL;
	if (contact->url == NULL)
		return strcpy(out, "*");
	if (osip_uri_to_str(contact->url, &text) != 0)
		return NULL;
	length = strlen(text);
	if (length < size)
		memcpy(out, text, length + 1);
	osip_free(text);
	return length < size ? out : NULL;
}

static const char *uri_param(const osip_uri_t *uri, const char *name)
{
	for (int i = 0; i < osip_list_size(&uri->url_params); i++) {
		const osip_uri_param_t *param = osip_list_get(&uri->url_params, i);
		if (strcasecmp(param->gname, name) == 0)
			return param->gvalue;
	}
	return NULL;
}

const char *msg_uri_param(const struct msg *msg, const char *name)
{
	return msg->sip->req_uri != NULL ? uri_param(msg->sip->req_uri, name) : NULL;
}

static long long port_of(const osip_uri_t *uri)
{
	const char *transport = uri_param(uri, "transport");
	bool tls = strcasecmp(uri->scheme, "sips") == 0 ||
		   (transport != NULL && strcasecmp(transport, "tls") == 0);

	if (uri->port == NULL)
		return tls ? 5061 : 5060;
	return scan_number(uri->port, 65535);
}

static int write_address(const osip_uri_t *uri, struct sockaddr_storage *out, unsigned *length)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	long long port;

	if (!is_sip(uri) || (port = port_of(uri)) <= 0)
		return -EINVAL;
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, uri->host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		*length = sizeof(*v4);
	} else if (inet_pton(AF_INET6, uri->host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		*length = sizeof(*v6);
	} else {
		return -EINVAL;
	}
	return 0;
}

int msg_uri_address(const char *uri, struct sockaddr_storage *out, unsigned *length)
{
	osip_uri_t *parsed = parse(uri);
	int result = write_address(parsed, out, length);

	osip_uri_free(parsed);
	return result;
}
