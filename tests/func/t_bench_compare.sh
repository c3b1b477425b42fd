#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The comparison of two results of the benchmarks: what became slower beyond the noise is found, and nothing else is.
#
#   old.json, new.json --> bench-compare --> what became better and worse; exit status 1 if something is worse
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

compare=$top/scripts/bench-compare.py

# result COMMAND ROW...: rows as the programs write them
result() {
	local command=$1
	shift
	printf '%s\n' "$@" | jq -s --arg command "$command" \
		'{schema: 1, command: $command, cpu: {model: "made up", flags: [], cores: 2, ipsec_mb: "AVX2"}, results: .}'
}
# row STREAMS RATIO MIN MAX [MORE]: of path
row() {
	local workload='suite: "AEAD_AES_128_GCM", direction: "protect", payload: 160, workers: 1'
	jq -n "{streams: $1, $workload, mpps: 5.0, ratio: $2, ratio_spread: {min: $3, median: $2, max: $4}} + {${5:-}}"
}

# expect STATUS TEXT... : of comparing old.json with new.json; each text is an extended regular expression
expect() {
	local wanted=$1 status=0 text
	shift
	"$compare" "$tmp/old.json" "$tmp/new.json" >"$tmp/compare.log" 2>&1 || status=$?
	[ $status = "$wanted" ] || fail "exit status $status instead of $wanted: $(cat "$tmp/compare.log")"
	for text; do
		grep -qE -- "$text" "$tmp/compare.log" || fail "no '$text' in: $(cat "$tmp/compare.log")"
	done
	echo "$*"
}

result path "$(row 1 0.50 0.49 0.51)" "$(row 1000 0.40 0.39 0.41)" >"$tmp/old.json"
cp "$tmp/old.json" "$tmp/new.json"
expect 0 '^2 figures compared: 0 became worse, 0 better$'

# Lower, and the repeats of both apart; the other row is higher
result path "$(row 1 0.45 0.44 0.46)" "$(row 1000 0.44 0.43 0.45)" >"$tmp/new.json"
expect 1 '^worse .*streams=1 .*ratio 0.5 -> 0.45 \(-10.0 %\)$' '^better .*streams=1000 .*\(\+10.0 %\)$' '1 became worse, 1 better'

# As much lower, but one repeat was as good as the worst before
result path "$(row 1 0.45 0.30 0.495)" "$(row 1000 0.40 0.39 0.41)" >"$tmp/new.json"
expect 0 '0 became worse, 0 better'

# Apart, but by less than 3 %
result path "$(row 1 0.489 0.488 0.4895)" "$(row 1000 0.40 0.39 0.41)" >"$tmp/new.json"
expect 0 '0 became worse, 0 better'

# The machine was slower and the ratio was not: nothing became worse
result path "$(row 1 0.50 0.49 0.51 'mpps: 2.5')" "$(row 1000 0.40 0.39 0.41 'mpps: 2.0')" >"$tmp/new.json"
expect 0 '0 became worse'

# Another workload is another row
result path "$(row 1 0.50 0.49 0.51)" "$(row 1000 0.20 0.19 0.21 'payload: 20')" >"$tmp/new.json"
expect 0 '^gone .*payload=160' '^new .*payload=20' '^1 figures compared'

# What is not ours decides nothing
result floor "$(row 400 0.10 0.09 0.11 'code: "libsrtp2"')" >"$tmp/old.json"
result floor "$(row 400 0.05 0.04 0.06 'code: "libsrtp2"')" >"$tmp/new.json"
expect 0 '^others .*code=libsrtp2' '0 became worse'

# Where less is better, and no spread is there
result latency '{"streams": 1000, "p99_us": 10.0, "lost": 0}' >"$tmp/old.json"
result latency '{"streams": 1000, "p99_us": 10.9, "lost": 0}' >"$tmp/new.json"
expect 0 '^2 figures compared: 0 became worse, 0 better$'
result latency '{"streams": 1000, "p99_us": 12.0, "lost": 0}' >"$tmp/new.json"
expect 1 '^worse .*p99_us 10 -> 12'
result latency '{"streams": 1000, "p99_us": 5.0, "lost": 3}' >"$tmp/new.json"
expect 1 '^better .*p99_us 10 -> 5' '^worse .*lost 0 -> 3'

# Folders; what cannot be compared
mkdir "$tmp/before" "$tmp/after"
cp "$tmp/old.json" "$tmp/before/latency.json"
cp "$tmp/new.json" "$tmp/after/latency.json"
cp "$tmp/old.json" "$tmp/after/path.json"
status=0
"$compare" "$tmp/before" "$tmp/after" >"$tmp/compare.log" || status=$?
[ $status = 1 ] || fail "folders: exit status $status"
grep -q '^note: path.json is in .*/after only$' "$tmp/compare.log" || fail "$(cat "$tmp/compare.log")"
grep -q '^2 figures compared: 1 became worse' "$tmp/compare.log" || fail "$(cat "$tmp/compare.log")"
echo '{"schema": 2}' >"$tmp/new.json"
expect 2 'not a result of crowfly-bench'
result memory '{"streams": 1000, "bytes_per_stream": 1400}' >"$tmp/new.json"
expect 2 'nothing to compare'

# What the benchmark itself writes
"$bin/crowfly-bench" floor --suite all --streams 100 --direction protect,unprotect,both --seconds 0.02 --repeats 2 \
	--json "$tmp/old.json" >"$tmp/floor.log" || fail "floor"
cp "$tmp/old.json" "$tmp/new.json"
expect 0 '^36 figures compared: 0 became worse, 0 better$'
