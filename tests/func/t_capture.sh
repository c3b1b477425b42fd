#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Captures of a call by engine a, read by tshark: SRTP on the wire side, plain RTP only where the engine was started so; limits,
# bad requests, a full disk, the end of the engine in the middle.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

network
# A disk of 16 KiB that engine a alone sees: ip netns exec gives it mounts of its own
mkdir "$tmp/small"
mount -t tmpfs -o size=16k tmpfs "$tmp/small"
engine a
umount "$tmp/small"
engine b --allow-decrypted-capture
session_between
talk app-a a "$app_ip:40000" "$engine_ip:30000" --ms 5
talk app-b b "$app_ip:40000" "$engine_ip:30000" --ms 5
client() { "$bin/crowfly" -s "$tmp/engine-$1.sock" "${@:2}"; }
state_is() { [ "$(client "$1" -j show capture | jq -r .state)" = "$2" ]; }
field() { client "$1" -j show capture | jq -r ".$2"; }
# frames FILE [FILTER]: how many tshark finds; the whole file must be good
frames() {
	tshark -r "$1" -Y "${2:-frame}" -T fields -e frame.number 2>"$tmp/tshark.err" | wc -l
	! grep -qiE 'cut short|malformed|damaged|error' "$tmp/tshark.err" || fail "$1: $(cat "$tmp/tshark.err")"
}
# refused HOST TEXT COMMAND...: exit status 1, and it is said why
refused() {
	local status=0
	client "$1" "${@:3}" >"$tmp/out" 2>"$tmp/err" || status=$?
	is "exit status of ${*:3}" "$status" 1
	grep -q -- "$2" "$tmp/err" || fail "${*:3}: $(cat "$tmp/err")"
}
payloads() { tshark -r "$1" -Y "$2" -T fields -e udp.payload 2>/dev/null; }

# A number of packets of the session, on the wire side: both directions, not in the clear
client a capture start session "$id" file "$tmp/wire.pcapng" count 200 >/dev/null
wait_for 10 "200 packets captured" state_is a ended
is "why it ended" "$(field a reason)" "count reached"
is "packets" "$(field a packets)" 200
is "frames in the file" "$(frames "$tmp/wire.pcapng")" 200
is "mode of the file" "$(stat -c %a "$tmp/wire.pcapng")" 600
at_least "received" "$(frames "$tmp/wire.pcapng" 'frame.packet_flags_direction == 1 && ip.src == 10.77.0.3 && udp.dstport == 20000')" 30
at_least "sent" "$(frames "$tmp/wire.pcapng" 'frame.packet_flags_direction == 2 && ip.src == 10.77.0.2 && udp.dstport == 20000')" 30
is "on other interfaces" "$(frames "$tmp/wire.pcapng" '!(frame.interface_name == "wire")')" 0
is "of another length than SRTP" "$(frames "$tmp/wire.pcapng" '!(udp.length == 196)')" 0
capinfos -c "$tmp/wire.pcapng" >/dev/null || fail "capinfos cannot read it"

# The same call with its plain side, at the engine that allows it: the wire's payloads are not those
client b capture start session 1 file "$tmp/both.pcapng" decrypted seconds 1 snaplen 100 >/dev/null
logged engine-b 'decrypted media in it' || fail "a decrypted capture is not logged"
wait_for 10 "its second is over" state_is b ended
is "why it ended" "$(field b reason)" "seconds are over"
plain='frame.interface_name == "host"'
at_least "plain packets" "$(frames "$tmp/both.pcapng" "$plain && udp.length == 180")" 100
at_least "plain, sent to the application" "$(frames "$tmp/both.pcapng" "$plain && frame.packet_flags_direction == 2")" 30
at_least "on the wire" "$(frames "$tmp/both.pcapng" 'frame.interface_name == "wire" && udp.length == 196')" 100
is "cut to 100 bytes" "$(frames "$tmp/both.pcapng" 'frame.cap_len != 100')" 0
# 46 bytes of RTP payload in hexadecimal of each packet, those of the plain side looked for in the wire's
payloads "$tmp/both.pcapng" "$plain" | cut -c 25- | sort -u >"$tmp/plain"
at_least "different plain payloads" "$(wc -l <"$tmp/plain")" 100
payloads "$tmp/both.pcapng" 'frame.interface_name == "wire"' | cut -c 25- >"$tmp/sealed"
is "plain payloads on the wire" "$(grep -cFf "$tmp/plain" "$tmp/sealed" || true)" 0

# A port: ARP and what else there is; ended by command
client a capture start port wire file "$tmp/port.pcapng" >/dev/null
on n ping -c 1 -W 1 -I bridge 10.77.0.2 >/dev/null 2>&1 || true
refused a 'a capture is under way' capture start port wire file "$tmp/second.pcapng"
sleep 0.5
client a -j capture stop >"$tmp/stopped"
is "state" "$(jq -r .state "$tmp/stopped")" ended
is "frames in the file" "$(frames "$tmp/port.pcapng")" "$(jq .packets "$tmp/stopped")"
is "not taken" "$(jq .dropped "$tmp/stopped")" 0
refused a 'no capture is under way' capture stop

# What is not done
refused a 'allow-decrypted-capture' capture start port host file "$tmp/x"
refused a 'allow-decrypted-capture' capture start port all file "$tmp/x"
refused a 'allow-decrypted-capture' capture start session "$id" file "$tmp/x" decrypted
refused a 'no session 4711' capture start session 4711 file "$tmp/x"
refused a 'expected an absolute path' capture start session "$id" file x.pcapng
refused a 'File exists' capture start session "$id" file "$tmp/wire.pcapng"
ln -s "$tmp/elsewhere" "$tmp/link"
refused a 'File exists' capture start session "$id" file "$tmp/link"
refused a 'No such file or directory' capture start session "$id" file "$tmp/none/x"
for file in x elsewhere; do [ ! -e "$tmp/$file" ] || fail "$file was made"; done

# A full disk: told, and what is there is whole
client a capture start port wire file "$tmp/small/full.pcapng" >/dev/null
wait_for 20 "the disk is full" state_is a ended
cp "/proc/${pids[engine-a]}/root$tmp/small/full.pcapng" "$tmp/full.pcapng"
[[ $(field a reason) == *"No space left on device"* ]] || fail "reason: $(field a reason)"
at_least "frames on the full disk" "$(frames "$tmp/full.pcapng")" 10
is "as told" "$(frames "$tmp/full.pcapng")" "$(field a packets)"
# The next one has no room to begin, and leaves no file
refused a 'No space left on device' capture start port wire file "$tmp/small/next.pcapng"
[ ! -e "/proc/${pids[engine-a]}/root$tmp/small/next.pcapng" ] || fail "an empty file is left"

# The session goes, and the engine ends, in the middle: the files are whole
client a capture start session "$id" file "$tmp/removed.pcapng" >/dev/null
sleep 0.3
client a session remove "$id" >/dev/null
wait_for 5 "ended with the session" state_is a ended
is "why it ended" "$(field a reason)" "the session was removed"
at_least "frames" "$(frames "$tmp/removed.pcapng")" 10
client b capture start port all file "$tmp/end.pcapng" >/dev/null
sleep 0.3
stop engine-b
is "the engine's exit status" "$ended" 0
at_least "frames of the engine that ended" "$(frames "$tmp/end.pcapng")" 10
alive engine-a || fail "the engine has ended"
