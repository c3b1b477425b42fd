#!/usr/bin/env bash
# The checks that need no build: format, include directions, shell scripts.
set -euo pipefail
cd "$(dirname "$0")/.."

files=$(find engine control pktio crypto bench tests -name '*.[ch]' | sort)
# shellcheck disable=SC2086
clang-format --dry-run -Werror $files
scripts/includes.sh
find scripts tests bench .ci -type f \( -name '*.sh' -o -name '*.bash' -o -path .ci/run \) -print0 | sort -z | xargs -0 shellcheck -x
echo "lint: format, includes and scripts are clean"
