#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Open protocols only (C0): a stock decoder, tshark, understands every message. Our programs write no TLS keys, so each
# connection has an end here that does: in namespace b, bob's phone, and a relay of bytes between agent and access server.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

network
plain_host b
engine a
pki
access_server alice bob carol dave
for user in alice carol dave; do permit "$user" bob; done
password bob >/dev/null
capture wire b wire0
export SIP_TMP=$tmp SSLKEYLOGFILE=$tmp/keys.log
start relay b "$here/decode.py" relay "$(at_port "${address[s]}" 5061)" "$tmp"
wait_for 10 "the relay listens" logged relay listening
start bob b "$here/decode.py" bob "$(at_port "${address[s]}" 5061)" "$tmp"
wait_for 10 "bob listens" test -e "$tmp/bob.ready"

# The agent's way to the access server leads through the relay
server=${address[s]}
address[s]=10.77.0.3
agent a alice carol:decline dave:no
address[s]=$server
wait_for 20 "a call" test -e "$tmp/call.json"
on a "$here/decode.py" speak "$tmp"
finished bob 40
cat "$tmp/bob.log"
is "exit status of bob's script" "$ended" 0
# Log-out, at the server and at bob's, who is gone
stop agent-a
stop relay
stop wire

# Nothing is said about the media: that some UDP is SRTP, tshark learns from the session descriptions
tshark -r "$tmp/wire.pcap" -o "tls.keylog_file:$tmp/keys.log" -d tcp.port==5061,tls -d tcp.port==7001,tls \
	-d tls.port==5061,sip -d tls.port==7001,sip -T pdml >"$tmp/wire.pdml" 2>"$tmp/tshark.log"
"$here/decode_check.py" "$tmp/wire.pdml"
