#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# 100,000 sessions are added to engine a and listed by the client in every way while a call goes through it: no packet is lost.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

network
engine a --host-address 192.168.50.11/24 --host-address 192.168.50.12/24 --host-address 192.168.50.13/24 \
	--host-address 192.168.50.14/24
engine b
session_between
talk app-a a "$app_ip:40000" "$engine_ip:30000" --ms 5
talk app-b b "$app_ip:40000" "$engine_ip:30000" --ms 5
client() { "$bin/crowfly" -s "$tmp/engine-a.sock" "$@"; }
# is_so FILTER COMMAND...: what the client answers; has: it must
is_so() { client -j "${@:2}" | jq -e "$1" >/dev/null; }
has() { is_so "$@" || fail "$*: $(client -j "${@:2}")"; }
wait_for 5 "packets flow" is_so '.rx.packets > 50 and .tx.packets > 50' show session "$id"

"$here/tables.py" "$tmp/engine-a.sock" "$bin/crowfly" 100000

# The call's streams, keys, next hops
has '.streams | length == 2 and all(.current and .packets > 50 and .lost == 0 and .worker == 0 and .auth_failed == 0)' \
	show stream "$id"
has '.keys | length == 2 and .[0].fingerprint != .[1].fingerprint and all(.packets_left > 281474976000000)' show keys "$id"
has '[.routes[] | select(.port == "wire" and .remote == "10.77.0.3" and .next_hop == "10.77.0.3" and .state == "reachable"
	and .streams > 100000 and (.mac | length == 17))] | length == 1' show route
has '(.streams | length == 2) and (.keys | length == 2) and .state == "active"' show session "$id" detail
! client show session "$id" detail | grep -q -e "$key1" -e "$key2" || fail "a key is shown"
for h in a b; do
	stop app-$h
	at_least "packets received at $h" "$(heard app-$h received)" 500
	is "wrong, duplicate, foreign at $h" "$(heard app-$h 'wrong + .duplicates + .streams')" 1
	is "lost at $h" "$(heard app-$h lost)" 0
done

# One that is drained goes once it is silent
client session drain "$id" idle 1
wait_for 8 "the drained session has gone" is_so '.sessions == 100000' show session count
alive engine-a || fail "the engine has ended"
