#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The plots of the benchmarks: what gnuplot is told to draw, and that a folder without anything to draw is an error. In the
# place of gnuplot stands a script that keeps what it is told.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

mkdir "$tmp/bin" "$tmp/results"
printf '#!/bin/sh\ncat >>"%s"\n' "$tmp/told" >"$tmp/bin/gnuplot"
chmod +x "$tmp/bin/gnuplot"
export PATH=$tmp/bin:$PATH
plot() { "$top/scripts/bench-plot.py" "$tmp/results" >"$tmp/plot.log" 2>&1; }

! plot || fail "an empty folder is drawn"
grep -q 'nothing to draw' "$tmp/plot.log" || fail "$(cat "$tmp/plot.log")"

"$bin/crowfly-bench" path --streams 8,64 --direction protect,unprotect --seconds 0.02 --repeats 1 \
	--json "$tmp/results/path.json" >"$tmp/path.log" || fail "path"
jq -n '[{code: "crowfly", mpps_per_cpu: 4.5}, {code: "rtpengine", mpps_per_cpu: 0.125}]
	| {schema: 1, command: "peers", results: map(. + {streams: 400, payload: 160, suite: "AEAD_AES_128_GCM"})}' \
	>"$tmp/results/peers.json"
plot || fail "$(cat "$tmp/plot.log")"
for name in path-mpps path-ratio path-stages peers; do
	grep -q "^set output \".*/$name.svg\"$" "$tmp/told" || fail "$name.svg is not drawn"
done
for mpps in $(jq '.results[].mpps' "$tmp/results/path.json"); do
	grep -qE "^(8|64) ${mpps//./\\.} " "$tmp/told" || fail "no point for $mpps Mpps"
done
grep -q '^"rtpengine" 0.125$' "$tmp/told" || fail "no bar for rtpengine"
grep -q '^"protect 64" ' "$tmp/told" || fail "no bar of stages"
echo "every figure of the results is in its plot"

echo '{' >"$tmp/results/broken.json"
! plot || fail "a broken result is drawn"
grep -q 'broken.json: not a result of crowfly-bench' "$tmp/plot.log" || fail "$(cat "$tmp/plot.log")"
