// SPDX-License-Identifier: BSD-3-Clause
// liburcu in its QSBR flavour, with the small read-side functions inlined; any thread.
#pragma once

#define URCU_API_MAP // rcu_...() instead of urcu_qsbr_...()
#define URCU_INLINE_SMALL_FUNCTIONS
#include <urcu/urcu-qsbr.h>
