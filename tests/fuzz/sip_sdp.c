// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the SDP reader: what is taken must be written and read back as the same.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/sip/sdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sdp sdp, again;
	char error[128], *text;

	if (sdp_read((const char *)data, size, &sdp, error) != 0)
		return 0;
	text = sdp_write(&sdp);
	if (text == NULL || sdp_read(text, strlen(text), &again, error) != 0 ||
		memcmp(&sdp, &again, sizeof(sdp)) != 0)
		abort();
	sdp_text_free(text);
	return 0;
}
