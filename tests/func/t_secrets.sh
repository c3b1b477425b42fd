#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# No secret in any log, though all programs tell everything (debug): logins good and bad, notifications, a call with new
# keys. Nor in arguments, nor in what the sockets say of calls and sessions.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

network
pki
access_server alice bob
permit alice bob
stop access
unset "pids[access]"
start access s "$bin/crowfly-access" --config "$tmp/access.conf" --log-level debug
wait_for 10 "access server listens" logged access "listening on"
engine a --log-level debug
engine b --log-level debug
agent a alice -- "log-level = debug"
agent b bob:yes -- "log-level = debug"
wait_for 5 "bob is confirmed" peer_is alice bob online

# A login with a wrong password beside them
secrets=("$(cat "$tmp/alice.password")" "$(cat "$tmp/bob.password")")
echo "a wrong secret 4711" >"$tmp/mallory.password"
chmod 600 "$tmp/mallory.password"
secrets+=("$(cat "$tmp/mallory.password")")
sed -e 's/^\[endpoint .*/[endpoint sip:alice@example.org]/; s/^password-file.*/password-file = '"${tmp//\//\\/}"'\/mallory.password/' \
	-e 's/^\(listen = .*\):5061/\1:5071/; s/state-b/state-m/; s/agent-b.sock/agent-m.sock/' "$tmp/agent-b.conf" >"$tmp/agent-m.conf"
mkdir -p "$tmp/state-m"
start agent-m b "$bin/crowfly-agent" --config "$tmp/agent-m.conf"
wait_for 10 "the wrong password is refused" logged agent-m "refuses the login"

placed=$(place alice bob)
is "call" "$(jq -r .state <<<"$placed")" established
for name in "${!pids[@]}"; do tr '\0' ' ' <"/proc/${pids[$name]}/cmdline" >>"$tmp/arguments.log"; done
{
	echo "$placed"
	rpc agent-a call.list
	rpc agent-b call.list
	rpc engine-a session.list
	rpc engine-b session.list
} >"$tmp/said.log"
rpc agent-a call.hang_up '{"all": true}' >/dev/null
for name in agent-m agent-a agent-b engine-a engine-b access; do
	stop $name
	unset "pids[$name]"
done

at_least "bytes of logs" "$(cat "$tmp"/*.log | wc -c)" 3000
at_least "debug lines" "$(cat "$tmp"/*.log | grep -ci debug)" 1
for secret in "${secrets[@]}"; do
	grep -lF -e "$secret" "$tmp"/*.log && fail "a password is told"
done
# Tokens and JWKs, keys in SDP, keys in the engine's API, digests
grep -lE -e 'eyJ[A-Za-z0-9_-]{10}' -e 'inline:' -e '"[tr]x_key"' -e 'Bearer [A-Za-z0-9]' -e 'response="[0-9a-f]{32}' "$tmp"/*.log &&
	fail "a key, a token or a digest is told"
echo "ok: no secret in $(cat "$tmp"/*.log | wc -l) lines"
