#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The standard set of benchmarks, in less than ten minutes: make bench. Its results and plots go to bench/results/NAME.
#   bench/run.sh [NAME] [BENCHMARK...]    NAME: default is the CPU's; BENCHMARK: only these, such as path peers
#   SECONDS_EACH=1                        of measuring, for each row
set -euo pipefail
cd "$(dirname "$0")/.."
bench=${BUILD:-build}/crowfly-bench
each=${SECONDS_EACH:-1}
begin=$SECONDS

# Of the CPU and of what ipsec-mb makes of it, not of the host: amd-epyc-avx2-2-cores
name_of() {
	jq -r '.cpu | "\(.model) \(.ipsec_mb) \(.cores) cores"' "$1" | tr '[:upper:]' '[:lower:]' |
		sed -E 's/\((r|tm)\)//g; s/-core processor|processor|cpu @.*ghz/ /g; s/[^a-z0-9]+/-/g; s/^-|-$//g'
}

out=$(mktemp -d "${BUILD:-build}/results.XXXXXX")
trap 'rm -rf "$out"' EXIT
name=${1:-}
[ $# -eq 0 ] || shift
only=" $* "
failed=()

# measure FILE COMMAND ARGUMENT...: one that fails does not stop the others
measure() {
	local file=$1
	shift
	[ "$only" = "  " ] || [[ $only == *" $1 "* ]] || return 0
	echo
	echo "== crowfly-bench $*"
	"$bench" "$@" --json "$out/$file.json" || failed+=("$file")
}

streams=1,100,1000,10000,100000,200000
measure floor floor --streams 1,1000,100000 --seconds "$each"
measure path path --suite all --streams $streams --direction protect,unprotect --seconds "$each"
measure path-payloads path --streams 1000,200000 --payload 20,1200 --direction protect,unprotect --seconds "$each"
measure path-both path --streams 1000,200000 --direction both --suite AEAD_AES_128_GCM,AES_CM_128_HMAC_SHA1_80 --seconds "$each"
[ "$(nproc)" -lt 2 ] ||
	measure path-2-workers path --workers 2 --streams 1000,200000 --direction protect,unprotect \
		--suite AEAD_AES_128_GCM,AES_CM_128_HMAC_SHA1_80 --seconds "$each"
measure lookup lookup --seconds 0.3
measure memory memory
measure setup setup
measure latency latency --seconds 1
measure wire wire --streams 1000,20000 --seconds 0.5
[ "$(id -u)" -ne 0 ] || measure peers peers

shopt -s nullglob
files=("$out"/*.json)
[ ${#files[@]} -gt 0 ] || { echo "run.sh: nothing of '$*' was measured" >&2; exit 2; }
folder=bench/results/${name:-$(name_of "${files[0]}")}
mkdir -p "$folder"
mv "${files[@]}" "$folder"
echo
echo "Results and plots after $(((SECONDS - begin) / 60)) min $(((SECONDS - begin) % 60)) s, in $folder:"
ls "$folder"/*.json
if command -v gnuplot >/dev/null; then
	scripts/bench-plot.py "$folder" || true
else
	echo "no plots: gnuplot is not installed (scripts/install-deps.sh --bench)"
fi
[ ${#failed[@]} -eq 0 ] || { echo "failed: ${failed[*]}" >&2; exit 1; }
