#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The access server is killed with -9 in a call: hold, resume, re-key and hang-up go on between the two agents alone.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

alice_and_bob
call_and_talk alice bob
declare -A call=([a]=$(jq -r .call <<<"$placed") [b]=$(jq -r .call <<<"$taken"))
declare -A session=([a]=$(jq -r .session <<<"$placed") [b]=$(jq -r .session <<<"$taken"))
stop access KILL

# stats HOST FIELD: of the session's statistics
stats() { rpc "engine-$1" session.stats "{\"id\":${session[$1]}}" | jq -e ".$2"; }
wire_port() { rpc "engine-$1" session.list | jq -r '.sessions[0].wire.local | split(":") | last'; }
hold_is() { [ "$(call_at "$1" alice bob | jq -r .hold)" = "$2" ]; }
# flowing: a second of capture on the wire, and how many SRTP packets each side has sent in it
shot=0
flowing() {
	shot=$((shot + 1))
	capture "wire-$shot" n port-a udp
	sleep 1.5
	stop "wire-$shot"
	from_a=$(tcpdump -n -r "$tmp/wire-$shot.pcap" "src host ${address[a]} and udp src port $port_a" 2>/dev/null | wc -l)
	from_b=$(tcpdump -n -r "$tmp/wire-$shot.pcap" "src host ${address[b]} and udp src port $port_b" 2>/dev/null | wc -l)
	echo "$1: $from_a packets from a, $from_b from b in 1.5 s"
}
both_flow() {
	flowing "$1"
	at_least "$1: from a" "$from_a" 40
	at_least "$1: from b" "$from_b" 40
}
port_a=$(wire_port a)
port_b=$(wire_port b)
both_flow "before"

crowfly a hold "${call[a]}" >/dev/null
is "a says" "$(call_at a alice bob | jq -r .hold)" local
is "b says" "$(call_at b alice bob | jq -r .hold)" remote
flowing "held by a"
at_least "held by a: from a" "$from_a" 40
is "held by a: from b" "$from_b" 0
crowfly b hold "${call[b]}" >/dev/null
is "a says" "$(call_at a alice bob | jq -r .hold)" both
flowing "held by both"
is "held by both: from a" "$from_a" 0
is "held by both: from b" "$from_b" 0
crowfly b resume "${call[b]}" >/dev/null
crowfly a resume "${call[a]}" >/dev/null
is "a says" "$(call_at a alice bob | jq -r .hold)" none
both_flow "resumed"
for h in a b; do is "auth failures at $h of hold and resume" "$(stats $h rx.auth_failed)" 0; done

# New keys, from either side. The engine changes at once: what is under way then is lost, no more
for h in a b; do
	before=$(($(stats a rx.auth_failed) + $(stats b rx.auth_failed)))
	crowfly $h re-key "${call[$h]}" >/dev/null
	sleep 0.3
	after=$(($(stats a rx.auth_failed) + $(stats b rx.auth_failed)))
	echo "re-key by $h: $((after - before)) packets lost in the gap"
	[ $((after - before)) -le 25 ] || fail "the gap of the re-key is too long"
	at_a=$(stats a rx.packets) at_b=$(stats b rx.packets)
	both_flow "re-keyed by $h"
	at_least "received at a afterwards" "$(($(stats a rx.packets) - at_a))" 40
	at_least "received at b afterwards" "$(($(stats b rx.packets) - at_b))" 40
	is "auth failures after the gap" "$(($(stats a rx.auth_failed) + $(stats b rx.auth_failed)))" "$after"
done
replayed=$(($(stats a rx.replayed) + $(stats b rx.replayed)))
is "replayed" "$replayed" 0

crowfly a hang-up "${call[a]}" >/dev/null
wait_for 3 "both sessions gone" no_session
for h in a b; do
	stop app-$h
	is "wrong and duplicate at $h" "$(heard app-$h 'wrong + .duplicates')" 0
done
