#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A real Prometheus scrapes engine, agent and access server during a call: all targets are up and its answers are right. promtool
# likes metrics, alert rules and the example of its configuration; whatever dashboard and rules name is there, and every
# expression of theirs can be evaluated.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

rules=$top/scripts/prometheus/rules.yml
dashboard=$top/scripts/grafana/crowfly.json
api=http://127.0.0.1:9090

# ---- the rules and the example
promtool check rules "$rules" >"$tmp/rules.log" 2>&1
promtool test rules "$top/scripts/prometheus/rules-test.yml" >"$tmp/rules-test.log" 2>&1
is "alerts with a test" "$(sed -n 's/.* alert: //p' "$rules" | sort)" \
	"$(sed -n 's/.*alertname: //p' "$top/scripts/prometheus/rules-test.yml" | sort -u)"
sed 's/ < 0.1$/ < 0.01/' "$rules" >"$tmp/rules.yml"
cp "$top/scripts/prometheus/rules-test.yml" "$tmp"
! promtool test rules "$tmp/rules-test.yml" >/dev/null 2>&1 || fail "the rules' test does not see a wrong threshold"
sed 's/ for: .*/ for: 2s/; s/\[[0-9]*m\]/[5s]/' "$rules" >"$tmp/crowfly-rules.yml"
cp "$top/scripts/prometheus/prometheus.yml" "$tmp/example.yml"
promtool check config "$tmp/example.yml" >"$tmp/example.log" 2>&1

# ---- the three programs and Prometheus
network
pki
at=("127.0.0.1:9464" "127.0.0.1:9465" "${address[s]}:9466")
access_extra="metrics = ${at[2]}
metrics-anywhere = yes" access_server alice bob
permit alice bob
engine a --metrics "${at[0]}"
engine b
agent b bob
agent a alice -- "metrics = ${at[1]}"
sed "s/127.0.0.1:9466/${at[2]}/; s/\(_interval:\) .*/\1 1s/" "$tmp/example.yml" >"$tmp/prometheus.yml"
start prometheus a prometheus --config.file="$tmp/prometheus.yml" --storage.tsdb.path="$tmp/tsdb" \
	--web.listen-address=127.0.0.1:9090 --log.level=warn

ask() { on a promtool query instant $api "$1"; }
# value EXPRESSION: of its first sample
value() { ask "$1" | sed -n '1s/.*=> \([^ ]*\) @.*/\1/p'; }
value_is() { [ "$(value "$1")" = "$2" ]; }

wait_for 30 "all targets up" value_is 'count(up{job=~"crowfly-.*"} == 1)' 3
call_and_talk alice bob
wait_for 20 "the call in the engine" value_is crowfly_engine_sessions 1
wait_for 20 "the call at the agent" value_is 'crowfly_agent_calls{direction="out",state="established"}' 1
wait_for 20 "users online" value_is crowfly_access_users_online 2
wait_for 20 "packets" value_is 'sum(rate(crowfly_engine_protected_packets_total[5s])) > bool 20' 1
wait_for 20 "setup times" value_is 'histogram_quantile(0.5, crowfly_agent_setup_seconds_bucket) < bool 10' 1
is "targets" "$(ask 'up == 1' | sed 's/.*instance="\([^"]*\)".*/\1/' | sort | xargs)" "$(printf '%s\n' "${at[@]}" | sort | xargs)"

# ---- promtool on each program's text
for i in 0 1 2; do
	on a "$here/metrics.py" text "${at[i]}" >"$tmp/$i.metrics"
	promtool check metrics <"$tmp/$i.metrics" >"$tmp/check-$i.log" 2>&1 || fail "promtool check metrics: $(cat "$tmp/check-$i.log")"
done

# ---- dashboard and rules against what there is
# Metrics that Prometheus has by the programs (without `up`, which is its own)
on a promtool query labels $api __name__ | sort -u >"$tmp/there"
grep -oE 'crowfly_(engine|agent|access)_[a-z_]+' "$rules" "$dashboard" | cut -d: -f2 | sort -u >"$tmp/named"
at_least "metrics named" "$(wc -l <"$tmp/named")" 30
is "named, but not there" "$(comm -23 "$tmp/named" "$tmp/there" | xargs)" ""
# Drop reasons, too
grep -ohE 'reason(=|!~)"[a-z_|]+"' "$rules" | grep -oE '"[^"]+"' | tr -d '"' | tr '|' '\n' | sort -u >"$tmp/reasons"
is "reasons named, but not there" \
	"$(comm -23 "$tmp/reasons" <(on a promtool query labels $api reason | sort -u) | xargs)" ""

# shellcheck disable=SC2016
jq -r '.panels[].targets[]?.expr' "$dashboard" | sed 's/\$__rate_interval/5s/g; s/\$instance/.*/g' >"$tmp/expressions"
at_least "expressions" "$(wc -l <"$tmp/expressions")" 40
while read -r expression; do
	ask "$expression" >"$tmp/answer" 2>&1 || fail "$expression: $(cat "$tmp/answer")"
	# What is left out below is of things that do not happen here
	[ -s "$tmp/answer" ] || [[ $expression == *"> 0" ]] || fail "nothing for $expression"
done <"$tmp/expressions"
is "units and titles" "$(jq '[.panels[] | select(.type != "row") | select(.title == "" or .fieldConfig.defaults.unit == null)] | length' "$dashboard")" 0

# ---- the rules in Prometheus, their times made short: no alert while all is well, one when the engine has gone
firing() { ask 'ALERTS{alertstate="firing"}' | sed 's/.*alertname="\([^"]*\)".*job="\([^"]*\)".*/\1 \2/' | xargs; }
silence() { [ -z "$(firing)" ]; }
is_firing() { [[ " $(firing) " == *" $1 "* ]]; }
wait_for 20 "no alert" silence
stop engine-a
wait_for 20 "an alert that the engine is down" is_firing "CrowflyDown crowfly-engine"
stop prometheus
is "Prometheus' status" "$ended" 0
