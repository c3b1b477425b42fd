// SPDX-License-Identifier: BSD-3-Clause
// The crypto attribute of SDP (RFC 4568): tag, suite, key.
#pragma once

#include "control/sip/sdp.h"

// Reads what stands behind "a=crypto:". 0; -ENOTSUP if it is of a suite or with parameters that are
// not supported; -EINVAL with *wrong saying why if it is malformed.
int sdes_read(const char *value, struct sdp_crypto *out, const char **wrong);
int sdes_new_key(struct sdp_crypto *crypto); // as sdp_new_key()
