// SPDX-License-Identifier: BSD-3-Clause
// The crypto attribute of SDP (RFC 4568), and keys for it. Any one thread at a time.
#include "control/sip/sdes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#define KEY_BYTES_MAX 48
#define LIFETIME_MIN  31 // as a power of two: the engine has no counter for shorter ones

// Master key and salt, RFC 4568 section 6.2 and RFC 7714 section 14.2.
static const struct suite {
	const char *name;
	unsigned key_bytes;
} suites[] = {
	{"AEAD_AES_128_GCM", 16 + 12},
	{"AEAD_AES_256_GCM", 32 + 12},
	{"AES_CM_128_HMAC_SHA1_80", 16 + 14},
	{"AES_CM_128_HMAC_SHA1_32", 16 + 14},
};

static const struct suite *find_suite(const char *name, size_t length)
{
	for (unsigned i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		if (strlen(suites[i].name) == length &&
			strncasecmp(suites[i].name, name, length) == 0)
			return &suites[i];
	}
	return NULL;
}

// One spelling alone: the right length, padding, and nothing in the bits that do not count.
static bool is_key(const char *text, unsigned key_bytes)
{
	unsigned char bytes[KEY_BYTES_MAX + 3];
	char again[SDP_KEY_MAX];
	size_t length = strlen(text);
	bool same = false;

	if (length == (key_bytes + 2) / 3 * 4 && length < sizeof(again) &&
		EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)length) > 0) {
		EVP_EncodeBlock((unsigned char *)again, bytes, (int)key_bytes);
		same = strcmp(again, text) == 0;
	}
	explicit_bzero(bytes, sizeof(bytes));
	explicit_bzero(again, sizeof(again));
	return same;
}

// "2^48", "1048576". False if it is neither.
static bool read_lifetime(const char *text, size_t length, bool *long_enough)
{
	unsigned long long number = 0;
	bool power = length > 2 && strncmp(text, "2^", 2) == 0;

	for (size_t i = power ? 2 : 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9' || number > 1ull << 56)
			return false;
		number = number * 10 + (unsigned)(text[i] - '0');
	}
	*long_enough = power ? number >= LIFETIME_MIN : number >= 1ull << LIFETIME_MIN;
	return length > 0;
}

// "inline:KEY|LIFETIME|MKI:LENGTH", the last two optional.
static int read_key(
	const char *params, const struct suite *suite, struct sdp_crypto *out, const char **wrong)
{
	const char *key = params + strlen("inline:"), *rest = strchr(params, '|');
	size_t length;
	bool long_enough = true;

	*wrong = "a crypto line without an inline key";
	if (strncasecmp(params, "inline:", 7) != 0)
		return -EINVAL;
	length = rest != NULL ? (size_t)(rest - key) : strlen(key);
	*wrong = "a crypto key that is none of its suite";
	if (length >= sizeof(out->key))
		return -EINVAL;
	memcpy(out->key, key, length);
	out->key[length] = '\0';
	if (!is_key(out->key, suite->key_bytes))
		return -EINVAL;
	if (rest == NULL)
		return 0;
	if (strchr(rest + 1, '|') != NULL || strchr(rest + 1, ':') != NULL)
		return -ENOTSUP; // a master key index
	*wrong = "a bad crypto lifetime";
	if (!read_lifetime(rest + 1, strlen(rest + 1), &long_enough))
		return -EINVAL;
	return long_enough ? 0 : -ENOTSUP;
}

static int read_params(const char *value, struct sdp_crypto *out, const char **wrong)
{
	size_t tag = strspn(value, "0123456789"), suite_length;
	const struct suite *suite;
	const char *params;

	*wrong = "a bad crypto tag";
	if (tag < 1 || tag > 9 || value[tag] != ' ')
		return -EINVAL;
	sscanf(value, "%9u", &out->tag);
	value += tag + 1;
	suite_length = strcspn(value, " ");
	*wrong = "a crypto line without a suite or key";
	if (suite_length == 0 || value[suite_length] == '\0' || value[suite_length + 1] == '\0')
		return -EINVAL;
	suite = find_suite(value, suite_length);
	params = value + suite_length + 1;
	if (suite == NULL || strpbrk(params, " ;") != NULL)
		return -ENOTSUP; // session parameters, several keys
	strcpy(out->suite, suite->name);
	return read_key(params, suite, out, wrong);
}

int sdes_read(const char *value, struct sdp_crypto *out, const char **wrong)
{
	int result;

	memset(out, 0, sizeof(*out));
	result = read_params(value, out, wrong);
	if (result != 0)
		explicit_bzero(out, sizeof(*out));
	return result;
}

int sdes_new_key(struct sdp_crypto *crypto)
{
	const struct suite *suite = find_suite(crypto->suite, strlen(crypto->suite));
	unsigned char bytes[KEY_BYTES_MAX];

	if (suite == NULL || RAND_priv_bytes(bytes, (int)suite->key_bytes) != 1)
		return -EINVAL;
	EVP_EncodeBlock((unsigned char *)crypto->key, bytes, (int)suite->key_bytes);
	explicit_bzero(bytes, sizeof(bytes));
	return 0;
}
