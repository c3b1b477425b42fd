#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Only a granting response sets a session up (C9): declined, busy, not answered, cancelled, killed while ringing,
# callee's host gone: no SRTP packet on the wire, nothing left in either engine or agent.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

network
pki
access_server alice bob carol dave frank
for user in bob carol dave frank; do permit alice $user; done
engine a
engine b
capture wire n port-a udp and not port 5353
agent a alice -- "answer-timeout = 5"
agent b bob:decline carol:busy dave:no frank:yes -- "answer-timeout = 20"

# nothing_left: no session, no call under way
nothing_left() {
	no_session && [ "$(rpc "agent-a" call.list | jq '[.calls[] | select(.state != "ended")] | length')" = 0 ]
}

# refused TO STATUS...: a call that must fail with one of these
refused() {
	local to=$1 said status expected
	shift
	said=$(place alice "$to") && fail "alice -> $to was set up: $said"
	status=$(jq -r '.data.status' <<<"$said")
	for expected; do
		if [ "$status" = "$expected" ]; then
			wait_for 3 "nothing left of alice -> $to" nothing_left
			echo "ok: alice -> $to: $(jq -c . <<<"$said")"
			return
		fi
	done
	fail "alice -> $to: $said, expected $*"
}

# ringing: dave's phone rings, and so it says at alice's
ringing() { call_at b alice dave | jq -e '.state == "ringing"' && call_at a alice dave | jq -e '.state == "ringing"'; }

# while_ringing WHAT COMMAND...: dave's phone rings, then the command, then the call has failed
while_ringing() {
	local what=$1 pid
	shift
	(if place alice dave; then touch "$tmp/granted"; fi) >"$tmp/placed" &
	pid=$!
	wait_for 3 "dave's phone rings" ringing
	is "$what: sessions while it rings" "$(sessions a) $(sessions b)" "0 0"
	"$@" >/dev/null
	wait $pid
	[ ! -e "$tmp/granted" ] || fail "$what: the call was set up"
	wait_for 3 "$what: nothing left" nothing_left
	echo "ok: $what: $(cat "$tmp/placed")"
}

decline() { rpc agent-b call.decline "{\"call\":$(call_at b alice dave | jq .call)}"; }
cancel() { rpc agent-a call.hang_up '{"all": true}'; }

refused bob 603
refused carol 486
refused dave 408 480 487
wait_for 3 "dave's phone is silent again" eval '! call_at b alice dave'
while_ringing "declined by hand" decline
is "status" "$(jq .data.status "$tmp/placed")" 603
while_ringing "cancelled by the caller" cancel
wait_for 3 "dave's phone is silent again" eval '! call_at b alice dave'
while_ringing "agent killed while ringing" stop agent-b KILL
unset "pids[agent-b]"
refused dave 408 480 500 503
refused frank 408 480 500 503

# The same capture sees SRTP when a call is granted
rm -f "$tmp/agent-b.sock"
agent_start b
wait_for 10 "frank logged in again" registered frank
wait_for 5 "frank is reachable again" peer_is alice frank online
wire_before=$(packets wire --udp)
is "UDP packets on the wire after all refusals" "$wire_before" 0
placed=$(place alice frank)
is "control call" "$(jq -r .state <<<"$placed")" established
talk app a "$(jq -r .receive_at <<<"$placed")" "$(jq -r .send_to <<<"$placed")" --packets 20 --linger 0.3
finished app
rpc agent-a call.hang_up '{"all": true}' >/dev/null
wait_for 3 "nothing left" nothing_left
stop wire
at_least "SRTP packets of the control call" "$(packets wire --udp)" 20
