// SPDX-License-Identifier: BSD-3-Clause
// Which crypto libraries this process runs, and what they make of this CPU. Any thread.
#pragma once

struct library_info {
	char ipsec_mb[64];  // "1.3.0"
	char code_path[64]; // "AVX512 VAES SHANI"
	char libsrtp2[64];  // "libsrtp2 2.5.0"
};

void library_info_get(struct library_info *info);
