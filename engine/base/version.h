// SPDX-License-Identifier: BSD-3-Clause
// The version of all programs. Any thread.
#pragma once

#define VERSION "0.1.0"
