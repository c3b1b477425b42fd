// SPDX-License-Identifier: BSD-3-Clause
// The table of SRTP protection profiles; constant, any thread.
#include "crypto/suite.h"

#include <string.h>

const struct suite suite_table[SUITE_COUNT] = {
	[SUITE_AEAD_AES_128_GCM] =
		{
			.name = "AEAD_AES_128_GCM",
			.key_bytes = 16,
			.salt_bytes = 12,
			.tag_bytes = 16,
			.rtcp_tag_bytes = 16,
		},
	[SUITE_AEAD_AES_256_GCM] =
		{
			.name = "AEAD_AES_256_GCM",
			.key_bytes = 32,
			.salt_bytes = 12,
			.tag_bytes = 16,
			.rtcp_tag_bytes = 16,
		},
	[SUITE_AES_CM_128_HMAC_SHA1_80] =
		{
			.name = "AES_CM_128_HMAC_SHA1_80",
			.key_bytes = 16,
			.salt_bytes = 14,
			.tag_bytes = 10,
			.rtcp_tag_bytes = 10,
		},
	[SUITE_AES_CM_128_HMAC_SHA1_32] =
		{
			.name = "AES_CM_128_HMAC_SHA1_32",
			.key_bytes = 16,
			.salt_bytes = 14,
			.tag_bytes = 4,
			.rtcp_tag_bytes = 10,
		},
};

int suite_find(const char *name)
{
	for (int i = 0; i < SUITE_COUNT; i++)
		if (strcmp(name, suite_table[i].name) == 0)
			return i;
	return -1;
}
