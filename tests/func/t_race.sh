#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# 1,000 pairs log in at the same moment, one half of each from the agent of host a, the other from that of b: there is
# no pair in which neither learns of the other.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

pairs=1000
network
plain_host a
plain_host b
pki
access_server
file=$(password everybody)
for h in a b; do
	agent_config $h "log-level = warning"
	for ((i = 0; i < pairs; i++)); do
		printf '[endpoint sip:%s%d@%s]\npassword-file = %s\n' $h $i $domain "$file"
	done >>"$tmp/agent-$h.conf"
done
(
	umask 077
	for h in a b; do seq -f "sip:$h%.0f@$domain $(cat "$file")" 0 $((pairs - 1)); done >"$tmp/users"
)
paste -d ' ' <(seq -f "sip:a%.0f@$domain" 0 $((pairs - 1))) <(seq -f "sip:b%.0f@$domain" 0 $((pairs - 1))) >"$tmp/pairs"
access_command user add -f "$tmp/users"
access_command permit -f "$tmp/pairs"
start agent-a a "$bin/crowfly-agent" --config "$tmp/agent-a.conf"
start agent-b b "$bin/crowfly-agent" --config "$tmp/agent-b.conf"

all_registered() {
	[ "$(rpc agent-a endpoint.list | jq '[.endpoints[] | select(.state == "registered")] | length')" = $pairs ] &&
		[ "$(rpc agent-b endpoint.list | jq '[.endpoints[] | select(.state == "registered")] | length')" = $pairs ]
}
# learnt HOST: the numbers of its endpoints that know their other half online
learnt() {
	rpc "agent-$1" peer.list |
		jq -r '.peers[] | select(.status != "offline") | .endpoint | capture("sip:.(?<n>[0-9]+)@").n' | sort
}
began=$(now_ms)
wait_for 60 "all endpoints logged in" all_registered
echo "logged in: $((2 * pairs)) endpoints in $(($(now_ms) - began)) ms"
all_learnt() { [ "$(sort -um <(learnt a) <(learnt b) | wc -l)" = $pairs ]; }
wait_for 20 "of every pair one has learnt of the other" all_learnt
echo "learnt: $(learnt a | wc -l) at a, $(learnt b | wc -l) at b," \
	"$(comm -12 <(learnt a) <(learnt b) | wc -l) pairs both"
