// SPDX-License-Identifier: BSD-3-Clause
// What may follow the beginning of a command: for Tab and `?`, and for shells. No state; any
// thread.
#pragma once

#include "engine/client/editor.h"

// `left`: the line up to the cursor.
void complete_line(const char *left, struct editor_items *items);
