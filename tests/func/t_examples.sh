#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The configuration examples: each is taken by the program's own parser; those that need no NIC are started as they stand but
# for paths and the name of the interface: laptop and memif (host a, with another engine as VPP), agent, access server.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

examples=$top/scripts/examples
# takes FILE: whether the engine does; --check says 2 to a configuration that is wrong, 0 or 1 of the machine
takes() {
	local status=0
	"$bin/crowfly-engine" --check --config "$1" >"$tmp/check.log" 2>&1 || status=$?
	[ $status -lt 2 ]
}
n=0
for f in "$examples"/engine-*.conf; do
	takes "$f" || fail "$f: $(cat "$tmp/check.log")"
	grep -q "^;" "$f" || fail "$f: no comment"
	sed 's/^wire =/wires =/' "$f" >"$tmp/wrong.conf"
	! takes "$tmp/wrong.conf" || fail "an unknown key is taken"
	n=$((n + 1))
done
at_least "examples" $n 6

network
on a ip link set wire0 name eth1
on a sysctl -qw net.ipv6.conf.eth1.disable_ipv6=1
# as_here NAME [SED-SCRIPT]: the example, its paths and addresses changed for here
as_here() {
	sed "s|^eal = .*|& --file-prefix $run-a|; s|/run/vpp/|$tmp/|; s|^socket-group.*|socket = $tmp/${1%%-*}.sock|
		s|/etc/crowfly/alice.password|$(password alice)|; s|/etc/crowfly/|$tmp/pki/|; s|/pki/ca.pem|/pki/ca.crt|
		s|/var/lib/crowfly-|$tmp/state-|; s|203.0.113.*:|127.0.0.1:|; ${2:-}" "$examples/$1.conf" >"$tmp/$1.conf"
}
as_here engine-laptop
start laptop a "$bin/crowfly-engine" --config "$tmp/engine-laptop.conf"
wait_for 15 "the laptop's engine" rpc engine port.list
# The comments' commands, and the engine answers from its host port
sed -n 's/^;   ip //p' "$examples/engine-laptop.conf" | tr ';' '\n' | sed 's/^ *ip //' | while read -r words; do
	# shellcheck disable=SC2086
	on a ip $words
done
wait_for 5 "ping to the host port" on a ping -c 1 -W 1 192.168.50.1
is "metrics" "$(on a "$here/metrics.py" scrape 127.0.0.1:9464 | jq .crowfly_engine_workers)" 1

# Agent and access server
pki
mkdir "$tmp/state-agent" "$tmp/state-access"
as_here access
as_here agent "s/^server = .*/server = 127.0.0.1:5061/; s/^listen = .*/listen = 127.0.0.1:5062/
	s|^ca = .*|&\nserver-name = access.$domain\nengine = $tmp/engine.sock|"
on a "$bin/crowfly-access" --config "$tmp/access.conf" user add "$(aor alice)" --password-file "$(password alice)"
start access a "$bin/crowfly-access" --config "$tmp/access.conf"
wait_for 10 "the access server" logged access "listening on"
start agent a "$bin/crowfly-agent" --config "$tmp/agent.conf"
logged_in() { rpc agent endpoint.list | jq -e '.endpoints[0].state == "registered"'; }
wait_for 10 "alice logged in" logged_in
stop agent
stop access
stop laptop
is "status of the laptop's engine" "$ended" 0

# memif, with another engine where VPP is
as_here engine-memif-vpp
start vpp b "$bin/crowfly-engine" --no-huge -m 512 --no-shconf --no-pci --file-prefix "$run-b" \
	"--vdev=net_memif0,role=server,id=0,socket=$tmp/crowfly.sock,socket-abstract=no" --vdev=net_null0 \
	-- --wire net_null0 --host net_memif0 --wire-address 10.77.0.3/24 --host-address 192.168.50.2/24 --idle-sleep --socket "$tmp/vpp.sock"
wait_for 15 "the stand-in for VPP" rpc vpp info
start memif a "$bin/crowfly-engine" --config "$tmp/engine-memif-vpp.conf"
wait_for 15 "the engine with memif" rpc engine info
link_up() { rpc engine port.list | jq -e '.ports[] | select(.role == "host" and .device == "net_memif0") | .link_up'; }
wait_for 10 "the link of net_memif0" link_up
stop memif
is "status of the engine with memif" "$ended" 0
