#!/usr/bin/env bash
# Runs the tests and closes with "N passed, N failed".   tests/run.sh [unit|func] [NAME...]
# Unit tests are the Criterion programs below $BUILD/tests/unit, functional tests the scripts tests/func/t_*.sh:
# one that exits 0 has passed. There is no skipping: a test that cannot run fails and says what it needs.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export BUILD=${BUILD:-build}
kind=${1:-all}
shift || true
passed=0
failed=0
failures=()

# One functional test's log is shown only if it fails
logs=$BUILD/tests/logs
mkdir -p "$logs"

run_unit() {
	local program name out counts
	for name in tests/unit/*.c; do
		name=$(basename "$name" .c)
		program=$BUILD/tests/unit/$name
		[ $# -eq 0 ] || [[ " $* " == *" $name "* ]] || continue
		out=$logs/unit-$name.log
		timeout 300 "$program" -j2 --always-succeed >"$out" 2>&1
		local status=$?
		# [====] Synthesis: Tested: 9 | Passing: 9 | Failing: 0 | Crashing: 0
		counts=$(sed -n 's/.*Synthesis: Tested: .*Passing: *\([0-9][0-9]*\).*Failing: *\([0-9][0-9]*\).*Crashing: *\([0-9][0-9]*\).*/\1 \2 \3/p' \
			<(sed 's/\x1b\[[0-9;]*m//g' "$out") | tail -1)
		if [ -z "$counts" ] || [ $status -ne 0 ]; then
			counts="0 1 0"
		fi
		# What a sanitizer finds at the end of a test comes too late for Criterion's counts
		if grep -qE 'SUMMARY: [A-Za-z]+Sanitizer|runtime error: ' "$out"; then
			counts="0 1 0"
		fi
		# shellcheck disable=SC2086
		set_counts $counts "$name" "$out"
	done
}

# set_counts PASSING FAILING CRASHING NAME LOG
set_counts() {
	local bad=$(($2 + $3))
	passed=$((passed + $1))
	failed=$((failed + bad))
	if [ $bad -gt 0 ] || [ "$1" -eq 0 ]; then
		[ $bad -gt 0 ] || failed=$((failed + 1))
		failures+=("unit $4")
		echo "FAIL unit $4 ($1 passed, $bad failed)"
		tail -n 40 "$5" | sed 's/^/     /'
	else
		echo "ok   unit $4 ($1)"
	fi
}

run_func() {
	local script name out start
	if [ "$(id -u)" -ne 0 ]; then
		echo "tests: the functional tests make network namespaces: run as root" >&2
		failed=$((failed + 1))
		return
	fi
	for script in tests/func/t_*.sh; do
		[ -f "$script" ] || continue
		name=$(basename "$script" .sh)
		[ $# -eq 0 ] || [[ " $* " == *" $name "* ]] || continue
		out=$logs/func-$name.log
		start=$SECONDS
		if timeout -k 10 300 "$script" >"$out" 2>&1; then
			passed=$((passed + 1))
			echo "ok   func $name ($((SECONDS - start)) s)"
		else
			failed=$((failed + 1))
			failures+=("func $name")
			echo "FAIL func $name ($((SECONDS - start)) s)"
			tail -n 40 "$out" | sed 's/^/     /'
		fi
	done
}

case $kind in
unit) run_unit "$@" ;;
func) run_func "$@" ;;
all) run_unit && run_func ;;
*)
	echo "usage: tests/run.sh [unit|func] [NAME...]" >&2
	exit 2
	;;
esac

for f in "${failures[@]}"; do echo "failed: $f (log: $logs/${f/ /-}.log)"; done
[ $((passed + failed)) -gt 0 ] || { echo "tests: none ran" >&2; exit 1; }
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
