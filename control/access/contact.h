// SPDX-License-Identifier: BSD-3-Clause
// Which contact addresses the server takes. Any thread.
#pragma once

// NULL if peers can be given this URI: sip, a numeric unicast address, transport=tls, nothing that
// changes where it leads. Else what is wrong with it, as a reason phrase.
const char *contact_check(const char *uri);
