#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The metrics of engine, agent and access server while a call is up: strictly Prometheus' format, moving with the traffic, without a word of the call;
# hostile HTTP does no harm; only loopback unless asked for.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

network
pki
access_extra="metrics = $tmp/access-metrics.sock" access_server alice bob
permit alice bob
at=127.0.0.1:9464
engine a --metrics $at
engine b --metrics "$tmp/metrics.sock"
agent b bob
agent a alice -- "metrics = 127.0.0.1:9465"
# scrape HOST ADDRESS: all samples as one object
scrape() { on "$1" "$here/metrics.py" scrape "$2"; }
# value SAMPLE: in $samples
value() { jq -e --arg s "$1" '.[$s]' <<<"$samples"; }

samples=$(scrape a $at)
is "sessions before the call" "$(value crowfly_engine_sessions)" 0
before=$(value 'crowfly_engine_sent_packets_total{worker="0",side="wire"}')
call_and_talk alice bob
sleep 2
samples=$(scrape a $at)
is "sessions in the call" "$(value crowfly_engine_sessions)" 1
at_least "packets sent" "$(value 'crowfly_engine_sent_packets_total{worker="0",side="wire"}')" $((before + 50))
at_least "packets protected" "$(value 'crowfly_engine_protected_packets_total{worker="0"}')" 50
at_least "packets of the wire port" "$(value 'crowfly_engine_port_sent_packets_total{port="wire"}')" 50
at_least "batches" "$(value 'crowfly_engine_batch_packets_bucket{worker="0",le="+Inf"}')" 1
at_least "packets timed" "$(value 'crowfly_engine_stage_packets_total{worker="0",stage="parse"}')" 1
is "time is in seconds" "$(jq '.["crowfly_engine_stage_seconds_total{worker=\"0\",stage=\"parse\"}"] | . > 0 and . < 60' <<<"$samples")" true

samples=$(scrape a 127.0.0.1:9465)
is "endpoints registered" "$(value 'crowfly_agent_endpoints{state="registered"}')" 1
is "peers online" "$(value 'crowfly_agent_peers{state="online"}')" 1
is "calls" "$(value 'crowfly_agent_calls{direction="out",state="established"}')" 1
is "logins timed" "$(value crowfly_agent_login_seconds_count)" 1
is "requests timed" "$(value crowfly_agent_request_seconds_count)" 1
is "calls timed" "$(value 'crowfly_agent_setup_seconds_bucket{le="+Inf"}')" 1
agent_text=$(jq -r "keys[]" <<<"$samples")
samples=$(scrape s "$tmp/access-metrics.sock")
is "users online" "$(value crowfly_access_users_online)" 2
is "connections" "$(value 'crowfly_access_connections{digest="sha256"}')" 2
is "logins granted" "$(value 'crowfly_access_responses_total{method="REGISTER",status="200"}')" 2
is "challenges" "$(value 'crowfly_access_responses_total{method="REGISTER",status="401"}')" 2
is "answers timed" "$(value crowfly_access_answer_seconds_count)" 4
is "logins timed by the server" "$(value crowfly_access_login_seconds_count)" 2
access_text=$(jq -r "keys[]" <<<"$samples")
samples=$(scrape a $at)

# What goes nowhere is counted under its reason
drops='crowfly_engine_dropped_packets_total{worker="0",reason="not_rtp"}'
none=$(value "$drops")
for _ in 1 2 3; do on a bash -c "head -c 40 /dev/zero >/dev/udp/$(jq -r .send_to <<<"$placed" | tr : /)"; done
sleep 0.5
samples=$(scrape a $at)
wrong='crowfly_engine_dropped_packets_total{worker="0",reason="wrong_source"}'
at_least "drops" "$(($(value "$drops") - none + $(value "$wrong")))" 3
# As many reasons as the API tells
is "reasons" "$(jq '[keys[] | select(startswith("crowfly_engine_dropped"))] | length' <<<"$samples")" \
	"$(rpc engine-a stats | jq '.drops | length')"

# Nothing of the call: no key, tag, name, address or number of a stream
text=$agent_text$access_text$(jq -r "keys[]" <<<"$samples")
for word in alice bob example.org 10.77 192.168 20000 ssrc= session= tag=; do
	! grep -qiF -- "$word" <<<"$text" || fail "the metrics speak of $word"
done

is "sessions by the unix socket" "$(scrape b "$tmp/metrics.sock" | jq .crowfly_engine_sessions)" 1
is "mode of the unix socket" "$(stat -c %a "$tmp/metrics.sock")" 600
on a timeout 60 "$here/metrics.py" hostile $at >"$tmp/hostile.json"
is "sessions after the hostile clients" "$(jq .crowfly_engine_sessions "$tmp/hostile.json")" 1
rpc agent-a call.hang_up "{\"call\":$(jq .call <<<"$placed")}" >/dev/null
samples=$(scrape a 127.0.0.1:9465)
is "calls ended" "$(value 'crowfly_agent_calls_ended_total{direction="out",status="2xx"}')" 1
is "durations of calls" "$(value crowfly_agent_call_duration_seconds_count)" 1
is "the call was longer than 1 s" "$(value 'crowfly_agent_call_duration_seconds_bucket{le="1"}')" 0
is "calls left" "$(value 'crowfly_agent_calls{direction="out",state="established"}')" 0
samples=$(scrape a $at)
is "durations of sessions" "$(value crowfly_engine_session_duration_seconds_count)" 1
is "durations below 1 s" "$(value 'crowfly_engine_session_duration_seconds_bucket{le="1"}')" 0
at_least "jitters" "$(value crowfly_engine_session_jitter_seconds_count)" 1
is "sessions without loss" "$(value 'crowfly_engine_session_loss_ratio_bucket{le="0"}')" \
	"$(value crowfly_engine_session_loss_ratio_count)"
for h in a b; do
	stop app-$h
	is "lost, wrong, duplicate at $h" "$(heard app-$h 'lost + .wrong + .duplicates')" 0
done
stop engine-b
is "status" "$ended" 0
[ ! -e "$tmp/metrics.sock" ] || fail "the metrics' socket is left"

# Elsewhere than at loopback only if the option says so
null=(--no-huge -m 128 --no-shconf --no-pci --file-prefix "$run-b" --vdev=net_null0 --vdev=net_null1 --
	--wire net_null0 --host net_null1 --wire-address 10.77.0.3/24 --host-address "$engine_ip/24" --socket "$tmp/e.sock" --idle-sleep)
start refused b "$bin/crowfly-engine" "${null[@]}" --metrics 0.0.0.0:9464
finished refused
is "status with 0.0.0.0" "$ended" 1
logged refused "metrics: 0.0.0.0:9464 is not a loopback address: metrics-anywhere allows it" || fail "it does not say why"
start allowed b "$bin/crowfly-engine" "${null[@]}" --metrics 0.0.0.0:9464 --metrics-anywhere
wait_for 10 "ready" logged allowed "ready, API"
scrape b 127.0.0.1:9464 >/dev/null
stop allowed
