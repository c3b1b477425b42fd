#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What is made from the table of commands and the programs' options: README.md's reference is up to date, the manual pages
# name every command and option and have no mistake in them, bash completes.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

"$top/scripts/manual.py" "$bin" readme --check
echo "ok: README.md's reference"

make -s -C "$top" BUILD="$bin" SAN= man
for page in crowfly.1 crowfly-engine.8 crowfly-agent.8 crowfly-access.8 crowfly-host-setup.8 crowfly-bench.1; do
	said=$(MANWIDTH=200 LC_ALL=C.UTF-8 man --warnings -l "$bin/man/$page" 2>&1 >"$tmp/$page.txt")
	[ -z "$said" ] || fail "$page: $said"
	! grep -n '@' "$tmp/$page.txt" | grep -v 'example\.org' || fail "$page: not filled in"
done
"$bin/crowfly" -j help | jq -r '.commands[].command' | while read -r command; do
	grep -qF -- "       $command" "$tmp/crowfly.1.txt" || fail "crowfly.1 does not tell of $command"
done
grep -q -- "       bind DEVICE" "$tmp/crowfly-host-setup.8.txt" || fail "crowfly-host-setup.8 does not tell of its commands"
for program in crowfly.1 crowfly-engine.8 crowfly-agent.8 crowfly-access.8; do
	"$bin/${program%.*}" --help | grep -oE -- '--[a-z][a-z-]+' | while read -r option; do
		grep -q -- "$option" "$tmp/$program.txt" || fail "$program does not tell of $option"
	done
done
echo "ok: the manual pages"

# completes EXPECTED WORD...: what bash offers for the last word, as a sorted list
completes() {
	local expected=$1 offered
	shift
	offered=$(PATH=$bin:$PATH bash --norc -c 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _crowfly; printf "%s\n" "${COMPREPLY[@]}"' \
		"$top/scripts/completion/crowfly.bash" "$@" | sort | paste -sd ' ')
	is "$*" "$offered" "$expected"
}
completes "help" crowfly he
completes "session" crowfly -s /none -j show ses
completes "decline" crowfly de
completes "all" crowfly hang-up ""
completes "busy" crowfly decline c7 ""
completes "" crowfly nonsense ""
completes "" crowfly show info ""
completes "--socket" crowfly --so
touch "$tmp/commands"
completes "$tmp/commands" crowfly load "$tmp/comm"
echo "ok: completion in bash"
