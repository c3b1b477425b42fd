#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The search for the highest rate as a test of correctness: an engine in a process of its own, memif ports, and each stream's
# packet must come out, after SRTP, as it went in. No figure decides anything here.
#
#   crowfly-bench --RTP--> [memif | crowfly-engine | memif] --SRTP--> crowfly-bench      and the other way round
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

bench=$bin/crowfly-bench
left() { find /tmp -maxdepth 1 -name 'crowfly-bench.*' -newer "$tmp/begin"; }
touch "$tmp/begin"

"$bench" wire --suite AEAD_AES_256_GCM,AES_CM_128_HMAC_SHA1_80 --streams 33 --direction protect,unprotect,both --seconds 0.05 \
	--loss 0.5 --json "$tmp/wire.json" >"$tmp/wire.log" 2>&1 || fail "wire"
rows=$(jq -c '[.results[] | [.suite, .direction]] | length' "$tmp/wire.json")
[ "$rows" = 6 ] || fail "$rows rows instead of 6"
jq -e 'all(.results[]; .port == "memif" and .trials > 0 and .loss <= 0.5)' "$tmp/wire.json" >/dev/null ||
	fail "a row lacks its figures"
echo "$rows kinds of packets came out as they went in, through an engine of its own"

has_child() { [ -n "$(pgrep -P "$1")" ]; }
has_ended() { ! kill -0 "$1"; }
"$bench" wire --seconds 600 >>"$tmp/wire.log" 2>&1 &
pids[wire]=$!
wait_for 20 "an engine" has_child "${pids[wire]}"
engine=$(pgrep -P "${pids[wire]}")
stop wire INT
wait_for 5 "the engine's end" has_ended "$engine"
[ -z "$(left)" ] || fail "left behind: $(left)"
echo "interrupted, it ends its engine and leaves nothing behind"

status=0
"$bench" wire --port net_none >"$tmp/refused.log" 2>&1 || status=$?
[ $status = 1 ] || fail "one port: exit status $status"
grep -q -- '--port is given twice or not at all' "$tmp/refused.log" || fail "one port: $(cat "$tmp/refused.log")"

# The mode for NICs: ports and engine are given. Here they are packet sockets on two pairs of veth
ip netns add "$run-a"
for pair in w h; do
	on a ip link add "${pair}0" type veth peer name "${pair}1"
	on a ip link set "${pair}0" up
	on a ip link set "${pair}1" up
done
start engine a "$bin/crowfly-engine" --lcores 0@0,1@1 --no-huge -m 512 --no-shconf --no-pci --vdev=net_af_packet0,iface=w0 \
	--vdev=net_af_packet1,iface=h0 -- --wire net_af_packet0 --host net_af_packet1 --wire-address 10.0.0.1/24 \
	--host-address 192.168.0.1/24 --idle-sleep --socket "$tmp/engine.sock"
wait_for 20 "the engine" test -S "$tmp/engine.sock"
on a "$bench" --lcores 0@0 --no-huge -m 512 --no-shconf --no-pci --vdev=net_af_packet0,iface=w1 --vdev=net_af_packet1,iface=h1 -- \
	wire --port net_af_packet0 --port net_af_packet1 --socket "$tmp/engine.sock" --streams 100 --seconds 0.05 --loss 0.5 \
	--json "$tmp/ports.json" >"$tmp/ports.log" 2>&1 || fail "wire --port: $(cat "$tmp/ports.log")"
jq -e '(.results | length) == 2 and all(.results[]; .port == "net_af_packet0" and .trials > 0)' "$tmp/ports.json" >/dev/null ||
	fail "wire --port: a row lacks its figures"
stop engine
[ $ended = 0 ] || fail "engine: exit status $ended"
echo "through ports and an engine that are given, too"
