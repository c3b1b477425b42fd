#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The ports of an engine by the client, in testpmd's layouts: what they are and counted; stopped and started under a call.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

network
engine a --metrics "$tmp/metrics-a"
engine b
session_between
talk app-a a "$app_ip:40000" "$engine_ip:30000"
talk app-b b "$app_ip:40000" "$engine_ip:30000"
client() { "$bin/crowfly" -s "$tmp/engine-a.sock" "$@"; }
# shows TEXT COMMAND...: a line of the output
shows() {
	client "${@:2}" >"$tmp/shown"
	grep -q -- "$1" "$tmp/shown" || fail "$*: $(cat "$tmp/shown")"
}
is_so() { client -j "${@:2}" | jq -e "$1" >/dev/null; }
has() { is_so "$@" || fail "$*: $(client -j "${@:2}")"; }
received() { rpc engine-a session.stats "{\"id\":$id}" | jq .rx.packets; }
more_than() { [ "$(received)" -gt "$1" ]; }
wait_for 5 "packets flow" more_than 50

has '.ports | map(.role) == ["wire", "host", "exception"]' show port info all
has '.ports | length == 1 and .[0].driver == "net_af_xdp" and .[0].started and .[0].mtu == 1500' show port info wire
shows 'Infos for port 0 ' show port info 0
shows '^Driver name: net_af_xdp$' show port info 0
shows '^Number of available ports: 3$' show port summary all
shows 'NIC statistics for port 0 ' show port stats wire
shows '^  RX-packets: [1-9]' show port stats wire
shows '^  Rx-pps: *[1-9]' show port stats wire
shows 'NIC extended statistics for port 0' show port xstats wire
has '.ports[0].xstats.rx_good_packets > 50' show port xstats wire

# The rates of one client are its own: three shows, one of another client between the last two
printf 'show port stats wire\nshow port stats wire\nclear port stats wire\nshow port stats wire\n' >"$tmp/commands"
client -f "$tmp/commands" >"$tmp/shown"
is "shows with rates since the last show" "$(grep -c 'since last show' "$tmp/shown")" 1
is "first shows" "$(grep -c 'Throughput (of 0.2 s)' "$tmp/shown")" 2
grep -q 'NIC statistics for port 0 cleared' "$tmp/shown" || fail "not cleared"
total() { rpc engine-a port.list | jq '.ports[0].rx_packets'; }
before=$(total)
client clear port stats all >/dev/null
at_least "the totals go on" "$(total)" "$before"
metric=$(on a curl -s --unix-socket "$tmp/metrics-a" http://x/metrics |
	sed -n 's/^crowfly_engine_port_received_packets_total{port="wire"} //p')
at_least "Prometheus' too" "$metric" "$before"
has ".ports[0].rx_packets < $before" show port stats wire

# Stopped: nothing is forwarded, all is counted; started again, the call goes on
shows '^Port 0 (wire) is now stopped$' port stop wire
shows '^Port 0 (wire) was already stopped$' port stop 0
before=$(received)
sleep 0.7
is "received while the port is stopped" "$(received)" "$before"
at_least "dropped as port_stopped" "$(rpc engine-a stats | jq .drops.port_stopped)" 10
shows 'wire *stopped' show port summary all
shows '^Port 0 (wire) is now started$' port start all
wait_for 5 "the call goes on" more_than "$((before + 50))"
# The application's side, while it sends: its kernel interface goes down with net_tap
for _ in 1 2 3; do
	client port stop all >/dev/null
	client port start all >/dev/null
done
before=$(received)
wait_for 5 "the call goes on again" more_than "$((before + 50))"

# What is no port
for command in 'show port stats 7' 'clear port stats 7' 'port stop 7' 'port start 7' 'show port info 7'; do
	status=0
	# shellcheck disable=SC2086
	client $command >"$tmp/shown" 2>"$tmp/error" || status=$?
	is "exit status of $command" "$status" 1
	grep -q "^crowfly: ${command% 7}: expected the number or the role of a port (0 or wire, 2 or host, 1 or exception, all)" "$tmp/error" ||
		fail "$command: $(cat "$tmp/error")"
done
status=0
client port stop everything 2>"$tmp/error" || status=$?
is "exit status of bad usage" "$status" 2
alive engine-a || fail "the engine has ended"
! logged engine-a "not ready port" || fail "a stopped port was polled"
