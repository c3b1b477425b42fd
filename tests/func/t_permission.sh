#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Who is not permitted, and who cannot prove who he is, is refused before anything rings. The real agent of alice is in
# namespace a; in b a script calls it with tokens good and bad (bob is permitted, eve is not).
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

network
plain_host b
engine a
pki
access_server alice bob eve
permit alice bob
for user in bob eve; do password $user >/dev/null; done
agent a alice:no
export SIP_TMP=$tmp
on b "$here/permission.py" "$(at_port "${address[s]}" 5061)" "$tmp/pki/ca.crt" "$tmp"
is "sessions" "$(sessions a)" 0
alive agent-a || fail "the agent has ended"
