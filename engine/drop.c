// SPDX-License-Identifier: BSD-3-Clause
// The names of the drop reasons, as the API and the logs show them; any thread.
#include "engine/drop.h"

const char *const drop_names[DROP_COUNT] = {
#define X(name, text, help) [DROP_##name] = text,
	DROP_LIST(X)
#undef X
};

const char *const drop_helps[DROP_COUNT] = {
#define X(name, text, help) [DROP_##name] = help,
	DROP_LIST(X)
#undef X
};
