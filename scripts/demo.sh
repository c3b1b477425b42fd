#!/usr/bin/env bash
# make demo: two hosts log in, notify each other, call and talk as SRTP through the engines, and the access server is
# killed meanwhile. The topology is drawn in tests/func/lib.sh. Prints what it measures; last line `demo: PASS` or
# `demo: FAIL: why`.
if [ "$(id -u)" -ne 0 ]; then
	echo "demo: needs root, to make network namespaces: sudo make demo"
	exit 1
fi
# shellcheck source-path=SCRIPTDIR source=../tests/func/lib.sh
. "$(dirname "$0")/../tests/func/lib.sh"
last_line="demo: FAIL: interrupted"
fail() {
	last_line="demo: FAIL: $*"
	exit 1
}
trap 'last_line="demo: FAIL: line $LINENO: $BASH_COMMAND"' ERR

out=$bin/demo
rm -rf "$out"
mkdir -p "$out"
began=$(now_ms)
step() { printf '\n%s\n' "$*"; }
say() { printf '   %s\n' "$*"; }

# What each says; at least 10 s of speech
declare -A text=(
	[alice]="Good morning Bob, this is Alice on host A. I am talking straight to you, as the crow flies. No server carries
		my voice, and nobody between us can listen. Can you hear every single word of what I am saying to you now?"
	[bob]="Good morning Alice, this is Bob on host B. Yes, I hear you well, every word of it. My own words travel back to
		you the same direct way, encrypted by my engine, and decrypted by nobody else but yours on the other side."
	[carol]="Hello Dave, Carol here. One two three four five six seven eight nine ten. The second call runs beside the
		first one, over the same two engines, with keys of its own. Eleven, twelve, thirteen, fourteen, fifteen."
	[dave]="Hello Carol, Dave speaking. The quick brown fox jumps over the lazy dog, and then it jumps back again, over and
		over, until somebody hangs up the phone. Sixteen, seventeen, eighteen, nineteen, twenty, twenty one."
)

# dial ID FROM TO: calls, and sends and records speech at both ends
declare -a calls=()
declare -A info=()
dial() {
	local id=$1 from=$2 to=$3 h o placed taken
	h=${home[$from]}
	o=${home[$to]}
	placed=$(crowfly "$h" call "$(aor "$from")" "$(aor "$to")") || fail "call $from -> $to: $placed"
	is "state of the call $from -> $to" "$(jq -r .state <<<"$placed")" established
	wait_for 3 "$to has the call" call_at "$o" "$from" "$to"
	taken=$(call_at "$o" "$from" "$to")
	say "$from -> $to: request answered in $(jq -r .request_ms <<<"$placed") ms, media ready in" \
		"$(jq -r .setup_ms <<<"$placed") ms, $(jq -r .suite <<<"$placed")"
	calls+=("$id")
	info[$id]="$h $from $(jq -r '.receive_at + " " + .send_to + " " + .call' <<<"$placed")"
	info[$id]+=" $o $to $(jq -r '.receive_at + " " + .send_to' <<<"$taken")"
}

# media ID [SHORT]: starts the recorders and the speakers of a call
media() {
	local h from at_h to_h o to at_o to_o
	read -r h from at_h to_h _ o to at_o to_o <<<"${info[$1]}"
	record "rec-$1-$from" "$h" "$at_h" "$to_h"
	record "rec-$1-$to" "$o" "$at_o" "$to_o"
	speak "voice-$1-$from" "$h" "$tmp/$from$2.wav" "$at_h" "$to_h"
	speak "voice-$1-$to" "$o" "$tmp/$to$2.wav" "$at_o" "$to_o"
}

recorded=0
# media_end ID: waits until both have spoken and what they heard is a WAV file
media_end() {
	local h from o to who
	read -r h from _ _ _ o to _ _ <<<"${info[$1]}"
	for who in "$from" "$to"; do finished "voice-$1-$who" 30; done
	for who in "$from" "$to"; do
		finished "rec-$1-$who"
		to_wav "$tmp/rec-$1-$who.ulaw" "$out/$1-heard-by-$who.wav"
		is "packets that $who missed of what came out" "$(heard "rec-$1-$who" lost)" 0
		recorded=$((recorded + $(heard "rec-$1-$who" received)))
	done
}

# judge ID SECONDS: both directions of a call, by the captures on the application's side
judge() {
	local h from at_h to_h o to at_o to_o
	read -r h from at_h to_h _ o to at_o to_o <<<"${info[$1]}"
	judge_one "$from -> $to" "$h" "$to_h" "$o" "$at_o" "$2"
	judge_one "$to -> $from" "$o" "$to_o" "$h" "$at_h" "$2"
}

sent=0
judge_one() {
	local what=$1 r
	r=$(pcap same "$tmp/host-$2.pcap" "$3" "$tmp/host-$4.pcap" "$5" --after "$killed_at")
	say "$what: $(jq -r '"\(.sent) packets sent, \(.received) received, \(.lost) lost, \(.duplicates) twice; " +
		"\(.bytes) payload bytes, \(.different) packets differ; \(.seconds) s, \(.after) after the kill"' <<<"$r")"
	sent=$((sent + $(jq .sent <<<"$r")))
	is "$what: lost" "$(jq .lost <<<"$r")" 0
	is "$what: duplicates, foreign or different packets" "$(jq '.duplicates + .foreign + .different' <<<"$r")" 0
	at_least "$what: packets" "$(jq .received <<<"$r")" $(($6 * 45))
	at_least "$what: packets after the kill" "$(jq .after <<<"$r")" 50
}

step "1. Three namespaces on a bridge: access server ${address[s]}, host A ${address[a]}, host B ${address[b]}"
network
pki
for who in "${!text[@]}"; do
	voice "$tmp/$who.wav" "${text[$who]}"
	ffmpeg -nostdin -loglevel error -i "$tmp/$who.wav" -t 4 "$tmp/$who-short.wav"
done
access_server alice bob carol dave
permit alice bob
permit alice dave
permit carol bob
permit carol dave
engine a
engine b
for h in a b; do
	capture host-$h $h host0 udp
	capture wire-$h n port-$h
done
capture link s eth0
say "crowfly-access has the users alice, carol (host A), bob, dave (host B); each of A may talk to each of B"
say "two crowfly-engines: wire port net_af_xdp, exception port and host port net_tap"

step "2. Logging in: REGISTER over TLS, the 200 OK brings profile and routing table"
# listed USER CONDITION TEXT: its peers, each with a text about it
listed() { peers_of "$1" | jq -r "[sort_by(.aor)[] | select($2) | (.aor | ltrimstr(\"sip:\")) + ($3)] | join(\", \")"; }
table() {
	local who=$1
	say "$who: $(endpoint "$who" | jq -r '"\(.state) in \(.login_ms) ms"'); profile and routes: $(listed "$who" true '
		" \(.status)" + (if (.contact // "") == "" then "" else " at \(.contact)" end)')"
}
agent a alice carol
table alice
table carol
is "peers online before host B has logged in" "$(peers_of alice | jq '[.[] | select(.status == "online")] | length')" 0
agent b bob dave
table bob
table dave
is "peers online for bob" "$(peers_of bob | jq '[.[] | select(.status == "online")] | length')" 2

step "3. Notified directly by PUBLISH, agent to agent"
for who in alice carol; do
	wait_for 5 "$who notified" online "$who" 2
	say "$who was notified by: $(listed "$who" '.status == "online" and .confirmed' '" at \(.contact)"')"
done
for who in bob dave; do
	wait_for 5 "$who's notifications answered" confirmed "$who" 2
	say "$who notified, and got 200 from: $(listed "$who" .confirmed '""')"
done

step "4. Three calls, agent to agent"
dial 1 alice bob
dial 2 carol dave
dial 3 bob carol
is "sessions in engine A" "$(sessions a)" 3
is "sessions in engine B" "$(sessions b)" 3

step "5. Speech both ways in all three: espeak-ng, ffmpeg, plain RTP into the engines; SRTP between them"
for id in 1 2 3; do media $id ""; done
sleep 5
killed_at=$(date +%s.%N)
stop access KILL
say "5 s into the calls crowfly-access is killed with -9"
for id in 1 2 3; do media_end $id; done
say "spoken to the end; recorded in $out"

step "6. Without the access server: one hangs up, and two who know each other begin a new call"
read -r h _ _ _ call _ <<<"${info[3]}"
crowfly "$h" hang-up "$call" >/dev/null || fail "hang-up"
for h in a b; do
	wait_for 3 "the call's session gone from engine $h" sessions_are $h 2
done
say "bob has hung up: 2 sessions left in either engine"
dial 4 dave alice
media 4 -short
media_end 4
for h in a b; do stop "agent-$h"; done
for h in a b; do
	wait_for 3 "all sessions gone from engine $h" sessions_are $h 0
done
say "agents stopped: no session left in either engine"
for name in host-a host-b wire-a wire-b link; do stop $name; done

step "7. What the captures say"
for id in 1 2 3; do judge $id 10; done
judge 4 4
is "packets recorded as WAV" "$recorded" "$sent"
plain=()
for id in "${calls[@]}"; do
	read -r _ _ at_h to_h _ _ _ _ _ <<<"${info[$id]}"
	plain+=("$to_h" "$at_h")
done
for h in a b; do
	r=$(pcap search "$tmp/host-a.pcap" "${plain[@]}" --wire "$tmp/wire-$h.pcap")
	say "wire of host ${h^}:" "$(jq -r '"\(.frames) frames searched for \(.pieces) pieces of plain payload: \(.found) found"' \
		<<<"$r")" \
		"(in the plain capture: $(jq .control <<<"$r"))"
	is "plain payload on the wire of $h" "$(jq .found <<<"$r")" 0
	at_least "pieces of plain payload" "$(jq .pieces <<<"$r")" 1000
	is "pieces found by the control search" "$(jq .control <<<"$r")" "$(jq .pieces <<<"$r")"
done
wire=$(packets wire-a --between "${address[a]}" "${address[b]}" --udp)
say "wire of host A: $wire UDP packets between the hosts, which is one SRTP packet for each RTP packet sent"
is "UDP packets on the wire" "$wire" "$sent"
r=$(pcap count "$tmp/link.pcap" --between "${address[a]}" "${address[b]}")
say "access server's link: $(jq .packets <<<"$r") packets of the sessions, signalling or media" \
	"($(jq .all <<<"$r") packets in all)"
is "packets of the sessions on the access server's link" "$(jq .packets <<<"$r")" 0
at_least "packets on the access server's link" "$(jq .all <<<"$r")" 20

step "Recorded: $(cd "$out" && echo *.wav) in $out ($((($(now_ms) - began) / 1000)) s)"
last_line="demo: PASS"
