// SPDX-License-Identifier: BSD-3-Clause
// Asks the crypto libraries who they are. Any thread.
#include "crypto/library.h"

#include <intel-ipsec-mb.h>
#include <srtp2/srtp.h>
#include <stdio.h>
#include <string.h>

static const struct {
	uint64_t feature;
	const char *name;
} features[] = {
	{IMB_FEATURE_VAES, " VAES"},
	{IMB_FEATURE_VPCLMULQDQ, " VPCLMULQDQ"},
	{IMB_FEATURE_SHANI, " SHANI"},
	{IMB_FEATURE_GFNI, " GFNI"},
};

static void write_code_path(char *out, size_t size)
{
	static const char *const names[IMB_ARCH_NUM] = {[IMB_ARCH_NOAESNI] = "no AESNI",
		[IMB_ARCH_SSE] = "SSE",
		[IMB_ARCH_AVX] = "AVX",
		[IMB_ARCH_AVX2] = "AVX2",
		[IMB_ARCH_AVX512] = "AVX512"};
	IMB_MGR *mgr = alloc_mb_mgr(0);
	IMB_ARCH arch = IMB_ARCH_NONE;

	snprintf(out, size, "none");
	if (!mgr)
		return;
	init_mb_mgr_auto(mgr, &arch);
	if (arch > IMB_ARCH_NONE && arch < IMB_ARCH_NUM) {
		snprintf(out, size, "%s", names[arch]);
		for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
			if (mgr->features & features[i].feature)
				strncat(out, features[i].name, size - strlen(out) - 1);
	}
	free_mb_mgr(mgr);
}

void library_info_get(struct library_info *info)
{
	snprintf(info->ipsec_mb, sizeof(info->ipsec_mb), "%s", imb_get_version_str());
	snprintf(info->libsrtp2, sizeof(info->libsrtp2), "%s", srtp_get_version_string());
	write_code_path(info->code_path, sizeof(info->code_path));
}
