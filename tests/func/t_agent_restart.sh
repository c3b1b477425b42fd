#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The agent of host a is killed with -9 in a call: media goes on. Restarted, it takes the call up again and hangs up.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

alice_and_bob
call_and_talk alice bob
sleep 1

before=$(rpc engine-b session.stats "{\"id\":$(jq .session <<<"$taken")}" | jq .rx.packets)
at_least "packets before" "$before" 30
stop agent-a KILL
sleep 1
at_least "packets received while the agent is gone" \
	"$(($(rpc engine-b session.stats "{\"id\":$(jq .session <<<"$taken")}" | jq .rx.packets) - before))" 30
rm -f "$tmp/agent-a.sock"
agent_start a
wait_for 10 "alice logged in again" registered alice
wait_for 5 "the call taken up" call_at a alice bob
again=$(call_at a alice bob)
is "the call's session" "$(jq .session <<<"$again")" "$(jq .session <<<"$placed")"
is "the call's state" "$(jq -r .state <<<"$again")" established
is "the application's address" "$(jq -r .receive_at <<<"$again")" "$(jq -r .receive_at <<<"$placed")"

rpc agent-a call.hang_up "{\"call\":$(jq .call <<<"$again")}" >/dev/null
wait_for 3 "both sessions gone" no_session
is "calls left at b" "$(rpc agent-b call.list | jq '[.calls[] | select(.state != "ended")] | length')" 0
for h in a b; do
	stop app-$h
	at_least "packets received at $h" "$(heard app-$h received)" 100
	is "lost, wrong, duplicate at $h" "$(heard app-$h 'lost + .wrong + .duplicates')" 0
done

# And a session of which the peer's agent knows nothing any more does not stay for ever: b is killed, a hangs up
placed=$(place alice bob)
stop agent-b KILL
rpc agent-a call.hang_up "{\"call\":$(jq .call <<<"$placed")}" >/dev/null
wait_for 3 "session gone at a" sessions_are a 0
rm -f "$tmp/agent-b.sock"
agent_start b
wait_for 10 "bob logged in again" registered bob
wait_for 10 "both sessions gone" no_session
