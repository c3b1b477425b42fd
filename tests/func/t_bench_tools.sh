#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The benchmarks beside the packet path, with small workloads: they run, check themselves, and write the rows that
# bench/README.md describes. No figure decides anything here.
#
#   crowfly-bench [ring port | engine's worker | ring port]
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

bench=$bin/crowfly-bench

# rows COMMAND COUNT CONDITION: of the result, and a head that says where it comes from
rows() {
	jq -e --arg command "$1" '.schema == 1 and .command == $command and .version and .time and .cpu.model and
		(.cpu.flags | type) == "array" and .dpdk and .kernel and (.arguments | length) > 0' "$tmp/$1.json" >/dev/null ||
		fail "$1: the result lacks its head"
	[ "$(jq '.results | length' "$tmp/$1.json")" = "$2" ] || fail "$1: $(jq '.results | length' "$tmp/$1.json") rows instead of $2"
	jq -e "all(.results[]; $3)" "$tmp/$1.json" >/dev/null || fail "$1: a row is not as it should be: $(cat "$tmp/$1.json")"
}

# run COMMAND ARGUMENT...
run() {
	"$bench" "$@" --json "$tmp/$1.json" >"$tmp/$1.log" 2>&1 || fail "$1: $(tail -3 "$tmp/$1.log")"
}

run lookup --streams 100,5000 --seconds 0.05 --repeats 2
rows lookup 12 '.ns_per_lookup > 0 and .mlookups > 0 and .ns_per_miss > 0 and .ns_per_lookup_spread.min <= .ns_per_lookup_spread.max and
	(.writer or .writes_per_second == 0)'
[ "$(jq -r '[.results[].table] | unique | join(" ")' "$tmp/lookup.json")" = "cds_lfht flow rte_hash" ] || fail "lookup: tables"
echo "lookup: three tables find all their streams and no others, also while a writer changes them"

# Sanitizers have an allocator of their own, which does not say what of the heap are sessions
least=${SAN:+-1}
run memory --streams 4000,100 --suite all
rows memory 8 '.bytes_per_stream >= .split.context + .split.stream and .split.context > 0 and .split.stream > 0 and
	.split.session > '"${least:-0}"' and .totals.arenas_mapped >= .totals.arenas_used'
jq -e '[.results[].streams] == [100, 4000, 100, 4000, 100, 4000, 100, 4000]' "$tmp/memory.json" >/dev/null || fail "memory: streams"
echo "memory: a stream costs $(jq '.results[1].bytes_per_stream | round' "$tmp/memory.json") bytes among 4,000"

run setup --streams 3000 --suite AEAD_AES_256_GCM,AES_CM_128_HMAC_SHA1_32 --repeats 2
rows setup 4 '.streams == 3000 and .adds_per_second > 0 and .removes_per_second > 0 and .add_cpu_us > 0 and .remove_cpu_us > 0 and
	.flow.sent > 0 and .flow.drops == {} and .lost == .flow.sent - .flow.received and .lost == .flow.ring_full'
[ "$(jq -r '[.results[].interface] | join(" ")' "$tmp/setup.json")" = "call socket call socket" ] || fail "setup: interfaces"
echo "setup: the engine drops nothing while sessions come and go"

run latency --streams 200 --suite AES_CM_128_HMAC_SHA1_80 --payload 20 --load 30,60 --seconds 0.1 --repeats 2
rows latency 8 '.lost >= 0 and .packets >= 0 and .p50_us <= .p99_us and .p99_us <= .p999_us and .p999_us <= .max_us and
	.offered_mpps > 0 and .generator.late_p50_us >= 0 and .owned_share <= 1 and
	.owned_packets <= .packets and .owned_p50_us <= .owned_p999_us and .owned_p999_us <= .owned_max_us and .owned_max_us <= .max_us'
[ "$(jq -c '[.results[] | select(.code == "engine" and .direction == "protect") | .load]' "$tmp/latency.json")" = "[30,60]" ] ||
	fail "latency: loads"
echo "latency: the engine and the floor at two loads, both ways"

bench_refused '--streams: cannot be 0' lookup --streams 0
bench_refused '--repeats: cannot be none' lookup --repeats none
bench_refused "unrecognized option '--payload'" lookup --payload 160
bench_refused "unrecognized option '--suite=all'" lookup --suite=all
bench_refused '--suite: cannot be all,all' memory --suite all,all
bench_refused "unrecognized option '--seconds'" memory --seconds 1
bench_refused '--repeats: cannot be 0' setup --repeats 0
bench_refused '--crypto: cannot be openssl' setup --crypto openssl
bench_refused '--load: cannot be 101' latency --load 101
bench_refused "unrecognized option '--load'" setup --load 50
bench_refused 'usage:' lookup extra
echo "bad arguments, and options of other benchmarks, are refused"
