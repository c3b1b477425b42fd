# SPDX-License-Identifier: BSD-3-Clause
# Completion of crowfly's commands in bash: asks the program itself, so that it fits its version.
# To be installed as share/bash-completion/completions/crowfly.
_crowfly() {
	local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words=() i
	COMPREPLY=()
	case $before in
	-s | --socket | -f | --file) return ;; # a file: bash's own completion
	esac
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-s | --socket | -f | --file) i=$((i + 1)) ;;
		-*) ;;
		*) words+=("${COMP_WORDS[i]}") ;;
		esac
	done
	if [[ $current == -* && ${#words[@]} -eq 0 ]]; then
		mapfile -t COMPREPLY < <(compgen -W '-s -j -f -k -h -V --socket --json --file --keep-going --help --version' -- "$current")
		return
	fi
	mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" --complete "${words[*]} $current" 2>/dev/null)
	# A folder goes on
	if [ ${#COMPREPLY[@]} -gt 0 ] && [[ ${COMPREPLY[0]} == */ ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -o default -F _crowfly crowfly
