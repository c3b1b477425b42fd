#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Garbage, truncated packets, wrong addresses, replayed and bit-flipped SRTP in bursts at full speed, put on engine a's wire from
# the bridge: each is counted by its reason, and the call that runs meanwhile loses nothing.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

network
engine a
engine b
session_between
capture wire n port-a udp port 20000
talk app-a a "$app_ip:40000" "$engine_ip:30000"
talk app-b b "$app_ip:40000" "$engine_ip:30000"
sleep 3
stop wire
on n "$here/hostile.py" port-a "$tmp/wire.pcap" 10.77.0.2:20000 >"$tmp/sent.json"
sleep 1
drops=$(rpc engine-a stats | jq -c .drops)
session=$(rpc engine-a session.stats "{\"id\":$id}")
echo "sent: $(cat "$tmp/sent.json")"
echo "dropped: $drops"

for reason in malformed wrong_source too_short not_rtp punt_no_taker replay_old auth_failed srtp_malformed; do
	at_least "dropped as $reason" "$(jq ".$reason // 0" <<<"$drops")" 100
done
at_least "authentication failures of the session" "$(jq .rx.auth_failed <<<"$session")" 100
at_least "replays of the session" "$(jq .rx.replayed <<<"$session")" 100
for h in a b; do
	alive "engine-$h" || fail "engine $h has ended"
	stop app-$h
	at_least "packets received at $h" "$(heard app-$h received)" 150
	is "wrong, duplicate, foreign at $h" "$(heard app-$h 'wrong + .duplicates + .streams')" 1
	is "lost at $h" "$(heard app-$h lost)" 0
done
