#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Forwarding modes and the generator, with two real engines and with one alone.
#
#   +----------------------------+                    +----------------------------+
#   | engine a (mode gen)        |                    | engine b (echo, sink, io)  |
#   |  net_ring0 <- host   wire0-|------- veth -------|-wire0  host -> net_ring0  |
#   |  (loop)      10.0.0.1      |    net_af_packet   |   10.0.0.2      (loop)    |
#   +----------------------------+                    +----------------------------+
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/lib.sh"

# ring_engine NAME WIRE ADDRESS VDEV...: its host port leads back to itself
ring_engine() {
	local name=$1 wire=$2 own=$3 device vdevs=()
	shift 3
	for device; do vdevs+=("--vdev=$device"); done
	start "engine-$name" "$name" "$bin/crowfly-engine" --lcores "0@(0-$(($(nproc) - 1))),1@(0-$(($(nproc) - 1)))" \
		--no-huge -m 256 --no-shconf --no-pci --file-prefix "$run-$name" "${vdevs[@]}" --vdev=net_ring0 \
		-- --wire "$wire" --host net_ring0 --wire-address "$own" --host-address 192.168.50.1/24 \
		--idle-sleep --socket "$tmp/engine-$name.sock"
	wait_for 20 "engine of $name ready" rpc "engine-$name" info
}

# at NAME COMMAND...: the client at an engine; prints JSON
at() { "$bin/crowfly" -s "$tmp/engine-$1.sock" -j "${@:2}"; }
# refused NAME STATUS TEXT COMMAND...: the command fails, and says so
refused() {
	local name=$1 status=$2 text=$3 got=0
	shift 3
	"$bin/crowfly" -s "$tmp/engine-$name.sock" "$@" >"$tmp/out.log" 2>"$tmp/err.log" || got=$?
	is "exit status of $*" "$got" "$status"
	grep -q -- "$text" "$tmp/err.log" || fail "$*: $(cat "$tmp/err.log"), expected: $text"
}
# mode NAME MODE: stop, set, start
mode() {
	at "$1" stop >"$tmp/stopped-$1.json"
	at "$1" set fwd "$2" >/dev/null
	at "$1" start >/dev/null
}
gen() { at a show gen | jq -r ".$1"; }
gen_at_least() { [ "$(gen "$1")" -ge "$2" ]; }
# counts_at NAME FIELD MINIMUM: of the forwarding statistics
counts_at() { [ "$(at "$1" show fwd stats all | jq "$2")" -ge "$3" ]; }
sum_at_least() { [ "$(session_sum "$1" "$2")" -ge "$3" ]; }
session_sum() { at "$1" show session all | jq "[.sessions[].$2] | add"; }
# settled: the generator's counts stand still, which stop saw to
settled() {
	local before
	before=$(gen received_packets)
	sleep 0.2
	[ "$(gen received_packets)" = "$before" ]
}

ip netns add "$run-a"
ip netns add "$run-b"
ip -n "$run-a" link add wire0 type veth peer name wire0 netns "$run-b"
for n in a b; do
	on $n sysctl -qw net.ipv6.conf.wire0.disable_ipv6=1
	ip -n "$run-$n" link set wire0 up
done
ring_engine b net_af_packet0 10.0.0.2/24 net_af_packet0,iface=wire0
ring_engine a net_af_packet0 10.0.0.1/24 net_af_packet0,iface=wire0

# ---- what is refused, with the reason
refused a 1 "packet forwarding already started" start
refused a 2 "direct, echo, sink, io, gen" set fwd nonsense
refused a 2 "1 to 32" set burst 33
refused a 2 "1 to 32" set burst 0
refused a 1 "not set" set gen rate 100
refused a 1 "not set" clear gen
refused a 1 "expected an integer from 1 to" set gen sessions 4000000000 remote 10.0.0.2:20000
refused a 1 "local: the same as remote" set gen sessions 1 remote 10.0.0.1:20000 local 10.0.0.1:20000
refused a 1 "not on the network of the wire port" set gen sessions 1 remote 192.0.2.1:20000
refused a 1 "not an address of the wire port" set gen sessions 1 remote 10.0.0.2:20000 local 10.0.0.7:20000
refused a 1 "no address of this IP version" set gen sessions 1 remote "[2001:db8::1]:20000"
refused a 1 "remote: expected an address and a port" set gen sessions 1 remote 10.0.0.2
refused a 2 "AES_CM_128_HMAC_SHA1_80" set gen sessions 1 remote 10.0.0.2:20000 suite none
refused a 1 "payload: expected an integer from 1 to" set gen sessions 1 remote 10.0.0.2:20000 payload 1900
printf 'open to others\n' >"$tmp/secret"
chmod 644 "$tmp/secret"
refused a 1 "others may read it" set gen sessions 1 remote 10.0.0.2:20000 key "$tmp/secret"
refused a 1 "No such file" set gen sessions 1 remote 10.0.0.2:20000 key "$tmp/none"
at a set fwd gen | jq -e '.next.mode == "gen" and .mode == "direct" and .forwarding' >/dev/null
at a stop | jq -e '.forwarding | not' >/dev/null
refused a 1 "packet forwarding not started" stop
refused a 1 "set gen first" start
is "a session of a secret that was refused" "$(rpc engine-a stats | jq .sessions)" 0

# ---- gen -> echo -> gen, with a secret of their own: nothing lost, all authenticated
chmod 600 "$tmp/secret"
at b set gen sessions 50 remote 10.0.0.1:20000 key "$tmp/secret" >/dev/null
at a set gen sessions 50 remote 10.0.0.2:20000 rate 20 payload 200 key "$tmp/secret" >/dev/null
refused a 1 "clear gen first" set gen sessions 1 remote 10.0.0.2:30000
mode b echo
at a start >/dev/null
wait_for 20 "2,000 packets echoed" gen_at_least received_packets 2000
# stop and start while packets flow: indices go on, nobody is silent
at a stop >"$tmp/stopped.json"
wait_for 5 "nothing flows" settled
jq -e '.mode == "gen" and .total.tx_packets >= 2000 and .workers[0].generated_packets >= 2000' "$tmp/stopped.json" >/dev/null
at a start >/dev/null
wait_for 20 "1,000 more packets" gen_at_least received_packets 1000
is "packets lost" "$(gen lost_packets)" 0
is "packets out of order" "$(gen out_of_order_packets)" 0
is "packets that did not authenticate" "$(gen auth_failed_packets)" 0
is "packets replayed" "$(gen replayed_packets)" 0
is "packets dropped here" "$(gen dropped_packets)" 0
is "packets that failed at b" "$(session_sum b rx.auth_failed)" 0
is "packets lost on the way to b" "$(session_sum b rx.lost)" 0
is "packets dropped at b" "$(session_sum b tx.dropped)" 0
# the far end stops and starts: what it does not take in time is lost, what comes then is heard
at b stop >/dev/null
before=$(gen received_packets)
sleep 0.5
at b start >/dev/null
wait_for 20 "1,000 packets after b started again" gen_at_least received_packets $((before + 1000))
is "packets that did not authenticate" "$(gen auth_failed_packets)" 0
at b show fwd stats all | jq -e '.mode == "echo" and .forwarding and .ports[0].rx_packets > 0 and
	.ports[0].tx_packets > 0 and .total.cycles_per_packet > 0' >/dev/null

# ---- set anew at one end alone: another synchronization source, and b hears it
at a clear gen >/dev/null
at a set gen sessions 50 remote 10.0.0.2:20000 rate 20 key "$tmp/secret" >/dev/null
wait_for 20 "1,000 packets of a second generator" gen_at_least received_packets 1000
is "packets that did not authenticate" "$(gen auth_failed_packets)" 0

# ---- gen -> sink: nothing comes back
mode b sink
at b clear fwd stats all >/dev/null
wait_for 10 "what b echoed is here" settled
at a clear fwd stats all >/dev/null
wait_for 20 "1,000 packets at the sink" counts_at b .total.sunk_packets 1000
is "packets back from a sink" "$(gen received_packets)" 0
is "packets that failed at b" "$(session_sum b rx.auth_failed)" 0

# ---- another secret at one end: nothing authenticates, and it is said so
at a stop >/dev/null
at a clear gen >/dev/null
at a set gen sessions 5 remote 10.0.0.2:20000 rate 20 >/dev/null
at a start >/dev/null
wait_for 20 "failures at b" sum_at_least b rx.auth_failed 100

# ---- io: b's host port leads back, so what a sends comes back as it was, to the wrong address
at a stop >/dev/null
mode b io
at b clear fwd stats all >/dev/null
at a start >/dev/null
wait_for 20 "500 packets through b" counts_at b ".ports[0].tx_packets" 500
at b show fwd stats all | jq -e '.ports[1].tx_packets >= 500 and .total.dropped_packets == 0' >/dev/null

# ---- settings are saved as commands
at b set burst 7 >/dev/null
is "settings, each once" "$(rpc engine-b settings | jq -c .commands)" '["set fwd io","set burst 7"]'

# ---- no secret anywhere
if grep -r --text "open to others" "$tmp"/*.log "$tmp"/*.json >/dev/null; then fail "the secret is in an output"; fi
rpc engine-a gen.show | grep -q "open to others" && fail "the secret is in an answer"

# ---- against itself: the wire leads back
stop engine-a
stop engine-b
is "exit status of b" "$ended" 0
ring_engine a net_ring1 10.0.0.1/24 net_ring1
at a set gen sessions 2000 remote 10.0.0.1:20000 rate 1 >/dev/null
at a stop >/dev/null
at a set fwd gen >/dev/null
at a start >/dev/null
wait_for 20 "5,000 packets of its own" gen_at_least received_packets 5000
is "packets lost" "$(gen lost_packets)" 0
is "packets that did not authenticate" "$(gen auth_failed_packets)" 0
is "sessions of both ends" "$(rpc engine-a stats | jq .sessions)" 4000
at a clear gen >/dev/null
is "sessions when they are cleared" "$(rpc engine-a stats | jq .sessions)" 0
"$bin/crowfly" -s "$tmp/engine-a.sock" stop >"$tmp/table.txt"
for line in "Forward statistics for port 0 " "RX-packets: [0-9]* *RX-dropped: 0 *RX-total: [0-9]*" \
	"Accumulated forward statistics for all ports" "TX-packets: [0-9]* *TX-dropped: 0 *TX-total: [0-9]*" \
	"CPU cycles/packet=[0-9.]* (total cycles=[0-9]* / total RX packets=[0-9]*" "^Done\."; do
	grep -q -- "$line" "$tmp/table.txt" || fail "stop does not print: $line"
done
stop engine-a
is "exit status of a" "$ended" 0
last_line="PASS: forwarding modes and the generator"
