#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What the client shows of an engine while a call is up: workers, stages, drops, why packets do not authenticate, latency, jitter, traces.
# Engine b has at first another key than engine a waits for. Nothing of what is switched on and off costs the call a packet.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

network
engine a --metrics "$tmp/metrics.sock"
engine b
key1=$(new_key)
key2=$(new_key)
other=$(new_key)
# show COMMAND...: at engine a, for people; json COMMAND... as JSON
show() { "$bin/crowfly" -s "$tmp/engine-a.sock" "$@" | tee -a "$tmp/shown.log"; }
json() { "$bin/crowfly" -s "$tmp/engine-a.sock" -j "$@" | tee -a "$tmp/shown.log"; }
# says WHAT TEXT COMMAND...
says() {
	local text
	text=$(show "${@:3}")
	grep -q -- "$2" <<<"$text" || fail "$1: $text"
}
drops() { json show drops | jq ".drops[] | select(.reason == \"$1\") | .packets"; }
id=$(add_session a 10.77.0.3 "$key1" "$key2")
peer=$(add_session b 10.77.0.2 "$other" "$key1")

# The peer has another key
talk app-a a "$app_ip:40000" "$engine_ip:30000"
talk app-b b "$app_ip:40000" "$engine_ip:30000"
looked_into() { [ "$(json show drops session "$id" | jq '.auth_failure.sampled // 0')" -gt 0 ]; }
wait_for 5 "a failure is explained" looked_into
is "cause" "$(json show drops session "$id" | jq -r .auth_failure.cause)" wrong_key
is "would pass" "$(json show drops session "$id" | jq -c .auth_failure.would_pass)" '{"roc_plus_1":false,"roc_minus_1":false}'
says "the cause" "wrong_key: does not pass, nor did any other with this key" show drops session "$id"
says "the drops" "auth_failed .*" show drops
is "log lines" "$(grep -c 'did not authenticate' "$tmp/engine-a.log")" 1

# Then it has the right one
rpc engine-b session.update "{\"id\":$peer,\"suite\":\"AEAD_AES_128_GCM\",\"tx_key\":\"$key2\",\"rx_key\":\"$key1\"}" >/dev/null
stop app-a
stop app-b
[ "$(drops auth_failed)" -gt 0 ] || fail "no packet was dropped"
total=$(rpc engine-a stats | jq .drops.auth_failed)
is "clear drops" "$(show clear drops)" ok
is "dropped since" "$(drops auth_failed)" 0
is "totals after it" "$(rpc engine-a stats | jq .drops.auth_failed)" "$total"
is "metrics after it" "$("$here/metrics.py" scrape "$tmp/metrics.sock" |
	jq '.["crowfly_engine_dropped_packets_total{worker=\"0\",reason=\"auth_failed\"}"]')" "$total"

# A call, while everything is switched on and off
talk app-a a "$app_ip:40000" "$engine_ip:30000"
talk app-b b "$app_ip:40000" "$engine_ip:30000"
is "set latency" "$(show set latency on)" ok
sleep 1
is "trace add" "$(show trace add session "$id" count 6)" ok
sleep 2
says "a packet's way" "unprotect .*took" show trace
says "where it went" "sent out of host" show trace
is "packets traced" "$(json show trace | jq '.packets | length')" 6
is "both ways" "$(json show trace | jq -c '[.packets[] | .from] | unique')" '["host","wire"]'
is "clear trace" "$(show clear trace)" ok
is "packets traced after it" "$(json show trace | jq '.packets | length')" 0
show trace add drops no_session count 5 >/dev/null
is "latency is on" "$(json show latency | jq .on)" true
at_least "packets measured" "$(json show latency | jq '[.latencies[] | select(.worker == null) | .packets] | add')" 50
is "set latency off" "$(show set latency off)" ok
is "clear latency" "$(show clear latency)" ok
is "measured after it" "$(json show latency | jq '[.latencies[].packets] | add')" 0
is "streams" "$(json show workers | jq '[.workers[].streams] | add')" 2
at_least "packets of worker 0" "$(json show workers | jq '.workers[0].rx_packets')" 100
is "packets in a batch" "$(json show workers | jq '.workers[0].packets_per_batch >= 1')" true
at_least "stages timed" "$(json show stages | jq '[.stages[] | select(.total.packets > 0)] | length')" 8
says "the stages" "^rewrite  " show stages
is "streams with jitter" "$(json show jitter | jq -c '[.wire.streams, .host.streams]')" '[1,1]'
is "the worst" "$(json show jitter worst 1 | jq '.worst | length')" 1
sleep 1
for h in a b; do
	stop app-$h
	at_least "packets received at $h" "$(heard app-$h received)" 100
	is "lost, wrong, duplicate at $h" "$(heard app-$h 'lost + .wrong + .duplicates')" 0
done

# What is wrong is said, and the exit status tells
# refused STATUS TEXT COMMAND...
refused() {
	local status=0
	"$bin/crowfly" -s "$tmp/engine-a.sock" "${@:3}" >"$tmp/refused.log" 2>&1 || status=$?
	is "status of ${*:3}" "$status" "$1"
	grep -q -- "$2" "$tmp/refused.log" || fail "${*:3}: $(cat "$tmp/refused.log")"
}
refused 2 "expected: .*auth_failed" trace add drops bad_luck count 1
refused 2 "expected" trace add session 1 count 0
refused 1 "no session 99" trace add session 99 count 1
refused 1 "count: expected" trace add ssrc 7 count 1001
refused 1 "no session 99" show drops session 99
refused 2 "on.*off" set latency maybe
refused 1 "worst: expected an integer from 0 to 100" show jitter worst 101
for key in "$key1" "$key2" "$other"; do
	! grep -qF "${key:0:20}" "$tmp/shown.log" "$tmp/engine-a.log" || fail "a key was shown"
done
