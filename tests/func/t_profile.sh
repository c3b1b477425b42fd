#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Profile and routing table (C2, C3, C4): raw clients in namespace a against the access server in s, whose store is
# changed meanwhile.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

network
plain_host a
pki
access_server alice bob carol dave eve
permit alice bob
permit carol alice
export SIP_TMP=$tmp BIN=$bin CONFIG=$tmp/access.conf
for user in alice bob carol dave eve; do password $user >/dev/null; done
on a "$here/profile.py" "10.77.0.1:5061" "$tmp/pki/ca.crt" "$tmp"
