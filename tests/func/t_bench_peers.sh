#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The comparison with others as a test of correctness: each forwards a packet of every stream, which must decrypt to what was
# sent, and nothing that it starts outlives it. No figure decides anything here.
#
#   crowfly-bench --RTP--> rtpengine (where installed) or forwarder --SRTP--> crowfly-bench     one network namespace, loopback
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

bench=$bin/crowfly-bench
wanted='["crowfly","sockets+libsrtp2","sockets+ipsec_mb","sockets, no SRTP"]'
! command -v rtpengine >/dev/null || wanted=$(jq -c '.[:1] + ["rtpengine"] + .[1:]' <<<"$wanted")

"$bench" peers --suite AEAD_AES_256_GCM,AES_CM_128_HMAC_SHA1_32 --streams 100 --payload 160 --seconds 0.1 --repeats 1 --json "$tmp/peers.json" >"$tmp/peers.log" ||
	fail "peers: $(cat "$tmp/peers.log")"
for suite in AEAD_AES_256_GCM AES_CM_128_HMAC_SHA1_32; do
	codes=$(jq -c --arg suite $suite '[.results[] | select(.suite == $suite) | .code]' "$tmp/peers.json")
	[ "$codes" = "$wanted" ] || fail "$suite: measured are $codes, not $wanted"
	echo "$suite: verified and measured $codes"
done
jq -e 'all(.results[]; .mpps_per_cpu > 0 and .crowfly_ratio > 0 and .loss <= 0.001)' "$tmp/peers.json" >/dev/null ||
	fail "a row lacks its figures"

# children PID: the processes it has started
children() { pgrep -P "$1" || true; }
has_children() { [ -n "$(children "$1")" ]; }
has_ended() { ! kill -0 "$1"; }
for signal in INT TERM KILL; do
	"$bench" peers --streams 20 --seconds 600 >>"$tmp/peers.log" 2>&1 &
	pids[peers]=$!
	wait_for 20 "a process of the comparison" has_children "${pids[peers]}"
	left=$(children "${pids[peers]}")
	stop peers $signal
	for pid in $left; do
		wait_for 5 "the end of process $pid after SIG$signal" has_ended "$pid"
	done
	echo "SIG$signal: its processes have ended, too"
done
