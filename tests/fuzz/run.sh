#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Runs every fuzz target for so many seconds: run.sh BUILD SECONDS. What it finds stays in BUILD/corpus/TARGET; the
# input of a crash is BUILD/TARGET-crash-*.
set -euo pipefail

build=$1 seconds=$2
here=$(dirname "$0")
for source in "$here"/*.c; do
	target=$(basename "$source" .c)
	mkdir -p "$build/corpus/$target"
	if ! "$build/$target" -max_total_time="$seconds" -artifact_prefix="$build/$target-" -print_final_stats=1 \
		"$build/corpus/$target" "$here/corpus/$target" >"$build/$target.log" 2>&1; then
		tail -40 "$build/$target.log"
		echo "fuzz: $target: FAILED, $build/$target.log"
		exit 1
	fi
	echo "ok   fuzz $target ($(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$target.log") inputs)"
done
