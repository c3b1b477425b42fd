#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The benchmark of the packet path as a test of correctness at speed: packets of every suite go round, and each must come
# out as it went in. No figure decides anything here.
#
#   crowfly-bench --plain RTP--> [host ring port | engine's worker | wire ring port] --SRTP--+
#                 <-------------                                   <-------------------------+
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

bench=$bin/crowfly-bench
for workers in 1 2; do
	"$bench" path --suite all --streams 500 --payload 20,160,1200 --direction unprotect,both --workers $workers \
		--seconds 0.05 --repeats 1 --verify --json "$tmp/path.json" >"$tmp/path.log" || fail "path with $workers workers"
	grep -q '^verified: ' "$tmp/path.log" || fail "$workers workers: the packets were not verified"
	rows=$(jq '.results | length' "$tmp/path.json")
	[ "$rows" = 24 ] || fail "$workers workers: $rows rows instead of 24"
	jq -e 'all(.results[]; .mpps > 0 and .floor_mpps > 0 and .ratio > 0 and .ns_per_packet > 0 and (.workers == 1 or (.scaling > 0 and .floor_scaling > 0)))' "$tmp/path.json" >/dev/null ||
		fail "$workers workers: a row lacks its figures"
	echo "$workers workers: $rows kinds of packets came out as they went in"
done

bench_refused '--streams: cannot be 100000000' path --streams 100000000
bench_refused '--suite: cannot be ROT13' path --suite ROT13
bench_refused 'unknown command tango' tango
bench_refused 'usage:' path extra
echo "bad arguments are refused"
