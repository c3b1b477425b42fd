#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# An independent SRTP implementation on the wire: ffmpeg in namespace b (no engine there) sends SRTP to engine a and
# receives SRTP from it, with keys given to both. What comes out must be the speech that went in, byte for byte.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

network
plain_host b
engine a
voice "$tmp/speech.wav" "One two three four five six seven eight nine ten, and here it ends."
ffmpeg -nostdin -loglevel error -i "$tmp/speech.wav" -af asetnsamples=160 -f mulaw "$tmp/speech.ulaw"

# add PORT SUITE KEY: a session between wire port PORT of a and PORT of b, host ports PORT too
add() {
	rpc engine-a session.add "{\"wire\":{\"local\":\"10.77.0.2:$1\",\"remote\":\"10.77.0.3:$1\"},
		\"host\":{\"local\":\"$engine_ip:$1\",\"remote\":\"$app_ip:$1\"},\"suite\":\"$2\",
		\"tx_key\":\"$3\",\"rx_key\":\"$3\"}" | jq .id
}

port=20000
for suite in AES_CM_128_HMAC_SHA1_80 AES_CM_128_HMAC_SHA1_32; do
	key=$(head -c 30 /dev/urandom | base64)
	in_id=$(add $port $suite "$key")
	out_id=$(add $((port + 2)) $suite "$key")

	# ffmpeg -> engine -> application
	record "app-$suite" a "$app_ip:$port" "$engine_ip:$port"
	# engine -> ffmpeg, which reads keys from a session description
	cat >"$tmp/$suite.sdp" <<-END
		v=0
		o=- 0 0 IN IP4 10.77.0.2
		s=-
		c=IN IP4 10.77.0.3
		t=0 0
		m=audio $((port + 2)) RTP/SAVP 0
		a=rtpmap:0 PCMU/8000
		a=crypto:1 $suite inline:$key
	END
	start "peer-$suite" b ffmpeg -nostdin -loglevel error -protocol_whitelist file,udp,rtp,srtp,crypto \
		-i "$tmp/$suite.sdp" -c copy -flush_packets 1 -f mulaw "$tmp/peer-$suite.ulaw"
	sleep 1.5
	start "sender-$suite" b ffmpeg -nostdin -loglevel error -i "$tmp/speech.wav" -af asetnsamples=160,arealtime \
		-c:a pcm_mulaw -f rtp -rtpflags skip_rtcp -srtp_out_suite $suite -srtp_out_params "$key" \
		"srtp://10.77.0.2:$port?localrtpport=$port&localrtcpport=$((port + 1))&pkt_size=186"
	speak "voice-$suite" a "$tmp/speech.wav" "$app_ip:$((port + 2))" "$engine_ip:$((port + 2))"
	ids[port]="$in_id $out_id $suite"
	port=$((port + 10))
done

for port in "${!ids[@]}"; do
	read -r in_id out_id suite <<<"${ids[port]}"
	finished "sender-$suite"
	finished "voice-$suite"
	finished "app-$suite"
	# Asked politely, it would wait ten seconds for more
	stop "peer-$suite" KILL
	cmp "$tmp/speech.ulaw" "$tmp/app-$suite.ulaw" || fail "$suite: ffmpeg to application: not the speech"
	echo "ok: $suite, ffmpeg to the engine: $(stat -c %s "$tmp/speech.ulaw") bytes the same"
	# ffmpeg needs some packets to begin; from there on it must have all
	size=$(stat -c %s "$tmp/peer-$suite.ulaw")
	at_least "$suite: bytes heard by ffmpeg" "$size" $(($(stat -c %s "$tmp/speech.ulaw") * 8 / 10))
	cmp "$tmp/peer-$suite.ulaw" <(tail -c "$size" "$tmp/speech.ulaw") ||
		fail "$suite: application to ffmpeg: not the speech"
	echo "ok: $suite, the engine to ffmpeg: $size bytes the same"
	for id in $in_id $out_id; do
		r=$(rpc engine-a session.remove "{\"id\":$id}")
		is "$suite: authentication failures" "$(jq '.rx.auth_failed + .tx.auth_failed' <<<"$r")" 0
	done
done
