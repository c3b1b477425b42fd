#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# DPDK's telemetry tells of the engine to dpdk-telemetry.py, as every DPDK program does: totals, drops, lists in pages, no
# key. The engine is in namespace a.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

network
# The folder of DPDK's sockets; the client looks there, too
export RUNTIME_DIRECTORY=$tmp
engine a --sessions 2000
wait_for 5 "ready" logged engine-a "ready, API"
prefix=$(basename "$(dirname "$(find "$tmp/dpdk" -name dpdk_telemetry.v2)")")

# ask COMMAND...: the answers
ask() { timeout 20 "$here/telemetry.py" "$tmp/dpdk/$prefix/dpdk_telemetry.v2" "$@"; }

is "the python client connects" "$(echo /crowfly/info | timeout 20 dpdk-telemetry.py -f "$prefix" | grep -c '"crowfly-engine"')" 1
is "commands" "$(ask / | jq '[.["/"][] | select(startswith("/crowfly/"))] | length')" 9
is "crypto" "$(ask /crowfly/info | jq -r '.[] | .crypto')" "$(rpc engine-a info | jq -r .crypto)"
is "no session" "$(ask /crowfly/session/list | jq -c '.[]')" '{"count":0,"next":0,"sessions":[]}'

# 600 sessions are three pages
jq -nc --arg engine "$engine_ip" --arg app "$app_ip" 'def key: "00000000000000000000000000000\(.)"[-30:] | @base64;
	range(1; 601) | {jsonrpc: "2.0", id: ., method: "session.add", params: {suite: "AES_CM_128_HMAC_SHA1_80",
		wire: {local: "10.77.0.2:\(20000 + . * 2)", remote: "10.77.0.3:20000"},
		host: {local: "\($engine):\(30000 + . * 2)", remote: "\($app):40000"}, tx_key: key, rx_key: (. + 1000 | key)}}' >"$tmp/requests"
timeout 60 socat -t 1 - "UNIX-CONNECT:$tmp/engine-a.sock" <"$tmp/requests" >"$tmp/answers"
is "sessions added" "$(grep -c result "$tmp/answers")" 600
after=0
seen=0
pages=0
while :; do
	page=$(ask "/crowfly/session/list,$after" | jq -c '.[]')
	is "count on page $pages" "$(jq .count <<<"$page")" 600
	seen=$((seen + $(jq '.sessions | length' <<<"$page")))
	pages=$((pages + 1))
	after=$(jq .next <<<"$page")
	[ "$after" != 0 ] || break
done
is "pages" "$pages" 3
is "sessions in them" "$seen" 600
is "totals" "$(ask /crowfly/totals | jq '.[] | .sessions')" 600
id=$(jq -s '.[0].result.id' "$tmp/answers")
is "a session" "$(ask "/crowfly/session/stats,$id" | jq -c '.[] | [.id, .suite, ."rx/packets"]')" "[$id,\"AES_CM_128_HMAC_SHA1_80\",0]"
is "reasons of drops" "$(ask /crowfly/drops | jq '.[] | length')" "$(rpc engine-a stats | jq '.drops | length')"
is "health" "$(ask /crowfly/health | jq -r '.[] | .workers')" "OK: 1, all moving"
is "workers" "$(ask /crowfly/worker/list | jq -c '.[]')" '[0]'
[ "$(ask /crowfly/worker/stats,0 | jq '.[] | .iterations')" -gt 0 ] || fail "the worker has no turns"
at_least "stages" "$(ask /crowfly/stages | jq '.[] | length')" 9

# What is wrong is answered with null, as DPDK has it
for wrong in worker/stats worker/stats,1 worker/stats,x worker/stats,-1 session/stats session/stats,0 session/stats,99999 session/stats,1x \
	session/list,x session/list,99999999999999999999; do
	is "$wrong" "$(ask "/crowfly/$wrong" | jq -c '.[]')" null
done

# Eight clients at once
for _ in $(seq 8); do ask /crowfly/totals /crowfly/health /crowfly/session/list >>"$tmp/many" & done
answered() { [ "$(grep -c . "$tmp/many")" -ge 24 ]; }
wait_for 20 "all are answered" answered
is "answers" "$(jq -s '[.[] | .[] | select(. != null)] | length' "$tmp/many")" 24

# A control thread that stands still: who asks gets null after a second, and the engine goes on when it does
tid=$(rpc engine-a info | jq .pid)
mkfifo "$tmp/hold"
"$here/manager.py" hold "$tid" "$(cat "/proc/$tid/comm")" <"$tmp/hold" >"$tmp/hold.log" 2>&1 8>&- 9>&- &
pids[hold]=$!
exec 7>"$tmp/hold"
wait_for 5 "the control thread is held" logged hold held
is "while it is held" "$(ask /crowfly/totals)" '{"/crowfly/totals":null}'
exec 7>&-
finished hold
is "when it goes on" "$(ask /crowfly/totals | jq '.[] | .sessions')" 600

# No key in any answer: those of the sessions, and the options, which hold none
ask "/crowfly/session/stats,$id" /eal/params /eal/app_params /crowfly/info >"$tmp/said"
for i in 1 2 600 1001 1600; do
	! grep -qF "$(printf '%030d' "$i" | base64)" "$tmp/said" || fail "a key in telemetry"
done
stop engine-a
is "status" "$ended" 0
