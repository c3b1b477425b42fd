#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A stock SIP phone takes part (C0): Debian's baresip, in namespace b, calls an agent's endpoint by way of the access
# server's redirect and is called by it. The access server is killed as soon as it has redirected.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

network
plain_host b
engine a
pki
# Passwords as a phone's configuration can hold them
for user in phone carol; do (umask 077 && echo "secret$RANDOM$RANDOM" >"$tmp/$user.password"); done
access_extra="listen-md5 = $(at_port "${address[s]}" 5071)
log-level = debug"
access_server alice bob carol
access_command user add --md5 "$(aor phone)" --password-file "$(password phone)"
for user in alice bob; do permit phone $user; done
start dns s "$here/phone.py" dns "${address[s]}" "$domain" "${address[s]}" 5071
wait_for 10 "the name server listens" logged dns listening

# texts of their own for both directions; what a codec has seen once it will not change again
say() {
	voice "$tmp/raw.wav" "$2"
	ffmpeg -nostdin -loglevel error -y -i "$tmp/raw.wav" -f mulaw "$tmp/$1.ulaw"
	to_wav "$tmp/$1.ulaw" "$tmp/$1.wav"
}
say phone "This is a stock telephone. It has asked the way, and now it speaks to a crow, and nobody stands between
	the two of them. It speaks much longer than she does, so that each of them can hang up on the other while there is
	still something to say: that the words arrive as they were spoken, that they are many, and that nobody else hears."
say alice "This is Alice, behind the engine. I hear you well, and no server hears us."

# phone NAME SIP-PORT ACCOUNT...: starts baresip. An ACCOUNT is USER PASSWORD-FILE
phone() {
	local name=$1 d=$tmp/$1 port=$2
	shift 2
	mkdir -p "$d"
	touch "$d/contacts"
	cat >"$d/config" <<-END
		sip_listen ${address[b]}:$port
		dns_server ${address[s]}:53
		audio_source aufile,$tmp/phone.wav
		audio_player aubridge,nobody
		audio_alert aubridge,nobody
		ausrc_srate 8000
		auplay_srate 8000
		snd_path $d
		rtp_ports 20000-20100
		jitter_buffer_delay 0-0
		cons_listen 127.0.0.1:$((port + 100))
		module_path /usr/lib/baresip/modules
		$(printf 'module %s.so\n' g711 srtp aufile aubridge sndfile cons)
		module_app account.so
		module_app menu.so
		${phone_extra:-}
	END
	while [ $# -gt 0 ]; do
		echo "<sip:$1@$domain;transport=tls>;auth_pass=$(cat "$2");mediaenc=srtp-mand;audio_codecs=PCMU;regint=600;answermode=auto"
		shift 2
	done >"$d/accounts"
	start "$name" b baresip -4 -f "$d"
}
# press KEYS: at the phone
press() { on b socat -u STDIN UDP:127.0.0.1:5160 <<<"$1"; }
# said N TEXT: the phone has said it so many times
said() { [ "$(grep -ac -- "$2" "$tmp/phone.log")" -ge "$1" ]; }

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=phone" \
	-keyout "$tmp/phone.key" -out "$tmp/phone.crt" 2>/dev/null
cat "$tmp/phone.key" "$tmp/phone.crt" >"$tmp/phone.pem"

# Who is not let in: without a certificate; with a wrong password; with MD5 in an account that has not opted in
phone bare 5070 phone "$(password phone)"
phone_extra="sip_certificate $tmp/phone.pem"
phone impostor 5080 phone "$(password carol)" carol "$(password carol)"
wait_for 10 "no certificate: refused" logged bare "403 Client Certificate Required"
wait_for 10 "wrong password: refused" logged impostor "phone@$domain.*401 Unauthorized"
wait_for 10 "no opt-in: refused" logged impostor "carol@$domain.*401 Unauthorized"
is "somebody is registered" "$(access_command status)" "0 registered"
stop bare
stop impostor

# The phone registers, then alice's agent, which finds it in its table: its notification is not understood, but answered
phone phone 5060 phone "$(password phone)"
wait_for 10 "the phone is registered" said 1 "200 OK.*1 binding"
agent a alice -- "host-ports = 30000-30001" "application-ports = 30000-30001" "port-rest = 0" "log-level = debug"
wait_for 10 "the phone is confirmed" confirmed alice 1

app=$app_ip:30000 engine=$engine_ip:30000
established() { rpc agent-a call.list | jq -e '.calls[] | select(.state == "established")'; }
# talked NAME SUITE: alice speaks to the end
talked() {
	wait_for 10 "$1: alice has the call" established
	is "$1: suite" "$(established | jq -r .suite)" "$2"
	is "$1: sessions" "$(sessions a)" 1
	speak "$1-alice" a "$tmp/alice.wav" $app $engine
	finished "$1-alice" 15
}
# over NAME LOST: nothing is left of the call; 3 s and more of the phone's text came through in one piece, and all of
# alice's; of what the phone sent no more than LOST packets were lost
over() {
	local from_phone from_alice dumps=("$tmp"/phone/dump-*-dec.wav)
	wait_for 3 "$1: no session left" sessions_are a 0
	is "$1: calls" "$(rpc agent-a call.list | jq '.calls | length')" 0
	finished "$1-app" 5
	ffmpeg -nostdin -loglevel error -y -i "${dumps[-1]}" -f mulaw "$tmp/$1-phone.ulaw"
	from_phone=$("$here/phone.py" heard "$tmp/phone.ulaw" "$tmp/$1-app.ulaw")
	from_alice=$("$here/phone.py" heard "$tmp/alice.ulaw" "$tmp/$1-phone.ulaw")
	echo "$1: phone -> alice $from_phone, alice -> phone $from_alice, $(tail -n 1 "$tmp/$1-app.log")"
	at_least "$1: of the phone's text" "$(jq .same <<<"$from_phone")" 24000
	at_least "$1: of alice's text" "$(jq .same <<<"$from_alice")" "$(jq .spoken <<<"$from_alice")"
	is "$1: twice" "$(heard "$1-app" duplicates)" 0
	at_least "$1: lost, less than allowed" "$(($2 - $(heard "$1-app" lost)))" 0
}

capture link n port-s
capture wire n port-b udp port not 53
capture plain a host0 udp

# The phone calls, and hangs up
record first-app a $app $engine
press "/dial sip:alice@$domain"
wait_for 10 "redirected" logged access "phone@$domain -> sip:alice@$domain: redirected"
stop access KILL
talked first AES_CM_128_HMAC_SHA1_80
press "/hangup"
wait_for 10 "the phone has hung up" said 1 "terminated"
over first 0

# It is called, held, resumed, and hung up on
from_phone() { rpc engine-a session.list | jq '.sessions[0].rx.packets'; }
record second-app a $app $engine
is "alice -> phone" "$(place alice phone | jq -r .state)" established
talked second AEAD_AES_128_GCM
call=$(established | jq -r .call)
crowfly a hold "$call" >/dev/null
sleep 0.2
held=$(from_phone)
sleep 0.5
is "packets from the phone on hold" "$(($(from_phone) - held))" 0
crowfly a resume "$call" >/dev/null
resumed() { [ "$(from_phone)" -gt $((held + 10)) ]; }
wait_for 3 "the phone speaks again" resumed
crowfly a hang-up "$call" >/dev/null
wait_for 10 "the phone knows" said 2 "terminated"
# what was under way when hold took effect is lost
over second 5

stop plain
stop wire
stop link
found=$(pcap search "$tmp/plain.pcap" $app $engine --wire "$tmp/wire.pcap")
echo "on the wire: $found"
is "plain payload on the wire" "$(jq .found <<<"$found")" 0
at_least "in the plain capture" "$(jq .control <<<"$found")" 4000
is "packets of the calls on the access server's link" "$(packets link --between "${address[a]}" "${address[b]}")" 0
is "media there, for a stock decoder" "$(tshark -r "$tmp/link.pcap" -Y "udp && !dns && !icmpv6" 2>"$tmp/tshark.log" | wc -l)" 0

# Who may not, and who is not there
mv "$tmp/access.log" "$tmp/access-1.log"
access_start
press "/dial sip:carol@$domain"
wait_for 10 "not permitted" said 1 "403 Not Permitted"
press "/dial sip:nobody@$domain"
wait_for 10 "unknown: the same answer" said 2 "403 Not Permitted"
press "/dial sip:bob@$domain"
wait_for 10 "offline" said 1 "480 Offline"
is "a call at the agent" "$(rpc agent-a call.list | jq '.calls | length')" 0
stop phone
wait_for 10 "logged out" logged access "phone@$domain: logged out"

for text in eyJ "$(cat "$tmp/phone.password")"; do
	! grep -q "$text" "$tmp"/access*.log "$tmp/agent-a.log" || fail "a secret in a log"
done
