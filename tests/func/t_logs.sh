#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Logs of the daemons: one JSON object a line, none forged or flooded by strangers; levels set while they run; what was set is
# saved and loaded; draining by command; health for scripts. Engine and agent at a, access server at s.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

network
pki
access_extra="log-format = json" access_server alice bob
permit alice bob
engine a --log-format json --log-level info
agent a alice -- "log-format = json"
client() { "$bin/crowfly" -s "$tmp/engine-a.sock" "$@"; }

# ---- strangers: rubbish to the access server, to the engine's wire port and to its API
for _ in $(seq 30); do
	on a timeout 5 bash -c 'exec 3<>/dev/tcp/10.77.0.1/5061; printf "\033[31m\"},\n{\"level\":\"error\"\n\n" >&3; timeout 0.2 cat <&3' \
		>/dev/null 2>&1 || true
done
for _ in $(seq 200); do echo rubbish; done | on s socat - UDP:10.77.0.2:20000 || true
for _ in $(seq 300); do printf '{"jsonrpc":"2.0","id":1,"method":"\\u001b[31m\\n"}\n'; done |
	timeout 10 socat -t 1 - "UNIX-CONNECT:$tmp/engine-a.sock" >/dev/null

# lines NAME: every line of a log is one object with the five fields
lines() {
	local all good
	all=$(grep -c . "$tmp/$1.log")
	good=$(jq -c 'select((keys_unsorted == ["time", "level", "program", "module", "message"]) and
		(.time | test("^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[.][0-9]{3}Z$")))' "$tmp/$1.log" | grep -c .)
	is "$1: lines that are objects" "$good" "$all"
	[ "$all" -gt 0 ] || fail "$1: no lines"
	[ "$all" -lt 60 ] || fail "$1: flooded: $all lines"
}
for name in access engine-a agent-a; do lines $name; done
is "programs" "$(jq -r .program "$tmp/access.log" "$tmp/engine-a.log" "$tmp/agent-a.log" | sort -u | tr '\n' ' ')" \
	"crowfly-access crowfly-agent crowfly-engine "
[ "$(jq -r 'select(.level == "error") | .message' "$tmp/access.log" | wc -l)" = 0 ] || fail "an error was forged"

# ---- DPDK's noise is not at notice, its types can be asked to speak
[ "$(jq -r 'select(.module == "dpdk" and (.level == "notice")) | .message' "$tmp/engine-a.log" | wc -l)" = 0 ] || fail "DPDK at notice"
is "a type" "$(client -j set log lib.eal debug)" '{"types":1}'
is "its level" "$(client -j show log | jq -r '.types[] | select(.type == "lib.eal") | .level')" debug
status=0
said=$(client set log nonsense debug 2>&1) || status=$?
is "an unknown type" "$status" 1
grep -q "no log type matches 'nonsense' (expected one of: global, engine, pktio, base, dpdk, lib.eal" <<<"$said" || fail "it said: $said"
status=0
client set log engine loud >/dev/null 2>&1 || status=$?
is "an unknown level" "$status" 2

# ---- packets in the log, a sample
client set verbose 1 >/dev/null
for _ in $(seq 20); do
	for _ in $(seq 100); do echo rubbish; done | on s socat - UDP:10.77.0.2:20000 || true
done
verbose() { grep -q "received: worker 0, wire, [0-9]* bytes, UDP 10.77.0.1 port [0-9]* to 10.77.0.2 port 20000 (first of" "$tmp/engine-a.log"; }
wait_for 5 "a packet in the log" verbose
[ "$(grep -c "received: worker" "$tmp/engine-a.log")" -le 100 ] || fail "the log is flooded with packets"

# ---- saved, and loaded into another engine
client set log pktio warning >/dev/null
client save "$tmp/settings" >/dev/null
is "mode of the settings" "$(stat -c %a "$tmp/settings")" 600
is "settings" "$(grep -v '^#' "$tmp/settings" | tr '\n' ';')" "set verbose 1;set log lib.eal debug;set log pktio warning;"
engine b
"$bin/crowfly" -s "$tmp/engine-b.sock" load "$tmp/settings" >/dev/null
is "loaded" "$("$bin/crowfly" -s "$tmp/engine-b.sock" -j show log | jq -r '.types[] | select(.type == "pktio") | .level')" warning
client set verbose 0 >/dev/null

# ---- draining by command
add() {
	rpc engine-a session.add "{\"wire\":{\"local\":\"10.77.0.2:$1\",\"remote\":\"10.77.0.3:20000\"},
		\"host\":{\"local\":\"$engine_ip:$(($1 + 10000))\",\"remote\":\"$app_ip:40000\"},\"suite\":\"AES_CM_128_HMAC_SHA1_80\",
		\"tx_key\":\"$(head -c 30 /dev/urandom | base64)\",\"rx_key\":\"$(head -c 30 /dev/urandom | base64)\"}"
}
add 21000 >/dev/null
is "draining" "$(client -j drain | jq -c '[.draining, .sessions, .cut_off_in_s]')" "[true,1,null]"
refusal=$(add 21002 || true)
is "a session while draining" "$(jq .code <<<"$refusal")" -32005
is "health while draining" "$(client -j show health | jq -r '.checks[] | select(.name == "draining") | .state')" WARN
client undrain >/dev/null
add 21002 >/dev/null
is "draining no more" "$(client -j drain status | jq -c '[.draining, .sessions]')" "[false,2]"
client drain timeout 1 >/dev/null
drained() { [ "$(client -j drain status | jq -c '[.sessions, .cut_off_in_s]')" = "[0,0]" ]; }
wait_for 10 "drained" drained
wait_for 5 "the log says so" logged engine-a "drained: no session is left"
client undrain >/dev/null

# ---- health and version
status=0
client show health >"$tmp/health" || status=$?
is "status of a healthy engine" "$status" 0
is "lines that are OK or WARN" "$(grep -cE '^(OK|WARN)  ' "$tmp/health")" "$(grep -c . "$tmp/health")"
on a ip link set host0 down
down() { client show health >"$tmp/health" || [ $? = 1 ]; grep -q "^FAIL  host       net_tap1: link down" "$tmp/health"; }
wait_for 10 "unhealthy with its host port down" down
status=0
client show health >/dev/null || status=$?
is "status of an unhealthy engine" "$status" 1
is "version" "$(client -j show version | jq -r .dpdk | cut -d. -f1)" "DPDK 22"
for name in access engine-a agent-a; do
	jq -e . "$tmp/$name.log" >/dev/null || fail "$name: a line is no object"
done
stop engine-a
is "status" "$ended" 0
