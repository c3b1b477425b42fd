#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Notifications (C5, C6, R1 to R3). The real agent of alice and carol is in namespace a; in b a script plays its peers:
# frank, who listens; bob, who is silent at first; eve, whom nobody permitted. The server is killed on the way.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

network
plain_host b
engine a
pki
access_server alice bob carol eve frank
permit alice frank
permit alice bob
for user in bob eve frank; do password $user >/dev/null; done
capture link s eth0
export SIP_TMP=$tmp
start peers b "$here/notify.py" "$(at_port "${address[s]}" 5061)" "$tmp/pki/ca.crt" "$tmp" "${pids[access]}"
wait_for 10 "the peers are logged in" test -e "$tmp/peers.ready"
agent a alice carol -- "notify-timeout = 2"
finished peers 30
cat "$tmp/peers.log"
is "exit status of the peers' script" "$ended" 0
stop link
is "packets between the agents on the server's link" "$(packets link --between 10.77.0.2 10.77.0.3)" 0
