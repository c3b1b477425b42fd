#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# No key, session key, password, token or payload in what the system tells: known keys in sessions by command, recorded ones of a
# call; every command of the table, with and without -j, all log levels, both log formats, metrics, telemetry, traces, encrypted
# captures, saved settings, answers to bad requests, --check, arguments; nor in a core dump. What is looked for, and how: secrets_commands.py.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

secrets() { "$here/secrets_commands.py" "$1" "$tmp" "${@:2}"; }
mkdir "$tmp/bin" "$tmp/said" "$tmp/core"
secrets make

# The programs, started where a core dump would be allowed and seen, without the right to look into others; the client's output is
# kept. DPDK's telemetry goes to $tmp/dpdk
real=$bin
export RUNTIME_DIRECTORY=$tmp
for program in crowfly-engine crowfly-agent crowfly-access sleep; do
	cat >"$tmp/bin/$program" <<-END
		#!/bin/sh
		ulimit -c unlimited
		cd "$tmp/core"
		PATH="$real:\$PATH" exec setpriv --bounding-set=-sys_ptrace --inh-caps=-sys_ptrace $program "\$@"
	END
done
cat >"$tmp/bin/crowfly" <<-END
	#!/bin/bash
	exec "$real/crowfly" "\$@" > >(tee -a "$tmp/said/commands") 2> >(tee -a "$tmp/said/commands" >&2)
END
chmod +x "$tmp"/bin/*
bin=$tmp/bin

network
pki
access_extra="metrics = $tmp/access-metrics.sock
log-level = debug
log-format = json" access_server alice bob carol
permit alice bob
permit bob carol
engine a --log-level debug --metrics "$tmp/engine-metrics.sock"
engine b --log-level debug --log-format json

# Where agents look for their engines, a recorder of all requests stands
for h in a b; do
	mv "$tmp/engine-$h.sock" "$tmp/direct-$h.sock"
	start "tap-$h" "$h" socat -r "$tmp/tapped-$h" "UNIX-LISTEN:$tmp/engine-$h.sock,fork" "UNIX-CONNECT:$tmp/direct-$h.sock"
	wait_for 5 "the recorder listens" test -S "$tmp/engine-$h.sock"
done
agent b bob -- "log-level = debug" "log-format = json"
agent a alice carol:no -- "log-level = debug" "metrics = $tmp/agent-metrics.sock"
placed=$(place alice bob)
is "call" "$(jq -r .state <<<"$placed")" established
taken=$(call_at b alice bob)
secrets tapped "$tmp/tapped-a" "$tmp/tapped-b"
head -c 18 /dev/urandom | base64 >"$tmp/gen.password"
chmod 600 "$tmp/gen.password"
secrets passwords "$tmp"/{alice,bob,carol,gen}.password
secrets control

# Sessions with known keys at each log level; packets of the call all the time, looked at in every way
client() { "$bin/crowfly" -s "$tmp/direct-a.sock" "$@"; }
start speaker a "$here/secrets_commands.py" speak "$(jq -r .receive_at <<<"$placed")" "$(jq -r .send_to <<<"$placed")"
client set verbose 1 >/dev/null
ids=()
for level in error warning notice info debug; do
	client set log global "$level" >/dev/null
	for file in "$tmp"/session-*.json; do
		id=$(client -j session add "$file" | jq .id)
		client -j show session "$id" detail >/dev/null
		rpc direct-a session.update "$(jq -c --argjson id "$id" '{id: $id, suite, tx_key: .rx_key, rx_key: .tx_key}' "$file")" >>"$tmp/said/updates"
		if [ $level = debug ]; then ids+=("$id"); else client session remove "$id" >/dev/null; fi
	done
done
client set gen sessions 3 remote 10.77.0.3:50000 key "$tmp/gen.password" >/dev/null
client show gen >/dev/null
client save "$tmp/said/gen" >/dev/null
client clear gen >/dev/null
for where in "session $(jq .session <<<"$placed")" "drops"; do
	# shellcheck disable=SC2086
	client trace add $where count 50 >/dev/null
done
client capture start session "$(jq .session <<<"$placed")" file "$tmp/said/session.pcapng" count 50 >/dev/null
captured() { [ "$(client -j show capture | jq -r .state)" = ended ]; }
wait_for 10 "50 packets of the call captured" captured
client capture start port wire file "$tmp/said/wire.pcapng" count 50 >/dev/null
wait_for 10 "50 packets of the port captured" captured
at_least "packets traced" "$(client -j show trace | jq '.packets | length')" 40
wait_for 10 "packets in the log" logged engine-a "spkr\|ssrc"

# Bad requests with keys in them, bad files
secrets provoke "$tmp/direct-a.sock" "$tmp/agent-a.sock" >"$tmp/said/answers"
at_least "answers" "$(wc -l <"$tmp/said/answers")" 300
for file in "$tmp"/session-*.json; do
	for filter in 'del(.suite)' '.rx_key += "AAAA"' '{(.tx_key): 1} + .' '.suite = .tx_key'; do
		! jq -c "$filter" "$file" | client session add - >/dev/null 2>&1 || fail "$filter is taken"
	done
	! head -c -9 "$file" | client session add - >/dev/null 2>&1 || fail "half a file is taken"
done
# What root would dump of the engine holds no key of these
secrets memory "${pids[engine-a]}"
for id in "${ids[@]}"; do client session remove "$id" >/dev/null; done
sed "s/^password-file.*/password = $(cat "$tmp/alice.password")/" "$tmp/agent-a.conf" >"$tmp/wrong.conf"
! "$bin/crowfly-agent" --config "$tmp/wrong.conf" >>"$tmp/said/wrong" 2>&1 || fail "a password in the file is taken"
! "$bin/crowfly-access" --config "$tmp/gen.password" >>"$tmp/said/wrong" 2>&1 || fail "a password as a file is taken"

# Every command of the table
"$here/commands.py" "$bin/crowfly" "$(jq -nc --arg tmp "$tmp" --argjson placed "$placed" --argjson taken "$taken" '{
	tmp: $tmp, call: $placed.call, session: $placed.session, receive_at: $placed.receive_at, send_to: $placed.send_to,
	call_b: $taken.call, session_b: $taken.session,
	sockets: ([["engine", "direct"], ["agent", "agent"] | . as [$s, $file] | ("a", "b") as $h |
		{("\($s)-\($h)"): "\($tmp)/\($file)-\($h).sock"}] | add)}')" >"$tmp/commands.log" 2>&1 ||
	fail "the commands: $(tail -n 1 "$tmp/commands.log")"
"$real/crowfly" -j help | jq -e '.commands | length > 60' >/dev/null || fail "few commands"

# Metrics, telemetry, --check, arguments
for program in engine agent access; do "$here/metrics.py" text "$tmp/$program-metrics.sock" >"$tmp/said/$program-metrics"; done
find "$tmp/dpdk" -name dpdk_telemetry.v2 | while read -r telemetry; do
	ask() { timeout 60 "$here/telemetry.py" "$telemetry" "$@"; }
	ask / | jq -r '.["/"][] | select(startswith("/crowfly/") or startswith("/eal/") or startswith("/ethdev/")) | ., . + ",0", . + ",1"' >"$tmp/asked"
	mapfile -t asked <"$tmp/asked"
	ask "${asked[@]}"
done >>"$tmp/said/telemetry" 2>&1
at_least "lines of telemetry" "$(grep -c crowfly "$tmp/said/telemetry")" 20
"$bin/crowfly-engine" --check --wire net_ring0 --host net_ring1 >"$tmp/said/check" 2>&1 || true
rpc direct-b settings >"$tmp/said/settings"
cp "$tmp/saved" "$tmp/said/"
for name in engine-a engine-b agent-a agent-b access; do
	tr '\0' ' ' <"/proc/${pids[$name]}/cmdline" >>"$tmp/said/arguments"
	cat "/proc/${pids[$name]}/environ" >>"$tmp/said/environment"
done

# A core dump: no limit lets one be made, none but root may look
# shellcheck disable=SC2016
looks() { setpriv --bounding-set=-sys_ptrace --inh-caps=-sys_ptrace bash -c 'exec <"$1"' bash "/proc/${pids[$1]}/mem" 2>/dev/null; }
start sleeper a "$bin/sleep" 100
wait_for 5 "the same right opens another program" looks sleeper
for name in engine-a agent-a access; do
	! looks $name || fail "$name can be looked into"
	is "core limit of $name" "$(awk '/Max core file size/ {print $5, $6}' "/proc/${pids[$name]}/limits")" "0 0"
done
for name in speaker tap-a tap-b; do stop $name; done
for name in engine-a agent-a access; do
	stop $name ABRT
	is "end of $name" "$ended" 134
done
is "core dumps" "$(find "$tmp/core" -type f | wc -l)" 0
stop sleeper ABRT
[[ $(cat /proc/sys/kernel/core_pattern) =~ ^[^/\|]+$ ]] && is "core dumps of the other program" "$(find "$tmp/core" -type f | wc -l)" 1
for name in agent-b engine-b; do stop $name; done

at_least "bytes said by commands" "$(wc -c <"$tmp/said/commands")" 50000
at_least "debug lines" "$(cat "$tmp"/*.log | grep -ci debug)" 10
secrets search "$tmp"/*.log "$tmp"/said/*
