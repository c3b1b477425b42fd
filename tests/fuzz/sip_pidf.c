// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the reader of presence documents: what is taken must be written and read back as the same.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/sip/pidf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pidf pidf, again;
	char error[128], *text;

	if (pidf_read((const char *)data, size, &pidf, error) != 0)
		return 0;
	text = pidf_write(&pidf);
	if (text == NULL || pidf_read(text, strlen(text), &again, error) != 0 ||
		strcmp(pidf.entity, again.entity) != 0 ||
		strcmp(pidf.contact, again.contact) != 0 || pidf.open != again.open)
		abort();
	free(text);
	return 0;
}
